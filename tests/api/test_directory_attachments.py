"""The e-mail that an entry rests on: it comes in parts, lies sealed, the head fetches it (P4)."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

import pytest

from appliance.api import protocol
from appliance.errors import OfficeError
from appliance.store import directory as store
from tests.api.test_directory import DECLARED, VARIED, Box, box
from tests.policy.test_directory_changes_attachments import MAIL

__all__ = ["box"]
LONG = MAIL + b"x" * (3 * protocol.PART)


def send(box: Box, data: bytes, by: str = "anna") -> None:
    """Send a file in parts."""
    for at in range(0, len(data), 9000):
        part = base64.b64encode(data[at : at + 9000]).decode()
        answer = box.ask("register_file_part", by, at=at, data=part)
        assert answer == {"taken": min(at + 9000, len(data))}


def fetch(box: Box, entry: int) -> bytes:
    """Fetch a whole file."""
    data, is_last = b"", False
    while not is_last:
        answer = box.ask("register_file", entry=entry, at=len(data))
        data += base64.b64decode(answer["data"])
        is_last = answer["last"]
    return data


@pytest.mark.parametrize(
    ("ask", "form"), [("register_declare", DECLARED), ("register_vary", VARIED)]
)
def test_it_goes_with_its_entry(box: Box, ask: str, form: dict[str, Any]) -> None:
    """Whole, under a name of its own; the audit has the entry and who fetched it, once."""
    send(box, LONG)
    entry = box.ask(ask, form=form, attached="Orari di novembre.EML")["entry"]
    assert fetch(box, entry) == LONG
    (name,) = {one.entry.attachment for one in box.directory.entered()} - {""}
    assert (name.startswith("Orari-di-novembre-"), name.endswith(".eml")) == (True, True)
    assert [(one.by, one.what, one.about) for one in box.audited()][:1] == [
        ("anna", "register.attachment", name)
    ]
    assert [one.what for one in box.audited()].count("register.attachment") == 1


def test_it_lies_sealed(box: Box) -> None:
    """P7: it may name numbers; neither in the database nor in its copy can it be read."""
    send(box, LONG)
    box.ask("register_vary", form=VARIED, attached="a.eml")
    box.stores.records.ask(lambda _: None)
    box.stores.records.ask(lambda c: c.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall())
    folder = Path(box.stores.directory.key).parent
    kept = [path for path in folder.rglob("*") if path.is_file()]
    assert kept
    assert [path for path in kept if b"Subject: Orari" in path.read_bytes()] == []


def test_a_preview_keeps_what_has_come(box: Box) -> None:
    """What would change is seen first; the file that was sent meanwhile is still there to save."""
    send(box, MAIL)
    assert box.ask("register_vary", form=VARIED, preview=True, attached="a.eml")["saved"] is False
    entry = box.ask("register_vary", form=VARIED, attached="a.eml")["entry"]
    assert fetch(box, entry) == MAIL


def test_what_is_no_email_is_refused_at_its_field(box: Box) -> None:
    """And nothing is entered; a wrong form is refused with its file."""
    before = box.stores.records.ask(store.last_change)
    for data in (b"MZ\x90\0", b"<html>", b"\xd0\xcf\x11\xe0"):
        send(box, data)
        answer = box.refused("register_vary", form=VARIED, attached="virus.eml")
        assert [each["place"] for each in answer["problems"]] == ["email"]
        assert "save it as EML" in answer["problems"][0]["en"]
    send(box, MAIL)
    box.refused("register_vary", form=VARIED | {"hours": "x"}, attached="a.eml")
    assert box.stores.records.ask(store.last_change) == before


def test_parts_follow_one_another(box: Box) -> None:
    """Out of order, too much, nothing at all: a sentence, and no more memory than two files."""
    part = base64.b64encode(MAIL).decode()
    for at, data in ((5, part), (None, part), (0, "%")):
        with pytest.raises(OfficeError):
            box.ask("register_file_part", at=at, data=data)
    with pytest.raises(OfficeError, match="nothing has come"):
        box.ask("register_vary", form=VARIED, attached="a.eml")
    for by in ("anna", "vice", "gone"):
        box.ask("register_file_part", by, at=0, data=part)
    with pytest.raises(OfficeError, match="follows nothing"):
        box.ask("register_file_part", "anna", at=len(MAIL), data=part)
    for wrong_name in (7, ["a"]):
        with pytest.raises(OfficeError, match="has to be a text"):
            box.ask("register_vary", form=VARIED, attached=wrong_name)


def test_a_file_that_is_too_long_is_forgotten(box: Box, monkeypatch: pytest.MonkeyPatch) -> None:
    """Call control has no room for archives."""
    monkeypatch.setattr(box.questions._attachments, "_incoming", protocol.Incoming(10_000))
    part = base64.b64encode(b"x" * 9000).decode()
    box.ask("register_file_part", at=0, data=part)
    with pytest.raises(OfficeError, match="longer than 10000"):
        box.ask("register_file_part", at=9000, data=part)
    with pytest.raises(OfficeError, match="follows nothing"):
        box.ask("register_file_part", at=9000, data=part)


def test_the_head_alone_fetches_it(box: Box) -> None:
    """A deputy attaches, and does not read what others have; where there is none it is said."""
    send(box, MAIL, "vice")
    entry = box.ask("register_vary", "vice", form=VARIED, attached="a.eml")["entry"]
    for by in ("vice", "carla"):
        assert "Your role" in box.refused("register_file", by, entry=entry)["said"]["en"]
    assert "no e-mail" in box.refused("register_file", entry=1)["said"]["en"]
    with pytest.raises(OfficeError, match="whole number"):
        box.ask("register_file", entry="x")
    with pytest.raises(OfficeError, match="from its beginning"):
        box.ask("register_file", entry=entry, at=1)
    with pytest.raises(OfficeError, match="by is needed"):
        box.ask("register_file", " ", entry=entry)


def test_the_same_file_twice_is_kept_once(box: Box) -> None:
    """Two entries of one e-mail: one file, one name; another file of that name is another."""
    names: list[str] = []
    for data in (MAIL, MAIL, MAIL + b"2"):
        send(box, data)
        box.ask("register_vary", form=VARIED, attached="a.eml")
        names.append(box.directory.variations[-1].entry.attachment)
    assert names[0] == names[1] != names[2]
    kept = box.stores.records.ask(
        lambda c: c.execute("SELECT count(*) FROM register_attachments").fetchone()[0]
    )
    assert kept == 2
