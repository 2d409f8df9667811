"""The two sets by which the field test itself is tested: broken lines, and healthy but odd ones.

A broken line has one defect, of a line and a direction, constant or at times; it must fail, and the
first reason must name the defect. A healthy line is at the edge of what is allowed; none may fail.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from hw_tests.field import Field
from hw_tests.findings import Finding, Run
from hw_tests.measures import machine
from hw_tests.measures.table import MEASURES
from hw_tests.run import Recorder
from tests.hw_tests.virtual import Virtual

Knobs = Mapping[str, object]
NEEDS_PROCESSES = {"lateness"}
LONG_BEFORE_S = 60.0
"""When what goes wrong in the middle does so: in the calls, once the modems are known."""


@dataclass(frozen=True)
class Broken:
    """A defect of one line, and what the first reason must say: one of some words.

    `at_s`: from then on, else from the beginning.
    """

    name: str
    knobs: Knobs
    says: tuple[str, ...]
    line: str = "A"
    at_s: float = 0.0
    dialect: str = "conexant"


@dataclass(frozen=True)
class Odd:
    """Two lines that are allowed."""

    name: str
    a: Knobs = field(default_factory=dict)
    b: Knobs = field(default_factory=dict)
    dialect: str = "conexant"
    country: str = "it"


SUPPRESSOR, GATE = ("an echo suppressor",), ("Weak syllables are cut off",)
JUMPS, GAPS = ("The sound jumps",), ("drops out",)
NOISE, CRACKLE = ("There is noise", "signal to noise"), ("comes and goes",)
HUM, CLIPPED = ("hum of the mains",), ("clipped",)
WEAK = ("level",)
SILENT = ("without an answer", "does not answer ATH")
SWINGS = ("weaker and stronger", "drops out")

WAYS: tuple[tuple[str, dict[str, object], tuple[str, ...]], ...] = (
    ("echo suppressor 26 dB", {"suppress": 26}, SUPPRESSOR),
    ("echo suppressor 12 dB", {"suppress": 12}, SUPPRESSOR),
    ("noise gate", {"gate": -30}, GATE),
    ("noise gate at -34 dBm0", {"gate": -34}, GATE),
    ("slips of 10 ms every 4 s", {"slip": [10, 4]}, JUMPS),
    ("slips of 20 ms every 9 s", {"slip": [20, 9]}, JUMPS),
    ("drop-outs of 300 ms every 11 s", {"drop": [300, 11]}, GAPS),
    ("drop-outs of 120 ms every 5 s", {"drop": [120, 5]}, GAPS),
    ("clipping at -8 dBm0", {"clip": -8}, CLIPPED),
    ("20 dB too weak", {"loss": 20}, WEAK),
    ("one direction 11 dB weaker", {"loss": 11}, ("much weaker than the other",)),
    ("noise -35 dBm0", {"noise": -35}, NOISE),
    ("crackle -30 dBm0", {"crackle": -30}, (*CRACKLE, *NOISE)),
    ("hum -35 dBm0", {"hum": -35}, HUM),
    ("no treble", {"dull": 3}, ("Hz",)),
    ("bent characteristic", {"bent": 0.9}, ("harmonic", "distorted")),
)
"""Defects of one direction."""
AT_TIMES: tuple[tuple[str, dict[str, object], tuple[str, ...]], ...] = (
    ("echo suppressor", {"suppress": 26, "times": [5, 10]}, SUPPRESSOR),
    ("noise gate", {"gate": -30, "times": [6, 10]}, GATE),
    ("20 dB weaker", {"loss": 20, "times": [2, 10]}, SWINGS),
    ("8 dB weaker", {"loss": 8, "times": [3, 10]}, SWINGS),
    ("noise -30 dBm0", {"noise": -30, "times": [2, 10]}, CRACKLE),
    ("hum -30 dBm0", {"hum": -30, "times": [3, 10]}, HUM),
    ("clipping at -25 dBm0", {"clip": -25, "times": [3, 10]}, SWINGS),
)
"""The same now and then: some seconds of every ten."""
LINES: tuple[tuple[str, dict[str, object], tuple[str, ...], float], ...] = (
    ("half duplex", {"vtr": "error"}, ("half duplex",), 0.0),
    ("duplex without sound", {"vtr": "mute"}, ("+VTR",), 0.0),
    ("crystal 200 ppm fast", {"ppm": 200}, ("drift",), 0.0),
    ("crystal 200 ppm slow", {"ppm": -200}, ("drift",), 0.0),
    ("crystal 200 ppm fast, echo 12 dB", {"ppm": 200, "echo": [12, 3]}, ("drift",), 0.0),
    ("echo 3 dB", {"echo": [3, 5]}, ("echo return loss",), 0.0),
    ("echo 14 dB at 250 ms", {"echo": [14, 250]}, ("later than the box's canceller",), 0.0),
    ("echo 22 dB at 180 ms", {"echo": [22, 180]}, ("later than the box's canceller",), 0.0),
    ("caller id lost after four calls", {"id_calls": 4}, ("does not come any more",), 0.0),
    ("no caller id", {"refuse": ["+VCID"]}, ("refuses +VCID",), 0.0),
    ("ghost rings every 7 s", {"ghost": 7}, ("rings though nobody calls",), 0.0),
    ("ghost rings every 13 s", {"ghost": 13}, ("rings though nobody calls",), 0.0),
    ("one ghost ring", {"ghost": 3600}, ("rings though nobody calls",), LONG_BEFORE_S),
    ("DLE not doubled by the modem", {"shields": False}, ("(DLE)",), 0.0),
    ("DLE not taken as doubled", {"unshields": False}, ("(DLE)",), 0.0),
    ("one command in 20 refused", {"fails_each": 20}, ("refuses commands now and then",), 0.0),
    ("one command in 33 refused", {"fails_each": 33}, ("refuses commands now and then",), 0.0),
    (
        "five hang-ups ignored",
        {"ignores_hang_ups": 5},
        SILENT,
        LONG_BEFORE_S,
    ),
    ("no dial tone", {"dial_tone": False}, ("Dial tone",), 0.0),
    ("tones 3 % too high", {"detune": 3}, ("Dial tone",), 0.0),
    ("90 V on the line", {"volts": 90}, ("Voltage",), 0.0),
    ("no line", {"cut": True}, ("Voltage",), 0.0),
    ("wedged", {"wedged": True}, ("does not answer", "came to no end"), 0.0),
    ("an end that comes late", {"end_late": 1500}, ("end of the sound to OK",), 0.0),
)
"""Defects of a line or its modem."""
CALLED: tuple[tuple[str, dict[str, object], tuple[str, ...]], ...] = (
    ("rings too far apart", {"bell": [1000, 5500]}, ("from ring to ring",)),
    ("expected number withheld", {"caller": ["withheld", "after"]}, ("is withheld",)),
    ("another number", {"caller": ["0599999999", "after"]}, ("Another number comes",)),
    ("number cut off", {"caller": ["051123450", "after"]}, ("comes cut off",)),
    ("number of another town", {"caller": ["0691234501", "after"]}, ("Another number comes",)),
)


def broken() -> tuple[Broken, ...]:
    """Give all of them, each on either line."""
    made = [
        Broken(f"{name}, {line} {way}", {way: knobs}, says, line)
        for name, knobs, says in WAYS
        for line in "AB"
        for way in ("hears", "says")
    ]
    made += [
        Broken(f"{name} at times, {line} {way}", {way: knobs}, says, line)
        for name, knobs, says in AT_TIMES
        for line in "AB"
        for way in ("hears", "says")
    ]
    made += [
        Broken(f"{name}, {line}", knobs, says, line, at_s)
        for name, knobs, says, at_s in LINES
        for line in "AB"
    ]
    made += [
        Broken(f"{name}, {line}", knobs, says, line)
        for name, knobs, says in CALLED
        for line in "AB"
    ]
    return tuple(made)


ECHO, STRONG_ECHO = [12, 3], [6.5, 3]
FAST, SLOW = {"ppm": 100}, {"ppm": -100}
HEALTHY = (
    Odd("nothing odd"),
    Odd("8-bit linear sound", dialect="conexant-pcm"),
    Odd("Germany", country="de"),
    Odd("France", country="fr"),
    Odd("Great Britain", country="gb"),
    Odd("United States", country="us"),
    Odd("crystals 40 ppm apart", {"ppm": 20}, {"ppm": -20}),
    Odd("crystals at both ends", FAST, SLOW),
    Odd("crystals at both ends, the other way", SLOW, FAST),
    Odd("both fast", FAST, FAST),
    Odd("ordinary echo", {"echo": ECHO}, {"echo": ECHO}),
    Odd("strong echo", {"echo": STRONG_ECHO}, {"echo": STRONG_ECHO}),
    Odd("echo at 60 ms", {"echo": [10, 60]}, {"echo": [10, 60]}),
    Odd("echo at 110 ms", {"echo": [12, 110]}, {}),
    Odd("faint echo at 250 ms", {"echo": [36, 250]}, {"echo": [36, 250]}),
    Odd("crystals and echo", FAST | {"echo": ECHO}, SLOW | {"echo": ECHO}),
    Odd("crystals and strong echo", FAST | {"echo": STRONG_ECHO}, SLOW | {"echo": STRONG_ECHO}),
    Odd("weak", {"loss": 9}, {"loss": 9}),
    Odd("weak, strong echo", {"loss": 8, "echo": STRONG_ECHO}, {"loss": 8, "echo": STRONG_ECHO}),
    Odd("weak, crystals", FAST | {"loss": 7}, SLOW | {"loss": 7}),
    Odd("strong", {"loss": -5}, {"loss": -5}),
    Odd("strong, crystals", FAST | {"loss": -4}, SLOW | {"loss": -4}),
    Odd("one direction 8 dB weaker", {"loss": 8}),
    Odd("other direction 8 dB weaker", {}, {"says": {"loss": 0}, "loss": 8}),
    Odd("noise -47 dBm0", {"noise": -47}, {"noise": -47}),
    Odd("noise and weak", {"noise": -50, "loss": 6}, {"noise": -50, "loss": 6}),
    Odd("noise and crystals", FAST | {"noise": -48}, SLOW | {"noise": -48}),
    Odd("hum -50 dBm0", {"hears": {"hum": -50}}, {"hears": {"hum": -50}}),
    Odd("crackle -50 dBm0", {"crackle": -50}, {"crackle": -50}),
    Odd("little treble", {"dull": 1}, {"dull": 1}),
    Odd("little treble, echo", {"dull": 1, "echo": ECHO}, {"dull": 1, "echo": ECHO}),
    Odd("a little bent", {"bent": 0.15}, {"bent": 0.15}),
    Odd("half duplex echo control of 4 dB", {"hears": {"suppress": 4}}, {"hears": {"suppress": 4}}),
    Odd("gate at -48 dBm0", {"hears": {"gate": -48}}, {"hears": {"gate": -48}}),
    Odd("clipping at +1 dBm0", {"hears": {"clip": 1}}, {"says": {"clip": 1}}),
    Odd("one slip in half a minute", {"hears": {"slip": [10, 90]}}),
    Odd("lost packets of 20 ms", {"hears": {"drop": [20, 7]}}, {"hears": {"drop": [20, 7]}}),
    Odd("bell at its limits", {"bell": [1000, 4600]}, {"bell": [1000, 3400]}),
    Odd("tones 0.8 % too high", {"detune": 0.8}, {"detune": -0.8}),
    Odd("24 V", {"volts": 24.0}, {"volts": 24.0}),
    Odd("chip that names nothing", {"chip_dtmf": False, "chip_tones": False}, {"chip_dtmf": False}),
    Odd("no PBX", {"pbx": False}, {"pbx": False}),
    Odd("late end of stream", {"end_late": 700}, {"end_late": 700}),
    Odd("telephone not seen", {"chip_extension": False}),
    Odd("streams left by a tripled DLE", dialect="zoom3095"),
    Odd("tripled DLE, echo, crystals", FAST | {"echo": ECHO}, SLOW, dialect="zoom3095"),
    Odd("dull chip, echo, crystals", FAST | {"chip_tones": False, "echo": ECHO}, SLOW),
    Odd("8-bit linear, weak", {"loss": 6}, {"loss": 6}, dialect="conexant-pcm"),
    Odd("8-bit linear, crystals and echo", FAST | {"echo": ECHO}, SLOW, dialect="conexant-pcm"),
    Odd(
        "all at once",
        FAST | {"echo": [8, 20], "loss": 5, "noise": -52},
        SLOW | {"echo": [8, 20], "loss": 5, "noise": -52},
    ),
    Odd(
        "all at once, lopsided",
        FAST | {"echo": [9, 40], "loss": 3, "noise": -50},
        SLOW | {"echo": [14, 2], "loss": 9, "noise": -54},
    ),
)  # fmt: skip


class Stubborn(Virtual):
    """A world in which a line's knobs stay, from a moment on, whoever turns them otherwise."""

    def __init__(self, knobs: Mapping[str, Knobs], dialect: str, country: str, at_s: float) -> None:
        self._stay: dict[str, Knobs] = {}
        super().__init__(dialect, country)
        self._due, self._knobs = self.now() + at_s, knobs
        if not at_s:
            self._turn_all()

    def _turn_all(self) -> None:
        self._due = float("inf")
        self._stay = dict(self._knobs)
        for name, knobs in self._knobs.items():
            super().turn(name, **knobs)

    def turn(self, name: str, **turned: object) -> bool:
        """Turn knobs, but those that stay."""
        stay = self._stay.get(name, {})
        return super().turn(name, **turned | {key: stay[key] for key in turned if key in stay})

    def wait(self, until: float) -> None:
        """Let a tick pass, and do what is due."""
        super().wait(until)
        if self.now() >= self._due:
            self._turn_all()


def _punctual(_field: Field) -> list[Finding]:
    """Be the machine of a virtual clock: late by nothing."""
    return [machine.judge({"p50": 0.0, "p99": 0.0, "max": 0.0, "ticks": 1.0, "refused": ""})]


def measured(
    folder: Path, a: Knobs, b: Knobs, dialect: str = "conexant", country: str = "it",
    at_s: float = 0.0,
) -> Run:  # fmt: skip
    """Make the whole field test on two lines, on a virtual clock."""
    world = Stubborn({"A": a, "B": b}, dialect, country, at_s)
    made = [
        replace(measure, run=_punctual) if measure.name in NEEDS_PROCESSES else measure
        for measure in MEASURES
        if "exchange" in measure.where
    ]
    place = Field(world, folder, load_s=27.0, soak_s=5.0, silence_s=4.0, idle_s=15.0)
    recorder = Recorder(place, made, "", "")
    for measure in made:
        recorder.make(measure)
    recorder.close(whole=True)
    return recorder.run
