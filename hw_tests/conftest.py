"""The field test's options, its world, and its findings, for pytest.

`pytest hw_tests` runs on the software exchange, each figure a test: `-k drift`, `--lf`, `--line A`,
`-m "proves(name='release')"` choose some, and what they need is measured with them.

`--line-a PORT --line-b PORT` runs on two modems joined by a line simulator, a VoIP box or a PBX;
`--line-a PORT --one-line --ask` on one, with a person who calls it.
"""

from __future__ import annotations

import json
import signal
import sys
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from appliance.errors import CentralinoError
from appliance.fieldtest.person import PERSON
from appliance.media.detectors import SILENCE_LIMIT_MS
from appliance.policy.numbering import PLANS
from appliance.simulator.exchange.modem_protocol import PERSONALITIES
from appliance.text import LANGUAGES
from hw_tests.cases import Case, cases
from hw_tests.field import Field, Measure
from hw_tests.findings import Use, Verdict
from hw_tests.guard import safe
from hw_tests.measures import soak
from hw_tests.measures.table import measures_for
from hw_tests.person import Nobody, Reader, Terminal
from hw_tests.promises import PROMISES
from hw_tests.run import Recorder
from hw_tests.side import INTERRUPTION
from hw_tests.worlds import ExchangeWorld, RealTime, ask_for_real_time, be_ordinary

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hw_tests.person import Person

