"""A newcomer, who has read "Try it" in the README, runs the demonstration in a checkout.

1. The newcomer opens a terminal in the checkout and types `make demo`.
2. They read that an exchange, the switchboard and three phones are started, what the example
   office has, where its operator's page is, and which file is its picture: the README's.
3. They open that page in a browser of their own, and it is the operator's log-in.
4. Call 1: the operator's phone shows who calls and on which line; the operator puts the caller
   through, who hears so; the office answers.
5. Call 2: the office does not answer; the caller hears so and comes back to the operator.
6. Call 3: the office is closed; the caller hears it, presses # and leaves a message, which the
   operator hears and closes.
7. They read that all three calls went as they should; the status is 0, and all of it was in the
   language of their terminal.
8. They play what the callers heard, and the message: the files are there and hold sound.
9. They type `make help` and read what else there is, each with what it does.
"""

from __future__ import annotations

import fcntl
import re
import subprocess
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from appliance.dsp.wav import read
from tests.docs.pages import ROOT
from tests.journeys.harness.steps import KEPT, Journey
from tests.journeys.harness.terminal import SIZE, Terminal

pytestmark = [pytest.mark.journey, pytest.mark.system]

START_S = 120.0
CALL_S = 120.0
END_S = 60.0
TARGETS = ("demo", "deb", "image", "test", "fuzz", "long")
"""Some of what `make help` must name."""
ITALIAN = re.compile(r"squilla|risponde|chiamata|operatore:|riaggancia|registrato")


@pytest.fixture
def checkout() -> Iterator[Path]:
    """Return the checkout, whose set-up is done; one demonstration at a time has its `demo`."""
    ready = subprocess.run(
        ("make", "--question", ".venv/.ready"), cwd=ROOT, capture_output=True, check=False
    )
    if ready.returncode:
        pytest.skip("the checkout is not set up: make environment")
    KEPT.mkdir(parents=True, exist_ok=True)
    with (KEPT / "demo.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield ROOT


@pytest.mark.timeout(600)  # another run may have the folder before
def test_a_newcomer_runs_the_demo(journey: Journey, checkout: Path, tmp_path: Path) -> None:
    """Three calls, told in one language, status 0, files to play."""
    with Terminal(journey, tmp_path / "home", checkout) as terminal:
        with journey.step(1):
            terminal.type("make demo")

        with journey.step(2):
            said = in_one_line(terminal.wait_for("\nCall 1.", START_S))
            assert "Starting a telephone exchange with two lines" in said
            assert "10 services and offices, 4 procedure sheets, 21 other bodies" in said
            address = found(said, r"What the operator sees: (http://127\.0\.0\.1:\d+)")
            picture = found(said, r"A picture of that page: (\S+)")
            shown = found(
                (checkout / "README.md").read_text(), r"!\[The operator's page[^]]*\]\((\S+)\)"
            )
            assert picture == shown

        with journey.step(3), urllib.request.urlopen(f"{address}/login", timeout=60.0) as page:
            assert 'name="password"' in page.read().decode()

        with journey.step(4):
            heard = events(terminal.wait_for("\nCall 2.", CALL_S), 1)
            in_order(
                heard,
                "0514001122 calls 051 598 111",
                "phone and page show: 0514001122, Ordinary line 051 598 111",
                "the operator answers",
                "opens the sheet “Change of residence”",
                "the caller hears: “I am putting you through. Please hold the line.”",
                "the office answers",
                "the caller hangs up",
                "in the list of calls: answered",
            )

        with journey.step(5):
            heard = events(terminal.wait_for("\nCall 3.", CALL_S), 2)
            in_order(
                heard,
                "a withheld number calls 800 011 837",
                "phone and page show: number withheld, Freephone 800 011 837",
                "the caller hears: “I am putting you through",
                "the office's phone rings; nobody answers",
                "the caller hears: “The office is not answering at the moment.",
                "the call returns; the operator sees: Return: Anagrafe",
                "the operator answers",
                "in the list of calls: answered",
            )

        with journey.step(6):
            heard = events(terminal.wait_for("All three calls", CALL_S), 3)
            in_order(
                heard,
                "0514003344 calls 051 598 111",
                "Our offices are closed.",
                "the caller presses #",
                "inbox shows message 1, of 0514003344",
                "closes it: passed to an office",
                "in the list of calls: message",
            )

        with journey.step(7):
            told = terminal.wait_for_prompt(END_S)
            assert terminal.status() == 0
            assert ITALIAN.findall(told) == []
            too_long = [line for line in told.splitlines() if len(line) > SIZE[1]]
            assert too_long == [], "the terminal breaks these within a word"

        with journey.step(8):
            files = re.findall(r"to play: (\S+\.wav)", in_one_line(told))
            assert len(files) == 4
            for file in files:
                assert len(read(checkout / file).data) > 3 * 8000, file

        with journey.step(9):
            told = terminal.run("make help")
            for target in TARGETS:
                assert re.search(rf"^make {target} {{2,}}\S.+$", told, re.MULTILINE), target
            assert terminal.status() == 0


def found(said: str, pattern: str) -> str:
    """Return what stands in a pattern's place; fails with all that was said."""
    match = re.search(pattern, said)
    assert match, f"{pattern} is not in:\n{said}"
    return match[1].strip()


def events(said: str, number: int) -> str:
    """Return what was told of a call, its long sentences in one line again."""
    _, _, rest = said.partition(f"\nCall {number}.")
    return in_one_line(rest.partition("\nCall ")[0])


def in_one_line(said: str) -> str:
    """Join what a terminal has broken between words."""
    return " ".join(said.split())


def in_order(told: str, *sentences: str) -> None:
    """Check that these stand in a text, one after the other."""
    at = 0
    for sentence in sentences:
        at = told.find(sentence, at)
        assert at >= 0, f"{sentence!r} is not in its place in:\n{told}"
