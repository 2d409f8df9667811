"""The suite as pytest runs it: options, real processes, an interruption, a killed program."""

from __future__ import annotations

import argparse
import itertools
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from _pytest.config.argparsing import Parser

from appliance.simulator.exchange import process
from appliance.simulator.exchange.line import SubscriberLineState
from appliance.simulator.exchange.process import ExchangeProcess
from appliance.text import NOTHING
from hw_tests import findings
from hw_tests.cases import ONE_LINE, cases
from hw_tests.conftest import chosen, problem, pytest_addoption
from hw_tests.field import Field
from hw_tests.findings import Finding, Verdict
from hw_tests.measures import calls
from hw_tests.measures.table import measures_for
from hw_tests.run import Recorder
from hw_tests.titles import TITLES
from hw_tests.worlds import EXCHANGE_NUMBERS, LINE_OF, turned_on
from tests.hw_tests.virtual import Virtual

ROOT = Path(__file__).resolve().parents[2]
LIMIT_S = 120.0


def command(*options: str) -> list[str]:
    """Give the suite's command line."""
    return [sys.executable, "-m", "pytest", "hw_tests", "-q", "-p", "no:cacheprovider", *options]


MISTAKES = (
    (("--line-a", "/dev/x"), "--line-b, --number-a, --number-b"),
    (("--one-line",), "--line-a"),
    (("--exchange", "--line-a", "/dev/x", "--one-line"), "leave out"),
    (("--line-a", "x", "--line-b", "x", "--number-a", "1", "--number-b", "2"), "same port"),
    (("--line-a", "x", "--line-b", "./x", "--number-a", "1", "--number-b", "2"), "same port"),
    (("--line-a", "x", "--line-b", "y", "--number-a", "7", "--number-b", "7"), "same number"),
    (("--line-a", "x", "--line-b", "y", "--number-a", "118", "--number-b", "2"), "emergency"),
    (("--congestion", "112"), "emergency"),
    (("--knobs", "loss=20"), "JSON"),
    (("--soak", "-5"), "--soak -5: write seconds"),
    (("--load", "0"), "--load 0: write seconds"),
    (("--load", "nan"), "--load nan: write seconds"),
    (("--needs-a", "answers,more"), "--needs-a more: write of"),
)


@pytest.mark.parametrize(("options", "words"), MISTAKES)
def test_options_that_do_not_go_together_are_refused(options: tuple[str, ...], words: str) -> None:
    """Before anything is opened, in a sentence."""
    assert words in problem(parsed(*options))


@pytest.mark.parametrize(
    "options", [(), ("--exchange",), ("--line-a", "/dev/x", "--one-line"), ("--congestion", "0902")]
)
def test_options_that_go_together_are_taken(options: tuple[str, ...]) -> None:
    """Without any, the exchange is used."""
    assert problem(parsed(*options)) == ""


@pytest.mark.parametrize(
    ("options", "seconds"),
    [
        ((), {"soak": 125.0, "load": 60.0}),
        (("--soak", "200", "--load", "30"), {"soak": 205.0, "load": 66.0}),
        (("--line-a", "/dev/x", "--line-b", "/dev/y"), {"soak": 3605.0, "load": 126.0}),
    ],
)
def test_the_time_a_measurement_takes_is_that_of_the_options(
    options: tuple[str, ...], seconds: dict[str, float]
) -> None:
    """An hour of calls on real lines, four on the exchange, as long as was said otherwise."""
    made = {measure.name: measure.seconds for measure in chosen(parsed(*options))}
    assert {name: made[name] for name in seconds} == seconds


def parsed(*options: str) -> argparse.Namespace:
    """Read options as pytest does."""
    parser = Parser(_ispytest=True)
    pytest_addoption(parser)
    return parser.parse(list(options))


def test_a_mistake_ends_the_run_before_it_begins() -> None:
    """pytest says the sentence, and its status is that of a wrong command line."""
    done = subprocess.run(
        command("--one-line"),
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=LIMIT_S,
        check=False,
    )
    assert done.returncode == pytest.ExitCode.USAGE_ERROR
    assert "--one-line needs" in done.stderr


