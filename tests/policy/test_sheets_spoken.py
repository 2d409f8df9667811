"""The menu of sheets that callers may hear: keys and languages."""

from __future__ import annotations

import pytest

from appliance.policy.sheets import SpokenSheet, sheet_at_key, title_prompts, without_sheets

CARTA = SpokenSheet("carta", "it", "title_carta", "sheet_carta")
PASSPORT = SpokenSheet("passport", "en", "title_passport", "sheet_passport")
MENU = (CARTA, PASSPORT)


@pytest.mark.parametrize(
    ("digit", "sheet"),
    [("1", CARTA), ("2", PASSPORT), ("3", None), ("0", None), ("*", None), ("#", None)],
)
def test_a_key_chooses_the_sheet_of_its_place(digit: str, sheet: SpokenSheet | None) -> None:
    """Keys are counted from 1 over all languages; 0, star and hash are nobody's."""
    assert sheet_at_key(MENU, digit) is sheet


def test_no_menu_has_no_keys() -> None:
    """Where nothing can be heard no key means anything."""
    assert sheet_at_key((), "1") is None


def test_each_language_offers_its_own() -> None:
    """A sheet is offered in the language that it is read in."""
    assert list(title_prompts(MENU, "it")) == ["title_carta"]
    assert list(title_prompts(MENU, "en")) == ["title_passport"]
    assert list(title_prompts(MENU, "de")) == []


def test_what_a_sheet_needs_to_be_heard() -> None:
    """Its offer, itself and the keys that lead on, where there are any."""
    keys = SpokenSheet("carta", "it", "title_1", "sheet_1", "sheet_2")
    assert keys.prompts == ("it/title_1", "it/sheet_1", "it/sheet_2")
    assert CARTA.prompts == ("it/title_carta", "it/sheet_carta")


def test_a_withheld_sheet_is_neither_offered_nor_read() -> None:
    """P7: the others keep their keys; without any there is no menu."""
    one = SpokenSheet("a", "it", "title_a", "sheet_a")
    two = SpokenSheet("b", "it", "title_b", "sheet_b")
    menu = without_sheets((one, two), {"a"})
    assert sheet_at_key(menu, "1") is None
    assert sheet_at_key(menu, "2") == two
    assert list(title_prompts(menu, "it")) == ["title_b"]
    assert without_sheets((one,), {"a"}) == ()
    assert without_sheets((one, two), ()) == (one, two)
