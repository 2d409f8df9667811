"""A file that is brought to a running box: whole and good, or nothing changes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from appliance.bootfile import apply, card, read
from appliance.bootfile.apply import BootPlaces
from appliance.bootfile.card import CardVerdict
from appliance.config.values import BadConfiguration
from appliance.policy.text import Refused
from tests.config.test_short_form import SHORT

if TYPE_CHECKING:
    from pathlib import Path


OFFICE = """\
[site]
name = "Comune"   # remark
[[phones]]
name = "op1"
label = "Operatore 1"

# --- ---
[switchboard]
phones = ["op1"]  # who rings
"""
UNDER = {"folders": {"state": "{0}/state", "run": "{0}/run"}}


@pytest.fixture
def places(tmp_path: Path) -> BootPlaces:
    """A box whose card has this office's file, which is in force."""
    for name in ("card", "ports", "run", "notices"):
        (tmp_path / name).mkdir()
    under = {
        table: {key: value.format(tmp_path) for key, value in keys.items()}
        for table, keys in UNDER.items()
    }
    (tmp_path / "card" / "centralino.toml").write_text(OFFICE, encoding="utf-8")
    made = BootPlaces(
        tmp_path / "card", tmp_path / "centralino.toml", tmp_path / "kept", tmp_path / "data",
        tmp_path / "networkd", tmp_path / "run", tmp_path / "notices", tmp_path / "ports", 2026,
        under,
    )  # fmt: skip
    assert apply.apply_card(made).outcome.verdict is CardVerdict.APPLIED
    return made


def on_card(places: BootPlaces, name: str = "centralino.toml") -> bytes:
    """Read a file of the card."""
    return (places.card / name).read_bytes()


def test_a_phone_more_is_on_the_card_and_in_force(places: BootPlaces) -> None:
    """The file is as it was but for the phone; the file of before lies beside it; the box has made
    a password for the new phone alone.
    """
    text = apply.text_with_phone(apply.card_text(places), "op2", "Operatore 2", "switchboard")
    brought = apply.put_card_file(places, apply.card_bytes(text))
    assert brought.made == ("op2",)
    assert brought.applied.is_rewritten
    assert 'label = "Operatore 2"' in places.config.read_text(encoding="utf-8")
    assert on_card(places) == apply.card_bytes(text)
    assert on_card(places, card.CARD_BEFORE) == OFFICE.encode()
    assert apply.apply_card(places).outcome.verdict is CardVerdict.AS_BEFORE


@pytest.mark.parametrize(
    ("text", "group", "phones", "groups"),
    [
        (OFFICE, "switchboard", ["op1", "new"], {"switchboard": ["op1", "new"]}),
        (OFFICE, "citizens_desk", ["op1", "new"],
         {"switchboard": ["op1"], "citizens_desk": ["new"]}),
        ("", "switchboard", ["new"], {}),
        ('[site]\nname = "x"', "switchboard", ["new"], {}),
        ("[citizens_desk]\nring = 20", "citizens_desk", ["new"], {"citizens_desk": ["new"]}),
        ('[[phones]]\nname = "a"\n[switchboard]\nphones = [\n "a",\n]\n', "switchboard",
         ["a", "new"], {"switchboard": ["a", "new"]}),
        ('[switchboard]\nphones = []\n', "switchboard", ["new"], {"switchboard": ["new"]}),
    ],
)  # fmt: skip
def test_where_a_phone_is_written(
    text: str, group: str, phones: list[str], groups: dict[str, list[str]]
) -> None:
    """As another phone of the file, and in the list of those that ring where there is one; what
    somebody has written stays, remarks too.
    """
    made = apply.text_with_phone(text, "new", "Così", group)
    data = read.read_file(made).data
    assert [phone["name"] for phone in data["phones"]] == phones
    assert {n: data[n]["phones"] for n in ("switchboard", "citizens_desk") if n in data} == groups
    assert data["phones"][-1]["label"] == "Così"
    for line in text.splitlines():
        assert "phones = [" in line or line.strip() in made
    assert ("# who rings" in made) == ("# who rings" in text)


def test_what_cannot_be_completed_is_said(places: BootPlaces) -> None:
    """A name that there is, and a list that is written in a way of its own; nothing changes."""
    with pytest.raises(Refused, match="there is a phone op1 already"):
        apply.text_with_phone(OFFICE, "op1", "", "switchboard")
    odd = 'switchboard = { phones = ["op1"] }\n[[phones]]\nname = "op1"\n'
    with pytest.raises(Refused, match="box card put"):
        apply.text_with_phone(odd, "op2", "", "switchboard")
    with pytest.raises(BadConfiguration):
        apply.text_with_phone("name = x", "op2", "", "switchboard")
    assert on_card(places) == OFFICE.encode()


@pytest.mark.parametrize(
    "contents",
    [
        OFFICE.replace('"op1"', '"Op 1"', 1).replace("Comune", "Città").encode("cp1252"),
        OFFICE.replace('name = "Comune"', "name = “Comune”").replace('"op1"', '"Op 1"', 1).encode(),
    ],
)
def test_a_file_with_mistakes_changes_nothing(places: BootPlaces, contents: bytes) -> None:
    """All of them are said; card, configuration and what is kept are as before."""
    before = places.config.read_bytes()
    with pytest.raises(BadConfiguration) as caught:
        apply.put_card_file(places, contents)
    assert [one.line for one in caught.value.mistakes] == [2, 4]
    assert [said.text("en")[:8] for said in apply.mistakes_of(caught.value)][1:] == ["  - line"] * 2
    assert (on_card(places), places.config.read_bytes()) == (OFFICE.encode(), before)
    assert not (places.card / card.CARD_BEFORE).exists()


@pytest.mark.parametrize("contents", [b"", b"# [site]\n", b'[site]\nname = ""\n'])
def test_a_file_that_says_nothing_is_no_file(places: BootPlaces, contents: bytes) -> None:
    """As a download leaves it that has failed: the office stays as it is."""
    with pytest.raises(Refused, match="empty or not filled in"):
        apply.put_card_file(places, contents)
    assert on_card(places) == OFFICE.encode()


def test_the_same_file_again_is_no_change(places: BootPlaces) -> None:
    """Nothing is rewritten, nobody has to be told."""
    brought = apply.put_card_file(places, OFFICE.encode())
    assert brought.applied.outcome.verdict is CardVerdict.AS_BEFORE
    assert (brought.applied.is_rewritten, brought.made) == (False, ())


@pytest.mark.parametrize("label", ["", "Operatore 9"])
def test_a_phone_is_added_to_a_list(label: str) -> None:
    """In the short form the list gets one entry more; everything else keeps its bytes."""
    text = SHORT.read_text(encoding="utf-8")
    made = apply.text_with_phone(text, "op9", label, "switchboard")
    entry = '{ name = "op9", label = "Operatore 9" }' if label else '"op9"'
    assert made == text.replace('"Operatore 3"]', f'"Operatore 3", {entry}]')
