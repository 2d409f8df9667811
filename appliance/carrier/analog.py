"""One analog line in the carrier: its modem's driver, who it is joined to, what it plays, records.

No descriptor and no clock: bytes and `now` come in, bytes to write and events go out. Here stands
what the driver's words mean to the call; the rest is in analog_base, analog_ends, analog_sound,
analog_orders and analog_calling, each resting on the one before.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from appliance.calls import events
from appliance.calls.events import (
    DigitSource,
    Evidence,
    LineCondition,
)
from appliance.carrier.analog_calling import LineCalling
from appliance.carrier.ears import Ears
from appliance.carrier.linecall import LineCall
from appliance.carrier.messages import Marked, Measured, Notice
from appliance.lines import facts
from appliance.lines.facts import Recovery, Signal, Stream
from appliance.lines.life import LADDER
from appliance.lines.table import Stage


class AnalogLine(LineCalling):
    """Carries out the orders for one line and tells what happened on it."""

    def _on_heard(self, fact: facts.Heard, now: float) -> None:
        self._hear(fact.samples, now)

    def _on_rang(self, fact: facts.Rang, now: float) -> None:
        self._condition = LineCondition.UNKNOWN
        self._rang_at = self.driver.rang_at
        known = fact.known
        if known is None:
            self._tell(events.LineRang(self.name, fact.count))
        else:
            self._tell(events.LineRang(self.name, fact.count, known.caller, known.dated))

    def _on_identified(self, fact: facts.Identified, now: float) -> None:
        self._tell(events.CallerIdentified(self.name, fact.caller, fact.dated))
        self._tell(Marked("identified", self.name, now))

    def _on_gave_up(self, fact: facts.GaveUp, now: float) -> None:
        quiet_ms = round((now - self._rang_at) * 1000)
        self._tell(events.CallerHungUp(self.name, Evidence.GAVE_UP, quiet_ms))

    def _on_taken(self, fact: facts.Taken, now: float) -> None:
        self._taken()

    def _on_found(self, fact: facts.Found, now: float) -> None:
        self._condition = fact.condition
        self._tell(events.LineProbed(self.name, fact.condition))

    def _on_off_hook(self, fact: facts.OffHook, now: float) -> None:
        call = self.call
        if call is None:
            return
        call.off_hook_at = now
        self._tell(Measured("answer_to_off_hook", self.name, (now - call.asked_at) * 1000))
        if self.driver.duplex:
            self._learn(self.driver.start_stream(Stream.DUPLEX, now), now)
        else:
            call.told = True
            self._tell(events.LineAnswered(self.name))

    def _on_streaming(self, fact: facts.Streaming, now: float) -> None:
        call, law = self.call, self.driver.law
        if call is None or law is None:
            return
        self.lead.on_start(now)
        self._heard_at = now
        if self._echo:
            self._echo.starts()
        if call.ears is None:
            call.ears, self._warm = self._warm or Ears(self.setup.country, law), None
        if call.leg is not None:
            self._begin(call.leg, now)
        if fact.kind is not Stream.RECEIVE:
            self._feed(now)
        if fact.kind is Stream.DUPLEX and not call.told:
            call.told = True
            self._tell(events.LineAnswered(self.name))

    def _on_broke_off(self, fact: facts.BrokeOff, now: float) -> None:
        self._tell(Notice(f"line {self.name}: {fact.reason.en}", "warning"))

    def _on_half_duplex(self, fact: facts.HalfDuplex, now: float) -> None:
        """Nobody can be joined to the caller: the desk is told before it hears that it is up."""
        self._half = fact.reason
        self._tell(events.LineHalfDuplex(self.name, fact.reason.en, fact.reason.it))
        call = self.call
        if call is not None and call.calling is not None:
            self._tell(call.calling.failed("ERROR"))
        elif call is not None and not call.told:
            call.told = True
            self._tell(events.LineAnswered(self.name))

    def _on_stopped(self, fact: facts.Stopped, now: float) -> None:
        if fact.kind is Stream.TRANSMIT:
            self._stop_player(whole=True)

    def _on_signalled(self, fact: facts.Signalled, now: float) -> None:
        if fact.signal is Signal.UNDERRUN:
            if self._runs:  # one that comes after the end was ordered means nothing
                self.lead.on_underrun()
                if self._echo:
                    self._echo.starts()
        elif fact.signal is Signal.OVERRUN:
            self.overruns += 1
        elif self.call is None or self.driver.stage is Stage.FLASHING:
            pass  # nobody's, or our own break of the loop
        elif fact.signal is Signal.DIGIT:
            self._press(fact.digit, DigitSource.CHIP, now)
        elif fact.signal is Signal.EXTENSION_PICKUP:
            if self.call.release.taken(self.call.settled_ms(now)):
                self._taken()
        elif fact.signal is Signal.FAX:
            self._faxed(self.call.fax.chip(self.call.off_hook_ms(now)))
        else:
            self._noticed(self.call, fact.signal, now)

    def _noticed(self, call: LineCall, signal: Signal, now: float) -> None:
        """The chip named a tone or a break: of whom the box calls, else of the caller."""
        if call.calling is None:
            heard = self._ear_of(call, self._look(call, now), now)
            self._released(call.release.chip(signal.value, call.settled_ms(now), heard))
        elif signal is Signal.BUSY and (gone := call.calling.chip_busy()) is not None:
            self._tell(gone)

    def _on_idle(self, fact: facts.Idle, now: float) -> None:
        self._over()
        self._tell(events.LineIdle(self.name))

    def _on_up(self, fact: facts.Up, now: float) -> None:
        self.modem, self.in_service, self.needs = fact.identity, True, None
        self._lost = self._step = None
        self._condition = LineCondition.UNKNOWN
        self._warm = Ears(self.setup.country, fact.law)  # its tables take 0.1 s, the first time
        self._restored()

    def _on_recovering(self, fact: facts.Recovering, now: float) -> None:
        self._tell_step(Recovery.IN_BAND, fact.reason)

    def _on_recovered(self, fact: facts.Recovered, now: float) -> None:
        self._fail(events.LineLost(self.name, fact.reason.en, reason_it=fact.reason.it))

    def _on_failed(self, fact: facts.Failed, now: float) -> None:
        self.needs = fact.needs
        if fact.needs in LADDER:
            self._tell_step(fact.needs, fact.reason)
        missing = fact.needs is Recovery.PLUG_IN
        self._fail(events.LineLost(self.name, fact.reason.en, missing, fact.reason.it))


HANDLERS: dict[type, Callable[[AnalogLine, Any, float], None]] = {
    facts.Heard: AnalogLine._on_heard,
    facts.Rang: AnalogLine._on_rang,
    facts.Identified: AnalogLine._on_identified,
    facts.GaveUp: AnalogLine._on_gave_up,
    facts.Taken: AnalogLine._on_taken,
    facts.Found: AnalogLine._on_found,
    facts.OffHook: AnalogLine._on_off_hook,
    facts.Flashed: AnalogLine._on_flashed,
    facts.DigitsSent: AnalogLine._on_digits_sent,
    facts.Dialled: AnalogLine._on_dialled,
    facts.Streaming: AnalogLine._on_streaming,
    facts.BrokeOff: AnalogLine._on_broke_off,
    facts.HalfDuplex: AnalogLine._on_half_duplex,
    facts.Stopped: AnalogLine._on_stopped,
    facts.Signalled: AnalogLine._on_signalled,
    facts.Idle: AnalogLine._on_idle,
    facts.Up: AnalogLine._on_up,
    facts.Recovering: AnalogLine._on_recovering,
    facts.Recovered: AnalogLine._on_recovered,
    facts.Failed: AnalogLine._on_failed,
}
AnalogLine.handlers = HANDLERS
