"""Virtual phones of the office: they ring, answer, speak, hold, die; the SIP thread's stand-in."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from appliance.calls import events
from appliance.dsp.wav import FRAME_SAMPLES
from appliance.simulator.exchange.audio import is_quiet
from appliance.sip.rtp import RtpSender, parse
from tests.soak.lan import Lan, VirtualSocket
from tests.soak.mix import Manner, Script

if TYPE_CHECKING:
    from tests.soak.call_control import SoakCallControl
    from tests.soak.world import World

ADDRESS = "192.0.2.21"
AIR_S = 0.02
"""From a phone to call control: LAN, transaction, thread."""
NO_ANSWER_S = 4.0
"""A phone that says nothing to an INVITE is given up then (docs/design/failures.md)."""
ASKED_S = 5.0
RESTART_S = 3.0
LEFT_S = 12.0
VOICE = bytes(0x20 + (7 * n) % 0x50 for n in range(FRAME_SAMPLES))
"""One frame of what a phone says: never silence, no tone of any plan."""


@dataclass
class Leg:
    """A phone's end of a leg: `control` is whom it belongs to, `up` once answered."""

    name: str
    phone: str
    control: SoakCallControl
    socket: VirtualSocket
    media: tuple[str, int] = ("", 0)
    up: bool = False
    over: bool = False
    holds: bool = False
    mute: bool = False
    dead: bool = False
    heard_at: float = 0.0
    sender: RtpSender = field(default_factory=lambda: RtpSender(1, 1, 1))

    def agreed(self) -> events.MediaAgreed:
        """Say where the phone's sound goes, and whether it holds."""
        address, port = self.socket.address
        return events.MediaAgreed(
            self.name, address, port, "ulaw", 101, sending=not self.holds, receiving=True
        )


