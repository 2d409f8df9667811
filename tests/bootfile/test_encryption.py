"""The data partition's encryption: what the card's file asks for, and when it is too late."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from appliance.__main__ import main
from appliance.bootfile import values
from appliance.bootfile.apply import NOT_ENCRYPTED, apply_card
from appliance.bootfile.card import CardOutcome, CardVerdict
from appliance.bootfile.values import EncryptionAsked, encryption_asked
from appliance.service import notices
from tests.bootfile.test_apply import box, trouble, write
from tests.bootfile.test_card import FACTS, halves
from tests.helpers.command import runner

if TYPE_CHECKING:
    from appliance.bootfile.apply import BootPlaces


DELIVERED = Path(__file__).parents[2] / "image" / "fat" / "centralino.toml"
KEY = '[encryption]\nkey = "usb-stick"\n'
SMALL = '[site]\nname = "Piccolo"\n'
BROKEN = '[site]\nname = "Piccolo\n'


@pytest.fixture
def places(tmp_path: Path) -> BootPlaces:
    """A new box from the image."""
    return box(tmp_path)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("", EncryptionAsked.NOTHING),
        (SMALL, EncryptionAsked.NOTHING),
        (BROKEN, EncryptionAsked.NOTHING),
        (SMALL + "# encryption = 1\n", EncryptionAsked.NOTHING),
        (SMALL + KEY, EncryptionAsked.USB_STICK),
        (KEY.replace("\n", "\r\n"), EncryptionAsked.USB_STICK),
        ('encryption.key = "usb-stick"\n', EncryptionAsked.USB_STICK),
        ('encryption = {key = "usb-stick"}\n', EncryptionAsked.USB_STICK),
        ('[encryption]\nkey = ""\n', EncryptionAsked.NOTHING),
        ("[encryption]\n", EncryptionAsked.NOTHING),
        (BROKEN + KEY, EncryptionAsked.UNCLEAR),
        ('[encryption]\nkey = "tpm"\n', EncryptionAsked.UNCLEAR),
        ("[encryption]\nkey = true\n", EncryptionAsked.UNCLEAR),
        ('[encryption]\nkeys = "usb-stick"\n', EncryptionAsked.UNCLEAR),
        ("encryption = true\n", EncryptionAsked.UNCLEAR),
    ],
)
def test_what_is_asked_for(text: str, found: EncryptionAsked) -> None:
    """Every way in which TOML says it; what names encryption and cannot be read is never taken for
    no encryption.
    """
    assert encryption_asked(text.encode()) is found


def test_what_editors_make_of_it() -> None:
    """With a mark, in UTF-16, in an older encoding: the file says the same, or is unclear."""
    assert encryption_asked(KEY.encode("utf-8-sig")) is EncryptionAsked.USB_STICK
    assert encryption_asked(KEY.encode("utf-16")) is EncryptionAsked.USB_STICK
    assert encryption_asked(("# città\n" + KEY).encode("cp1252")) is EncryptionAsked.UNCLEAR
    assert encryption_asked("# città\n".encode("cp1252")) is EncryptionAsked.NOTHING


def test_the_delivered_file_asks_for_nothing() -> None:
    """Off as delivered; with the two # taken away it is asked for."""
    text = DELIVERED.read_text(encoding="utf-8")
    assert encryption_asked(text.encode()) is EncryptionAsked.NOTHING
    used = text.replace("#[encryption]", "[encryption]").replace('#key = "usb', 'key = "usb')
    assert encryption_asked(used.encode()) is EncryptionAsked.USB_STICK


def test_the_image_is_told_in_one_word(tmp_path: Path) -> None:
    """Its helper of the data partition reads it before anything is written."""
    for text, word in ((KEY, "usb-stick"), (SMALL, "nothing"), (BROKEN + KEY, "unclear")):
        (tmp_path / "centralino.toml").write_text(text, encoding="utf-8")
        done = runner().invoke(main, ["site", "encryption", "--card", str(tmp_path)])
        assert (done.exit_code, done.output) == (0, f"{word}\n")


def test_asked_for_too_late_it_is_said_at_every_start(places: BootPlaces) -> None:
    """A partition in use is left as it is, and the file is in force all the same; without the entry
    nothing is said any more.
    """
    write(places, SMALL + KEY)
    for verdict in (CardVerdict.APPLIED, CardVerdict.AS_BEFORE):
        assert apply_card(places).outcome.verdict is verdict
        assert notices.read_notices(places.notices)[NOT_ENCRYPTED] == values.TOO_LATE
    write(places, SMALL)
    apply_card(places)
    assert notices.read_notices(places.notices) == {}


def test_an_encrypted_box_is_told_nothing(places: BootPlaces) -> None:
    """Nor one that waits for its stick, of which the helper tells."""
    places.crypt.mkdir()
    write(places, SMALL + KEY)
    apply_card(places)
    assert notices.read_notices(places.notices) == {}


def test_a_place_that_is_none_is_a_mistake(places: BootPlaces) -> None:
    """One sentence that names the words that count."""
    write(places, SMALL + '[encryption]\nkey = "tpm"\n')
    assert apply_card(places).outcome.verdict is CardVerdict.WRONG
    assert "'usb-stick'" in trouble(places)


def test_the_card_tells_of_the_data_partition() -> None:
    """Beside the file, in both languages."""
    told = (values.TOO_LATE,)
    it, en = halves(CardOutcome(CardVerdict.APPLIED), replace(FACTS, data=told))
    assert f"Partizione dati:\n  {values.TOO_LATE.text('it')}" in it
    assert f"Data partition:\n  {values.TOO_LATE.text('en')}" in en
