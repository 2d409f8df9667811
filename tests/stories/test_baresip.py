"""Stories through all processes with real telephones: exchange, daemon and Debian's baresip."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.helpers.baresip import PACKAGE, is_installed
from tests.stories.baresip_phones import baresips
from tests.stories.grammar import StoryError, parse_story, read_story
from tests.stories.story_box import StoryBox, office_of, opens
from tests.stories.test_processes import BEGIN, WRONG

pytestmark = pytest.mark.system

FOLDER = Path(__file__).parent
DAY = (
    "p1_operator_answers",
    "p1_operator_holds_and_resumes",
    "p1_caller_gives_up_on_hold",
    "p1_toll_free_number_is_shown",
    "p8_nobody_answers_counter_does",
    "p8_turned_down_by_the_phones_key",
    "p9_gives_up_while_ringing",
    "p8_key_code_unattended",
)
"""All in the example office, open: one box serves them one after the other."""
OTHERS = (
    "p8_one_operator_two_lines",
    "p9_closed_takes_a_message",
    "e4_key_code_stops_ringing_phones",
)
LAWS = ("ulaw",)
"""baresip prefers A-law; a voice is known again byte for byte where nothing is translated."""


@pytest.fixture(scope="module", autouse=True)
def installed() -> None:
    """Nothing is shown without the telephone."""
    if not is_installed():
        pytest.skip(f"needs the Debian package {PACKAGE}")


@pytest.fixture(scope="module")
def day(installed: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[StoryBox]:
    """The example office on an open day."""
    with StoryBox(tmp_path_factory.mktemp("day"), laws=LAWS) as box:
        yield box


@pytest.mark.parametrize("name", DAY)
def test_a_story_of_an_open_day(day: StoryBox, tmp_path: Path, name: str) -> None:
    """Four baresips at two groups meet what the story promises."""
    story = read_story(FOLDER / f"{name}.story")
    with baresips(day, tmp_path, story) as run:
        run.run(story)


@pytest.mark.parametrize("name", OTHERS)
def test_a_story_of_another_day(tmp_path: Path, name: str) -> None:
    """Other offices and hours; a switch by key that stays in force."""
    story = read_story(FOLDER / f"{name}.story")
    with (
        StoryBox(tmp_path, office=office_of(story), opened=opens(story), laws=LAWS) as box,
        baresips(box, tmp_path / "phones", story) as run,
    ):
        run.run(story)


SHOWN = (("expect ring op1 showing Centralino 0512222222\n", "display"), *WRONG[1:])


def test_a_story_that_is_not_so_is_refused(day: StoryBox, tmp_path: Path) -> None:
    """The driver can fail: a wrong display, a phone nobody expected, a wrong end of the ringing."""
    begin = parse_story("begin", BEGIN)
    with baresips(day, tmp_path, begin) as run:
        run.run(begin)
        try:
            for text, complaint in SHOWN:
                with pytest.raises(StoryError, match=complaint):
                    run.run(parse_story("wrong", text))
        finally:
            run.clear()