@pytest.mark.parametrize("kind", ["exchange", "two lines", "one line"])
def test_every_measurement_has_a_title_and_a_key_of_its_own(kind: str) -> None:
    """No key is made twice in a set-up, and each is named."""
    keys = [key for measure in measures_for(kind) for key in measure.keys]
    assert len(keys) == len(set(keys))
    assert all(TITLES[key] != NOTHING for key in keys)


TWO = ("--line-a", "a", "--line-b", "b", "--number-a", "1", "--number-b", "2")
CHOSEN: dict[tuple[str, ...], list[str]] = {
    ("-k", "drift"): ["drift-A", "drift-B"],
    ("-k", "echo"): ["echo-A", "echo-B"],
    ("-k", "caller_id"): [
        "caller_id-A-to-B", "caller_id-B-to-A", "soak.caller_id-A", "soak.caller_id-B",
    ],
    ("-k", "ring"): ["ring-A-to-B", "ring-B-to-A"],
    ("-k", "load"): ["load-A", "load-B"],
    ("-k", "calls"): [f"{key}-{way}" for key in ("ring", "caller_id", "answer")
                      for way in ("A-to-B", "B-to-A")],
    ("-k", "caller_id", "--line", "A"): ["caller_id-B-to-A", "soak.caller_id-A"],
    ("-k", "level or drift", "--line", "B"): ["drift-B", "level-A-to-B", "level-B-to-A"],
    ("-m", "proves(name='release')", *TWO): [
        "release.called", "release.caller", "release.silence",
    ],
    ("-m", "someone", "--ask", "--line-a", "a", "--one-line"): [
        "person_ring", "person_caller_id", "person_sound", "person_echo", "person_keys",
        "person_release", "extension", "unplug", "leds", "button",
    ],
}  # fmt: skip


@pytest.mark.whole
@pytest.mark.parametrize("options", CHOSEN, ids=" ".join)
def test_figures_are_chosen_by_what_they_are_called(options: tuple[str, ...]) -> None:
    """By key, measurement, promise, line or whether somebody is needed: these tests, none else."""
    done = subprocess.run(
        command("--collect-only", *options),
        cwd=ROOT, capture_output=True, text=True, timeout=LIMIT_S, check=True,
    )  # fmt: skip
    told = re.findall(r"^hw_tests/test_field.py::test_field\[(.*)\]$", done.stdout, re.MULTILINE)
    assert told == CHOSEN[options]


@pytest.mark.parametrize("kind", ["exchange", "two lines", "one line"])
def test_each_finding_is_looked_at_by_a_test(kind: str) -> None:
    """On the line where it is expected, elsewhere, or for the whole set-up: none is overlooked."""
    made = cases(measures_for(kind), kind)
    assert len({case.name for case in made}) == len(made)
    for measure in measures_for(kind):
        for key, line in itertools.product(measure.keys, ("", "A", "B", "A>B", "B>A")):
            if kind == ONE_LINE and "B" in line:
                continue
            one = Finding(key, line, NOTHING, Verdict.FAILED)
            assert [case for case in made if case.measure is measure and case.of([one])], one


def test_what_a_figure_needs_is_measured_with_it_and_once(tmp_path: Path) -> None:
    """The modems are asked first; the second figure of a measurement costs no second one."""
    made = {case.name: case for case in cases(measures_for("exchange"), "exchange")}
    recorder = Recorder(Field(Virtual(), tmp_path), measures_for("exchange"), "", "")
    for name in ("answer-A-to-B", "ring-B-to-A", "answer-A-to-B"):
        case = made[name]
        (found,) = case.of(recorder.findings_of(case.measure))
        assert (found.key, found.verdict) == (case.key, Verdict.PASSED)
    keys = [each.key for each in recorder.run.findings]
    assert keys[:2] == ["unit", "unit"]
    assert len(keys) == len(set(keys[:1])) + 1 + 2 * len(calls.KEYS)
    assert recorder.run.verdict is Verdict.INCOMPLETE


