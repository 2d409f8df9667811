"""Ordinary weeks over the socket: previewed, saved, in force when answered, taken back (P9)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any, cast

import pytest

from appliance.api.hours import WeekCommands
from appliance.errors import OfficeError
from appliance.service.loop import CallControl
from appliance.store import database
from tests.api.test_hours_special import Box
from tests.stories.offices import ROME

FIVE_PAST_TWO = datetime(2026, 11, 26, 14, 5, tzinfo=ROME)
MORNINGS = ["8:30-13", "8:30-13", "8:30-13", "8:30-13", "8:30-13", "", ""]
FORM: dict[str, Any] = {
    "since": "2026-11-26", "whose": "switchboard", "kind": "hours", "week": MORNINGS,
    "reference": "delibera 9",
}  # fmt: skip
TAKEN_BACK = {"number": 1, "reference": "sindaco"}


@pytest.fixture
def box(tmp_path: Path) -> Iterator[Box]:
    """Call control with its records."""
    made = Box(tmp_path)
    questions: Any = WeekCommands(made.stores, cast(CallControl, made.home))
    made.questions = questions
    yield made
    made.stores.stop(lambda: None)


def test_a_week_is_previewed_then_saved(box: Box) -> None:
    """A preview changes nothing; saved, a caller at 14:05 finds it closed; the audit has it."""
    told = box.ask("week_enter", form=FORM, preview=True)
    assert (told["saved"], told["since"], told["until"]) == (False, "2026-11-26", "")
    assert [group["label"]["it"] for group in told["groups"]] == ["Centralino"]
    assert told["groups"][0]["days"][3] == {
        "before": [
            {"said": "08:30-13:00", "minutes": [510, 780]},
            {"said": "14:00-18:00", "minutes": [840, 1080]},
        ],
        "after": [{"said": "08:30-13:00", "minutes": [510, 780]}],
        "opens": [],
        "closes": [{"said": "14:00-18:00", "minutes": [840, 1080]}],
    }
    assert told["heard"][0]["at"] == FIVE_PAST_TWO.isoformat()
    assert box.home.is_open(FIVE_PAST_TWO)
    told = box.ask("week_enter", form=FORM)
    assert "vale dal giorno indicato" in told["said"]["it"]
    assert not box.home.is_open(FIVE_PAST_TWO)
    found = box.stores.records.ask(lambda c: database.latest(c, "hours."))
    assert [(each.by, each.what) for each in found] == [("anna", "hours.week")]


def test_which_weeks_there_are(box: Box) -> None:
    """What holds of each group and why, and every entry with who, when and on what ground."""
    box.ask("week_enter", form=FORM)
    told = box.ask("weeks")
    board, counter = told["groups"]
    assert (board["entry"], board["is_configured"], board["since"]) == (0, True, "")
    assert board["week"] == board["configured"] != counter["week"]
    assert told["entries"][0] | {"at": ""} == {
        "number": 1, "whose": "switchboard", "since": "2026-11-26",
        "week": ["08:30-13:00"] * 5 + ["", ""], "by": "anna", "at": "",
        "reference": "delibera 9", "ends": 0, "holds": True, "is_to_come": True,
    }  # fmt: skip
    box.ask("week_enter", form=FORM | {"since": "2026-11-25"})
    board = box.ask("weeks")["groups"][0]
    assert (board["entry"], board["is_configured"], board["since"]) == (2, False, "2026-11-25")
    box.ask("week_enter", form=FORM | {"since": "2026-11-25", "kind": "configured"})
    board = box.ask("weeks")["groups"][0]
    assert (board["entry"], board["is_configured"]) == (3, True)


def test_a_week_to_come_is_taken_back(box: Box) -> None:
    """By an entry of its own; one that holds already is not."""
    box.ask("week_enter", form=FORM)
    told = box.ask("week_revoke", form=TAKEN_BACK, preview=True)
    assert told["groups"][0]["days"][3]["opens"]
    box.ask("week_revoke", form=TAKEN_BACK)
    assert box.home.is_open(FIVE_PAST_TWO)
    assert [each["holds"] for each in box.ask("weeks")["entries"]] == [False, False]
    assert box.ask("week_revoke", form=TAKEN_BACK)["done"] is False


def test_a_caller_at_any_moment(box: Box) -> None:
    """What they would meet before and after; a time that is none is refused."""
    asked = FIVE_PAST_TWO.replace(day=27)
    told = box.ask("week_enter", form=FORM | {"asked": asked.isoformat()}, preview=True)
    assert told["heard"][-1]["at"] == asked.isoformat()
    with pytest.raises(OfficeError, match="asked has to be an ISO time"):
        box.ask("week_enter", form=FORM | {"asked": "2026-11-27"}, preview=True)


def test_what_is_refused(box: Box) -> None:
    """Each mistake at its field; only who may; a number that is none."""
    told = box.ask("week_enter", form=FORM | {"since": "2026-11-01"})
    assert [each["place"] for each in told["problems"]] == ["since"]
    assert box.ask("week_enter", by="carla", form=FORM)["done"] is False
    assert box.ask("weeks")["entries"] == []
    with pytest.raises(OfficeError, match="whole number"):
        box.ask("week_revoke", form={"number": "1"})
