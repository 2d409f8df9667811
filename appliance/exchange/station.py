"""A line with its modem: one tick runs both."""

from __future__ import annotations

from appliance.exchange.country import Country
from appliance.exchange.dialects import Personality
from appliance.exchange.line import Line
from appliance.exchange.modem import VoiceModem
from appliance.exchange.sound import SAMPLE_RATE


class Station:
    """Line `number` and the modem at its end; `ppm` is how fast the modem's crystal runs."""

    def __init__(self, number: int, country: Country, personality: Personality) -> None:
        self.number = number
        self.line = Line(number, country)
        self.personality = personality
        self.modem = VoiceModem(personality)
        self.ppm = 0.0
        self._owed = 0.0

    def samples_in(self, seconds: float) -> int:
        """Give the samples this crystal counts in a stretch of true time, keeping the rest."""
        self._owed += seconds * SAMPLE_RATE * (1 + self.ppm * 1e-6)
        due = int(self._owed + 1e-6)
        self._owed -= due
        return due

    def tick(self, n: int, now: float) -> None:
        """Run n samples at monotonic second now."""
        line, modem = self.line, self.modem
        rx, signals = line.to_modem(n)
        modem.volts = line.volts
        for signal in signals:
            modem.hear(signal)
        sound = modem.tick(n, rx, now)
        line.from_modem(sound, modem.take_acts(), off_hook=modem.off_hook)

    def power_cycle(self) -> None:
        """Replace the modem by the same one freshly powered; what was planted stays planted."""
        old, self.modem = self.modem, VoiceModem(self.personality)
        self.modem.chip_tones, self.modem.chip_dtmf = old.chip_tones, old.chip_dtmf
        self.modem.chip_extension = old.chip_extension
        self.modem.guard, self.modem.vtr = old.guard, old.vtr
        self.modem.refused, self.modem.planted = old.refused, old.planted
        self.modem.end_late_ms, self.modem.poke_wanted = old.end_late_ms, old.poke_wanted
        self.modem.restore_settings()
        self.modem.underruns, self.modem.overruns = old.underruns, old.overruns
        self.modem.dropped = old.dropped
