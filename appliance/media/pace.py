"""How firmly the delay of a stream is brought to its target, and by which splices.

Within its bounds nothing is touched. Beyond them a few milliseconds are taken out of, or put
into, a pause; where none comes, a vowel or held note of which one period more or less is not
heard; and when much is too much (after a stall) any place will do, one splice after another.
"""

from __future__ import annotations

from appliance.media.frames import SAMPLES_PER_MS

MORE = 20 * SAMPLES_PER_MS
"""Bound of the delay above its target."""
NEAR = 5 * SAMPLES_PER_MS
"""A correction that has begun ends so near to the target."""
URGENT = 40 * SAMPLES_PER_MS
"""Above the target; a correction that was urgent is so to its end."""
PATIENCE = 8000 * SAMPLES_PER_MS
"""After so long without a pause a good fit in sound is the lesser evil."""
PATIENCE_LESS = 2000 * SAMPLES_PER_MS
"""The same where delay is wanted: the store is about to run dry."""
SPACING = 60 * SAMPLES_PER_MS
URGENT_SPACING = 40 * SAMPLES_PER_MS
GOOD_FIT = 0.85
FAIR_FIT = 0.6
DESPAIR = 80 * SAMPLES_PER_MS
"""When it is urgent and nothing has fitted for so long, the best there is."""


class Pace:
    """Decides; all in samples, one question for each piece of sound that is played."""

    def __init__(self) -> None:
        self._is_correcting = False
        self._waited = 0  # samples since the last splice, or since the bounds were left
        self._is_urgent = False
        self._patience = PATIENCE

    def wants(self, excess: int, leeway: int, piece: int) -> int:
        """Return how much delay should go (negative: come) at this piece; 0 for none.

        `excess` is the delay less its target, `leeway` by how much it may lie below that.
        """
        if self._is_correcting:
            self._is_correcting = abs(excess) > NEAR
        else:
            self._is_correcting = not -leeway <= excess <= MORE
            self._waited = 0
        self._patience = PATIENCE if excess > 0 else PATIENCE_LESS
        self._is_urgent = self._is_correcting and (self._is_urgent or excess > URGENT)
        self._waited += piece
        spacing = URGENT_SPACING if self._is_urgent else SPACING
        return excess if self._is_correcting and self._waited >= spacing else 0

    def least_fit(self, is_quiet: bool) -> float:
        """Return how alike the sound must be at both ends of a splice made here."""
        if is_quiet:
            return -1.0
        if self._is_urgent:
            return FAIR_FIT if self._waited < DESPAIR else -1.0
        return GOOD_FIT if self._waited >= self._patience else 2.0

    def spliced(self) -> None:
        """It was done."""
        self._waited = 0
