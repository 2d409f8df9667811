"""Sheets are found and read by whoever answers, edited and taken from files by the head (P2)."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from appliance.api.technician_replies import JobEnded
from appliance.config.sheet_file import text_of_sheet
from appliance.console.settings import ConsoleSettings
from appliance.policy.sheets import Sheet
from appliance.policy.text import Refused
from appliance.service.stores import Stores
from appliance.store import managed_config, sheets
from tests.console.call_control_hours import HEARD, NEW, OLD, Voices, serve_hours
from tests.console.people import ANNA, CARLA
from tests.console.visitor import Visitor
from tests.helpers.words import pair

CHANGED = text_of_sheet(OLD).replace("giugno", "dicembre")


@pytest.fixture
def voices() -> Voices:
    """What gives sheets their voice."""
    return Voices()


@pytest.fixture
def control(
    console_settings: ConsoleSettings, records: sqlite3.Connection, voices: Voices
) -> Iterator[Stores]:
    """Call control behind its control socket."""
    with serve_hours(console_settings, voices) as stores:
        yield stores


@pytest.fixture
def head(visitor: Visitor, control: Stores) -> Visitor:
    """A visitor who has logged in as head."""
    visitor.log_in(ANNA)
    return visitor


def kept(control: Stores, code: str) -> Sheet | None:
    """Return a sheet as call control keeps it."""
    return control.records.ask(lambda c: sheets.find(c, code))


def test_an_operator_finds_and_reads(head: Visitor) -> None:
    """All of them; what a search finds; no way to edit; what stands in a sheet runs nowhere."""
    head.log_in(CARLA)
    text = head.get("/sheets").text
    assert 'href="/sheet/imu"' in text
    assert "/sheets/edit" not in text
    assert "TARI &lt;b&gt;" in text
    found = head.get("/sheets?q=giugno", headers={"hx-request": "true"}).text
    assert "/sheet/imu" in found
    assert "/sheet/tari" not in found
    assert "<html" not in found
    assert "nessuna scheda" in head.get("/sheets?q=zzzz").text.lower()
    one = head.get("/sheet/tari").text
    assert "<script>alert" not in one
    assert "/sheets/edit" not in one
    assert head.get("/sheet/nothing").status_code == 404
    assert head.get("/sheets/edit").status_code == 403
    assert head.post("/sheets/save", data={"code": "imu", "text": CHANGED}).status_code == 403


def test_a_spoken_one_is_given_its_voice(head: Visitor, control: Stores, voices: Voices) -> None:
    """What callers will hear is read first; then the page waits for the child and says its word."""
    text = text_of_sheet(HEARD).replace("in linea", "allo sportello")
    preview = head.post("/sheets/check", data={"code": "cie", "text": text}).text
    assert "Chi chiama sentirà:</strong> Si prenota allo sportello." in preview
    saved = {"code": "cie", "text": text}
    assert head.post("/sheets/save", data=saved).headers["location"] == "/sheets?voice=1"
    assert kept(control, "cie") == HEARD
    assert 'hx-get="/sheets/voice"' in head.get("/sheets?voice=1").text
    assert "sta ricevendo la voce" in head.get("/sheets/voice").text
    said = pair("«cie» è letta con il tasto 1", "“cie” is read at key 1")
    voices.last["sheet_voice"] = JobEnded(datetime.now(UTC), True, said)
    part = head.get("/sheets/voice").text
    assert "«cie» è letta con il tasto 1" in part
    assert "hx-get" not in part
    voices.last["sheet_voice"] = replace(voices.last["sheet_voice"], well=False)
    assert "note bad" in head.get("/sheets/voice").text
    assert head.post("/sheet/cie/remove").headers["location"] == "/sheets?voice=1"
    assert [words[2:] for words, _ in voices.begun] == [
        ("cie", "--by", "anna"),
        ("cie", "--by", "anna", "--remove"),
    ]
    voices.refused = Refused(pair("è già in corso un lavoro", "busy"))
    answer = head.post("/sheet/cie/remove")
    assert (answer.status_code, "è già in corso" in answer.text) == (409, True)
    head.log_in(CARLA)
    assert head.get("/sheets/voice").status_code == 403


def test_the_head_offices_are_marked_and_left_alone(head: Visitor, control: Stores) -> None:
    """Its page says whose it is and has no way to edit; whoever asks all the same is refused."""
    assert "si cambia là" not in head.get("/sheet/imu").text
    control.records.ask(lambda c: managed_config.mark(c, ["imu"], ()))
    shown = head.get("/sheet/imu").text
    assert "della sede centrale: si cambia là" in shown
    assert "/sheets/edit?code" not in shown
    answer = head.post("/sheets/save", data={"code": "imu", "text": CHANGED})
    assert (answer.status_code, "sede centrale" in answer.text) == (409, True)
    answer = head.post("/sheet/imu/remove")
    assert (answer.status_code, "sede centrale" in answer.text) == (409, True)
    assert kept(control, "imu") == OLD


def test_stale_ones_are_found(head: Visitor) -> None:
    """Who looks after the sheets sees which may be wrong."""
    assert "1 scheda ha più di un anno" in head.get("/sheets").text
    only = head.get("/sheets?stale=1").text
    assert "/sheet/imu" in only
    assert "/sheet/tari" not in only


def test_spoken_ones_are_marked(head: Visitor) -> None:
    """What callers hear is read here."""
    assert "letta agli utenti fuori orario" in head.get("/sheets").text
    text = head.get("/sheet/cie").text
    assert "Si prenota in linea." in text
    assert "i tasti di quelle che seguono scalano" in text
    said = "Gli utenti ascoltano questa scheda fuori orario:"
    assert said in head.get("/sheets/edit?code=cie").text
    assert said not in head.get("/sheets/edit?code=imu").text


def test_a_sheet_is_edited(head: Visitor, control: Stores) -> None:
    """Its text, then what changes, then it is saved; nothing is kept before."""
    assert "Entro giugno." in head.get("/sheets/edit?code=imu").text
    form = {"code": "imu", "text": CHANGED.replace("\n", "\r\n")}
    preview = head.post("/sheets/check", data=form).text
    assert '<span class="mark">nuovo:</span> Entro dicembre.' in preview
    assert '<span class="mark">era:</span> Entro giugno.' in preview
    assert "<h3>Quando</h3>" in preview
    assert kept(control, "imu") == OLD
    assert "Entro dicembre." in head.post("/sheets/edit", data=form).text
    assert head.post("/sheets/save", data=form).headers["location"] == "/sheets?saved=1"
    found = kept(control, "imu")
    assert found is not None
    assert found.body == "## Quando\n\nEntro dicembre.\n"


def test_a_new_sheet(head: Visitor, control: Stores) -> None:
    """Begins with an empty head; what is missing is said and what was typed is kept."""
    assert "+++" in head.get("/sheets/edit").text
    form = {"new": "1", "code": "ici", "text": "Agosto, a mezzogiorno"}
    refused = head.post("/sheets/check", data=form)
    assert refused.status_code == 409
    assert "La scheda va corretta" in refused.text
    assert "Agosto, a mezzogiorno" in refused.text
    assert 'id="code"' in refused.text
    assert head.post("/sheets/check", data={**form, "code": ""}).status_code == 409
    form["text"] = CHANGED
    assert "scheda nuova" in head.post("/sheets/check", data=form).text
    head.post("/sheets/save", data=form)
    assert kept(control, "ici") is not None


def test_a_sheet_that_is_not_there_cannot_be_edited(head: Visitor) -> None:
    """It is said."""
    assert head.get("/sheets/edit?code=nothing").status_code == 409


def test_sheets_from_files(head: Visitor, control: Stores) -> None:
    """Each with what it would change or why it cannot be; those that can are saved at once."""
    files = [
        ("files", ("docs\\imu.md", CHANGED.encode(), "text/markdown")),
        ("files", ("tari.md", text_of_sheet(NEW).encode(), "text/markdown")),
        ("files", ("bad.md", b"# nothing", "text/markdown")),
        ("files", ("worse.md", b"\xff\xfe", "text/markdown")),
        ("files", ("long.md", b"x" * 10_001, "text/markdown")),
    ]
    text = head.post("/sheets/upload", files=files).text
    for said in (
        "Entro dicembre.",
        "non cambia nulla",
        "la scheda: non ha",
        "UTF-8",
        "10.000 lettere",
    ):
        assert said in text
    assert text.count('name="code"') == 1
    assert "Salva la scheda" in text
    assert kept(control, "imu") == OLD
    saved = {"code": ["imu", "cie"], "text": [CHANGED, "# no head"]}
    answer = head.post("/sheets/save", data=saved)
    assert answer.status_code == 409
    assert "la scheda: non ha" in answer.text
    assert "Entro dicembre" in str(kept(control, "imu"))
    assert head.post("/sheets/upload", files=[("other", ("x", b""))]).headers["location"] == (
        "/sheets"
    )


def test_a_sheet_is_taken_away(head: Visitor, control: Stores) -> None:
    """No search finds it."""
    assert head.post("/sheet/tari/remove").headers["location"] == "/sheets?removed=1"
    assert kept(control, "tari") is None
    assert "/sheet/tari" not in head.get("/sheets?removed=1").text


def test_without_call_control_sheets_are_read(
    visitor: Visitor, records: sqlite3.Connection
) -> None:
    """And not changed, which is said."""
    sheets.store(records, (OLD,))
    visitor.log_in(ANNA)
    assert "/sheet/imu" in visitor.get("/sheets").text
    assert visitor.get("/sheets/edit?code=imu").status_code == 503
