"""Verdict by promise: passed only where all that a line is for was measured and holds."""

from __future__ import annotations

import itertools
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hw_tests import promises
from hw_tests.field import Field
from hw_tests.findings import MAY_BE_LEFT_OUT, MAY_LACK, Run, Use, Verdict
from hw_tests.measures.table import measures_for
from hw_tests.promises import DEFAULT, PROMISES, Kept, judged
from hw_tests.run import Recorder
from hw_tests.titles import TITLES
from tests.hw_tests.virtual import Virtual
from tests.hw_tests.whole import finding, keys_of, run, without

PASSED, FAILED, INCOMPLETE = Verdict.PASSED, Verdict.FAILED, Verdict.INCOMPLETE
LACKING, SKIPPED = Verdict.NOT_ON_THIS_DEVICE, Verdict.SKIPPED
SET_UPS = ("exchange", "two lines", "one line")
MESSAGES = tuple(name for name in DEFAULT if name not in promises.CONVERSATION)


def kept(made: Run, line: str = "A") -> dict[str, Kept]:
    """Give what became of each promise of a line."""
    return {each.name: each.kept for each in judged(made) if each.line == line}


def test_each_finding_belongs_to_a_promise() -> None:
    """What no promise counts could fail unseen; a promise counts nothing that is never found."""
    counted = {key for each in PROMISES.values() for key in (*each.by, *each.also)}
    assert counted == set(TITLES)
    assert set(TITLES) >= MAY_LACK | MAY_BE_LEFT_OUT


@pytest.mark.parametrize("set_up", SET_UPS)
def test_a_whole_run_is_passed(set_up: str) -> None:
    """Every finding passed: each promise that is needed is kept, on each line."""
    made = run(set_up)
    assert made.verdict is PASSED
    assert {each.kept for each in judged(made) if each.needed} == {Kept.YES}
    assert {each.line for each in judged(made)} == set("A" if set_up == "one line" else "AB")


@pytest.mark.parametrize("set_up", SET_UPS)
def test_every_promise_that_is_needed_can_be_measured(set_up: str) -> None:
    """A promise that a set-up never measures would make every run of it incomplete."""
    for name in DEFAULT:
        assert set(PROMISES[name].by) & set(keys_of(set_up)), name


@pytest.mark.parametrize("set_up", SET_UPS)
@pytest.mark.parametrize("verdict", [LACKING, SKIPPED, INCOMPLETE])
def test_nothing_measured_is_never_passed(set_up: str, verdict: Verdict) -> None:
    """However the nothing is called; and no promise is kept by it."""
    told = {key.replace(".", "__"): verdict for key in keys_of(set_up)}
    made = run(set_up, **told)
    assert made.verdict is not PASSED
    assert Kept.YES not in {each.kept for each in judged(made)}
    assert replace(made, findings=()).verdict is INCOMPLETE


def cases() -> list[tuple[str, Verdict, Verdict]]:
    """Give each key of two lines with each verdict, and what the whole run is then."""
    told = []
    needed = {key for name in DEFAULT for key in (*PROMISES[name].by, *PROMISES[name].also)}
    proving = {key for name in DEFAULT for key in PROMISES[name].by}
    for key, verdict in itertools.product(keys_of("two lines"), Verdict):
        whole = PASSED
        if key in needed and verdict in {FAILED, INCOMPLETE}:
            whole = verdict
        elif key in needed and verdict is SKIPPED and key not in MAY_BE_LEFT_OUT:
            whole = INCOMPLETE
        elif key in needed and verdict is LACKING and (key in proving or key not in MAY_LACK):
            whole = FAILED
        told.append((key, verdict, whole))
    return told


@pytest.mark.parametrize(("key", "verdict", "whole"), cases())
def test_one_finding_makes_the_run_what_it_is(key: str, verdict: Verdict, whole: Verdict) -> None:
    """Each finding with each verdict among others that passed; on one line as on both."""
    made = run("two lines", **{key.replace(".", "__"): verdict})
    assert made.verdict is whole
    one = run("two lines").with_finding(finding(key, "A", verdict))
    assert one.verdict is whole
    others = [each for each in judged(one) if each.line == "B"]
    assert {each.kept for each in others if each.needed} == {Kept.YES}


@pytest.mark.parametrize("set_up", SET_UPS)
def test_what_was_not_run_is_named(set_up: str) -> None:
    """A key without a finding, a run without an end: incomplete, with the measurement's title."""
    for key in keys_of(set_up):
        made = without(run(set_up), key)
        assert made.verdict is INCOMPLETE, key
        why = " ".join(each.why.text("en") for each in judged(made))
        assert TITLES[key].text("en") in why, key
    assert replace(run(set_up), ended="").verdict is INCOMPLETE