MARKERS = (
    "timeout: seconds after which a measurement is stuck",
    "proves(name): figures of a promise, as in -m \"proves(name='release')\"",
    "someone: what a person is asked for",
    "calls: how calls arrive",
    "sound: how sound arrives",
    "releases: what is noticed of a far end that hangs up",
    "releases_planted: the same, as the software exchange does it",
)
EXCHANGE_SOAK_S, REAL_SOAK_S = 5.0, 3600.0
EXCHANGE_LOAD_S, REAL_LOAD_S = 27.0, 60.0
LEAST_IDLE_S, MOST_IDLE_S = 15.0, 120.0
EXCHANGE_SILENCE_S, REAL_SILENCE_S = 4.0, SILENCE_LIMIT_MS / 1000
MOST_S = 7 * 24 * 3600
FOLDER = pytest.StashKey[Path]()
"""Where a run keeps its findings."""
PATIENCE = 4.0
"""A measurement that takes so many times as long as it should is stuck."""


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add what a tester may say."""
    group = parser.getgroup("field test")
    add = group.addoption
    add("--exchange", action="store_true", help="on the software exchange: so without --line-a")
    add("--line-a", metavar="PORT", help="line A's modem, best by /dev/serial/by-path")
    add("--line-b", metavar="PORT", help="line B's modem")
    add("--one-line", action="store_true", help="line A alone, and a person who calls it")
    add("--number-a", default="", help="what line B dials to reach line A")
    add("--number-b", default="", help="what line A dials to reach line B")
    add("--congestion", default="", help="a number that leads to the congestion tone")
    add("--country", default="it", choices=sorted(PLANS), help="whose tones and numbers")
    add(
        "--dialect", default="conexant", help="the exchange's modems", choices=sorted(PERSONALITIES)
    )
    add("--knobs", default="{}", help="how the exchange's lines are to be bad, as JSON")
    add("--line", choices=("A", "B"), help="only figures that tell of this line")
    add(
        "--findings", metavar="DIR", help="where findings.json and sounds go; else a folder of /tmp"
    )
    add("--progress", metavar="FILE", help="append a line of JSON as each test begins and ends")
    add("--site", default="", help="where the test is made")
    add("--tester", default="", help="who makes it")
    add("--override", action="append", default=[], metavar="AT...", help="sent after every reset")
    for name in ("a", "b"):
        add(
            f"--needs-{name}", default="", metavar="NAME,...",
            help=f"what line {name.upper()} is for: {', '.join(PROMISES)}",
        )  # fmt: skip
        add(f"--use-{name}", default="", metavar="TEXT", help="where that is written")
    add("--soak", type=float, metavar="S", help="seconds of calls one after the other")
    add("--load", type=float, metavar="S", help="seconds of sound both ways")
    add("--ask", action="store_true", help="a person is here: ask on standard input (with -s)")
    add("--language", default="it", choices=LANGUAGES, help="in which the person is asked")


def pytest_configure(config: pytest.Config) -> None:
    """Refuse what does not go together; end on SIGTERM as on Ctrl-C, lines on hook."""
    for marker in MARKERS:
        config.addinivalue_line("markers", marker)
    if wrong := problem(config.option):
        raise pytest.UsageError(wrong)
    signal.signal(signal.SIGTERM, INTERRUPTION.ask)
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:  # not ignored
        signal.signal(signal.SIGINT, INTERRUPTION.ask)


def pytest_terminal_summary(config: pytest.Config) -> None:
    """Say where the findings are."""
    if folder := config.stash.get(FOLDER, None):
        config.get_terminal_writer().line(f"findings: {folder}")


def problem(option: Any) -> str:
    """Say in a sentence what is wrong with the options, or ""."""
    if option.exchange and option.line_a:
        return "--exchange has lines of its own: leave out --line-a, or --exchange"
    if not _is_object(option.knobs):
        return f"--knobs {option.knobs!r} is no JSON object: write '{{\"loss\": 20}}'"
    if option.one_line and not option.line_a:
        return "--one-line needs --line-a PORT"
    if option.line_a and not option.one_line:
        missing = [f"--{n.replace('_', '-')}" for n in NEEDED if not getattr(option, n)]
        if missing:
            return f"two lines need {', '.join(missing)}; one line alone: --one-line"
    if option.line_a and option.line_b and _is_one_port(option.line_a, option.line_b):
        return "--line-a and --line-b are the same port"
    if option.number_a and option.number_a == option.number_b:
        return "--number-a and --number-b are the same number: each line has one of its own"
    return wrong_value(option)


def _is_one_port(*names: str) -> bool:
    """Tell whether some names of ports, such as those of /dev/serial, lead to one device."""
    return len({Path(name).resolve() for name in names}) == 1


def wrong_value(option: Any) -> str:
    """Say in a sentence which value is none that can be, or ""."""
    for name in ("soak", "load"):
        seconds = getattr(option, name)
        if seconds is not None and not 1 <= seconds <= MOST_S:
            return f"--{name} {seconds:g}: write seconds, from 1 to {MOST_S}"
    for name in ("a", "b"):
        for need in filter(None, getattr(option, f"needs_{name}").split(",")):
            if need not in PROMISES:
                return f"--needs-{name} {need}: write of {', '.join(PROMISES)}"
    for number in (option.number_a, option.number_b, option.congestion):
        try:
            safe(number, option.country)
        except CentralinoError as error:
            return str(error)
    return ""


def _is_object(text: str) -> bool:
    try:
        return isinstance(json.loads(text), dict)
    except ValueError:
        return False


def uses_of(option: Any) -> tuple[Use, ...]:
    """Give what the lines are for, where that was said."""
    told = ((name, getattr(option, f"needs_{name}")) for name in ("a", "b"))
    return tuple(
        Use(name.upper(), getattr(option, f"use_{name}"), tuple(filter(None, needs.split(","))))
        for name, needs in told
        if needs
    )


NEEDED = ("line_b", "number_a", "number_b")


def kind_of(option: Any) -> str:
    """Name the set-up that the options ask for."""
    if option.one_line:
        return "one line"
    return "two lines" if option.line_a else "exchange"


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Make one test of each figure that the set-up allows."""
    if "case" not in metafunc.fixturenames:
        return
    option = metafunc.config.option
    made = [
        pytest.param(case, id=case.name, marks=_marks(case, option))
        for case in cases(chosen(option), kind_of(option))
        if not option.line or case.touches(option.line)
    ]
    metafunc.parametrize("case", made)


def _marks(case: Case, option: Any) -> list[pytest.MarkDecorator]:
    """Mark a test by what it proves, the measurement it is part of, and what it takes.

    -k looks at the names of marks, too: one that is called as a key would choose other keys' tests.
    """
    measure = case.measure
    limit = max(120.0, PATIENCE * measure.seconds) if not option.ask else 0
    marks = [pytest.mark.timeout(limit)]
    marks += [pytest.mark.proves(name=name) for name in case.promises]
    if measure.name in PARTS:
        marks.append(getattr(pytest.mark, measure.name))
    if measure.name in ASKED or case.key.startswith("person_"):
        marks.append(pytest.mark.someone)
    return marks


PARTS = ("calls", "sound", "releases", "releases_planted")
"""Measurements of several keys that bear none of them as their name: -k and -m know them, too."""


