"""The kept inputs, real captures and what fuzzing once found, go through every target."""

from __future__ import annotations

import os
import random
import subprocess
import sys
from pathlib import Path

import pytest

from tests.fuzz import bounds, cases
from tests.fuzz.mutations import mutated
from tests.helpers.figures import Figures

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize("name", cases.TARGETS)
def test_kept_inputs_do_no_harm(name: str, figures: Figures) -> None:
    """Every kept input ends in time, without an exception, within the target's bounds."""
    inputs = [path.read_bytes() for path in cases.kept(name)]
    assert inputs, f"no corpus for {name}"
    run = cases.TARGETS[name].load().run
    for data in (b"", *inputs):
        bounds.timed(run, data)
    figures.say(f"F21 {len(inputs)} kept inputs at the entrance {name}: no harm")


def test_every_corpus_has_its_target() -> None:
    """No kept input lies in a folder that nothing reads."""
    assert {path.name for path in cases.CORPUS.iterdir()} == set(cases.TARGETS)


def test_mutations_repeat_with_their_seed() -> None:
    """The same seed makes the same inputs, none longer than allowed."""
    corpus = [b"\x10\x03", b"abcdef" * 50]

    def some(seed: int) -> list[bytes]:
        dice = random.Random(seed)
        return [mutated(dice, corpus, (b"\r\n",), 64) for _ in range(200)]

    assert some(1) == some(1) != some(2)
    assert max(map(len, some(1))) == 64


def test_memory_that_is_kept_is_counted() -> None:
    """What an object keeps alive counts, through containers and slots; the program itself not."""
    assert bounds.held({"a": [bytearray(100_000)]}) > 100_000
    assert bounds.held(bounds, bounds.held, dict) == 0


def test_a_failure_leaves_its_input_in_a_file(tmp_path: Path) -> None:
    """A target that fails ends with status 1 and names the file that holds the input."""
    code = (
        "import sys; from tests.fuzz import cases, one; "
        "sys.argv[1:] = ['dle', '--seconds', '1', '--found', sys.argv[1]]; "
        "cases.TARGETS['dle'].load().run = lambda data: 1 / 0; one.main()"
    )
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path)],
        capture_output=True,
        text=True,
        cwd=ROOT,
        env=environment,
        check=False,
    )
    (found,) = tmp_path.iterdir()
    assert done.returncode == 1
    assert f"ZeroDivisionError: division by zero; the input is {found}" in done.stdout
    assert found.read_bytes() in [path.read_bytes() for path in cases.kept("dle")]
