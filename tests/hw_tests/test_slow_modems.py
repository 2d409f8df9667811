"""A modem that answers late is named as that: no answer in time is no lack of voice."""

from __future__ import annotations

from pathlib import Path

import pytest

from appliance.fieldtest.person import reasons_of_run
from hw_tests.field import Field
from hw_tests.findings import Run, Verdict
from hw_tests.measures.table import MEASURES
from hw_tests.run import Recorder
from tests.hw_tests.virtual import Virtual

MEASURED = ("unit", "duplex", "dial_tone", "calls")


class Slow(Virtual):
    """Lines of which one modem's answers come late; its sound does not."""

    def __init__(self, line: str, late_s: float) -> None:
        self._line, self._late_s = line, late_s
        self._held: list[tuple[float, bytes]] = []
        super().__init__()

    def _serve(self) -> None:
        super()._serve()
        cable = self._cables[self._line]
        is_late = not self.outlets[self._line].station.modem.streaming
        if cable.to_host:
            due = self._now + (self._late_s if is_late else 0.0)
            self._held.append((due, bytes(cable.to_host)))
            cable.to_host.clear()
        while self._held and self._held[0][0] <= self._now:
            cable.to_host += self._held.pop(0)[1]


def measured(folder: Path, world: Virtual) -> Run:
    """Make what asks the modems and first uses the lines."""
    recorder = Recorder(Field(world, folder), MEASURES, "", "")
    for measure in MEASURES:
        if measure.name in MEASURED:
            recorder.make(measure)
    return recorder.run


@pytest.mark.parametrize(("line", "late_s"), [("B", 1.2), ("A", 1.6), ("B", 2.0), ("A", 2.5)])
def test_a_late_answer_is_no_missing_voice(line: str, late_s: float, tmp_path: Path) -> None:
    """The first reason says that it answers late; its voice and formats are known all the same."""
    run = measured(tmp_path, Slow(line, late_s))
    first = reasons_of_run(run)[0].text("en")
    assert "answers commands late" in first, first
    assert f"{late_s:.1f}" in first
    unit = next(each for each in run.units if each.line == line)
    assert dict(unit.capabilities)["voice"] is True
    assert dict(unit.capabilities)["mu-law"] is True


def test_a_modem_that_takes_its_time_passes(tmp_path: Path) -> None:
    """A fifth of a second is what many need."""
    run = measured(tmp_path, Slow("A", 0.2))
    assert {each.verdict for each in run.findings} == {Verdict.PASSED}, run.findings
