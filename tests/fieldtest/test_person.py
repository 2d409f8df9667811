"""What a person sees of a field test: messages, status, reasons, time left."""

from __future__ import annotations

import io
import os
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner
from rich.console import Console

from appliance.__main__ import main
from appliance.errors import PeerError
from appliance.fieldtest import person
from appliance.fieldtest.holding import RESTORER_LOST, Restorer, StopPlan
from appliance.fieldtest.person import (
    LineSplitter,
    MeasurementBegan,
    MeasurementEnded,
    MeasurementStep,
    PersonPrompt,
    ProgressDisplay,
    QuestionAsked,
    SuiteCollected,
)
from appliance.text import Words, unchanged
from hw_tests.findings import Verdict
from hw_tests.person import Answer
from tests.fieldtest.runs import run
from tests.helpers.words import pair
from tests.hw_tests import whole

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


# --- a person ------------------------------------------------------------------------------------

QUESTION = QuestionAsked(pair("Il LED lampeggia?", "Does the LED flash?"))


class Typing:
    """A person: what they type, and what they were told in English."""

    def __init__(self, typed: str) -> None:
        self.told: list[str] = []
        reader, writer = os.pipe()
        os.write(writer, typed.encode())
        os.close(writer)
        self.reader = reader
        self.guide = PersonPrompt(reader, self._hear)

    def _hear(self, words: Words) -> None:
        self.told.append(words.text("en"))

    def answers(self, count: int) -> list[Answer]:
        """Ask so many times."""
        return [self.guide.ask(QUESTION, lambda: False) for _ in range(count)]


@pytest.fixture
def typing() -> Iterator[list[Typing]]:
    """Where a test puts its people, so that their pipes are closed."""
    made: list[Typing] = []
    yield made
    for each in made:
        os.close(each.reader)


@pytest.mark.parametrize(
    ("typed", "answers"),
    [
        ("ok\n", ["ok"]),
        ("o\nno\nr\nskip\n", ["ok", "no", "repeat", "skip"]),
        ("perhaps\n\x1b[2J\n OK \n", ["ok"]),
        ("no", ["no", "skip", "skip"]),
        ("", ["skip", "skip"]),
    ],
)
def test_what_is_typed_is_the_answer(typed: str, answers: list[str], typing: list[Typing]) -> None:
    """In either language, by a letter or a word; a slip is asked again, nobody there skips."""
    typing.append(one := Typing(typed))
    assert [each.value for each in one.answers(len(answers))] == answers
    assert one.told[0] == QUESTION.said.text("en")
    is_alone = answers[-1] == "skip" and "skip" not in typed
    assert ("Nobody answers" in " ".join(one.told)) is is_alone
    assert not [text for text in one.told if "\x1b" in text]


def test_a_question_ends_with_the_run(typing: list[Typing]) -> None:
    """Who interrupts while a question is open need not answer it."""
    typing.append(one := Typing(""))
    assert one.guide.ask(QUESTION, lambda: True) is Answer.SKIP


# --- what the suite's process says ---------------------------------------------------------------

TOLD = (
    SuiteCollected(("a", "b"), (1.0, 2.5)),
    MeasurementBegan("a", pair("Uno", "One")),
    MeasurementStep(pair("sì", "yes")),
    MeasurementEnded("a", "passed", 1.5),
    QUESTION,
)


@pytest.mark.parametrize("message", TOLD, ids=lambda m: type(m).__name__)
def test_messages_come_back_as_they_were(message: person.SuiteMessage) -> None:
    """Each kind of message survives the way, cut anywhere."""
    lines, data = LineSplitter(), person.encode_message(message)
    got = [line for at in range(len(data)) for line in lines.feed(data[at : at + 1])]
    assert [person.decode_message(line) for line in got] == [message]


@pytest.mark.parametrize(
    "line",
    [b"", b"{", b"[]", b'{"t":"Began"}', b'{"t":"Ended","test":"a"}', b'{"t":"x"}', b"[" * 9999],
)
def test_what_is_no_message_is_refused(line: bytes) -> None:
    """A suite that says something else is told so, not believed."""
    with pytest.raises(PeerError, match="no message"):
        person.decode_message(line)


# --- progress ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("known", "took", "running_s", "left"),
    [
        ({}, {}, 0.0, None),
        ({"a": 10.0, "b": 20.0}, {}, 0.0, 30.0),
        ({"a": 10.0, "b": 20.0}, {}, 4.0, 26.0),
        ({"a": 10.0, "b": 20.0}, {}, 99.0, 20.0),
        ({"a": 10.0}, {"z": 6.0}, 0.0, 16.0),
        ({}, {"z": 6.0}, 1.0, 11.0),
    ],
)
def test_the_time_left(
    known: dict[str, float], took: dict[str, float], running_s: float, left: float | None
) -> None:
    """By each test's time in the run before; by the average where it is new."""
    assert person.RemainingTime(known, ["a", "b"], took).left_s(running_s) == left


def test_a_longer_soak_is_not_taken_for_a_shorter_one() -> None:
    """What took a minute when it was told to takes an hour now that it is told so."""
    first = person.RemainingTime({})
    first.expect(("unit", "soak"), (3.0, 60.0))
    first.ended("unit", 5.0)
    first.ended("soak", 66.0)
    again, longer = person.RemainingTime(first.times), person.RemainingTime(first.times)
    again.expect(("unit", "soak"), (3.0, 60.0))
    longer.expect(("unit", "soak"), (3.0, 3600.0))
    assert (again.left_s(0.0), longer.left_s(0.0)) == (71.0, 3605.0)
    longer.ended("unit", 5.0)
    assert longer.left_s(1800.0) == 1800.0