class Phones:
    """All phones; implements `appliance.service.media_link.PhoneSide` for call control."""

    def __init__(self, world: World, lan: Lan) -> None:
        self.world = world
        self.lan = lan
        self.legs: dict[str, Leg] = {}
        self.off: set[str] = set()
        """Phones without power."""
        self.refused = 0
        """Transfers that phones asked for by themselves."""
        self.babbles = False
        """Each fact is told twice, as by a phone that repeats itself on another transaction."""

    # --- what call control orders ----------------------------------------------------------------

    def ring(
        self,
        leg: str,
        phone: str,
        media_address: str,
        media_port: int,
        display: str,
        number: str,
        laws: tuple[str, ...],
        passed: events.Passed | None = None,
        *,
        picks_up: bool = False,
    ) -> None:
        """An INVITE arrives."""
        if phone in self.off:
            self._tell(leg, events.PhoneUnreachable(leg, "no answer"), NO_ANSWER_S)
            return
        if any(other.phone == phone and not other.over for other in self.legs.values()):
            self._tell(leg, events.PhoneBusy(leg), AIR_S)
            return
        made = self._make(leg, phone, media_address, media_port)
        self._later(made, AIR_S, lambda: self._say(made, events.LegProgressed(leg, 180)))
        self._behave(made, self.world.script_of(display.split()[0]))

    def pick_up(self, leg: str) -> None:
        """A CANCEL and an INVITE arrive: these phones ring on until they are lifted."""

    def show(self, leg: str, display: str, number: str) -> None:
        """An UPDATE arrives; what a screen shows changes nothing that is looked at here."""

    def stop_ringing(self, leg: str, answered_elsewhere: bool) -> None:
        """A CANCEL, or (the phone was lifted meanwhile) ACK and BYE."""
        self._over(leg)

    def hang_up(self, leg: str) -> None:
        """A BYE."""
        self._over(leg)

    def accept(self, leg: str, media_address: str, media_port: int) -> None:
        """The phone's own call is answered."""
        found = self.legs.get(leg)
        if found is None or found.over:
            return
        found.media = (media_address, media_port)
        self._lift(found)

    def refuse(self, leg: str, code: int) -> None:
        """The phone's own call is refused."""
        self._over(leg)

    def ask(self, leg: str) -> None:
        """OPTIONS within the call: a phone without power does not answer."""
        found = self.legs.get(leg)
        if found is not None and (found.dead or found.over):
            self._tell(leg, events.PhoneLost(leg, "no answer to OPTIONS"), ASKED_S)

    def tell_transfer(self, leg: str, code: int) -> None:
        """A transfer is refused: the conversation goes on."""
        self.refused += 1

    # --- what people do ----------------------------------------------------------------------

    def dial(self, phone: str, digits: str, stays_s: float) -> bool:
        """Dial on a phone that is free; False when it is not. It hangs up after `stays_s`."""
        busy = any(leg.phone == phone and not leg.over for leg in self.legs.values())
        if busy or phone in self.off or self.world.control is None:
            return False
        name = f"dial-{self.world.number()}"
        leg = self._make(name, phone, "", 0)
        self._later(leg, AIR_S, lambda: self._say(leg, events.PhoneDialled(name, phone, digits)))
        self._later(leg, stays_s, lambda: self.put_down(leg))
        return True

    def press(self, phone: str, digit: str) -> None:
        """Press a key in the call of the moment."""
        for leg in self.legs.values():
            if leg.phone == phone and leg.up and not leg.over:
                for packet in leg.sender.digit(101, digit):
                    leg.socket.sendto(packet, leg.media)

    def put_down(self, leg: Leg) -> None:
        """Hang up."""
        if not leg.over and not leg.dead:
            self._over(leg.name)
            self.world.after(AIR_S, lambda: self._post(leg, events.PhoneHungUp(leg.name)))

    def cut_power(self, phone: str) -> None:
        """Take the power away: nothing is said, no packet leaves."""
        self.off.add(phone)
        for leg in self.legs.values():
            if leg.phone == phone:
                leg.dead = True

    def give_power(self, phone: str) -> None:
        """Give the power back; the phone knows of no call and registers."""
        self.off.discard(phone)
        for leg in [leg for leg in self.legs.values() if leg.phone == phone]:
            leg.over = True
            leg.socket.close()

    def lapse(self, phone: str) -> None:
        """Let its registration run out; what goes on goes on."""
        self.world.post(events.PhoneGone(phone), self.world.control)

    def register(self, phone: str) -> None:
        """Have it register anew."""
        if phone not in self.off:
            self.world.post(events.PhoneRegistered(phone), self.world.control)

    def restart(self, phone: str) -> None:
        """It starts anew by itself within a second: asked, it knows of no call (481)."""
        self.cut_power(phone)
        for leg in self.legs.values():
            if leg.phone == phone and leg.up and not leg.over:
                self._tell(leg.name, events.PhoneLost(leg.name, "481"), RESTART_S)
        self.world.after(RESTART_S, lambda: self.give_power(phone))

    def forget_control(self, control: SoakCallControl) -> None:
        """Call control died: its phones ring or speak into nothing until somebody hangs up."""
        for leg in self.legs.values():
            if leg.control is control:
                self.world.after(LEFT_S, lambda name=leg.name: self._over(name))  # type: ignore[misc]  # a default

    def step(self) -> None:
        """Let every phone that is up say its frame and hear what has come."""
        for name, leg in tuple(self.legs.items()):
            if leg.over and not leg.dead:
                del self.legs[name]
                continue
            if leg.up and not leg.over:
                if not leg.dead and not leg.mute and not leg.holds:
                    leg.socket.sendto(leg.sender.packet(0, VOICE), leg.media)
                self._hear(leg)

    # --- within ------------------------------------------------------------------------------

    def _make(self, leg: str, phone: str, address: str, port: int) -> Leg:
        control = self.world.control
        assert control is not None
        made = Leg(leg, phone, control, self.lan.bind(ADDRESS), (address, port))
        self.legs[leg] = made
        return made

    def _behave(self, leg: Leg, script: Script | None) -> None:
        """Do what the person at this phone does with this call."""
        if script is None:  # another phone of the office calls
            self._later(leg, 1.5, lambda: self._lift(leg))
            self._later(leg, 5.0, lambda: self.put_down(leg))
            return
        manner, after_s = script.manner_of(leg.phone)
        told: dict[Manner, events.Event] = {
            Manner.DECLINES: events.PhoneDeclined(leg.name),
            Manner.REDIRECTS: events.PhoneDeclined(leg.name, events.DeclineReason.REDIRECTED),
            Manner.BUSY: events.PhoneBusy(leg.name),
        }
        if manner in told:
            self._later(leg, after_s, lambda: self._end(leg, told[manner]))
        elif manner is Manner.FLAPS:
            self._later(leg, after_s, lambda: self._lift(leg))
            self._later(leg, after_s + script.flap_s, lambda: self.put_down(leg))
        elif manner is not Manner.IGNORES:
            self._later(leg, after_s, lambda: self._lift(leg, script))

    def _lift(self, leg: Leg, script: Script | None = None) -> None:
        leg.up = True
        leg.heard_at = self.world.now
        self._say(leg, leg.agreed())
        self._say(leg, events.OperatorAnswered(leg.name, leg.phone))
        if script is not None:
            self._later(leg, script.talk_s, lambda: self.put_down(leg))
            if script.holds:
                self._later(leg, 1.0, lambda: self._hold(leg, True))
                self._later(leg, 3.0, lambda: self._hold(leg, False))
            if script.refers:
                self._later(leg, 2.0, lambda: self._refer(leg))

    def _hold(self, leg: Leg, holds: bool) -> None:
        leg.holds = holds
        leg.heard_at = self.world.now
        self._say(leg, leg.agreed())

    def _refer(self, leg: Leg) -> None:
        """Press the phone's own transfer key, for somebody inside, outside or nobody."""
        dice = self.world.dice
        target = dice.choice(("11", "21", "201", "0512345678", "", "sip:x@192.0.2.99"))
        kind = dice.choice(tuple(events.TransferKind))
        self._say(leg, events.TransferAsked(leg.name, leg.phone, target, kind))

    def _end(self, leg: Leg, event: events.Event) -> None:
        self._over(leg.name)
        self._post(leg, event)

    def _say(self, leg: Leg, event: events.Event) -> None:
        self.world.after(AIR_S, lambda: self._post(leg, event) if not leg.over else None)

    def _later(self, leg: Leg, seconds: float, act: object) -> None:
        assert callable(act)
        self.world.after(seconds, lambda: act() if not (leg.over or leg.dead) else None)

    def _tell(self, leg: str, event: events.Event, wait: float) -> None:
        control = self.world.control
        self.world.after(wait, lambda: self.world.post(event, control))

    def _post(self, leg: Leg, event: events.Event) -> None:
        self.world.post(event, leg.control)
        if self.babbles:
            self.world.post(event, leg.control)

    def _over(self, leg: str) -> None:
        found = self.legs.get(leg)
        if found is not None:
            found.over = True
            found.socket.close()

    def _hear(self, leg: Leg) -> None:
        while leg.socket.waiting:
            data, _ = leg.socket.recvfrom(2048)
            packet = parse(data)
            if packet is not None and not is_quiet(packet.payload):
                leg.heard_at = self.world.now