ASKED = {"extension", "unplug", "leds", "button"}
"""What only a person can do on real lines: it is no part of a test that nobody was to be asked in.
"""
QUICK_S = {"extension": 5.0, "unplug": 4.0, "recovery_usb": 0.1}
"""What nobody has to be waited for on the exchange takes that long there."""


def chosen(option: Any) -> tuple[Measure, ...]:
    """Give the measurements of the set-up, each with how long it takes with these options."""
    soak_s = _seconds(option.soak, option, EXCHANGE_SOAK_S, REAL_SOAK_S)
    extra = {
        "soak": max(soak_s, soak.FEWEST * soak.CALL_S),
        "load": 2 * _seconds(option.load, option, EXCHANGE_LOAD_S, REAL_LOAD_S),  # in turns
        "idle": _idle_s(option),
        "releases": _seconds(None, option, EXCHANGE_SILENCE_S, REAL_SILENCE_S),
    }
    kind = kind_of(option)
    quick = QUICK_S if kind == "exchange" else {}
    return tuple(
        replace(
            measure,
            seconds=quick.get(measure.name, measure.seconds) + extra.get(measure.name, 0.0),
        )
        for measure in measures_for(kind)
        if kind == "exchange" or option.ask or measure.name not in ASKED
    )


def _idle_s(option: Any) -> float:
    """Give how long idle lines are watched: as long as calls are made, within bounds."""
    soak_s = _seconds(option.soak, option, EXCHANGE_SOAK_S, REAL_SOAK_S)
    return max(LEAST_IDLE_S, min(MOST_IDLE_S, soak_s))


def _seconds(said: float | None, option: Any, exchange: float, real: float) -> float:
    if said is not None:
        return said
    return exchange if kind_of(option) == "exchange" else real


@pytest.fixture(scope="session")
def field(pytestconfig: pytest.Config) -> Iterator[Field]:
    """Give the set-up; at the end, however it comes, the lines are on hook and the ports closed."""
    option = pytestconfig.option
    folder = Path(option.findings or tempfile.mkdtemp(prefix="field-test-"))
    folder.mkdir(parents=True, exist_ok=True)
    pytestconfig.stash[FOLDER] = folder
    with tempfile.TemporaryDirectory(prefix="field-") as lines:
        world = _world(option, Path(lines))
        made = Field(
            world,
            folder,
            person=_person(pytestconfig),
            overrides=tuple(option.override),
            soak_s=_seconds(option.soak, option, EXCHANGE_SOAK_S, REAL_SOAK_S),
            load_s=_seconds(option.load, option, EXCHANGE_LOAD_S, REAL_LOAD_S),
            idle_s=_idle_s(option),
            silence_s=_seconds(None, option, EXCHANGE_SILENCE_S, REAL_SILENCE_S),
        )
        ask_for_real_time()
        try:
            yield made
        finally:
            made.leave()
            world.leave()
            be_ordinary()


def _world(option: Any, lines: Path) -> RealTime:
    kind = kind_of(option)
    if kind == "exchange":
        return ExchangeWorld(lines, option.country, option.dialect, json.loads(option.knobs))
    known = {"congestion": option.congestion} if option.congestion else {}
    if kind == "one line":
        return RealTime({"A": option.line_a}, option.country, {}, known)
    numbers = {"A": option.number_a, "B": option.number_b}
    return RealTime({"A": option.line_a, "B": option.line_b}, option.country, numbers, known)


def _person(config: pytest.Config) -> Person:
    option = config.option
    follower = config.stash.get(PERSON, None)  # `line field-test`, which has the terminal
    if not option.ask:
        return Reader(follower.tell) if follower else Nobody()
    if follower is not None:
        return follower
    return Terminal(sys.stdin.fileno(), sys.stdout, option.language)


@pytest.fixture(scope="session")
def recorder(field: Field, pytestconfig: pytest.Config) -> Iterator[Recorder]:
    """Give what writes the findings; the run has an end only when every chosen test was made."""
    option = pytestconfig.option
    progress = Path(option.progress) if option.progress else None
    made = Recorder(field, chosen(option), option.site, option.tester, progress, uses_of(option))
    yield made
    made.close(whole=not made.run.missing)


def outcome(verdicts: set[Verdict]) -> Verdict:
    """Give what several findings of one measurement come to."""
    for verdict in (Verdict.FAILED, Verdict.INCOMPLETE, Verdict.PASSED, Verdict.SKIPPED):
        if verdict in verdicts:
            return verdict
    return Verdict.NOT_ON_THIS_DEVICE
