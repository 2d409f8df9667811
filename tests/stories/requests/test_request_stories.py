"""Every story of requests and mail is true."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.stories.grammar import StoryError
from tests.stories.requests.frontdesk import FrontDesk

STORIES = sorted(Path(__file__).parent.glob("*.story"))


@pytest.mark.parametrize("story", STORIES, ids=lambda path: path.stem)
def test_a_story_is_true(story: Path, tmp_path: Path) -> None:
    """The front desk, the outbox and a mail server do what the story says, and nothing else."""
    FrontDesk(tmp_path).run(story.read_text(encoding="utf-8"))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("op1 dances", "nobody understands"),
        ("expect 1 mail waiting", "expected 1, met 0"),
        ('op1 takes an e-mail for anagrafe aire from "A" 0511 about "B"', "nobody spoke of"),
        ('op1 closes 9 because "X" said so', "nobody spoke of"),
        ('expect a mail to a@b.example about "B"', "no such mail"),
    ],
)
def test_a_story_can_be_untrue(tmp_path: Path, text: str, said: str) -> None:
    """What is not so, or not understood, is told with its line."""
    with pytest.raises(StoryError, match=said):
        FrontDesk(tmp_path).run(text)