@pytest.mark.parametrize("text", ["", "[]", '{"a": "x"}', '{"a": NaN}', "\x00", '{"a": {}}'])
def test_times_that_cannot_be_read_are_none(text: str, tmp_path: Path) -> None:
    """A damaged file of times costs an estimate, no more."""
    path = tmp_path / "times"
    assert person.read_times(path) == {}
    path.write_text(text, encoding="utf-8")
    assert person.read_times(path) == {}
    person.write_times(path, {"a": 1.5})
    assert person.read_times(path) == {"a": 1.5}
    person.write_times(path / "below a file", {"a": 1.5})


@pytest.mark.parametrize(
    ("outcomes", "verdicts", "outcome", "titles"),
    [
        ({"passed"}, [Verdict.PASSED], "passed", "Calls both ways"),
        ({"passed", "failed"}, [Verdict.PASSED, Verdict.FAILED], "failed", "Caller's identity A>B"),
        ({"passed", "skipped"}, [Verdict.SKIPPED], "passed", "Calls both ways"),
        ({"skipped"}, [Verdict.SKIPPED], "skipped", "Calls both ways"),
        (set(), [], "failed", "Calls both ways"),
    ],
)
def test_a_measurement_is_named_by_what_failed(
    outcomes: set[str], verdicts: list[Verdict], outcome: str, titles: str
) -> None:
    """Not by its first figure: rings that are well are no reason to look at the bell."""
    keys = ("ring", "caller_id")
    found = [whole.finding(key, "A>B", told) for key, told in zip(keys, verdicts, strict=False)]
    part = person.Part(unchanged("Calls both ways"), 0.0, outcomes=outcomes, found=found)
    ended = person._ended("calls", part)
    assert (ended.outcome, ended.title.text("en")) == (outcome, titles)
    assert ("Because." in ended.why.text("en")) is any(told != Verdict.PASSED for told in verdicts)


@pytest.mark.parametrize("language", ["it", "en"])
def test_a_person_can_follow(language: str) -> None:
    """On a terminal: the test, its step, how many are done, the time left; markup is text."""
    written = io.StringIO()
    console = Console(file=written, force_terminal=True, width=100, highlight=False)
    watch = ProgressDisplay(language, person.RemainingTime({"b (12 s)": 10.0}), console)
    watch.start()
    level = "Livello [red]A[/red]"
    told = (
        SuiteCollected(("a", "b"), (65.0, 12.0)),
        MeasurementBegan("a", unchanged(level)),
        MeasurementStep(pair("compone", "dialling")),
    )
    for message in told:
        watch.take(message)
    watch._bar.refresh()
    shown = written.getvalue()
    watch.take(MeasurementEnded("a", "failed", 61.0))
    watch.stop()
    assert "Livello [red]A[/red]" in shown
    assert {"it": "compone", "en": "dialling"}[language] in shown
    assert {"it": "mancano circa 1:", "en": "about 1:"}[language] in shown
    assert {"it": "NON superata", "en": "FAILED"}[language] in written.getvalue()


# --- status --------------------------------------------------------------------------------------

PASSED = whole.run()


@pytest.mark.parametrize(
    ("made", "suite", "is_restored", "status"),
    [
        (PASSED, 0, True, 0),
        (PASSED, 1, True, 1),
        (PASSED, 0, False, 2),
        (PASSED, 2, True, 2),
        (PASSED, -9, True, 2),
        (replace(PASSED, ended=""), 0, True, 2),
        (replace(PASSED, expected=("more",)), 0, True, 2),
        (replace(PASSED, findings=()), 0, True, 2),
        (run(), 1, True, 1),
        (run(), -9, False, 1),
        (run(ended=""), 0, True, 1),
    ],
)
def test_the_status(made: object, suite: int, is_restored: bool, status: int) -> None:
    """Passed only when all went well; a failure is one whatever came after."""
    assert person.exit_status(made, suite, restored=is_restored) == status  # type: ignore[arg-type]  # a Run


@pytest.mark.parametrize(
    "options",
    [
        ("--line-a", "/dev/null"),
        ("--line-b", "/dev/null"),
        ("--one-line",),
        ("--one-line", "--line-a", "/dev/null", "--line-b", "/dev/zero"),
        ("--line-a", "/dev/null", "--line-b", "/dev/null"),
    ],
)
def test_lines_that_make_no_set_up_are_refused(options: tuple[str, ...], tmp_path: Path) -> None:
    """Half a pair, one line twice: said before anything begins, with status 2."""
    told = CliRunner().invoke(main, ["field-test", "--out", str(tmp_path / "out"), *options])
    assert (told.exit_code, (tmp_path / "out").exists()) == (2, False)
    assert "line" in told.output


def test_who_was_to_restore_may_die() -> None:
    """A restorer that was killed is told, with what to look at; nothing is taken for restored."""
    restorer = Restorer(StopPlan())
    restorer._process.kill()
    is_restored, said = restorer.give_back()
    assert (is_restored, said) == (False, [RESTORER_LOST])
