"""Two phones joined: no modem between them, so a 20 ms clock of the carrier's own is theirs.

Its frames end in the middle of the longer pause between the two phones' packets: nearer to one, its
packets would be read now with this frame and now with the next, and its jitter buffer would wait a
frame longer for nothing.
"""

from __future__ import annotations

from collections.abc import Sequence

from appliance.carrier.clock import FORGIVEN, TICK
from appliance.carrier.joined import Joined
from appliance.carrier.phone import PhoneLeg
from appliance.carrier.player import Pcm
from appliance.carrier.rhythm import BEGIN_S, EARLY_S
from appliance.dsp.wav import FRAME_SAMPLES


class TwoPhones:
    """Carries the sound of two legs to each other; `due_at` (monotonic s) is its next frame.

    While one of them holds, the other hears `music`, as a caller on a line does.
    """

    def __init__(
        self, one: PhoneLeg, other: PhoneLeg, now: float, music: Sequence[Pcm] = ()
    ) -> None:
        self.legs = (one, other)
        self.due_at = now + BEGIN_S
        self._joined_at = now
        self._is_beginning = True
        self._heard = (Joined(one, music), Joined(other, music))
        for leg in self.legs:
            leg.begin()
            leg.last_heard = now

    @property
    def is_beginning(self) -> bool:
        """True while it matters when exactly the phones' packets come."""
        return self._is_beginning

    def has(self, leg: PhoneLeg) -> bool:
        """True for one of the two."""
        return leg in self.legs

    def run(self, now: float) -> None:
        """Do what is due at `now`: choose when frames end, then give each phone the other's."""
        if self._is_beginning:
            self._begin(now)
        if now < self.due_at - EARLY_S:
            return
        frames = 1 + max(0, int((now - self.due_at) / TICK))
        self.due_at = self.due_at + frames * TICK if frames <= FORGIVEN else now + TICK
        for _ in range(min(frames, FORGIVEN)):
            self._carry()

    def _begin(self, now: float) -> None:
        """Choose once both phones have sent since they were joined, or one would not."""
        came = [leg.came_at for leg in self.legs if leg.came_at > self._joined_at]
        if len(came) < len(self.legs) and now < self.due_at - EARLY_S:
            return
        self._is_beginning = False
        self.due_at = next_after(now, middle(came or [now]))

    def _carry(self) -> None:
        one, other = self.legs
        of_one, of_other = self._heard
        heard = of_one.read(FRAME_SAMPLES, one.law)
        one.write(of_other.read(FRAME_SAMPLES, other.law), other.law)
        other.write(heard, one.law)


def middle(came: Sequence[float]) -> float:
    """Return a moment in the middle of the longer pause between packets that come every 20 ms.

    `came` is when one of each phone came, one or two moments in seconds.
    """
    first, last = came[0], came[-1]
    after_first = (last - first) % TICK
    if after_first >= TICK / 2:
        return first + after_first / 2
    return last + (TICK - after_first) / 2


def next_after(now: float, moment: float) -> float:
    """Return the first time after `now` that is whole ticks away from a moment."""
    return now + TICK - (now - moment) % TICK
