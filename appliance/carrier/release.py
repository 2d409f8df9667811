"""From signs to certainty: when the far end has gone, by what, and how long that took (B1).

Pure: facts in, at most one CallerHungUp out. The detectors in media and the chip's own reports
are the signs; the next sign of the same call changes nothing any more.
"""

from __future__ import annotations

from dataclasses import dataclass

from appliance.calls.events import CallerHungUp, Evidence

SETTLE_MS = 600
"""After going off hook a polarity reversal is answer supervision, after a flash a break is ours."""
SILENCE_LIMIT_MS = 60_000
"""Long silence as the last resort (v253.md 5); the Switchboard ignores it while people talk."""

TONES = {
    "busy": Evidence.BUSY_TONE,
    "congestion": Evidence.CONGESTION_TONE,
    "dial": Evidence.DIAL_TONE,
    "steady": Evidence.DIAL_TONE,
}
"""Call-progress tones that mean release to the party left off hook."""
TONE_MS = 200
"""A tone that has been sounding for so long is one: our own ear bears the chip out."""
SECOND_MS = (300, 10_000)
"""A second sign so long after the first one bears it out, unless somebody speaks."""
PAUSE_MS = 300
"""Who has been heard within so long speaks."""
GONE_MS = 2_000
QUIET_MS = 5_000
HELD_MS = 30_000
"""Silence that bears a break of the loop out: in a message, in a conversation, on hold. It is
reported for a mere reversal of the line as well, and whoever listens is silent too."""
CHIP = {
    "busy": Evidence.CHIP_BUSY,
    "dial": Evidence.CHIP_DIAL,
    "loop": Evidence.LOOP,
}
"""The chip's own reports: DLE b, d and l (v253.md 2.1, 2.4)."""


@dataclass(frozen=True, slots=True)
class Heard:
    """What our own ear makes of the line at a moment, ms: `at_ms` since it went off hook.

    `deaf` where no sound comes from it: an announcement on a half-duplex line.
    """

    at_ms: int
    tone_ms: int = 0
    silent_ms: int = 0
    deaf: bool = False

    @property
    def speaks(self) -> bool:
        """True while somebody is heard."""
        return not self.deaf and self.silent_ms < PAUSE_MS


@dataclass(frozen=True, slots=True)
class Sign:
    """What the chip has reported, and when: by itself it ends nothing."""

    evidence: Evidence
    at_ms: int
    detail: str


@dataclass(slots=True)
class Release:
    """The release of one call on one line; times in ms since the line went off hook."""

    line: str
    sign: Sign | None = None
    told: bool = False
    silence_told: bool = False
    taken_told: bool = False

    def tone(self, kind: str, cadence_ms: str, after_ms: int) -> CallerHungUp | None:
        """A tone was recognised in the sound, `after_ms` after it began."""
        return self._tell(TONES.get(kind), after_ms, cadence_ms)

    def chip(self, kind: str, settled_ms: int, heard: Heard) -> CallerHungUp | None:
        """The modem reported something; loop events count only once the line has settled.

        One report ends no call: chips take speech for tones, and a reversal for a break. It takes a
        second one, or our own ear.
        """
        evidence, first = CHIP.get(kind), self.sign
        if evidence is None or (evidence is Evidence.LOOP and settled_ms < SETTLE_MS):
            return None
        since_ms = heard.at_ms - first.at_ms if first is not None else SECOND_MS[1] + 1
        if first is None or since_ms > SECOND_MS[1]:
            self.sign = Sign(evidence, heard.at_ms, kind)
            return self.judge(heard)
        if since_ms >= SECOND_MS[0] and not heard.speaks:
            return self._tell(first.evidence, since_ms, first.detail)
        return None

    def judge(self, heard: Heard, patience_ms: int = QUIET_MS) -> CallerHungUp | None:
        """Hold what our own ear hears against the chip's last sign.

        `patience_ms` is how long somebody may be silent behind a break of the loop.
        """
        if self.sign is None:
            return None
        evidence, since_ms = self.sign.evidence, heard.at_ms - self.sign.at_ms
        if since_ms <= SECOND_MS[1] and heard.tone_ms >= TONE_MS:
            return self._tell(evidence, max(since_ms, heard.tone_ms), self.sign.detail)
        quiet = min(since_ms, heard.silent_ms) >= patience_ms and not heard.deaf
        if evidence is Evidence.LOOP and quiet:
            return self._tell(evidence, since_ms, self.sign.detail)
        if since_ms > SECOND_MS[1] and heard.speaks:
            self.sign = None  # whoever speaks now has not gone then
        return None

    def taken(self, settled_ms: int) -> bool:
        """The modem saw another telephone lifted: True once, and only once the line has settled.

        Our own going off hook, or flash, moves the voltage by which the modem knows.
        """
        if self.told or self.taken_told or settled_ms < SETTLE_MS:
            return False
        self.taken_told = True
        return True

    def silence(self, silent_ms: int) -> CallerHungUp | None:
        """The line has been silent for so long."""
        if self.told or self.silence_told or silent_ms < SILENCE_LIMIT_MS:
            return None
        self.silence_told = True
        return CallerHungUp(self.line, Evidence.SILENCE, silent_ms, f"{silent_ms} ms of silence")

    def _tell(self, evidence: Evidence | None, after_ms: int, detail: str) -> CallerHungUp | None:
        if evidence is None or self.told:
            return None
        self.told = True
        return CallerHungUp(self.line, evidence, after_ms, detail)
