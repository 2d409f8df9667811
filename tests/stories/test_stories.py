"""Every story runs through the real Switchboard, in milliseconds."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.stories.grammar import PATTERNS, StoryError, parse_story, read_story
from tests.stories.interpreter import PureRun

FOLDER = Path(__file__).parent
STORIES = sorted(FOLDER.glob("*.story"))


@pytest.mark.parametrize("path", STORIES, ids=lambda path: path.stem)
def test_story(path: Path) -> None:
    """The front desk's situation goes as the manual and its day demand."""
    story = read_story(path)
    PureRun().run(story)
    assert any(s.verb.startswith("expect_") for s in story.statements)


@pytest.mark.parametrize("path", STORIES, ids=lambda path: path.stem)
def test_a_story_names_the_sentences_it_is_about(path: Path) -> None:
    """Its first line cites the policy: P, B or E numbers."""
    assert re.match(r"([PBE]\d+(, |: ))+\S", read_story(path).title)


def test_there_are_enough_stories() -> None:
    """The main job is told in at least 25 situations."""
    assert len(STORIES) >= 25


def test_every_verb_is_told_and_documented() -> None:
    """No verb without a story that uses it, an interpreter that knows it, a line in the README."""
    used = {s.verb for path in STORIES for s in read_story(path).statements}
    readme = (FOLDER / "README.md").read_text(encoding="utf-8")
    documented = {
        verb
        for verb, pattern in PATTERNS.items()
        if any(pattern.fullmatch(example) for example in re.findall(r"`([^`]+)`", readme))
    }
    assert used == set(PATTERNS) == documented
    assert [verb for verb in PATTERNS if not hasattr(PureRun, verb)] == []


CALLER = "line1 caller 3331234567\n"
BEGIN = "# P1: x\noffice example\nat 2026-11-25 10:00:00\nline1 rings\n"


@pytest.mark.parametrize(
    ("rest", "complaint"),
    [
        ("expect sing op1\n", "nobody understands"),
        ("line1 idle\n", "nobody expected RingPhones"),
        ("expect ring op1\n", "expected ringing of"),
        ("expect answer line1\n", "expected AnswerLine"),
        ("expect ring op1 op2 for 24 s\n", "ring time"),
        ("expect ring op1 op2 showing x\n", "display"),
        ("", "nobody expected"),
        ("expect ring op1 op2\nexpect stop op1\n", "met nothing"),
        ("expect ring op1 op2\nexpect record way=voicemail\n", "record's way"),
        ("expect ring op1 op2\nexpect trail line1 stored\n", "stored is missing"),
        ("expect ring op1 op2\nexpect line1 is idle\n", "expected idle, met ringing"),
        ("expect ring op1 op2\nexpect desk is busy\n", "expected busy, met free"),
        ("expect ring op1 op2\nexpect waiting 1\n", "messages waiting"),
        (f"expect ring op1 op2\n{CALLER}expect ring op1 op2 showing y\n", "display"),
        (f"expect ring op1 op2\n{CALLER}expect ring op1\n", "expected ringing of"),
        (f"expect ring op1 op2\n{CALLER}expect nowhere 3331234567\n", "is told in ShowCaller"),
    ],
)
def test_a_wrong_story_fails(rest: str, complaint: str) -> None:
    """What did not happen, or happened unforeseen, fails and says so (the check can fail)."""
    with pytest.raises(StoryError, match=complaint):
        PureRun().run(parse_story("wrong", BEGIN + rest))
