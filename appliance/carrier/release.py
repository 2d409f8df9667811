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
CHIP = {
    "busy": Evidence.CHIP_BUSY,
    "dial": Evidence.CHIP_DIAL,
    "loop": Evidence.LOOP,
}
"""The chip's own reports: DLE b, d and l (v253.md 2.1, 2.4)."""


@dataclass(slots=True)
class Release:
    """The release of one call on one line; times in ms since the line went off hook."""

    line: str
    told: bool = False
    silence_told: bool = False
    taken_told: bool = False

    def tone(self, kind: str, cadence_ms: str, after_ms: int) -> CallerHungUp | None:
        """A tone was recognised in the sound, `after_ms` after it began."""
        return self._tell(TONES.get(kind), after_ms, cadence_ms)

    def chip(self, kind: str, settled_ms: int, tone_ms: int = 0) -> CallerHungUp | None:
        """The modem reported something; loop events count only once the line has settled.

        `tone_ms` is for how long a tone has been sounding: the chip tells after some cycles.
        """
        evidence = CHIP.get(kind)
        if evidence is Evidence.LOOP and settled_ms < SETTLE_MS:
            return None
        return self._tell(evidence, tone_ms, kind)

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
