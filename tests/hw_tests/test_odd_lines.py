"""The measures of sound and clock, and the verdict of a whole run, by three kinds of lines.

Healthy but odd ones pass, broken ones fail by what is broken, and nothing measured is no pass.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import pytest

from appliance.fieldtest.person import reasons_of_run
from hw_tests import signals
from hw_tests.field import Field
from hw_tests.findings import Run, Use, Verdict
from hw_tests.measures.table import MEASURES
from hw_tests.run import Recorder
from tests.hw_tests.virtual import TICK, Virtual

SOUND = ("unit", "duplex", "sound", "swept", "keys", "load")
NEEDS = ("joins", "keys", "both_ways", "echo")
"""What these measurements prove."""
USES = tuple(Use(line, "", NEEDS) for line in "AB")


Knobs = dict[str, object]
Given = TypeVar("Given")
Made = TypeVar("Made")


def measured(
    folder: Path,
    a: Knobs,
    b: Knobs,
    dialect: str = "conexant",
    *,
    names: tuple[str, ...] = SOUND,
    world: Virtual | None = None,
) -> Run:
    """Make some measurements on two lines, as if they were all that was wanted."""
    world = world or Virtual(dialect)
    world.turn("A", **a)
    world.turn("B", **b)
    made = [measure for measure in MEASURES if measure.name in names]
    field = Field(world, folder, load_s=8.0, soak_s=1.0, silence_s=4.0)
    recorder = Recorder(field, made, "", "", uses=USES)
    for measure in made:
        recorder.make(measure)
    recorder.close(whole=True)
    return recorder.run


ECHO = [12, 3]
ODD: dict[str, tuple[Knobs, Knobs]] = {
    "crystals 40 ppm apart": ({"ppm": 20}, {"ppm": -20}),
    "crystals at both ends": ({"ppm": 100}, {"ppm": -100}),
    "an ordinary echo": ({"echo": ECHO}, {"echo": ECHO}),
    "both": ({"ppm": 100, "echo": ECHO}, {"ppm": -100, "echo": ECHO}),
    "one slow, one plain": ({"ppm": -100, "echo": ECHO}, {}),
    "a weak line with the worst echo": (
        {"ppm": 50, "echo": [6.5, 3], "loss": 5}, {"ppm": -50, "echo": [6.5, 3], "loss": 5},
    ),
}  # fmt: skip


@pytest.mark.whole
@pytest.mark.parametrize(("a", "b"), ODD.values(), ids=ODD)
def test_healthy_lines_pass_however_odd(a: Knobs, b: Knobs, tmp_path: Path) -> None:
    """What a line and a crystal may have is no noise and no drift."""
    run = measured(tmp_path, a, b)
    assert run.verdict is Verdict.PASSED, reasons_of_run(run)


COMPUTES_S = 0.4
"""What a board five times slower than a desk's needs to write or read some seconds of sound."""
ALL_SOUND = ("unit", "duplex", "bytes", "load", "sound", "clipping", "swept", "keys", "fax")


def test_a_board_that_computes_slowly_fails_no_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While it computes the lines run on without it: that is no delay, echo or loss of theirs."""
    world = Virtual()

    def slowly(compute: Callable[[Given], Made]) -> Callable[[Given], Made]:
        def computed(sound: Given) -> Made:
            for _ in range(round(COMPUTES_S / TICK)):
                world.wait(0.0)
            return compute(sound)

        return computed

    monkeypatch.setattr(signals, "pcm", slowly(signals.pcm))
    monkeypatch.setattr(signals, "wave", slowly(signals.wave))
    run = measured(tmp_path, {"echo": ECHO}, {"echo": ECHO}, names=ALL_SOUND, world=world)
    assert run.verdict is Verdict.PASSED, reasons_of_run(run)


BROKEN: dict[str, tuple[Knobs, str]] = {
    "noise": ({"noise": -35}, "There is noise on the line"),
    "noise, and crystals apart": ({"noise": -35, "ppm": 60}, "There is noise on the line"),
    "a crystal far off": ({"ppm": 200}, "drift"),
    "a crystal far off, with echo": ({"ppm": -200, "echo": ECHO}, "drift"),
    "an echo too strong": ({"echo": [3, 5]}, "echo return loss"),
    "weak": ({"loss": 20}, "level"),
}


@pytest.mark.whole
@pytest.mark.parametrize(("knobs", "why"), BROKEN.values(), ids=BROKEN)
def test_broken_lines_fail_by_what_is_broken(knobs: Knobs, why: str, tmp_path: Path) -> None:
    """The first reason names it."""
    run = measured(tmp_path, knobs, {})
    assert run.verdict is Verdict.FAILED
    assert why in reasons_of_run(run)[0].text("en"), reasons_of_run(run)


def test_half_duplex_is_the_first_reason_and_the_run_has_failed(tmp_path: Path) -> None:
    """Each measurement of its own may pass: no caller could talk with a phone."""
    run = measured(tmp_path, {}, {}, "usr5637")
    assert run.verdict is Verdict.FAILED
    assert "half duplex" in reasons_of_run(run)[0].text("it")


@pytest.mark.parametrize("names", [("congestion_tone",), ("recovery_usb",)])
def test_where_nothing_was_measured_nothing_is_passed(
    names: tuple[str, ...], tmp_path: Path
) -> None:
    """What may be left out or lacking is no test that has passed."""
    world = Virtual()
    world.known = {}
    made = [measure for measure in MEASURES if measure.name in names]
    recorder = Recorder(Field(world, tmp_path), made, "", "")
    for measure in made:
        recorder.make(measure)
    recorder.close(whole=True)
    assert recorder.run.verdict is Verdict.INCOMPLETE
