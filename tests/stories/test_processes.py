"""A chosen few stories through all processes: the pure Switchboard's word, seen from outside."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.bench.office import noise
from tests.stories.grammar import StoryError, parse_story, read_story
from tests.stories.story_box import StoryBox, office_of, opens
from tests.stories.through_processes import ProcessRun

pytestmark = [pytest.mark.system, pytest.mark.long]
"""The same stories are told with real telephones in the shorter run (test_baresip.py)."""

FOLDER = Path(__file__).parent
DAY = (
    "p1_operator_answers",
    "p1_operator_holds_and_resumes",
    "p8_nobody_answers_counter_does",
    "p9_gives_up_while_ringing",
    "p8_key_code_unattended",
)
"""All in the example office, open: one box serves them one after the other."""
OTHERS = ("p8_one_operator_two_lines", "p9_closed_takes_a_message")


@pytest.fixture(scope="module")
def day(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ProcessRun]:
    """The example office on an open day, two operators and two positions at the counter."""
    with StoryBox(tmp_path_factory.mktemp("day")) as box:
        yield _with_phones(box)


def _with_phones(box: StoryBox) -> ProcessRun:
    phones = {name: box.phone(name) for name in box.phones}
    for phone in phones.values():
        phone.answer_mode("manual")
    voices = {name: noise(3.0, seed) for seed, name in enumerate(phones, 1)}
    return ProcessRun(box, phones, voices=voices)


@pytest.mark.parametrize("name", DAY)
def test_a_story_of_an_open_day(day: ProcessRun, name: str) -> None:
    """Real callers and phones meet what the story promises."""
    day.run(read_story(FOLDER / f"{name}.story"))


@pytest.mark.parametrize("name", OTHERS)
def test_a_story_of_another_day(tmp_path: Path, name: str) -> None:
    """One operator with two lines; a closed office that takes a message."""
    story = read_story(FOLDER / f"{name}.story")
    with StoryBox(tmp_path, office=office_of(story), opened=opens(story)) as box:
        _with_phones(box).run(story)


BEGIN = "office example\nat 2026-11-25 10:00:00\nline2 rings\nline2 caller 0511111111\n"
WRONG = (
    ("expect ring op1 showing Centralino 0512222222\n", "number on the screen"),
    ("expect nothing\n", "nobody expected op2 ringing"),
    ("line2 gives up\nexpect stop op1 elsewhere\n", "answered elsewhere"),
)


def test_a_story_that_is_not_so_is_refused(day: ProcessRun) -> None:
    """The driver can fail: each promise that is not kept is named with its place."""
    day.run(parse_story("begin", BEGIN))
    try:
        for text, complaint in WRONG:
            with pytest.raises(StoryError, match=complaint):
                day.run(parse_story("wrong", text))
    finally:
        day.clear()
