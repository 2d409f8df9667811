"""When a stream's next frame is fetched: by the clock, once it is known when frames are whole.

A modem hands its sound over in pieces (10 ms, 64 bytes of USB); to be woken by each of them, and by
a tick besides, costs more than all that is done with the sound. So the port is left alone until
the next frame should be whole, and watched only when it is not.
"""

from __future__ import annotations

from appliance.dsp.wav import FRAME_SAMPLES

FRAME_S = 0.020
MARGIN_S = 0.001
"""A frame is fetched so long after its end was seen: pieces do not come to the microsecond."""
CREEP_S = MARGIN_S / 20
"""By so much each fetch comes earlier than the one before, until it comes too early and the frame's
true end is seen again: the modem's crystal may drift against our clock (200 ppm: 4 us a frame)."""
CLEAR_S = 0.0025
"""A frame ends at least so long behind a packet of the phone: nearer, packets would be read now
with a frame and now with the next, which is 20 ms of jitter to who listens."""
BEGIN_S = 0.050
"""How long a beginning waits for the other side's sound: a phone on hold may send none."""
EARLY_S = 0.0005
"""A fetch due so soon is not worth a wake-up of its own when there is one anyway."""


class Rhythm:
    """Of one stream from a modem: `fetch_at` (monotonic s), or None while its port is watched."""

    def __init__(self) -> None:
        self.fetch_at: float | None = None
        self._have = 0  # samples towards the next whole frame
        self._begin_by: float | None = None
        self._begins = False

    def stop(self) -> None:
        """No stream runs (any more): every byte is news."""
        self.fetch_at = self._begin_by = None
        self._have = 0
        self._begins = False

    def begin(self, now: float) -> None:
        """The stream is joined to a phone: where frames end is free to be chosen anew."""
        self.fetch_at = None
        self._begin_by = now + BEGIN_S

    @property
    def is_beginning(self) -> bool:
        """True while it matters when exactly the phone's packets come."""
        return self._begin_by is not None

    def begins(self, now: float, came_at: float) -> bool:
        """Tell whether the piece that comes at `now`, whatever its size, ends the first frame.

        It does behind a packet of the phone that came at `came_at`, since the beginning: read once
        a frame, packets would else lie by for up to 20 ms, now for a piece's length.
        """
        if self._begin_by is None:
            return False
        is_behind = came_at > self._begin_by - BEGIN_S and now - came_at >= CLEAR_S
        if not is_behind and now < self._begin_by:
            return False
        self._begin_by, self._begins = None, True
        return True

    def is_due(self, now: float) -> bool:
        """Tell whether the frame is to be fetched by a process that is awake at `now`."""
        return self.fetch_at is not None and now >= self.fetch_at - EARLY_S

    def took(self, samples: int, now: float) -> None:
        """Note what was read at `now`: 0 samples, too, when a fetch found nothing."""
        self._have += samples
        if self._begins and samples:
            self._begins, self._have = False, FRAME_SAMPLES
        if self._have < FRAME_SAMPLES or self.is_beginning:
            self.fetch_at = None
            return
        self._have %= FRAME_SAMPLES
        if self.fetch_at is None:
            self.fetch_at = now + FRAME_S + MARGIN_S
        else:
            missed = max(0, int((now - self.fetch_at) / FRAME_S))
            self.fetch_at += (1 + missed) * FRAME_S - CREEP_S
