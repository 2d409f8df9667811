"""What must hold: lines idle after calls, nobody in silence, records whole, stored is stored."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from appliance.calls import orders
from appliance.calls.events import Evidence
from appliance.calls.model import LineState as SeatState
from appliance.calls.orders import CallRecord, Result
from appliance.calls.states import State
from appliance.dsp.wav import Law
from appliance.modem.table import LineStage
from appliance.simulator.exchange.line import SubscriberLineState
from appliance.simulator.exchange.modem_protocol import ModemState
from tests.soak import office
from tests.soak.mix import MESSAGES, SPEECH, Speaks

if TYPE_CHECKING:
    from tests.soak.caller import Caller
    from tests.soak.world import World

STUCK_S = 75.0
"""A line that is well and has no caller is idle so soon: the last step of the ladder waits 30 s."""
CALL_S = 120.0
"""No call of the mix lasts longer when nothing is wrong."""
SILENCE_S = 3.0
"""No caller hears nothing for longer, but where the box listens or waits for its disk."""
TROUBLED_S = 45.0
"""How much longer a call may last in which something is broken."""
LISTENS = {
    State.RECORDING: office.OFFICE.voicemail.limit_ms / 1000,
    State.STORING: office.OFFICE.voicemail.store_ms / 1000,
}
TALKERS = (Speaks.TALKS, Speaks.STAYS)
WELL = (Result.ANSWERED, Result.MESSAGE, Result.NO_MESSAGE, Result.GAVE_UP)


@dataclass
class LineWatch:
    """One line: the caller of the moment, since when it should be idle, since when it is well."""

    caller: Caller | None = None
    latest: Caller | None = None
    since: float = 0.0
    idle_at: float = 100.0
    well_at: float = 100.0
    disturbed: bool = False


@dataclass
class Watch:
    """Looks at everything after every step; a breach ends the soak with its sentence."""

    world: World
    lines: dict[str, LineWatch] = field(default_factory=dict)
    kinds: Counter[str] = field(default_factory=Counter)
    results: Counter[str] = field(default_factory=Counter)
    faults: Counter[str] = field(default_factory=Counter)
    done: int = 0
    calls: dict[str, Caller | None] = field(default_factory=dict)
    longest_silence: float = 0.0
    _told: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.lines = {name: LineWatch() for name in office.CALLER_ID}

    # --- what happens ------------------------------------------------------------------------

    def begins(self, line: str, caller: Caller) -> None:
        """Somebody calls."""
        watched = self.lines[line]
        watched.caller, watched.since = caller, self.world.now
        caller.disturbed = watched.disturbed or not self.is_idle(line)
        if watched.latest is not None and caller.disturbed:
            watched.latest.disturbed = True  # the box may take the two for one
        watched.latest = caller
        self.kinds[caller.script.kind] += 1

    def disturb(self, fault: str, line: str = "", silence_s: float = 0.0) -> None:
        """Something is broken, on one line or everywhere: calls of now may end as they can."""
        self.faults[fault] += 1
        self.world.trace(f"FAULT {fault} {line}")
        for name, watched in self.lines.items():
            if line in ("", name):
                watched.disturbed = True
                if watched.latest is not None:
                    watched.latest.disturbed = True
                    watched.latest.bears_s = max(watched.latest.bears_s, silence_s)

    def played(self, order: orders.Play) -> None:
        """A caller who is told "stored" has it stored."""
        call = order.play.rpartition(".")[0]
        if any(name.endswith("/message_stored") for name in order.prompts):
            self._told.add(call)
            if f"m-{call}" not in self.world.store.messages:
                self.world.fail(f"{call} was told that its message is stored; it is not")

    def recorded(self, record: CallRecord) -> None:
        """A record is written: it belongs to who is calling; a final one must be whole."""
        caller = self.calls.get(record.call)
        if caller is None:
            caller = self.calls[record.call] = self.lines[record.line].caller
        if record.ended_at is None:
            return
        lacks = self.whole(record)
        if caller is not None and not caller.disturbed and not lacks:
            lacks = self.unexpected(record, caller)
        if lacks:
            self.world.fail(f"the record of {record.call} {lacks}: {record}")
        self.results[record.result] += 1

    def forget(self, call: str) -> None:
        """Forget a call that is long over."""
        self.calls.pop(call, None)
        self._told.discard(call)

    # --- what must hold at every moment ------------------------------------------------------

    def look(self) -> None:
        """Look at every line."""
        for name, watched in self.lines.items():
            self._caller(name, watched)
            self._line(name, watched)
        if self.world.store.faulty:
            self.world.fail(self.world.store.faulty[0])

    def _caller(self, name: str, watched: LineWatch) -> None:
        caller = watched.caller
        if caller is None:
            return
        line = self.world.outlets[name].station.line
        if caller.report.ended_by or caller.done:
            self._over(name, watched, caller)
            return
        if line.state is SubscriberLineState.TALKING:
            self._silence(name, caller)
            self._operator(name, caller)
        elif line.state is SubscriberLineState.ON_HOLD:
            caller.silent_s = 0.0  # what is heard there is the PBX's affair
        if self.world.now - watched.since > CALL_S + (TROUBLED_S if caller.disturbed else 0):
            self.world.fail(f"{name}: call {caller.script.number} never ends")

    def _silence(self, name: str, caller: Caller) -> None:
        state = self._state_of(name)
        listened, caller.listened = caller.listened, state in LISTENS
        if listened and not caller.listened:
            caller.silent_s = 0.0  # the box's turn to speak begins now
        limit = SILENCE_S + (LISTENS.get(state, 0.0) if state else 0.0)
        if caller.disturbed:  # one silence may follow the other
            limit = caller.bears_s + sum(LISTENS.values())
        if not (caller.disturbed or caller.listened):
            self.longest_silence = max(self.longest_silence, caller.silent_s)
        if caller.silent_s > limit:
            self.world.fail(
                f"{name}: the caller of call {caller.script.number} has been hearing nothing for "
                f"{caller.silent_s:.1f} s ({state})"
            )

    def _operator(self, name: str, caller: Caller) -> None:
        """Who talks with a caller that speaks hears it."""
        control = self.world.control
        if caller.disturbed or caller.script.speaks not in TALKERS or control is None:
            return
        board = control.switchboard._board
        call = board.calls.get(board.channels[name].call)
        leg = self.world.phones.legs.get(call.leg) if call is not None else None
        if call is None or leg is None or call.state is not State.TALKING or leg.holds:
            return
        if self.world.now - leg.heard_at > SILENCE_S:
            self.world.fail(f"{name}: {leg.phone} hears nothing of call {caller.script.number}")

    def _over(self, name: str, watched: LineWatch, caller: Caller) -> None:
        watched.caller = None
        self.done += 1
        self.world.trace(f"{name} over {caller.script.number} by {caller.report.ended_by}")

    def _line(self, name: str, watched: LineWatch) -> None:
        now = self.world.now
        if not self.is_well(name):
            watched.well_at = now
        if watched.caller is not None or self.is_idle(name):
            watched.idle_at = now
            if watched.caller is None and now - watched.well_at > 1.0:
                watched.disturbed = self.world.is_troubled
        elif now - max(watched.idle_at, watched.well_at) > STUCK_S:
            self.world.fail(f"{name} is stuck: {self.describe(name)}")

    # --- what is known -----------------------------------------------------------------------

    def is_well(self, name: str) -> bool:
        """True while nothing is done to a line."""
        outlet = self.world.outlets[name]
        wire = outlet.station.line.wire
        broken = outlet.port is None or outlet.wedged or wire.cut or wire.extension_up
        broken = broken or bool(outlet.station.modem.lose_results)
        return not broken and self.world.control is not None

    def is_idle(self, name: str) -> bool:
        """True when exchange, modem, media gateway and call control all say so."""
        station = self.world.outlets[name].station
        gateway, control = self.world.gateway, self.world.control
        if gateway is None or control is None or not gateway.lives:
            return False
        line = gateway.switch.lines.get(name)
        channel = control.switchboard._board.channels[name]
        return (
            station.line.state is SubscriberLineState.IDLE
            and station.modem.state is ModemState.CLASS0_ONHOOK
            and line is not None
            and line.call is None
            and line.driver.stage in {LineStage.IDLE, LineStage.CHECKING}
            and channel.state is SeatState.IDLE
            and not channel.call
        )

    def describe(self, name: str) -> str:
        """Say how everybody sees a line."""
        station = self.world.outlets[name].station
        words = [f"exchange {station.line.state}", f"modem {station.modem.state}"]
        gateway, control = self.world.gateway, self.world.control
        line = gateway.switch.lines.get(name) if gateway is not None else None
        if line is not None:
            words.append(f"driver {line.driver.stage}, call {line.call}, needs {line.needs}")
        if control is not None:
            channel = control.switchboard._board.channels[name]
            words.append(f"channel {channel.state} {channel.reason!r} call {channel.call!r}")
        return "; ".join(words)

    def _state_of(self, name: str) -> State | None:
        control = self.world.control
        if control is None:
            return None
        call = control.switchboard._board.calls.get(control.switchboard._board.channels[name].call)
        return call.state if call is not None else None

    def whole(self, record: CallRecord) -> str:
        """Say what a final record lacks, "" for nothing."""
        if record.result is Result.OPEN or record.ended_at is None:
            return "has no end"
        released = record.evidence not in {None, Evidence.PARALLEL_PHONE}
        if released and record.release_ms is None:
            return "does not say how long the release took"
        if record.result is Result.GAVE_UP and record.evidence is None:
            return "does not say by what the caller's giving up was noticed"
        if record.result is Result.MESSAGE and record.message not in self.world.store.messages:
            return "names a message that is not stored"
        return ""

    def unexpected(self, record: CallRecord, caller: Caller) -> str:
        """Say what is strange about the record of a call that nothing disturbed."""
        script = caller.script
        if script.speaks is Speaks.FAX and record.result is Result.FAX:
            return ""
        if record.result not in WELL:
            return f"says {record.result}, and nothing was wrong"
        if record.result is Result.ANSWERED and not record.phone:
            return "does not say who answered"
        if any(code.startswith("pbx.") for code in record.trail):
            return ""  # what the caller says while it is being passed on is nobody's message
        if script.speaks is Speaks.FAX and record.result is Result.MESSAGE:
            return "is a message, though a fax machine called"
        if script.speaks in MESSAGES and record.result is Result.NO_MESSAGE:
            return "has no message, though the caller left one"
        if record.result is Result.MESSAGE:
            return self._message(record, caller)
        return ""

    def _message(self, record: CallRecord, caller: Caller) -> str:
        """A message is what the caller said: what it began with is found in it, byte for byte."""
        message = self.world.store.messages[record.message]
        if caller.script.speaks not in MESSAGES or message.law is not Law.ULAW:
            return ""
        return (
            "" if SPEECH[2000:9000] in message.sound else "has a message that is not the caller's"
        )
