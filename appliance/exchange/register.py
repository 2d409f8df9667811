"""What a seized line offers: dial tone, digits, and the called party's behaviour."""

from __future__ import annotations

from typing import TYPE_CHECKING

from appliance.exchange.signals import FarAnswered, Signal
from appliance.exchange.sound import samples, silence
from appliance.exchange.tones import Announced

if TYPE_CHECKING:
    from appliance.exchange.country import Country

OUTCOMES = ("answer", "busy", "no-answer")
AFTER_LAST_DIGIT = samples(3000)
RINGS_BEFORE_ANSWER = 2
FIRST_RINGBACK = samples(500)


class Register:
    """Collects the digits of a call the modem makes, then answers as `outcome` says."""

    def __init__(self, country: Country, outcome: str) -> None:
        self._country = country
        self._outcome = outcome
        self.digits = ""
        self.answered = False
        self._tone: Announced | None = Announced("dial", country.dial)
        self._wait = 0
        self._until_answer = 0

    def digit(self, digit: str) -> None:
        """Take one digit; the dial tone stops at the first."""
        if self._until_answer or self.answered:
            return
        self.digits += digit
        self._tone = None
        self._wait = AFTER_LAST_DIGIT

    def take(self, n: int) -> tuple[bytes, list[Signal]]:
        """Give n samples of what the calling modem hears, and the signals."""
        if self._wait > 0:
            self._wait -= n
            if self._wait <= 0:
                self._route()
        signals = self._ring(n) if self._until_answer > 0 else []
        if self._tone is None:
            return silence(n), signals
        sound, heard = self._tone.take(n)
        return sound, heard + signals

    def _route(self) -> None:
        country = self._country
        if self._outcome == "busy":
            self._tone = Announced("busy", country.busy)
            return
        period = samples(sum(country.ringback.cadence))
        self._tone = Announced("ringback", country.ringback, FIRST_RINGBACK, period)
        if self._outcome == "answer":
            self._until_answer = RINGS_BEFORE_ANSWER * period

    def _ring(self, n: int) -> list[Signal]:
        self._until_answer -= n
        if self._until_answer > 0:
            return []
        self.answered, self._tone = True, None
        return [FarAnswered()]
