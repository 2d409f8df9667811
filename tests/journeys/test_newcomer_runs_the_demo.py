"""A newcomer, who has read "Try it" in the README, runs the demonstration in a checkout.

1. The newcomer opens a terminal in the checkout and types `make demo`.
2. They read that the exchange, the daemon and three phones are started, that all phones have
   registered, and what is in the example office's register.
3. Call 1: the operator's phone rings, shows who calls, and answers; the caller hangs up.
4. Call 2: the operator's phone rings in vain; the phone of the citizens' counter answers.
5. Call 3: the office is closed; no phone rings.
6. Call 4: the operator's phone rings; the caller hangs up before anybody answers.
7. A table says how each of the four calls went, all as it should, and that one left a recording.
8. The demonstration ends by itself; the newcomer asks for its status, and it is 0.
9. The recording of which the table speaks is there, in a folder of the checkout.
10. The newcomer types `make help` and reads what else there is, each with what it does.
"""

from __future__ import annotations

import fcntl
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.docs.pages import ROOT
from tests.journeys.harness.steps import KEPT, Journey
from tests.journeys.harness.terminal import Terminal

pytestmark = [pytest.mark.journey, pytest.mark.system]

START_S = 60.0
CALL_S = 120.0
"""A greeting in two languages takes a minute of it."""
END_S = 60.0
ROW = re.compile(
    r"^(?P<call>\d\. .+?) {2,}(?P<way>\S+) +(?P<result>\S+) +(?P<recording>\S+) +(?P<ok>\S+)$"
)
TARGETS = ("demo", "deb", "image", "test", "fuzz", "long")
"""Some of what `make help` must name."""


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
    """Four calls, a table, status 0; nothing had to be known or installed before."""
    with Terminal(journey, tmp_path / "home", checkout) as terminal:
        with journey.step(1):
            terminal.type("make demo")

        with journey.step(2):
            said = terminal.wait_for("== call 1:", START_S)
            assert "starting the exchange, the daemon and three phones" in said
            for phone in ("op1", "sportello1"):
                assert f"{phone}: registrato al centralino" in said
            assert re.search(
                r"\d+ services and offices, \d+ declarations; 4 sheets; 21 other bodies", said
            )

        with journey.step(3):
            assert call(terminal, 1) == [
                "the exchange rings line1 ...",
                "op1: squilla (utente anonymous)",
                "op1: mostra 0514001122",
                "op1: risponde",
                "op1: fine della chiamata: l'altro ha riagganciato",
            ]

        with journey.step(4):
            assert call(terminal, 2) == [
                "the exchange rings line2 ...",
                "op1: squilla (utente anonymous)",
                "op1: mostra anonymous",
                "op1: smette di squillare",
                "op1: fine della chiamata: chiamata ritirata",
                "sportello1: squilla (utente anonymous)",
                "sportello1: risponde",
                "sportello1: fine della chiamata: l'altro ha riagganciato",
            ]

        with journey.step(5):
            assert call(terminal, 3) == ["the exchange rings line1 ..."]

        with journey.step(6):
            assert call(terminal, 4) == [
                "the exchange rings line1 ...",
                "op1: squilla (utente anonymous)",
                "op1: mostra 0514005566",
                "op1: smette di squillare",
                "op1: fine della chiamata: chiamata ritirata",
            ]

        with journey.step(7):
            rows = table(terminal.wait_for_prompt(END_S))
            assert [(row["way"], row["result"], row["ok"]) for row in rows] == [
                ("switchboard", "answered", "yes"),
                ("citizens_desk", "answered", "yes"),
                ("voicemail", "message", "yes"),
                ("switchboard", "gave_up", "yes"),
            ]
            recordings = [row["recording"] for row in rows if row["recording"] != "-"]
            assert len(recordings) == 1

        with journey.step(8):
            assert terminal.status() == 0

        with journey.step(9):
            listed = terminal.run(f"ls {recordings[0]}")
            assert listed.strip() == recordings[0]

        with journey.step(10):
            told = terminal.run("make help")
            for target in TARGETS:
                assert re.search(rf"^make {target} {{2,}}\S.+$", told, re.MULTILINE), target
            assert terminal.status() == 0


def call(terminal: Terminal, number: int) -> list[str]:
    """Wait until a call is over; returns what was written under its title."""
    after = f"== call {number + 1}:" if number < 4 else "\ncall  "
    said = terminal.wait_for(after, CALL_S)
    _, _, under = said.partition(f"== call {number}:")
    return [line.strip() for line in under.partition(after)[0].splitlines()[1:] if line.strip()]


def table(said: str) -> list[dict[str, str]]:
    """Return the rows of the table at the end."""
    return [found.groupdict() for line in said.splitlines() if (found := ROW.match(line))]
