"""Who calls, out of what modems print (v253.md 3)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.calls.events import Caller, Presentation
from appliance.modem.caller_id import NAME_LIMIT, NUMBER_LIMIT, CallerIdReader, clean_name


def shown(number: str, name: str = "") -> Caller:
    """Make a caller whose number is shown."""
    return Caller(Presentation.SHOWN, number, name)


def caller(*texts: str) -> Caller | None:
    """Read several lines or reports."""
    identity = CallerIdReader()
    for text in texts:
        identity.add(text)
    return identity.caller


def message(kind: int, data: bytes, spoil: int = 0) -> str:
    """Write a message of the FSK layer as hex, with its checksum."""
    raw = bytes((kind, len(data))) + data
    return (raw + bytes(((-sum(raw) + spoil) % 256,))).hex().upper()


def tag(number: int, text: str) -> bytes:
    """Write one parameter of a multiple data message."""
    return bytes((number, len(text))) + text.encode("latin-1")


MDMF = tag(1, "11250905") + tag(2, "0512345678") + tag(7, "ROSSI MARIO")


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        (("NMBR = 0512345678",), shown("0512345678")),
        (("NMBR=0512345678",), shown("0512345678")),
        (("  nmbr =  051 234-5678 ",), shown("0512345678")),
        (("NMBR = +390512345678",), shown("00390512345678")),
        (("DATE = 1125", "TIME = 0905", "NMBR = 051", "NAME = ROSSI M."), shown("051", "ROSSI M.")),
        (("NAME = ROSSI", "NMBR = 051"), shown("051", "ROSSI")),
        (("NMBR = 051", "NAME = O"), shown("051")),
        (("NMBR = P",), Caller(Presentation.WITHHELD)),
        (("NMBR = PRIVATE", "NAME = ROSSI"), Caller(Presentation.WITHHELD)),
        (("NMBR = O",), Caller(Presentation.UNAVAILABLE)),
        (("NMBR = 051", "NMBR = 051"), shown("051")),
        (("NMBR = 051", "NMBR = P"), shown("051")),
        (("NMBR = P", "NMBR = 051"), shown("051")),
        (("NMBR = P", "NMBR = ?!"), Caller(Presentation.WITHHELD)),
        (("NMBR = ?!",), Caller()),
        (("NMBR =",), Caller()),
        (("NMBR = " + "1" * (NUMBER_LIMIT + 1),), Caller()),
        (("NMBR = \u0660\u0661",), Caller()),
        (("NAME = ROSSI",), None),
        (("DRON=20", "nonsense", ""), None),
        (("DATE = 1125\r\nNMBR = 051\r\nNAME = X\r\n",), shown("051", "X")),
        ((message(0x80, MDMF),), shown("0512345678", "ROSSI MARIO")),
        (("MESG = " + message(0x80, MDMF),), shown("0512345678", "ROSSI MARIO")),
        ((message(0x80, MDMF)[:-2],), shown("0512345678", "ROSSI MARIO")),
        ((message(0x80, tag(4, "P")),), Caller(Presentation.WITHHELD)),
        ((message(0x80, tag(4, "O") + tag(8, "O")),), Caller(Presentation.UNAVAILABLE)),
        ((message(0x80, tag(0x0B, "1") + b"\x02\x20051"),), None),
        ((message(0x80, MDMF, spoil=1),), None),
        ((message(0x04, b"11250905" + b"0512345678"),), shown("0512345678")),
        ((message(0x04, b"11250905" + b"P"),), Caller(Presentation.WITHHELD)),
        ((message(0x05, b"11250905"),), None),
        (("04",), None),
        (("0412303332",), None),
    ],
)
def test_caller_id_is_read_tolerantly(texts: tuple[str, ...], expected: Caller | None) -> None:
    """Both spacings, any order, parts missing or doubled, P and O, raw messages, nonsense."""
    assert caller(*texts) == expected


def test_the_manual_s_raw_message() -> None:
    """The head of a raw message as a manual prints it: SDMF, 18 bytes, 22 March, 24..."""
    data = bytes.fromhex("3033323232343138") + b"0512345678"
    assert caller(message(0x04, data)) == shown("0512345678")


def test_a_name_completes_the_identity() -> None:
    """Until the name has come there may be more to wait for."""
    identity = CallerIdReader()
    identity.add("NMBR = 051")
    assert not identity.complete
    identity.add("NAME = P")
    assert identity.complete


@pytest.mark.parametrize(
    ("value", "name"),
    [
        ("<b>Rossi</b>", "b Rossi /b"),
        ("a\x00\x1b[31m;DROP\r", "a 31m DROP"),
        ("D'Angelo & figli, S.r.l.", "D'Angelo & figli, S.r.l."),
        ("OUT OF AREA", ""),
        ("x" * 90, "x" * NAME_LIMIT),
        ("=cmd|' /C calc'!A1", "cmd ' /C calc' A1"),
    ],
)
def test_names_are_letters_digits_and_a_few_marks(value: str, name: str) -> None:
    """The far end chooses these characters: markup, escapes and formulas do not pass."""
    assert clean_name(value) == name


@given(st.lists(st.text(max_size=60), max_size=5))
def test_anything_at_all_gives_a_clean_caller(texts: list[str]) -> None:
    """No text raises; a number is digits, present exactly when shown."""
    found = caller(*texts, *(f"NMBR = {t}" for t in texts)) or Caller()
    assert (found.presentation is Presentation.SHOWN) == bool(found.number)
    assert found.number == "" or (found.number.isascii() and found.number.isdigit())
    assert set(found.name) & set('<>"=;|\\`$\r\n') == set()


@given(st.sampled_from([0x04, 0x80]), st.binary(max_size=40), st.booleans())
def test_any_message_is_survived(kind: int, data: bytes, spoilt: bool) -> None:
    """A corrupt message yields nobody; any other nobody, or somebody clean."""
    found = caller(message(kind, data, spoil=1 if spoilt else 0))
    assert found is None or not spoilt
    assert found is None or found.number == "" or found.number.isdigit()


@pytest.mark.parametrize(
    ("texts", "dated"),
    [
        (("DATE = 1125", "TIME = 0905", "NMBR = 051"), "11250905"),
        (("TIME=0905", "DATE=1125"), "11250905"),
        (("DATE = 1125", "NMBR = 051"), ""),
        (("DATE = 11-25", "TIME = 0905"), ""),
        (("DATE = \u0661\u0661\u0662\u0665", "TIME = 0905"), ""),
        ((message(0x80, MDMF),), "11250905"),
        ((message(0x80, tag(1, "1125") + tag(2, "051")),), ""),
        ((message(0x04, b"112509050512345678"),), "11250905"),
        ((message(0x80, MDMF, spoil=1),), ""),
    ],
)
def test_the_exchanges_own_time(texts: tuple[str, ...], dated: str) -> None:
    """Month, day, hour, minute, by lines or by the FSK layer; whole or not at all."""
    identity = CallerIdReader()
    for text in texts:
        identity.add(text)
    assert identity.dated == dated
