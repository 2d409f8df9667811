"""How unevenly packets arrive, told by their reader's own clock, and how long they should wait.

A packet's place is its timestamp less the samples that the reader has taken so far: on an even
network, with a reader of the same crystal, it never changes. The reader's own lumps count as
well: whoever reads 20 ms at once needs them in store.

The rule for the wait, in the fastest packet's time from its arrival to its turn: the greatest
lateness of each half second of the last ten is taken; all but the worst one must be waited for,
and `RESERVE` more. So one stall in ten seconds is an accident, two are the network (WLAN phones
scan every few seconds); and of packets that are late independently of each other some in a
thousand are lost.
"""

from __future__ import annotations

from collections import deque

from appliance.media.frames import SAMPLES_PER_MS

LEAST = 20 * SAMPLES_PER_MS
MOST = 120 * SAMPLES_PER_MS
"""Bounds of the wait in samples. One frame at least: the reader is a tick of 10 or 20 ms."""
RESERVE = 10 * SAMPLES_PER_MS
LEEWAY = 60
"""By so much, 7.5 ms, the wait may fall below one frame. Above that, all that was seen so far must
still come in time: a reader of 20 ms sees lateness in whole frames, and a packet that missed one by
a millisecond asks for no more than the frame that it has."""
INTERVAL = 500 * SAMPLES_PER_MS
INTERVALS = 20
CARRIED = 4
"""Intervals, 2 s, for which what was known before a new start still counts."""
NEIGHBOURS = 4
"""Intervals, 2 s, among whose packets the fastest is looked for: over ten seconds crystals that
are 1000 ppm apart would look like 10 ms of jitter."""


class Arrivals:
    """Measures one stream, all in samples of 8 kHz.

    `spread` is the lateness that must be waited for, `target` how long the fastest should wait,
    `least` how short its wait may become before anything is done about it.
    """

    def __init__(self) -> None:
        self._carried = 0
        self.restart()

    def restart(self) -> None:
        """Another numbering, the same network: its spread is still believed for a while.

        What arrived while nobody was reading is forgotten: it says nothing about the network.
        """
        self._now = 0  # samples the reader has taken
        self._begun = 0
        self._spans: deque[tuple[int, int]] = deque(maxlen=INTERVALS)  # fastest, slowest place
        self._span: tuple[int, int] | None = None
        self._judge()

    def passed(self, samples: int) -> None:
        """The reader has taken so much."""
        self._now += samples
        if self._now - self._begun >= INTERVAL:
            self._begun = self._now
            if self._span is not None:
                self._spans.append(self._span)
                self._span = None
                self._judge()
                if len(self._spans) >= CARRIED:
                    self._carried = self.spread

    def note(self, timestamp: int) -> None:
        """A packet has arrived whose sound begins at `timestamp` (not wrapped)."""
        place = timestamp - self._now
        fastest, slowest = self._span or (place, place)
        span = max(fastest, place), min(slowest, place)
        if span != self._span:
            self._span = span
            self._judge()

    @property
    def first_wait(self) -> int:
        """How long the first packet should wait: as long as was known to be needed before."""
        return max(LEAST, min(MOST, self._carried + RESERVE))

    def wait(self, play: int) -> int:
        """How long the fastest packet waits when the next sample out is that of `play`."""
        return self.late(play)

    def late(self, timestamp: int) -> int:
        """How much later than the fastest a packet is that arrives now."""
        return self._fastest - (timestamp - self._now)

    def _judge(self) -> None:
        """All but the worst interval's lateness; the only one's while there is but one."""
        known = [*self._spans, self._span] if self._span else list(self._spans)
        fastest = [
            max(fast for fast, _ in known[max(0, at + 1 - NEIGHBOURS) : at + 1])
            for at in range(len(known))
        ]
        self._fastest = fastest[-1] if fastest else 0
        late = sorted(fast - slow for fast, (_, slow) in zip(fastest, known, strict=True))
        spread = late[-2] if len(late) > 1 else sum(late)
        is_young = len(self._spans) < CARRIED
        self.spread = max(self._carried, spread) if is_young else spread
        self.target = max(LEAST, min(MOST, self.spread + RESERVE))
        self.least = max(LEAST - LEEWAY, min(MOST - LEEWAY, self.spread))