VERDICTS = st.sampled_from([*Verdict, None])


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(SET_UPS), st.data())
def test_no_mixture_passes_without_a_proof(set_up: str, data: st.DataObject) -> None:
    """Passed: each promise needed has a finding that passed, on each line, and none against it."""
    whole = run(set_up)
    drawn = data.draw(
        st.lists(VERDICTS, min_size=len(whole.findings), max_size=len(whole.findings))
    )
    found = tuple(
        finding(each.key, each.line, verdict)
        for each, verdict in zip(whole.findings, drawn, strict=True)
        if verdict is not None
    )
    made = replace(whole, findings=found)
    if made.verdict is not PASSED:
        return
    for line, name in itertools.product(promises.lines_of(made), DEFAULT):
        proofs = {each.verdict for each in found if each.key in PROMISES[name].by}
        assert PASSED in proofs, (line, name)
        assert not proofs & {FAILED, INCOMPLETE}


def test_a_half_duplex_modem_passes_for_messages_only() -> None:
    """Where the configuration asks for conversations it fails, for messages alone it may pass."""
    half = dict.fromkeys(("duplex", "load", "echo"), LACKING)
    assert run("two lines", **half).verdict is FAILED
    assert kept(run("two lines", **half))["joins"] is Kept.NO
    uses = tuple(Use(line, "line1", MESSAGES) for line in "AB")
    assert run("two lines", *uses, **half).verdict is PASSED
    assert run("two lines", uses[0], **half).verdict is FAILED  # line B is for conversations
    assert run("two lines", *uses, **half, keys=FAILED).verdict is FAILED


@pytest.mark.parametrize("need", ["fax", "transfers"])
def test_what_a_configuration_asks_for_besides_is_needed(need: str) -> None:
    """Not needed, it fails nothing; needed and not there, the run has failed."""
    key = PROMISES[need].by[0]
    use = Use("A", "line1", (*DEFAULT, need))
    for verdict in (FAILED, LACKING):
        assert run("two lines", **{key: verdict}).verdict is PASSED
        assert run("two lines", use, **{key: verdict}).verdict is FAILED
    assert run("two lines", use).verdict is PASSED
    assert run("one line", use).verdict is INCOMPLETE  # one line alone measures neither


@pytest.mark.parametrize("kind", ["two lines", "one line"])
def test_modems_without_voice_are_never_passed(kind: str, tmp_path: Path) -> None:
    """The modem answers commands; nothing that a line is for holds, and the reason is the voice."""
    world = Virtual("data-only")
    world.kind = kind
    recorder = Recorder(Field(world, tmp_path), measures_for(kind), "", "")
    for measure in measures_for(kind):
        recorder.make(measure)
    recorder.close(whole=True)
    assert recorder.run.verdict is FAILED
    told = [each for each in judged(recorder.run) if each.needed]
    assert Kept.YES not in {each.kept for each in told}
    assert all("no voice" in each.why.text("en") for each in told if each.kept is Kept.NO)
    assert kept(recorder.run)["answers"] is Kept.NO


def test_one_line_with_every_step_skipped_is_incomplete(tmp_path: Path) -> None:
    """Nobody called: nothing says that the line answers, joins, hears or notices."""
    world = Virtual()
    world.kind = "one line"
    recorder = Recorder(Field(world, tmp_path), measures_for("one line"), "", "")
    for measure in measures_for("one line"):
        recorder.make(measure)
    recorder.close(whole=True)
    assert recorder.run.verdict is INCOMPLETE
    told = kept(recorder.run)
    for name in ("answers", "joins", "caller_id", "release", "keys", "echo"):
        assert told[name] is Kept.NOT_MEASURED, name
    whys = {each.name: each.why.text("it") for each in judged(recorder.run)}
    assert "nessuno l'ha fatto" in whys["answers"]


def test_a_way_counts_for_the_lines_that_it_tells_of() -> None:
    """Who calls is told of the line that is called; how sound arrives of both."""
    whole = run()
    id_fails = whole.with_finding(finding("caller_id", "A>B", FAILED))
    assert (kept(id_fails, "A")["caller_id"], kept(id_fails, "B")["caller_id"]) == ("yes", "no")
    weak = whole.with_finding(finding("level", "A>B", FAILED))
    assert (kept(weak, "A")["joins"], kept(weak, "B")["joins"]) == ("no", "no")
