"""Splices in a stream that is being played: whole periods taken out of it or put into it."""

from __future__ import annotations

import audioop
from dataclasses import dataclass
from typing import TYPE_CHECKING

from appliance.media import g711
from appliance.media.pace import Pace
from appliance.media.splice import best_fit, crossed

if TYPE_CHECKING:
    from appliance.media.conceal import Concealer
    from appliance.media.frames import Law
    from appliance.media.packets import Store

LAGS = (80, 160)
"""Samples that a splice may take out or put in: 10 to 20 ms hold whole periods of any voice."""
FADE = 80


@dataclass(slots=True)
class Counters:
    """What has happened: packets `late`, `refused` and `lost`, else samples.

    `waited` was put in because nothing was here, `inserted` and `dropped` by `splices` and by
    bringing down what was far too much.
    """

    late: int = 0
    refused: int = 0
    lost: int = 0
    waited: int = 0
    inserted: int = 0
    dropped: int = 0
    splices: int = 0
    resyncs: int = 0


class Splicer:
    """Brings the wait of packets to its target, at the `Pace` that is not heard."""

    def __init__(self, law: Law, counters: Counters) -> None:
        self._law = law
        self._counters = counters
        self._pace = Pace()

    def sound(self, store: Store, played: Concealer, excess: int, leeway: int, piece: int) -> bytes:
        """Return sound that goes over to what is ahead of its turn, or back; empty for none.

        `excess` is by how much packets wait too long, `leeway` by how much they may wait too short;
        `piece` is what is played otherwise.
        """
        wanted = self._pace.wants(excess, leeway, piece)
        if not wanted or not played.is_whole:
            return b""
        ahead = store.peek(LAGS[1] + FADE)
        rms = audioop.rms(g711.decode(ahead, self._law), 2)
        least = self._pace.least_fit(played.background.floor.is_quiet(rms))
        if least > 1.0 or len(ahead) < FADE:
            return b""
        if wanted < 0:
            return self._longer(played.past, ahead, -wanted, least)
        return self._shorter(store, ahead, wanted, least)

    def _shorter(self, store: Store, ahead: bytes, wanted: int, least: float) -> bytes:
        most = min(LAGS[1], max(LAGS[0], wanted), len(ahead) - FADE)
        there, fit = self._fit(ahead, 0, range(LAGS[0], most + 1))
        if fit < least:
            return b""
        store.go(store.play + there + FADE)
        self._counters.dropped += there
        return self._joined(ahead[:FADE], ahead[there : there + FADE])

    def _longer(self, past: bytes, ahead: bytes, wanted: int, least: float) -> bytes:
        line = past[-LAGS[1] :] + ahead[:FADE]
        here = LAGS[1]
        # In a pause any length will do, in a voice a whole number of periods.
        most = LAGS[1] if least > 0 else min(LAGS[1], max(LAGS[0], wanted))
        there, fit = self._fit(line, here, range(here - most, here - LAGS[0] + 1))
        if fit < least:
            return b""
        self._counters.inserted += here - there
        return self._joined(ahead[:FADE], line[there : there + FADE]) + line[there + FADE : here]

    def _fit(self, line: bytes, here: int, places: range) -> tuple[int, float]:
        """The best place for a splice; none at all fits less than anything."""
        return best_fit(g711.decode(line, self._law), here, places, FADE) if places else (0, -2.0)

    def _joined(self, old: bytes, new: bytes) -> bytes:
        self._pace.spliced()
        self._counters.splices += 1
        law = self._law
        return g711.encode(crossed(g711.decode(old, law), g711.decode(new, law)), law)
