"""Lines under load: buffers, crystals, both voices at once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from appliance.dsp.wav import SAMPLE_RATE
from appliance.modem.events import Signal, Stream
from appliance.text import NOTHING, Words, _
from hw_tests import content, limits, signals
from hw_tests.bench import TAIL_S, Bench
from hw_tests.field import PAIRS, Field, found, not_here, told
from hw_tests.findings import Figure, Finding, Limit, Verdict
from hw_tests.measures.sound import HUM, NOISY
from hw_tests.side import LOSES

if TYPE_CHECKING:
    from collections.abc import Mapping


DROWNED = _("While both lines speak, the other one's tone is lost in echo and noise.")
CRYSTAL = _(
    "The modem's crystal runs too fast or too slow: sound is lost or repeated now and then; "
    "replace the modem."
)
SHORT = _("The sound was too short to measure the clock: --load 8 or more.")
RATE = Limit(SAMPLE_RATE * 0.995, SAMPLE_RATE * 1.005)
RUNS = Limit(None, 1.0)
OVERRUNS = Limit(None, 0.0)
PITCH_HZ = {"A": 1004.0, "B": 1404.0}
"""Two tones that do not disturb each other: each is sent while the other comes back as echo."""
PITCH_DBM0, PITCH_S = -12.0, 1.5
LOST_PPM = 80.0
"""A crystal is heard and played by alike; measured, both differ by less than that."""


SAYS = (
    _("The sound drops out now and then: look for a loose contact, or for lost packets (VoIP)."),
    _(
        "The sound jumps now and then: two devices on the way have clocks of their own; have the "
        "PBX or the VoIP box take its clock from the network."
    ),
    _(
        "While both speak, the other side is weakened: an echo suppressor is on the line; have it "
        "switched off, the box cancels echo itself."
    ),
    _(
        "Weak syllables are cut off: a noise gate or silence suppression (VAD) is on the line; "
        "have it switched off."
    ),
    _("The sound grows weaker and stronger: look for a loose contact, or for a gain control."),
)
"""What each figure of the content means, and what is to be done."""
COMES_AND_GOES = _("Noise comes and goes on the line: look at cable, sockets and power supplies.")
STEADY_DB = 6.0


def load(field: Field) -> list[Finding]:
    """Keep sound going on both lines; half duplex modems take turns and tell their drift only."""
    bench = field.ready
    both = all(field.duplex(name) for name in field.names)
    bench.ensure_call()
    return _both_ways(field, bench) if both else _in_turns(field, bench)


def _both_ways(field: Field, bench: Bench) -> list[Finding]:
    slots, quiet = content.slots_in(field.load_s), quiet_of(bench)
    said = {
        name: signals.pcm(content.said(name, slots, quiet)) + _pitch(name) for name in field.names
    }
    bench.direct("A", "B")
    marks = {name: _Begun(bench, name) for name in field.names}
    for name in field.names:
        bench[name].play(said[name], bench.now)
    bench.run(slots * content.SLOT_S)
    findings = [marks[name].load() for name in field.names]
    field.false_keys = {name: mark.keys() for name, mark in marks.items()}
    bench.run(PITCH_S + TAIL_S)
    heard = [_content(field, source, marks[target], slots, quiet) for source, target in PAIRS]
    return findings + heard + _drifts({name: mark.heard() for name, mark in marks.items()})


def quiet_of(bench: Bench) -> float:
    """Give how loud (dBm0) weak syllables are sent, so that both modems' formats carry them."""
    return content.quiet_for(side.law for side in bench.sides.values())


def _content(field: Field, source: str, begun: _Begun, slots: int, quiet: float) -> Finding:
    """Judge what a side heard of the other one while both spoke by turns and at once."""
    way = f"{source}>{begun.name}"
    heard = content.heard(begun.wave(), source, slots, quiet)
    if heard is None:
        said = _("Nothing has arrived of what the other side said meanwhile.")
        return told("content", way, Verdict.FAILED, said)
    field.speech_dbm0[way] = heard.level_dbm0
    figures, remark = judge(heard)
    return found(
        "content", way, *figures, Figure("speech", heard.level_dbm0, "dBm0"), remark=remark
    )


def judge(heard: content.Content) -> tuple[tuple[Figure, ...], Words]:
    """Judge what was heard of the other side, and say what the first bad figure means."""
    figures = (
        limits.DROP_OUTS.figure("drop-outs", heard.per_minute(len(heard.drop_outs)), "/min"),
        limits.SLIPS.figure("slips", heard.per_minute(len(heard.slips)), "/min"),
        limits.BOTH_SPEAK.figure("while both speak", heard.both_db, "dB"),
        limits.QUIET.figure("weak syllables", heard.quiet_db, "dB"),
        limits.SWING.figure("swing of the level", heard.swing_db, "dB"),
        limits.IDLE_NOISE.figure("loudest noise between words", heard.noise_dbm0, "dBm0"),
    )
    says = (*SAYS, _noise_said(heard))
    broken = [said for figure, said in zip(figures, says, strict=True) if not figure.good]
    return figures, broken[0] if broken else NOTHING


