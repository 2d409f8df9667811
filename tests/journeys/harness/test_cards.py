"""The card's file, edited as a person edits it."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import pytest

from appliance.bootfile.read import MakingContext, make_configuration
from appliance.config import read
from tests.helpers.box import ROME, opening_days
from tests.journeys.harness.card_file import (
    OFFICE,
    Editor,
    days_ahead,
    what_is_known,
    with_the_line,
)
from tests.journeys.harness.new_box import DELIVERED, SOCKET

FILE = DELIVERED.read_text(encoding="utf-8")
DAY = date(2026, 11, 30)


def test_the_edited_file_is_the_office() -> None:
    """Nothing but what was edited has changed, and the box takes it."""
    text = with_the_line(what_is_known(FILE, (DAY,)), SOCKET)
    made = make_configuration(text, MakingContext(2026, (f"/dev/serial/by-path/{SOCKET}",)))
    settings = read.parse(made.config)
    assert settings.site.name == OFFICE
    assert [one.name for one in settings.phones] == ["op1", "sportello1"]
    assert [one.port for one in settings.lines] == [f"/dev/serial/by-path/{SOCKET}"]
    assert settings.lines[0].daytime == ""
    assert [one.day for one in settings.openings] == [DAY]
    comments = [line.partition("# ")[2] for line in FILE.splitlines()]
    assert [line.partition("# ")[2] for line in text.splitlines()][: len(comments)] == comments


def test_an_edit_that_meets_no_line_or_two_is_refused() -> None:
    """The guide names an entry that the file has not, or of which it has more than one."""
    editor = Editor.open(FILE)
    for entry in ("colour", "port", "nam"):
        with pytest.raises(AssertionError, match=entry):
            editor.write(entry, '"x"')
    with pytest.raises(AssertionError, match="secret: 2 lines"):
        editor.use("secret")
    assert editor.saved() == FILE
    editor.write("name", '"x"')
    with pytest.raises(AssertionError, match="name: 0 lines"):
        editor.write("name", '"y"')


def test_the_days_ahead_follow_each_other() -> None:
    """Over midnight the office stays open."""
    today, tomorrow = days_ahead()
    assert tomorrow - today == timedelta(days=1)


@pytest.mark.parametrize(("hour", "days"), [(12, [DAY]), (23, [DAY, DAY + timedelta(days=1)])])
def test_a_box_is_open_over_midnight(hour: int, days: list[date]) -> None:
    """A test that begins in the evening finds its box open when the day ends."""
    assert list(opening_days(datetime(2026, 11, 30, hour, 59, tzinfo=ROME))) == days
