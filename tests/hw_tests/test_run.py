"""A run: written after every measurement, and honest about a machine that was late."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from appliance.errors import TechnicianError
from appliance.fieldtest.person import reasons_of_run
from hw_tests import findings
from hw_tests.field import LATE_S, Field, Measure, found
from hw_tests.findings import Figure, Finding, Limit, Verdict
from hw_tests.measures.table import MEASURES
from hw_tests.run import TRIES, Recorder, reason
from tests.hw_tests.virtual import TICK, Virtual

SOUND = next(measure for measure in MEASURES if measure.name == "sound")
STALL_S = 0.3
EXCHANGE_STALL_S = 1.5
EXCHANGE_STALLS_EACH = 180


class Late(Virtual):
    """A machine that leaves its process waiting now and then, `stalls` times (-1: for ever)."""

    stalls = 0
    _waits = 0

    def wait(self, until: float) -> None:
        """Every second or so, let far more time pass than was asked for."""
        self._waits += 1
        super().wait(until)
        if self._waits % 100 or self.stalls == 0:
            return
        self.stalls -= 1
        for _ in range(round(STALL_S / TICK)):
            super().wait(until)


class Stalled(Late):
    """A machine that leaves its exchange alone waiting: the lines are served late, and all told."""

    _late = 0
    _owed = 0
    _worst = 0

    def wait(self, until: float) -> None:
        """Now and then, if it is so, have the exchange miss far more than a tick."""
        self._waits += 1
        if self._waits % EXCHANGE_STALLS_EACH == 0 and self.stalls:
            self.stalls -= 1
            self._late = round(EXCHANGE_STALL_S / TICK)
        Virtual.wait(self, until)

    def _serve(self) -> None:
        """Do nothing while it is stalled, then all at once what was left."""
        self._owed += 1
        self._worst = max(self._worst, self._owed)
        if self._late:
            self._late -= 1
            return
        while self._owed:
            self._owed -= 1
            super()._serve()

    def late_s(self) -> float:
        """Tell how many ticks were left at worst."""
        worst, self._worst = self._worst, 0
        return (worst - 1) * TICK if worst else 0.0


def made(
    stalls: int, folder: Path, kind: type[Late] = Late, tries: list[list[Finding]] | None = None
) -> list[Finding]:
    """Measure sound on a late machine, with modems that came up in peace."""
    world = kind()
    place = Field(world, folder)
    assert place.ready
    world.stalls = stalls
    return Recorder(place, MEASURES, "", "").make(counted(tries if tries is not None else []))


def counted(tries: list[list[Finding]]) -> Measure:
    """Give a measurement of sound that notes what each try has found."""

    def run(field: Field) -> list[Finding]:
        tries.append(list(SOUND.run(field)))
        return tries[-1]

    return replace(SOUND, run=run)


def test_what_failed_on_a_late_machine_is_repeated(tmp_path: Path) -> None:
    """A machine that was late once proves the line good at the second try."""
    assert {each.verdict for each in made(8, tmp_path)} == {Verdict.PASSED}


def test_what_fails_on_a_machine_that_is_always_late_is_incomplete(tmp_path: Path) -> None:
    """Neither passed nor failed: it says that the machine was late, and what to do."""
    found_late = [each for each in made(-1, tmp_path) if each.verdict != Verdict.PASSED]
    assert found_late
    assert {each.verdict for each in found_late} == {Verdict.INCOMPLETE}
    assert any("machine was too busy" in str(each.remark) for each in found_late)


def test_what_failed_on_a_late_exchange_is_repeated(tmp_path: Path) -> None:
    """The bench was punctual, the exchange was not: at the second try the line is proven good."""
    tries: list[list[Finding]] = []
    assert {each.verdict for each in made(11, tmp_path, Stalled, tries)} == {Verdict.PASSED}
    assert [Verdict.FAILED in {each.verdict for each in found} for found in tries] == [True, False]


def test_an_exchange_that_is_always_late_fails_no_device(tmp_path: Path) -> None:
    """A failure of the machine that simulates is told as that: incomplete, and what was late."""
    found_late = [each for each in made(-1, tmp_path, Stalled) if each.verdict != Verdict.PASSED]
    assert found_late
    assert {each.verdict for each in found_late} == {Verdict.INCOMPLETE}
    assert any("served the software exchange late by" in str(each.remark) for each in found_late)


def test_a_bad_line_on_a_punctual_machine_fails_at_once(tmp_path: Path) -> None:
    """A failure that is the line's is not tried again."""
    world = Virtual()
    world.turn("B", noise=-30)
    place = Field(world, tmp_path)
    tries: list[list[Finding]] = []
    Recorder(place, MEASURES, "", "").make(counted(tries))
    assert len(tries) == 1
    assert 0 < LATE_S < STALL_S
    assert TRIES > 1


