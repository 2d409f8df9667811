"""The card's file asks for an encrypted data partition: before the first start, never in vain."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from appliance.__main__ import main
from appliance.bootfile import values
from appliance.bootfile.apply import NOT_ENCRYPTED, Places, apply_card
from appliance.bootfile.result import Outcome, Verdict
from appliance.bootfile.values import Asked, asked
from appliance.service import supervision
from tests.bootfile.test_applying import box, trouble, write
from tests.bootfile.test_result import FACTS, halves
from tests.helpers.command import runner

DELIVERED = Path(__file__).parents[2] / "image" / "fat" / "centralino.toml"
KEY = '[encryption]\nkey = "usb-stick"\n'
SMALL = '[site]\nname = "Piccolo"\n'
BROKEN = '[site]\nname = "Piccolo\n'


@pytest.fixture
def places(tmp_path: Path) -> Places:
    """A new box from the image."""
    return box(tmp_path)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("", Asked.NOTHING),
        (SMALL, Asked.NOTHING),
        (BROKEN, Asked.NOTHING),
        (SMALL + "# encryption = 1\n", Asked.NOTHING),
        (SMALL + KEY, Asked.USB_STICK),
        (KEY.replace("\n", "\r\n"), Asked.USB_STICK),
        ('encryption.key = "usb-stick"\n', Asked.USB_STICK),
        ('encryption = {key = "usb-stick"}\n', Asked.USB_STICK),
        ('[encryption]\nkey = ""\n', Asked.NOTHING),
        ("[encryption]\n", Asked.NOTHING),
        (BROKEN + KEY, Asked.UNCLEAR),
        ('[encryption]\nkey = "tpm"\n', Asked.UNCLEAR),
        ("[encryption]\nkey = true\n", Asked.UNCLEAR),
        ('[encryption]\nkeys = "usb-stick"\n', Asked.UNCLEAR),
        ("encryption = true\n", Asked.UNCLEAR),
    ],
)
def test_what_is_asked_for(text: str, found: Asked) -> None:
    """Every way in which TOML says it; what names encryption and cannot be read is never taken for
    no encryption.
    """
    assert asked(text.encode()) is found


def test_what_editors_make_of_it() -> None:
    """With a mark, in UTF-16, in an older encoding: the file says the same, or is unclear."""
    assert asked(KEY.encode("utf-8-sig")) is Asked.USB_STICK
    assert asked(KEY.encode("utf-16")) is Asked.USB_STICK
    assert asked(("# città\n" + KEY).encode("cp1252")) is Asked.UNCLEAR
    assert asked("# città\n".encode("cp1252")) is Asked.NOTHING


def test_the_delivered_file_asks_for_nothing() -> None:
    """Off as delivered; with the two # taken away it is asked for."""
    text = DELIVERED.read_text(encoding="utf-8")
    assert asked(text.encode()) is Asked.NOTHING
    used = text.replace("#[encryption]", "[encryption]").replace('#key = "usb', 'key = "usb')
    assert asked(used.encode()) is Asked.USB_STICK


def test_the_image_is_told_in_one_word(tmp_path: Path) -> None:
    """Its helper of the data partition reads it before anything is written."""
    for text, word in ((KEY, "usb-stick"), (SMALL, "nothing"), (BROKEN + KEY, "unclear")):
        (tmp_path / "centralino.toml").write_text(text, encoding="utf-8")
        done = runner().invoke(main, ["site", "encryption", "--card", str(tmp_path)])
        assert (done.exit_code, done.output) == (0, f"{word}\n")


def test_asked_for_too_late_it_is_said_at_every_start(places: Places) -> None:
    """A partition in use is left as it is, and the file is in force all the same; without the entry
    nothing is said any more.
    """
    write(places, SMALL + KEY)
    for verdict in (Verdict.APPLIED, Verdict.AS_BEFORE):
        assert apply_card(places).outcome.verdict is verdict
        assert supervision.read_notices(places.notices)[NOT_ENCRYPTED] == values.TOO_LATE
    write(places, SMALL)
    apply_card(places)
    assert supervision.read_notices(places.notices) == {}


def test_an_encrypted_box_is_told_nothing(places: Places) -> None:
    """Nor one that waits for its stick, of which the helper tells."""
    places.crypt.mkdir()
    write(places, SMALL + KEY)
    apply_card(places)
    assert supervision.read_notices(places.notices) == {}


def test_a_place_that_is_none_is_a_mistake(places: Places) -> None:
    """One sentence that names the words that count."""
    write(places, SMALL + '[encryption]\nkey = "tpm"\n')
    assert apply_card(places).outcome.verdict is Verdict.WRONG
    assert "'usb-stick'" in trouble(places)


def test_the_card_tells_of_the_data_partition() -> None:
    """Beside the file, in both languages."""
    told = (values.TOO_LATE,)
    it, en = halves(Outcome(Verdict.APPLIED), replace(FACTS, data=told))
    assert f"Memoria dei dati:\n  {values.TOO_LATE.it}" in it
    assert f"Data partition:\n  {values.TOO_LATE.en}" in en
