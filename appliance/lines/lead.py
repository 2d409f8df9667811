"""How much sound lies ahead inside the modem, from bytes written minus bytes played.

A write that does not block proves nothing: a pseudo terminal swallows 2.5 s, a USB modem 1 s.
"""

from __future__ import annotations

from appliance.dsp.wav import SAMPLES_PER_MS

TARGET_MS = 60
GAP_LIMIT_MS = 150
"""Sound sent on trust while nothing is heard: a modem that has stopped must not be filled up."""


class Lead:
    """Keeps `target_ms` of sound ahead in one stream; counts samples (one byte each, unshielded).

    What was played is counted by what was heard, since one codec clock drives both directions
    (`on_heard`); in a stream to the line only, by the monotonic clock (`on_clock`).
    """

    def __init__(self, target_ms: int = TARGET_MS) -> None:
        self._target = target_ms * SAMPLES_PER_MS
        self._started_at = 0.0
        self._played = 0
        self._written = 0
        self._refilled_at = 0
        self._unheard = 0
        self._trusted = self._trusted_until = 0
        self.underruns = 0

    def on_start(self, now: float) -> None:
        """Start anew: the stream's CONNECT was read at `now` (monotonic seconds)."""
        self._started_at = now
        self._played = self._written = self._refilled_at = self._unheard = 0
        self._trusted = self._trusted_until = 0

    def on_heard(self, samples: int) -> None:
        """Count samples heard in a duplex stream: as many were played."""
        self._played += samples
        self._unheard = 0
        if self._played >= self._trusted_until:
            self._trusted = 0

    def on_gap(self, gap_ms: int) -> None:
        """Take note that a duplex stream, which plays on, has brought nothing for `gap_ms`.

        Both modems of an exchange were seen to run dry at once while its clock and the carrier's
        were less than 3 ms late: what lies between them, the tty layer, gives no promise of time.
        """
        self._unheard = min(gap_ms, GAP_LIMIT_MS) * SAMPLES_PER_MS

    def on_clock(self, now: float) -> None:
        """Tell the time in a stream to the line only: it plays 8 samples a millisecond."""
        self._played = round((now - self._started_at) * 1000 * SAMPLES_PER_MS)

    def on_written(self, samples: int) -> None:
        """Count samples given to the modem."""
        self._written += samples
        if self._unheard:
            self._trusted += samples
            self._trusted_until = self._played + self._trusted

    def on_underrun(self) -> None:
        """Take the modem's word that nothing lies ahead (DLE u); the next `wanted` fills it.

        Its further notes are passed over until the refill should have been heard: they were
        under way, and believing each would pile up one lead on another. Nor does the note know of
        what was written on trust while it was under way itself: that lies ahead.
        """
        self.underruns += 1
        if self._played < self._refilled_at:
            return
        self._written = self._played + self._trusted
        self._refilled_at = self._played + self._target

    def wanted(self) -> int:
        """Return how many samples to write now; 0 when enough lies ahead."""
        return max(0, self._target - self._ahead() + self._unheard)

    @property
    def ahead_ms(self) -> int:
        """What lies ahead inside the modem, in ms; 0 when it has run dry."""
        return max(0, self._ahead()) // SAMPLES_PER_MS

    def _ahead(self) -> int:
        return self._written - self._played
