"""What two lines say at once for half a minute, and what of it arrives: loud, quiet, in time.

Each side says noise of its own, known to the sample, in half seconds that are loud, quiet or silent
by a plan: so what a side hears is told apart from its own echo, and what changes while the other
one speaks, while it is quiet, or now and then, has a figure of its own.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from appliance.dsp.wav import SAMPLE_RATE, Law
from hw_tests import signals
from hw_tests.signals import Wave

if TYPE_CHECKING:
    from collections.abc import Iterable

SLOT_S = 0.5
SLOT = round(SLOT_S * SAMPLE_RATE)
LOUD_DBM0, QUIET_DBM0, COARSE_QUIET_DBM0 = -18.0, -40.0, -34.0
"""Speech, and the weak syllables in it; in 8-bit linear sound fainter ones get lost by rounding."""
PLAN = {"A": "L.LLq.LL.", "B": ".LLL.qLL."}
"""What a side says in each slot: loud, quiet, nothing; again and again.

With 4.5 s, what comes every few seconds meets each kind of slot sooner or later.
"""
SEEDS = {"A": 1, "B": 2}
BAND_HZ = (300.0, 2000.0)
BLOCK = round(0.05 * SAMPLE_RATE)
FIRST_S, AROUND_S = 1.5, 0.05
"""How late the first slot may come, and how far from the last delay the next one is looked for."""
LIKE = 0.15
"""What a slot resembles itself by that is heard for certain; chance gives half of that."""
SLIP = round(0.002 * SAMPLE_RATE)
"""A jump of the delay by so many samples is a slip; crystals move it by one in a second or more."""
SUPPRESSED_DB, HANG_BLOCKS = -6.0, 3
"""A suppressor holds on for a while after the other side has spoken: that is no drop-out."""
LEAST_SLOPE, FAR_APART, FINER = 2e-6, 16, 8
"""A smaller difference of two crystals moves nothing; slots so far apart tell it; samples between
each two by which a sound is stretched.
"""
ECHO_ENDS, EDGE = round(0.425 * SAMPLE_RATE), round(0.01 * SAMPLE_RATE)
"""So long after a side has spoken its echo is over; and how sharp the ends of slots are."""
AROUND = 3
"""So many samples earlier and later a sound may be found again beside its place."""
FAINT = 10 ** (-22 / 10)
"""What is fainter than a sound by so much (power) is its own rounding and resampling."""
MANY, FAR_ABOVE, ALIKE_DB = 3, 4.0, 6.0
"""Plans that have a median; how much stronger than usual (power) a burst is; levels (dB) alike."""
WIDE = 4
"""So many blocks around one count as usual for it, where there are few plans."""
SHARE = 4
"""So many per cent of the slots, the weakest and the strongest, are no swing yet."""
GONE = 0.2
"""Of the usual strength; a block that has less of it has dropped out."""


@lru_cache(maxsize=8)
def said(name: str, slots: int, quiet_dbm0: float = QUIET_DBM0) -> Wave:
    """Give what a side says, its weak syllables at a level."""
    size = slots * SLOT
    spectrum = np.fft.rfft(np.random.default_rng(SEEDS[name]).normal(0, 1, size))
    hz = np.arange(len(spectrum)) * SAMPLE_RATE / size
    spectrum[(hz < BAND_HZ[0]) | (hz > BAND_HZ[1])] = 0
    noise = 1000 * np.fft.irfft(spectrum, size)
    pieces = []
    for n in range(slots):
        piece = noise[n * SLOT : (n + 1) * SLOT]
        dbm0 = {"L": LOUD_DBM0, "q": quiet_dbm0}.get(_form(name, n))
        gain = 0.0 if dbm0 is None else 10 ** ((dbm0 - signals.level(piece)) / 20)
        pieces.append(signals.softened(gain * piece))
    return np.concatenate(pieces)


def slots_in(seconds: float) -> int:
    """Give how many slots there are in a time: whole plans, two at least."""
    plan = len(PLAN["A"])
    return plan * max(2, round(seconds / SLOT_S / plan))


def _form(name: str, slot: int) -> str:
    return PLAN[name][slot % len(PLAN[name])]


@dataclass(frozen=True, slots=True)
class Content:
    """What became of what the other side said.

    `level_dbm0` is how loud its loud slots arrive while the listener is silent; `both_db` by how
    much stronger they are while both speak, `quiet_db` by how much stronger quiet ones come than
    they should. `drop_outs` are when it was gone (s from the beginning), `slips` when it jumped,
    and by how many ms. `swing_db` is by how much its loud slots differ. `noise_dbm0` is the
    loudest noise in all that was heard, `least_dbm0` the faintest while nobody speaks; `hums`: the
    loudest one is of the mains.
    """

    level_dbm0: float
    both_db: float
    quiet_db: float
    drop_outs: tuple[float, ...]
    slips: tuple[tuple[float, float], ...]
    swing_db: float
    noise_dbm0: float
    least_dbm0: float
    hums: bool
    seconds: float

    def per_minute(self, count: int) -> float:
        """Give how often something comes in a minute."""
        return 60 * count / self.seconds


@dataclass(frozen=True, slots=True)
class _Slot:
    """A slot as it was heard: what both said in it, and the gain of each of its blocks."""

    number: int
    form: str
    blocks: tuple[float, ...]

    def tail(self) -> tuple[float, ...]:
        """Give the blocks behind those in which a suppressor may still hold."""
        return (1.0,) * HANG_BLOCKS + self.blocks[HANG_BLOCKS:]


@dataclass(frozen=True, slots=True)
class _Noises:
    """What is heard while nobody speaks, and how loud (dBm0) the loudest burst elsewhere is."""

    silent: tuple[Wave, ...]
    burst_dbm0: float

    @property
    def most_dbm0(self) -> float:
        return max(self.burst_dbm0, *map(signals.level, self.silent))

    @property
    def least_dbm0(self) -> float:
        return min(map(signals.level, self.silent), default=signals.QUIETEST_DBM0)

    @property
    def hums(self) -> bool:
        """True where the loudest is of the mains."""
        loudest = max(self.silent, key=signals.level, default=np.zeros(0))
        return signals.level(loudest) > self.burst_dbm0 - ALIKE_DB and signals.hums(loudest)


def quiet_for(laws: Iterable[Law]) -> float:
    """Give the level of weak syllables that each of some sound formats carries."""
    return COARSE_QUIET_DBM0 if Law.LINEAR8 in laws else QUIET_DBM0


def heard(part: Wave, far: str, slots: int, quiet_dbm0: float = QUIET_DBM0) -> Content | None:
    """Measure what came of `far`'s slots in what the other side heard since they were begun.

    None where nothing of it has come.
    """
    other = "B" if far == "A" else "A"
    sent = said(far, slots, quiet_dbm0)
    found: list[_Slot] = []
    delays = _delays(part, far, sent, slots)
    if not delays:
        return None
    if abs(slope := _slope(delays)) > LEAST_SLOPE:
        sent = _stretched(sent, slope)
        delays = _delays(part, far, sent, slots)
    for n in range(slots):
        if _form(far, n) == ".":
            continue
        piece = sent[n * SLOT : (n + 1) * SLOT]
        near = sorted(delays, key=lambda k: abs(k - n))[:3]
        form = _form(far, n) + ("L" if _form(other, n) == "L" else ".")
        blocks = [_gains(part, piece, n * SLOT, delays[k]) for k in near]
        found.append(_Slot(n, form, tuple(map(float, np.max(np.array(blocks), axis=0)))))
    noises = _Noises(tuple(_noises(part, far, slots, delays)), _burst(part, sent, found, delays))
    return _judged(found, delays, noises, slots)


def _noises(part: Wave, far: str, slots: int, delays: dict[int, int]) -> list[Wave]:
    """Give what is heard while nothing of either side arrives, once every echo is over.

    What is played is ahead by `LEAD_S` in the modem: the next slot's sound is not there yet.
    """
    late = round(float(np.median(list(delays.values()))))
    near = "B" if far == "A" else "A"
    speaks = np.zeros((slots + 1) * SLOT + late, dtype=bool)
    for n in range(slots):
        if _form(near, n) != ".":
            speaks[n * SLOT + min(BLOCK, late - BLOCK) : (n + 1) * SLOT + ECHO_ENDS] = True
        if _form(far, n) != ".":
            speaks[n * SLOT + late - EDGE : (n + 1) * SLOT + late + EDGE] = True
    turns = np.flatnonzero(np.diff(speaks[: slots * SLOT + min(BLOCK, late - BLOCK)].astype(int)))
    ends = [*(int(at) + 1 for at in turns), slots * SLOT + min(BLOCK, late - BLOCK)]
    silent = [(a, b) for a, b in pairwise(ends) if b - a >= BLOCK and not speaks[a]]
    # A codec's constant offset is heard by nobody.
    return [signals.without_offset(part[max(a, b - SLOT // 4) : b]) for a, b in silent]


def _burst(part: Wave, sent: Wave, found: list[_Slot], delays: dict[int, int]) -> float:
    """Give the level (dBm0) of the loudest noise that comes now and then, in all that was heard.

    The plan comes again and again: what is beside the far side's own sound is about the same in
    each, echo and all. Noise of two blocks and more that is not, and adds to the sound, is a burst.
    """
    plan, forms = len(PLAN["A"]), {each.number: each.form for each in found}
    gains = {
        form: float(np.median([gain for f in found if f.form == form for gain in f.blocks]))
        for form in set(forms.values())
    }
    slots = len(sent) // SLOT
    beside = np.array(
        [_beside(part, sent, n, gains.get(forms.get(n, ""), 0.0), delays) for n in range(slots)]
    )
    usual = beside.reshape(slots // plan, -1)
    # of two plans the quieter one is usual
    usual = np.min(usual, axis=0) if len(usual) < MANY else np.median(usual, axis=0)
    # An echo beside the far side's sound is now and then taken for a part of it: the quieter one of
    # two plans is that far more often than their median.
    wide = WIDE if len(beside) // plan < MANY else 1
    around = np.max([np.roll(usual, by) for by in range(-wide, wide + 1)], axis=0)
    more = np.where(beside.ravel() > FAR_ABOVE * np.tile(around, slots // plan), beside.ravel(), 0)
    loudest = float(np.max(np.minimum(more[1:], more[:-1]), initial=0.0))
    return signals.level(np.full(1, np.sqrt(loudest)))


def _beside(part: Wave, sent: Wave, slot: int, gain: float, delays: dict[int, int]) -> list[float]:
    """Give the power beside the far side's sound in each block of a slot; 0 where it jumps about.

    It is no more than is left without that sound, nor than the whole is stronger than usual: a
    gap has less of both, and a sound that swings is the far side's own.
    """
    if _is_slip((slot + 0.5) * SLOT_S, delays):
        return [0.0] * (SLOT // BLOCK)
    lates = {delays[k] for k in sorted(delays, key=lambda k: abs(k - slot))[:3]}
    padded = np.pad(sent, AROUND)
    powers = []
    for at in range(slot * SLOT, (slot + 1) * SLOT, BLOCK):
        pieces = np.array([padded[at + by : at + by + BLOCK] for by in range(2 * AROUND + 1)])
        there = (part[at + late : at + late + BLOCK] for late in lates)
        powers.append(min(_left(each, pieces, gain) for each in there))
    return powers


def _left(there: Wave, pieces: Wave, gain: float) -> float:
    """Give the power that a sound, some samples earlier and later, leaves unexplained.

    Two crystals put it between two samples, and a line's filter over several.
    """
    if len(there) < pieces.shape[1]:
        return 0.0
    power, said = float(np.mean(there**2)), float(np.mean(pieces[AROUND] ** 2))
    if said < 1.0:
        return power
    alike = pieces @ pieces.T
    alike += np.eye(len(alike)) * np.trace(alike) * LEAST_SLOPE
    left = there - np.linalg.solve(alike, pieces @ there) @ pieces
    least = max(0.0, min(float(np.mean(left**2)), power - gain**2 * said))
    return least if least > FAINT * power else 0.0


def _delays(part: Wave, far: str, sent: Wave, slots: int) -> dict[int, int]:
    """Give how late each loud slot is that is heard for certain, by its number."""
    delays: dict[int, int] = {}
    around = round(AROUND_S * SAMPLE_RATE)
    usual: int | None = None
    for n in range(slots):
        if _form(far, n) != "L":  # beside loud ones a weak one's place is told less well
            continue
        piece = sent[n * SLOT : (n + 1) * SLOT]
        low = 0 if usual is None else max(0, usual - around)
        high = round(FIRST_S * SAMPLE_RATE) if usual is None else usual + around
        at, like = _find(part[n * SLOT + low : (n + 1) * SLOT + high], piece)
        if like >= LIKE:
            delays[n] = low + at
            usual = low + at if usual is None else usual
            usual = round(float(np.median(list(delays.values())[-5:])))
    return delays


def _slope(delays: dict[int, int]) -> float:
    """Give by how much each sample comes later than the one before, apart from slips: what two
    crystals do.
    """
    known, smooth, jumped = sorted(delays), dict[int, int](), 0
    jumps = {after: delays[after] - delays[before] for before, after in _jumps(delays)}
    for n in known:
        jumped += jumps.get(n, 0)
        smooth[n] = delays[n] - jumped
    slopes = [
        (smooth[after] - smooth[before]) / (after - before) / SLOT
        for before in known
        for after in known
        if after - before >= FAR_APART
    ]
    return float(np.median(slopes)) if slopes else 0.0


def _stretched(sent: Wave, slope: float) -> Wave:
    """Give a sound as it is heard by a crystal of another speed."""
    spectrum = np.fft.rfft(sent)
    finer = np.fft.irfft(spectrum, len(sent) * FINER) * FINER
    at = np.arange(len(sent)) * (1 - slope) * FINER
    stretched: Wave = np.interp(at, np.arange(len(finer)), finer)
    return stretched


def _find(part: Wave, piece: Wave) -> tuple[int, float]:
    """Give where in a part a piece is, and how like it what stands there is (0 to 1)."""
    if len(part) < len(piece):
        return 0, 0.0
    size = len(part) + len(piece)
    product = np.fft.irfft(np.fft.rfft(part, size) * np.conj(np.fft.rfft(piece, size)), size)
    product = product[: len(part) - len(piece) + 1]
    at = int(np.argmax(product))
    there = part[at : at + len(piece)]
    energy = float(np.sum(there**2) * np.sum(piece**2))
    return at, float(product[at]) / np.sqrt(energy) if energy > 1.0 else 0.0


def _gain(piece: Wave, there: Wave) -> float:
    piece = piece[: len(there)]
    energy = float(np.sum(piece**2))
    return float(np.sum(piece * there)) / energy if energy > 0 else 0.0


def _gains(part: Wave, piece: Wave, begin: int, late: int) -> list[float]:
    """Give the gain of each block of a slot, without its ends."""
    gains = []
    for at in range(BLOCK, SLOT - BLOCK, BLOCK):
        there = part[max(0, begin + late + at) : begin + late + at + BLOCK]
        gains.append(_gain(piece[at : at + BLOCK], there))
    return gains


def _judged(
    found: list[_Slot], delays: dict[int, int], noises: _Noises, slots: int
) -> Content | None:
    usual = {
        form: float(np.median([gain for f in found if f.form == form for gain in f.blocks]))
        for form in {each.form for each in found}
    }
    alone = usual.get("L.", 0.0)
    if alone <= 0.0:
        return None
    both_db = _db(usual.get("LL", 0.0) / alone)
    suppressed = both_db < SUPPRESSED_DB
    slips, drop_outs = _slips(delays), list[float]()
    for each in found[1:]:  # before the first one nothing tells how late it was
        if each.form not in {"LL", "L."} or (suppressed and each.form == "LL"):
            continue
        blocks = each.tail() if suppressed else each.blocks
        gone = [False, *(gain < GONE * usual[each.form] for gain in blocks)]
        begins = [n for n, (was, is_) in enumerate(pairwise(gone)) if is_ and not was]
        drop_outs += [each.number * SLOT_S + (1 + n) * BLOCK / SAMPLE_RATE for n in begins]
    return Content(
        level_dbm0=LOUD_DBM0 + _db(alone),
        both_db=both_db,
        quiet_db=_db(usual.get("q.", 0.0) / alone),
        drop_outs=_apart([at for at in drop_outs if not _is_slip(at, delays)]),
        slips=slips,
        swing_db=_swing(found, suppressed=suppressed),
        noise_dbm0=noises.most_dbm0,
        least_dbm0=noises.least_dbm0,
        hums=noises.hums,
        seconds=slots * SLOT_S,
    )


def _is_slip(at: float, delays: dict[int, int]) -> bool:
    """Tell whether what is missing at a moment is but elsewhere: the sound jumps about there."""
    return any(before * SLOT_S <= at <= (after + 1) * SLOT_S for before, after in _jumps(delays))


def _swing(found: list[_Slot], *, suppressed: bool) -> float:
    """Give by how much (dB) the loud slots differ; those while both speak only without suppressor.

    What is gone is a drop-out and no swing: blocks that are there count.
    """
    forms = {"L."} if suppressed else {"L.", "LL"}
    loud = [each.blocks for each in found if each.form in forms]
    least = GONE * float(np.median(loud))
    there = [[gain for gain in blocks if gain >= least] for blocks in loud]
    usual = [float(np.median(blocks)) for blocks in there if len(blocks) > 1]
    low, high = np.percentile(usual, (SHARE, 100 - SHARE))
    return _db(float(high / low))


def _apart(times: list[float]) -> tuple[float, ...]:
    """Leave one of what belongs together: the end of a slot and the beginning of the next."""
    kept: list[float] = []
    for at in times:
        if not kept or at - kept[-1] > SLOT_S:
            kept.append(at)
    return tuple(kept)


def _slips(delays: dict[int, int]) -> tuple[tuple[float, float], ...]:
    """Give when the delay jumped and stayed so; what two crystals do to it is no jump."""
    return tuple(
        (after * SLOT_S, (delays[after] - delays[before]) * 1000 / SAMPLE_RATE)
        for before, after in _jumps(delays)
    )


def _jumps(delays: dict[int, int]) -> list[tuple[int, int]]:
    """Give the slots between which the delay jumps: the last before, the first after it."""
    return [
        (before, after)
        for before, after in pairwise(sorted(delays))
        if abs(delays[after] - delays[before]) > SLIP
    ]


def _db(ratio: float) -> float:
    return float(20 * np.log10(max(ratio, 1e-4)))
