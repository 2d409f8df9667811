"""The suite as pytest runs it: options, real processes, an interruption, a killed program."""

from __future__ import annotations

import argparse
import json
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
from hw_tests import findings
from hw_tests.conftest import chosen, problem, pytest_addoption
from hw_tests.findings import Verdict
from hw_tests.measures.table import measures_for
from hw_tests.titles import TITLES
from hw_tests.worlds import EXCHANGE_NUMBERS, LINE_OF, turned_on

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
    (("--line-a", "x", "--line-b", "y", "--number-a", "118", "--number-b", "2"), "emergency"),
    (("--congestion", "112"), "emergency"),
    (("--knobs", "loss=20"), "JSON"),
    (("--soak", "-5"), "--soak -5: write seconds"),
    (("--load", "0"), "--load 0: write seconds"),
    (("--load", "nan"), "--load nan: write seconds"),
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
        ((), {"soak": 10.0, "load": 22.0}),
        (("--soak", "60", "--load", "30"), {"soak": 65.0, "load": 66.0}),
        (("--line-a", "/dev/x", "--line-b", "/dev/y"), {"soak": 3605.0, "load": 126.0}),
    ],
)
def test_the_time_a_measurement_takes_is_that_of_the_options(
    options: tuple[str, ...], seconds: dict[str, float]
) -> None:
    """An hour of calls on real lines, a few on the exchange, as long as was said otherwise."""
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
    """No key is made twice in a set-up, and each is named in both languages."""
    keys = [key for measure in measures_for(kind) for key in measure.keys]
    assert len(keys) == len(set(keys))
    assert all(all(TITLES[key]) for key in keys)


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