def _noise_said(heard: content.Content) -> Words:
    if heard.hums:
        return HUM
    steady = heard.noise_dbm0 - heard.least_dbm0 < STEADY_DB
    return NOISY if steady else COMES_AND_GOES


def _in_turns(field: Field, bench: Bench) -> list[Finding]:
    half = _("The modem is half duplex.")
    findings = [not_here("load", name, half) for name in field.names]
    findings += [not_here("content", f"{a}>{b}", half) for a, b in PAIRS]
    heard: dict[str, Heard] = {}
    for source, target in PAIRS:
        slots = content.slots_in(field.load_s)
        said = signals.pcm(content.said(source, slots)) + _pitch(source)
        bench.direct(source, target)
        begun = _Begun(bench, target)
        bench[source].play(said, bench.now)
        bench.run(slots * content.SLOT_S + PITCH_S + TAIL_S)
        heard[target] = begun.heard()
        bench.stream(target, Stream.RECEIVE)
    return findings + _drifts(heard)


def _pitch(name: str) -> bytes:
    """Give the tone by which the other side knows how fast this one's modem plays."""
    return signals.pcm(signals.tone(PITCH_HZ[name], PITCH_DBM0, PITCH_S))


@dataclass(frozen=True, slots=True)
class Heard:
    """By how much a side's crystal is fast against this machine, and the other's tone too high."""

    ppm: float | None
    pitch_ppm: float | None


def _drifts(heard: Mapping[str, Heard]) -> list[Finding]:
    """Judge each modem's crystal, hearing and playing.

    What it plays is heard by the other modem's crystal: both errors together are the pitch's.
    """
    played = {name: _together(heard[other].ppm, heard[other].pitch_ppm) for name, other in PAIRS}
    losers = {name for name, _other in PAIRS if _loses(heard[name].ppm, played[name])}
    if len(losers) == 1:
        # Bytes are missing there: how fast it hears is told by how fast it plays.
        (loser,) = losers
        (other,) = (name for name, at in PAIRS if at == loser)
        played[other] = _together(played[loser], heard[loser].pitch_ppm)
    if any(each.ppm is None for each in heard.values()):
        return [told("drift", name, Verdict.INCOMPLETE, SHORT) for name, _other in PAIRS]
    return [
        _drift(name, heard[name].ppm or 0.0, played[name], loses={name} == losers)
        for name, _other in PAIRS
    ]


def _together(*ppm: float | None) -> float | None:
    known = [each for each in ppm if each is not None]
    return sum(known) if len(known) == len(ppm) else None


def _loses(hears: float | None, plays: float | None) -> bool:
    """Tell whether less is heard than the crystal, by which it is played too, makes of sound."""
    if hears is None or plays is None or limits.DRIFT.allowed.holds(hears):
        return False
    return plays - hears > LOST_PPM


def _drift(name: str, hears: float, plays: float | None, *, loses: bool) -> Finding:
    if not limits.DRIFT.allowed.holds(hears):
        remark = LOSES if loses else CRYSTAL
    elif plays is None:
        remark = DROWNED
    else:
        remark = NOTHING if limits.DRIFT.allowed.holds(plays) else CRYSTAL
    return found(
        "drift",
        name,
        limits.DRIFT.figure("drift, hearing", hears, "ppm"),
        limits.DRIFT.figure("drift, playing", plays, "ppm"),
        remark=remark,
    )


class _Begun:
    """Where one side stood as the load began."""

    def __init__(self, bench: Bench, name: str) -> None:
        self._bench, self.name = bench, name
        self._side = bench[name]
        self._mark = self._side.mark()
        self._heard = len(self._side.heard)
        self._arrivals = len(self._side.arrivals)
        self._at = bench.now

    def load(self) -> Finding:
        """Judge buffers and rate."""
        side, seconds = self._side, self._bench.now - self._at
        under, over = (
            side.count(Signal.UNDERRUN, self._mark),
            side.count(Signal.OVERRUN, self._mark),
        )
        heard = (len(side.heard) - self._heard) / seconds
        return found(
            "load",
            self.name,
            Figure("heard", heard, "1/s", RATE),
            Figure("underruns", float(under), "", RUNS),
            Figure("overruns", float(over), "", OVERRUNS),
        )

    def keys(self) -> int:
        """Count the keys that the chip has named."""
        return self._side.count(Signal.DIGIT, self._mark)

    def wave(self) -> signals.Wave:
        """Give the sound since then."""
        return signals.wave(self._side.pcm(self._heard))

    def heard(self) -> Heard:
        """Tell of the crystals, from what has come and when."""
        side = self._side
        ends = max(self._heard, len(side.heard) - round((PITCH_S + 2 * TAIL_S) * SAMPLE_RATE))
        (far_hz,) = (hz for name, hz in PITCH_HZ.items() if name != self.name)
        return Heard(
            signals.drift_ppm(side.arrivals[self._arrivals :]),
            signals.pitch_ppm(signals.wave(side.pcm(ends)), far_hz, PITCH_HZ[self.name]),
        )
