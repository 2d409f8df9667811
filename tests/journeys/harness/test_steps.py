"""The steps themselves: a journey that goes wrong is never taken for one that went well."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.journeys.harness.steps import ALL_PICTURES, Journey, StepError, sentences

DAY = """Somebody's day.

1. They come in.
2. They look at
   the clock.

What follows is no sentence.
"""


@dataclass
class Onlooker:
    """Somebody who keeps one word, or fails to."""

    has_eyes: bool = True
    found: list[str] = field(default_factory=list)

    def keep(self, stem: Path) -> list[Path]:
        """Write the word."""
        assert self.has_eyes, "nothing can be seen"
        path = stem.with_suffix(".txt")
        path.write_text("seen", encoding="utf-8")
        return [path]

    def complaints(self) -> list[str]:
        """Say what was found."""
        return self.found


@pytest.fixture
def journey(tmp_path: Path) -> Journey:
    """A journey of two sentences with an onlooker."""
    return Journey("somebodys day", sentences(DAY), tmp_path / "kept", [Onlooker()])


@pytest.fixture
def onlooker(journey: Journey) -> Onlooker:
    """The one who looks."""
    (found,) = journey.witnesses
    assert isinstance(found, Onlooker)
    return found


def test_sentences_are_read_from_the_docstring() -> None:
    """Each in one line; text around them is none of them."""
    assert sentences(DAY) == ("They come in.", "They look at the clock.")


@pytest.mark.parametrize("words", ["", "No number.\n", "1. One.\n3. Three.\n", None])
def test_a_docstring_that_tells_no_journey_is_refused(words: str | None) -> None:
    """Without sentences, or with one left out."""
    with pytest.raises(AssertionError):
        sentences(words)


def test_a_whole_journey_leaves_nothing_behind(journey: Journey) -> None:
    """Each step in its turn; no picture is kept of what went well."""
    for number in (1, 2):
        with journey.step(number):
            pass
    journey.end()
    assert not journey.folder.exists()


def test_every_step_is_pictured_where_that_is_asked_for(
    journey: Journey, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One looks at a journey that goes well, too."""
    monkeypatch.setenv(ALL_PICTURES, "1")
    with journey.step(1):
        pass
    assert [path.name for path in journey.folder.iterdir()] == ["step-01.txt"]


@pytest.mark.parametrize("number", [2, 3])
def test_a_step_out_of_turn_is_refused(journey: Journey, number: int) -> None:
    """The code follows the sentences."""
    with pytest.raises(AssertionError), journey.step(number):
        pass


def test_a_journey_that_stops_half_way_fails(journey: Journey) -> None:
    """A sentence that nobody walks is told."""
    with journey.step(1):
        pass
    with pytest.raises(AssertionError, match=re.escape("They look at the clock.")):
        journey.end()


def test_a_failed_step_says_its_sentence_and_where_to_look(journey: Journey) -> None:
    """Name, number, sentence, what failed, and the files that were kept."""
    kept = journey.folder / "step-01.txt"
    with pytest.raises(StepError) as caught, journey.step(1):
        raise ValueError("the door is shut")
    for words in ("somebodys day", "step 1", "They come in.", "the door is shut", str(kept)):
        assert words in str(caught.value)
    assert kept.read_text(encoding="utf-8") == "seen"
    assert journey.walked == 0


def test_what_the_person_does_not_notice_fails_the_step(
    journey: Journey, onlooker: Onlooker
) -> None:
    """A complaint is a failure."""
    onlooker.found.append("a request failed")
    with pytest.raises(StepError, match="a request failed"), journey.step(1):
        pass


def test_a_witness_that_sees_nothing_hides_no_failure(journey: Journey, onlooker: Onlooker) -> None:
    """The step's own failure is told, and that the picture could not be taken."""
    onlooker.has_eyes = False
    with pytest.raises(StepError, match="the door is shut"), journey.step(1):
        raise ValueError("the door is shut")
    (words,) = journey.folder.iterdir()
    assert "nothing can be seen" in words.read_text(encoding="utf-8")
