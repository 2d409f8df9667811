"""What a seized line offers: dial tone, digits, and the called party's behaviour."""

from __future__ import annotations

from typing import TYPE_CHECKING

from appliance.exchange.call import CallPlan
from appliance.exchange.party import Answered, Party
from appliance.exchange.signals import FarAnswered, LoopBroke, Signal
from appliance.exchange.sound import samples, silence
from appliance.exchange.tones import Announced, Information
from appliance.exchange.trunk import Trunk

if TYPE_CHECKING:
    from collections.abc import Mapping

    from appliance.exchange.country import Country
    from appliance.exchange.line import Line

AFTER_LAST_DIGIT = samples(3000)
FIRST_RINGBACK = samples(500)


class Register:
    """Collects the digits of a call the modem makes, then does as the called party does.

    `extensions`, and other `lines` of the exchange, are known by their digits and reached at the
    last of them; any other number is `other`, after 3 s without a digit. `dial_tone` False: the
    register is silent. `caller` is who calls another line, `release` what tells that it has gone,
    `ppm` how fast the calling modem's crystal runs.
    """

    def __init__(
        self,
        country: Country,
        other: Party,
        extensions: Mapping[str, Party] | None = None,
        *,
        lines: Mapping[str, Line] | None = None,
        dial_tone: bool = True,
        caller: CallPlan | None = None,
        release: str = "busy",
        ppm: float = 0.0,
    ) -> None:
        self._ppm = ppm
        self._country = country
        self._other = other
        self._extensions = extensions or {}
        self._lines = lines or {}
        self._caller = caller or CallPlan()
        self._release = release
        self._released = False
        self._trunk: Trunk | None = None
        self.digits = ""
        self.party: Party | None = None
        self.answered: Answered | Trunk | None = None
        self._tone: Announced | Information | None = None
        if dial_tone:
            self._tone = Announced("dial", country.dial)
        self._wait = 0
        self._until_answer = 0

    @property
    def outcome(self) -> str:
        """What has become of the call: dialling, ringing, answered, or the party's outcome."""
        if self.answered is not None:
            return "hung up" if self.answered.gone else "answered"
        if self.party is None:
            return "dialling"
        return "ringing" if self.party.outcome in {"answer", "no-answer"} else self.party.outcome

    def digit(self, digit: str) -> None:
        """Take one digit; the dial tone stops at the first."""
        if self.party is not None:
            if self._trunk is not None and self.answered is self._trunk:
                self._trunk.key_of_calling(digit)
            return
        self.digits += digit
        self._tone = None
        numbers = {*self._extensions, *self._lines}
        longer = any(n != self.digits and n.startswith(self.digits) for n in numbers)
        known = self.digits in numbers and not longer
        self._wait = 1 if known else AFTER_LAST_DIGIT

    @property
    def reached_ms(self) -> float:
        """How much sound, beside silence, has reached the ear of whoever answered (ms)."""
        heard = self.answered.heard if isinstance(self.answered, Answered) else b""
        return (len(heard) - heard.count(0xFF) - heard.count(0x7F)) / samples(1)

    def hear(self, sound: bytes) -> None:
        """Take what the calling modem puts on the line: the party's, once it has answered."""
        if self.answered is not None:
            self.answered.said(sound)

    def let_go(self) -> None:
        """The calling line was hung up."""
        if self._trunk is not None:
            self._trunk.wants_to_hang_up = True

    def take(self, n: int) -> tuple[bytes, list[Signal]]:
        """Give n samples of what the calling modem hears, and the signals."""
        if self._wait > 0:
            self._wait -= n
            if self._wait <= 0:
                self._route()
        signals = self._ring(n) if self._until_answer > 0 else self._follow_trunk()
        sound, heard = self._sound(n)
        return sound, heard + signals

    def _sound(self, n: int) -> tuple[bytes, list[Signal]]:
        if self.answered is not None:
            if not self.answered.gone:
                return self.answered.reach(n)
            if not self._released:
                self._released = True
                return silence(n), self._let_go_by_far_end()
        return self._tone.take(n) if self._tone else (silence(n), [])

    def _let_go_by_far_end(self) -> list[Signal]:
        """Tell the calling line in its way that whoever it reached has hung up."""
        kind = self._release
        if kind == "loop":
            return [LoopBroke()]
        if kind != "silence":
            name = kind if kind in {"dial", "congestion"} else "busy"
            self._tone = Announced(name, self._country.tone(kind))
        return []

    def _route(self) -> None:
        country = self._country
        self.party = party = self._extensions.get(self.digits) or self._reach_line() or self._other
        match party.outcome:
            case "busy":
                self._tone = Announced("busy", country.busy)
            case "congestion":
                self._tone = Announced("congestion", country.congestion)
            case "sit":
                self._tone = Information()
            case outcome:
                period = samples(sum(country.ringback.cadence))
                self._tone = Announced("ringback", country.ringback, FIRST_RINGBACK, period)
                if outcome == "answer":
                    self._until_answer = max(party.rings * period, 1)

    def _reach_line(self) -> Party | None:
        """Ring another line of the exchange; it is busy unless it is idle."""
        line = self._lines.get(self.digits)
        if line is None:
            return None
        if not line.is_free:
            return Party("busy")
        wire = line.wire
        self._trunk = Trunk(line.number, self._caller, wire.release, self._ppm, wire.ppm)
        line.place(self._trunk)
        return Party("no-answer")  # until its modem answers

    def _follow_trunk(self) -> list[Signal]:
        if self._trunk is None or self.answered or not self._trunk.report.answered:
            return []
        self.answered, self._tone = self._trunk, None
        return [FarAnswered()]

    def _ring(self, n: int) -> list[Signal]:
        self._until_answer -= n
        if self._until_answer > 0:
            return []
        assert self.party is not None
        self.answered, self._tone = Answered(self.party), None
        return [FarAnswered()]
