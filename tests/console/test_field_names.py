"""Names of a form's fields in the list of its mistakes: one for every field there is."""

from __future__ import annotations

import re
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

import appliance.console
from appliance.console.field_names import field_name
from appliance.console.say import Speaker

TEMPLATES = Path(appliance.console.__file__).parent / "templates"
_NAMED = re.compile(r'parts\.(?:field|problem)\((?:\w+ ~ "\.)?"?([\w.]+)"')


@pytest.mark.parametrize("language", ["it", "en", "de"])
def test_every_field_has_a_name(language: str) -> None:
    """Of each form that lists its mistakes."""
    say = Speaker(language, ZoneInfo("Europe/Rome"))
    places = {
        place
        for path in TEMPLATES.rglob("*.html")
        for place in _NAMED.findall(path.read_text(encoding="utf-8"))
    }
    assert {"reason", "reference", "slots.minutes", "notice", "website", "reach"} <= places
    assert [place for place in places if not field_name(say, place)] == []


@pytest.mark.parametrize(
    ("place", "name"),
    [
        ("needs.1.numbers.2.label", "Need 1, Number 2, Whose, or for what"),
        ("numbers.3.number", "Number 3"),
        ("slots.week.2", "Tuesday"),
        ("week", "Hours"),
        ("needs", "Needs"),
        ("week.9", ""),
        ("anyway", ""),
    ],
)
def test_a_place_within_rows_names_its_row(place: str, name: str) -> None:
    """One that is unknown has no name."""
    assert field_name(Speaker("en", ZoneInfo("Europe/Rome")), place).capitalize() == (
        name.capitalize()
    )
