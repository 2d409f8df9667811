"""A modem that is lost from USB is the first cause, and the other line is not blamed for it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from appliance.fieldtest import report
from appliance.fieldtest.person import reasons_of_run
from hw_tests.bench import Bench, UnmeasuredError
from hw_tests.causes import causes
from hw_tests.field import Field
from hw_tests.findings import Run, Verdict
from hw_tests.measures.table import MEASURES
from hw_tests.promises import Kept, judged
from hw_tests.run import Recorder
from tests.hw_tests.sets import NEEDS_PROCESSES, _punctual
from tests.hw_tests.virtual import Virtual

FIRST_S, FOR_EVER = 160.0, 1e6
"""When the first loss may come: the modems are known by then."""
OTHER = {"A": "B", "B": "A"}
DROPS = "The modem drops off USB"


class Loose(Virtual):
    """Lines of which one modem leaves USB every few seconds, `gone_s` each time."""

    def __init__(self, line: str, every_s: float, gone_s: float) -> None:
        self._line, self._every_s, self._gone_s = line, every_s, gone_s
        self._is_there = True
        super().__init__()

    def _serve(self) -> None:
        super()._serve()
        is_there = (self._now - FIRST_S) % self._every_s >= self._gone_s or self._now < FIRST_S
        if is_there is not self._is_there:
            self._is_there = is_there
            self.turn(self._line, plugged=is_there)


def measured(folder: Path, world: Virtual) -> Run:
    """Make the whole field test."""
    made = [
        replace(each, run=_punctual) if each.name in NEEDS_PROCESSES else each
        for each in MEASURES
        if "exchange" in each.where
    ]
    place = Field(world, folder, load_s=27.0, soak_s=5.0, silence_s=4.0, idle_s=15.0)
    recorder = Recorder(place, made, "", "")
    for measure in made:
        recorder.make(measure)
    recorder.close(whole=True)
    return recorder.run


def kept(run: Run, line: str, which: Kept) -> set[str]:
    """Name what a line keeps, does not keep, or what was not measured of it."""
    return {each.name for each in judged(run) if each.line == line and each.kept is which}


WHOLE = pytest.mark.whole


@pytest.mark.parametrize(
    ("line", "every_s"),
    [
        ("B", 45.0),
        ("A", 110.0),
        pytest.param("B", 80.0, marks=WHOLE),
        pytest.param("B", 130.0, marks=WHOLE),
        pytest.param("A", 70.0, marks=WHOLE),
    ],
)
def test_a_modem_that_is_lost_now_and_then_is_the_one_cause(
    line: str, every_s: float, tmp_path: Path
) -> None:
    """It is back after a second: the test goes on, and all else is measured on both lines."""
    run = measured(tmp_path, Loose(line, every_s, 1.0))
    assert run.verdict is Verdict.FAILED
    (first,) = reasons_of_run(run)
    assert DROPS in first.text("en"), first
    assert kept(run, line, Kept.NO) == {"answers"}
    assert kept(run, OTHER[line], Kept.NO) == set()
    # calls and speech may last as long as a modem stays
    assert kept(run, OTHER[line], Kept.NOT_MEASURED) <= {"transfers", "caller_id", "both_ways"}
    # the report's first page gives the sentence, not the titles of tests
    rows = report._promise_rows(run, causes(run.findings))
    said = [cell.detail.text("en") for row in rows for cell in row.cells if cell.kind == "no"]
    assert said
    assert all(each.startswith(DROPS) for each in said), said


@pytest.mark.parametrize("line", ["A", "B"])
def test_one_that_does_not_come_back_leaves_the_rest_unmeasured(line: str, tmp_path: Path) -> None:
    """What the other line's modem was needed for is not measured, and not NO."""
    run = measured(tmp_path, Loose(line, FOR_EVER, FOR_EVER))
    assert run.verdict is Verdict.FAILED
    first, *_others = causes(run.findings)
    assert [(each.key, each.line) for each in first.findings] == [("drops", line)]
    assert len(first.follows) > 10
    assert kept(run, OTHER[line], Kept.NO) == set()
    assert kept(run, OTHER[line], Kept.NOT_MEASURED) >= {"joins", "release"}


class Swapped(Virtual):
    """A socket in which another modem is found later."""

    serial = "1"

    def placed(self, name: str) -> tuple[str, str]:
        """Give the serial number of what is plugged in now."""
        return name, self.serial


def test_another_modem_in_the_socket_is_not_gone_on_with(tmp_path: Path) -> None:
    """The figures would be of two modems."""
    world = Swapped()
    bench: Bench = Field(world, tmp_path).ready
    world.turn("B", plugged=False)
    bench.run(1.0)
    world.turn("B", plugged=True)
    world.serial = "2"
    with pytest.raises(UnmeasuredError, match="Another modem"):
        bench.rest()
