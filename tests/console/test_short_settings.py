"""The settings' pages on a configuration of fifteen lines, and what they fold away."""

from __future__ import annotations

from pathlib import Path

import pytest

from appliance.config import read
from appliance.config.keys.catalogue import KEYS
from appliance.console.setting_fields import SECTIONS
from tests.console.test_settings import Pages, pages

__all__ = ["pages"]

SHORT = Path(read.__file__).with_name("example_short.toml").read_text(encoding="utf-8")


@pytest.fixture
def short(pages: Pages) -> Pages:
    """The pages of an office whose file is the short example."""
    pages.office.path.write_text(SHORT, encoding="utf-8")
    return pages


@pytest.mark.parametrize("section", [one.code for one in SECTIONS])
def test_a_section_sent_unchanged_leaves_the_short_form(short: Pages, section: str) -> None:
    """Every page opens, and a form sent as it is asks for nothing."""
    text = short.send(f"/settings/{section}", short.form(f"/settings/{section}") | {"do": "look"})
    assert "Niente da applicare" in text
    assert short.office.text == SHORT


def test_a_line_is_named_and_the_change_undone(short: Pages) -> None:
    """What was derived is shown, the rest of the file stays, undo puts the same bytes back."""
    text = short.read("/settings/lines")
    assert "800 011 837" in text
    said = short.change("lines", do="look", lines__line2__label="Numero verde")
    assert "Linea 2, etichetta: da «800 011 837» a «Numero verde»" in said
    assert short.office.text == SHORT
    to = short.change("lines", lines__line2__label="Numero verde")
    assert (short.status, to) == (303, "/settings/lines?done=1")
    assert 'phones = ["Operatore 1", "Operatore 2", "Operatore 3"]' in short.office.text
    found = read.parse(short.office.text)
    assert [line.label for line in found.lines] == ["051 598 111", "Numero verde"]
    short.send("/settings/undo/1", {"section": "lines"})
    assert short.office.text == SHORT


def test_one_day_is_changed(short: Pages) -> None:
    """The other working days keep their hours."""
    before = read.parse(SHORT).hours.week.days
    to = short.change("office", hours__monday="9:00-12:00")
    assert (short.status, to) == (303, "/settings/office?done=1")
    after = read.parse(short.office.text).hours.week.days
    assert [str(band) for band in after[0]] == ["09:00-12:00"]
    assert after[1:] == before[1:]


def test_a_phone_gets_another_group(short: Pages) -> None:
    """Groups that were derived are written once one of them is chosen."""
    to = short.change("phones", switchboard__phones=["operatore-1", "operatore-2"],
                      citizens_desk__phones=["operatore-3"])  # fmt: skip
    assert (short.status, to) == (303, "/settings/phones?done=1")
    found = read.parse(short.office.text)
    assert found.switchboard.phones == ("operatore-1", "operatore-2")
    assert found.citizens_desk.phones == ("operatore-3",)


def test_advanced_keys_are_folded_away() -> None:
    """What the reference calls advanced is not among the first fields of a page."""
    shown = [
        f"{one.rows}.{key}" if group is one.row else key
        for one in SECTIONS
        for group in (*one.groups, *([one.row] if one.row else ()))
        for key in group.keys
    ]
    assert len(shown) > 30
    assert [key for key in shown if key in KEYS and KEYS[key].is_advanced] == []
