"""The cause first, what follows folded under it: the whole suite on lines with one fault."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest

from appliance.fieldtest.person import reasons_of_run
from hw_tests import causes as table
from hw_tests.causes import causes
from hw_tests.field import Field
from hw_tests.findings import Figure, Finding, Limit, Run, Verdict
from hw_tests.measures.table import MEASURES
from hw_tests.promises import PROMISES, Kept, judged
from hw_tests.run import Recorder
from hw_tests.titles import TITLES
from tests.hw_tests.virtual import Virtual
from tests.hw_tests.whole import finding

Knobs = dict[str, object]
FAILED, INCOMPLETE, LACKING = Verdict.FAILED, Verdict.INCOMPLETE, Verdict.NOT_ON_THIS_DEVICE


def measured(folder: Path, both: Knobs, a: Knobs, dialect: str = "conexant") -> Run:
    """Make every measurement on two lines; `a` is what is wrong with line A, `both` with both."""
    world = Virtual(dialect)
    world.turn("A", **both | a)
    world.turn("B", **both)
    made = [each for each in MEASURES if "exchange" in each.where and each.name != "lateness"]
    recorder = Recorder(Field(world, folder, soak_s=1.0, load_s=8.0, silence_s=4.0), made, "", "")
    for measure in made:
        recorder.make(measure)
    recorder.close(whole=True)
    return recorder.run


FAULTS: dict[str, tuple[Knobs, Knobs, str, set[str], str, int]] = {
    "a refused command": ({"refuse": ["+VLS"]}, {}, "conexant", {"duplex"}, "AT+VLS=1", 22),
    "no voice": ({}, {}, "data-only", {"unit"}, "no voice", 22),
    "half duplex": ({}, {"refuse": ["+VTR"]}, "conexant", {"duplex"}, "half duplex", 3),
    "no line": ({}, {"cut": True}, "conexant", {"line_voltage"}, "1.4 V", 22),
    "weak": ({}, {"loss": 20}, "conexant", {"level"}, "−30.0 dBm0", 4),
    "no caller id": ({"refuse": ["+VCID"]}, {}, "conexant", {"caller_id"}, "refuses +VCID", 1),
    "echo": ({}, {"echo": [3, 5]}, "conexant", {"echo"}, "echo return loss", 0),
}


@pytest.mark.whole
@pytest.mark.parametrize(
    ("both", "a", "dialect", "keys", "said", "follow"), FAULTS.values(), ids=FAULTS
)
def test_one_fault_is_one_cause(
    both: Knobs, a: Knobs, dialect: str, keys: set[str], said: str, follow: int, tmp_path: Path
) -> None:
    """However much it spoils: the one reason names it, and all else stands under it."""
    run = measured(tmp_path, both, a, dialect)
    (cause,) = causes(run.findings)
    assert {each.key for each in cause.findings} == keys
    assert len(cause.follows) >= follow
    (why,) = reasons_of_run(run)
    assert said in why.text("en"), why
    assert ("From this follows: " in why.text("en")) is bool(cause.follows)
    broken = [each for each in judged(run) if each.needed and each.kept is Kept.NO]
    assert broken
    folded = (*cause.findings, *cause.follows)
    assert all(each.finding in folded for each in broken)


@pytest.mark.whole
def test_two_faults_are_two_causes(tmp_path: Path) -> None:
    """A fault that has nothing to do with another one is not hidden under it."""
    run = measured(tmp_path, {"refuse": ["+VCID"]}, {"echo": [3, 5]})
    found = [{each.key for each in cause.findings} for cause in causes(run.findings)]
    assert found == [{"caller_id"}, {"echo"}]


def test_the_tables_name_findings_that_there_are() -> None:
    """A key that is none would fold nothing."""
    keys = {*table.BLOCKS, *itertools.chain.from_iterable(table.BLOCKS.values())}
    keys |= {key for key, _ in table.WORSENS} | set(table.TOGETHER) | set(table.HALF_DUPLEX)
    keys |= set(itertools.chain.from_iterable(table.WORSENS.values()))
    assert keys <= set(TITLES)
    by = {key for name in ("answers", "joins", "keys", "release") for key in PROMISES[name].by}
    assert by - {"person_ring"} <= set(itertools.chain.from_iterable(table.BLOCKS.values()))


def bad(key: str, line: str, name: str, value: float | None) -> Finding:
    """Make a finding of one figure beyond its limit."""
    return Finding(key, line, TITLES[key], FAILED, (Figure(name, value, "dB", Limit(9.0, None)),))


SNR = "signal to noise"
NOISE = bad("noise", "A>B", SNR, 1.0)


@pytest.mark.parametrize(
    ("first", "second", "is_folded"),
    [
        (NOISE, bad("swept", "A>B", SNR, 1.0), 1),
        (NOISE, bad("swept", "B>A", SNR, 1.0), 0),
        (NOISE, bad("swept", "A>B", "300 Hz", 1.0), 0),
        (bad("ring", "A>B", "from ring to ring", 1.0), finding("caller_id", "A>B", FAILED), 0),
        (finding("ring", "A>B", FAILED), finding("caller_id", "A>B", INCOMPLETE), 1),
        (finding("ring", "A>B", FAILED), finding("caller_id", "B>A", FAILED), 0),
        (finding("dial_tone", "A", FAILED), finding("ring", "B>A", FAILED), 0),
        (finding("dial_tone", "A", FAILED), finding("ring", "A>B", FAILED), 1),
        (finding("duplex", "A", LACKING), finding("caller_id", "B>A", FAILED), 0),
        (finding("person_ring", "A", Verdict.SKIPPED), finding("person_keys", "A", FAILED), 1),
    ],
)  # fmt: skip
def test_only_what_follows_is_folded(first: Finding, second: Finding, is_folded: int) -> None:
    """By line, by figure, and by whether anything was measured at all."""
    other = Finding(second.key, second.line, second.title, second.verdict, second.figures)
    found = causes((first, other))
    assert len(found) == (1 if is_folded else 2)
    assert [each.key for cause in found for each in cause.follows] == [second.key] * is_folded


def test_failures_come_before_what_was_not_measured() -> None:
    """Also where it was to be measured first."""
    found = causes((finding("leds", "", INCOMPLETE), bad("echo", "A", "echo return loss", 1.0)))
    assert [cause.findings[0].key for cause in found] == ["echo", "leds"]
    assert causes((finding("ring", "A>B"), finding("line_voltage", "A", LACKING))) == ()