@pytest.mark.parametrize("error", [TechnicianError("the port is in use"), OSError("gone")])
def test_what_cannot_be_done_is_incomplete_and_told(error: Exception, tmp_path: Path) -> None:
    """A port that cannot be opened is no failure of the line, and no pass."""

    def run(_: Field) -> list[Finding]:
        raise error

    place = Field(Virtual(), tmp_path)
    recorder = Recorder(place, (Measure("level", run, ("level", "noise"), 1),), "Site", "Tester")
    made_of = recorder.make(Measure("level", run, ("level", "noise"), 1))
    assert {each.key: each.verdict for each in made_of} == dict.fromkeys(
        ("level", "noise"), Verdict.INCOMPLETE
    )
    assert str(error) in reason(made_of)


def test_a_modem_without_voice_is_asked_for_nothing_more(tmp_path: Path) -> None:
    """It fails itself; each measurement after it says "not on this device", for the same reason."""
    recorder = Recorder(Field(Virtual("data-only"), tmp_path), MEASURES, "", "")
    for measure in MEASURES:
        verdicts = {each.verdict for each in recorder.make(measure)}
        expected = Verdict.FAILED if measure.name == "unit" else Verdict.NOT_ON_THIS_DEVICE
        assert verdicts == {expected}, measure.name
    recorder.close(whole=True)
    assert recorder.run.verdict is Verdict.FAILED
    (why,) = reasons_of_run(recorder.run)
    assert why.text("it").startswith("Il modem risponde e ha la voce A, ")
    assert "Il modem non ha la voce: sostituirlo con un modem vocale. Ne consegue" in why.text("it")


def test_every_measurement_is_written_before_the_next(tmp_path: Path) -> None:
    """The file always holds what is known, and who follows is told of each step."""
    good = found("level", "A>B", Figure("level", -10.0, "dBm0", Limit(-20.0, 0.0)))
    bad = found("noise", "A>B", Figure("signal to noise", 3.0, "dB", Limit(28.0, None)))
    measures = (
        Measure("level", lambda _: [good], ("level",), 1),
        Measure("noise", lambda _: [bad], ("noise",), 1),
    )
    place, progress = Field(Virtual(), tmp_path), tmp_path / "progress"
    recorder = Recorder(place, measures, "Site", "Tester", progress)
    assert findings.read(tmp_path).missing == ("level", "noise")
    recorder.make(measures[0])
    known = findings.read(tmp_path)
    assert (known.findings, known.missing, known.verdict) == ((good,), ("noise",), "incomplete")
    recorder.make(measures[1])
    recorder.close(whole=True)
    run = findings.read(tmp_path)
    assert (run.site, run.tester, run.set_up) == ("Site", "Tester", "exchange")
    assert (run.verdict, bool(run.ended)) == (Verdict.FAILED, True)
    told = [json.loads(line) for line in progress.read_text().splitlines()]
    assert [(each["event"], each["name"], each["of"]) for each in told] == [
        ("begin", "level", 2), ("end", "level", 2), ("begin", "noise", 2), ("end", "noise", 2),
    ]  # fmt: skip
    assert told[-1]["verdicts"] == ["failed"]
    assert "signal to noise 3.0 dB" in reason([good, bad])
    assert "Level" not in reason([good, bad])


def test_a_line_that_has_failed_is_brought_up_for_the_next_measurement(tmp_path: Path) -> None:
    """One wedged modem fails what it was needed for, not all that comes after it is well again."""
    world = Virtual()
    place = Field(world, tmp_path)
    recorder = Recorder(place, MEASURES, "", "")
    assert place.ready
    world.turn("A", wedged=True)
    dial_tone = next(measure for measure in MEASURES if measure.name == "dial_tone")
    assert Verdict.FAILED in {each.verdict for each in recorder.make(dial_tone)}
    world.turn("A", wedged=False)
    assert {each.verdict for each in recorder.make(dial_tone)} == {Verdict.PASSED}