@pytest.mark.system
def test_what_has_failed_is_tried_again_alone_and_nothing_is_left(tmp_path: Path) -> None:
    """--lf runs what failed before; the findings lie where they were wanted, or among /tmp's."""
    environment = {**os.environ, "TMPDIR": str(tmp_path)}
    wrong = [sys.executable, "-m", "pytest", "hw_tests", "-q", "-o", f"cache_dir={tmp_path}/cache"]
    wrong += ["--knobs", '{"volts": 90}', "-k", "unit or line_voltage"]
    for options, passed in (((), 2), (("--lf",), 0)):
        done = subprocess.run(
            [*wrong, *options], cwd=ROOT, env=environment, capture_output=True, text=True,
            timeout=LIMIT_S, check=False,
        )  # fmt: skip
        assert done.returncode == pytest.ExitCode.TESTS_FAILED, done.stdout
        assert "2 failed" in done.stdout
        assert (f"{passed} passed" in done.stdout) is bool(passed)
        (place,) = re.findall(r"^findings: (.*)$", done.stdout, re.MULTILINE)
        assert Path(place).is_relative_to(tmp_path)
        run = findings.read(Path(place))
        assert {each.key for each in run.findings} == {"unit", "line_voltage"}
    assert not (ROOT / "field-test").exists()


@contextmanager
def two_lines(folder: Path, *options: str) -> Iterator[subprocess.Popen[bytes]]:
    """Run the suite on "real" lines: those of an exchange that somebody else runs."""
    with ExchangeProcess(folder / "lines") as exchange:
        for name, number in LINE_OF.items():
            process.set_line(folder / "lines", number, **turned_on(name))
        given = [f"--line-{n.lower()}={exchange.line(LINE_OF[n])}" for n in LINE_OF]
        given += [f"--number-{n.lower()}={EXCHANGE_NUMBERS[n]}" for n in LINE_OF]
        more = ("--findings", str(folder), "--progress", str(folder / "progress"))
        child = subprocess.Popen(command(*given, *more, *options), cwd=ROOT)
        try:
            yield child
        finally:
            child.kill()
            child.wait()


def wait_for(test: Callable[[], bool], child: subprocess.Popen[bytes]) -> None:
    """Wait until something is so, while the child runs."""
    end = time.monotonic() + LIMIT_S
    while not test():
        assert child.poll() is None, "the suite has ended"
        assert time.monotonic() < end, "it never came about"
        time.sleep(0.05)


def lines_of(folder: Path) -> list[dict[str, object]]:
    """Give the exchange's view of its lines."""
    lines = process.ask_status(folder)["lines"]
    assert isinstance(lines, list)
    return lines


def is_talking(folder: Path) -> bool:
    """Tell whether one of the lines has been answered."""
    return SubscriberLineState.TALKING in {line["line_state"] for line in lines_of(folder)}


@pytest.mark.system
def test_an_interrupted_run_hangs_up_and_tells_what_it_has(tmp_path: Path) -> None:
    """In the middle of a call: the lines are on hook, and what was found stands in the file."""
    lines = tmp_path / "lines"
    with two_lines(tmp_path, "-k", "unit or sound") as child:
        wait_for(
            lambda: SubscriberLineState.TALKING in {line["line_state"] for line in lines_of(lines)},
            child,
        )
        child.send_signal(signal.SIGTERM)
        child.wait(LIMIT_S)
        assert [line["off_hook"] for line in lines_of(lines)] == [False, False]
        assert [line["protocol_faults"] for line in lines_of(lines)] == [{}, {}]
    run = findings.read(tmp_path)
    assert {each.key for each in run.findings} == {"unit"}
    assert (run.verdict, run.ended, run.set_up) == (Verdict.INCOMPLETE, "", "two lines")
    told = [json.loads(text) for text in (tmp_path / "progress").read_text().splitlines()]
    assert [(each["event"], each["name"]) for each in told] == [
        ("begin", "unit"),
        ("end", "unit"),
        ("begin", "sound"),
    ]
