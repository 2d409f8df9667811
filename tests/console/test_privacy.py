"""What is kept, and one caller's data shown, handed over and erased from the browser (P9, E20)."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from appliance.api import protocol
from appliance.api.privacy import ErasureCommands, RetentionCommands
from appliance.calls.events import Caller, Presentation
from appliance.calls.orders import Result
from appliance.console.settings import ConsoleSettings
from appliance.errors import OfficeError
from appliance.policy.requests import Citizen
from appliance.policy.voicemail import MessageOutcome
from appliance.service.status import StatusCollector
from appliance.service.stores import Stores
from appliance.store import database, requests, voicemail
from appliance.store.requests import RequestToStore
from tests.console.call_control_users import serving
from tests.console.people import ANNA, CARLA
from tests.console.visitor import Visitor
from tests.fuzz.targets.control_socket import console_settings_of
from tests.store.samples import a_call, a_message
from tests.store.test_requests import AT, LETTERS, WANTED

HERS, HIS = "3470000001", "051234567"
NOW = datetime(2026, 11, 26, 9, tzinfo=UTC)
COLLECTOR = StatusCollector()
NUMBER = {"kind": "number", "name": "+39 347 0000001"}


@pytest.fixture
def control(console_settings: ConsoleSettings, records: sqlite3.Connection) -> Iterator[Stores]:
    """Call control behind its control socket, with a closed message of hers, an open one of his,
    her request.
    """
    state = console_settings.records.parent
    fill(records)
    stores = Stores(state, "b", lambda _: None, lambda *_: None)
    stores.start()
    settings = console_settings_of(str(state))
    COLLECTOR.deleted_at = None
    known: dict[str, Any] = RetentionCommands(
        settings, stores, COLLECTOR.deletion_at, lambda: NOW
    ).known
    known |= ErasureCommands(settings, stores, lambda: NOW).known
    with serving(console_settings.control_socket, known):
        yield stores
    stores.stop(lambda: None)


def fill(connection: sqlite3.Connection) -> None:
    """Write what is kept."""
    anna, before = Caller(Presentation.SHOWN, HERS, "ANNA VERDI"), NOW - timedelta(days=80)
    hers = replace(a_call("a-1", Result.MESSAGE), caller=anna, rang_at=before)
    left = replace(a_message("m1", "a-1"), caller=anna, received_at=before)
    voicemail.insert_message(connection, left, hers, "b")
    voicemail.insert_message(
        connection, a_message("m2", "a-2"), a_call("a-2", Result.MESSAGE, 1), "b"
    )
    voicemail.close_message(connection, "m1", "Anna", MessageOutcome.CALLED_BACK, before)
    wanted = replace(WANTED, call="", citizen=Citizen("Anna <b>", HERS))
    requests.insert_request(connection, RequestToStore("r1", wanted, AT), LETTERS)


@pytest.fixture
def head(visitor: Visitor, control: Stores) -> Visitor:
    """A visitor who has logged in as the head."""
    visitor.log_in(ANNA)
    return visitor


def test_the_rules_and_what_goes(head: Visitor) -> None:
    """How long what is kept, which message goes when, what waits, when it was looked through."""
    text = head.get("/retention").text
    assert "Messaggi, dopo la chiusura" in text
    assert "90 giorni" in text
    assert '1 messaggio: <a href="/messages/1">1</a> (dom 6 dicembre 2026)' in text
    oldest = "il caso più vecchio è di mer 25 novembre 2026"
    assert f"1 messaggio che nessuno ha chiuso</a>, {oldest}" in text
    assert "1 richiesta aperta" in text
    assert "Finora non è stato cancellato nulla." in text
    assert "Nessun controllo da quando" in text
    COLLECTOR.deleted_at = NOW
    assert "Ultimo controllo: gio 26 novembre, 10:00." in head.get("/retention").text


def test_what_was_erased_is_listed(head: Visitor, records: sqlite3.Connection) -> None:
    """When, what and how much, never whose; a page that has nothing to tell says so."""
    records.execute(
        "INSERT INTO deletions (at, what, days, ids) VALUES (?, 'calls', 9, '[\"a\", \"b\"]')",
        (NOW.isoformat(),),
    )
    voicemail.close_message(records, "m2", "Anna", MessageOutcome.CALLED_BACK, NOW)
    records.execute("UPDATE messages SET closed_at = ?", (NOW.isoformat(),))
    records.execute("DELETE FROM requests")
    records.execute("DELETE FROM outbox")
    text = head.get("/retention").text
    assert "gio 26 novembre 2026, 10:00 – Chiamate: 2" in text
    assert text.count("<p>Nulla.</p>") == 2


def test_one_callers_data_are_erased(head: Visitor, control: Stores) -> None:
    """Shown first, then erased for a reason, with the open request; the audit has who and why."""
    told = head.post("/retention/erase", data=NUMBER | {"do": "preview"}).text
    assert "Sparirebbero (nulla è stato toccato): chiamate 1" in told
    assert "Chiudi insieme la richiesta aperta (1)" in told
    again = head.post("/retention/erase", data=NUMBER | {"do": "erase", "reason": "sua lettera"})
    assert again.status_code == 409
    assert "richieste non chiuse: 1" in again.text
    assert 'value="sua lettera"' in again.text
    doing = NUMBER | {"do": "erase", "reason": "sua lettera", "closes": "1"}
    done = head.post("/retention/erase", data=doing)
    assert "Cancellato: chiamate 1" in done.text
    (noted,) = control.records.ask(lambda c: database.latest(c, "erasure"))
    assert (noted.by, noted.about.endswith("sua lettera")) == ("anna", True)
    twice = head.post("/retention/erase", data=doing)
    assert "niente da cancellare" in twice.text


def test_one_record_is_erased(head: Visitor) -> None:
    """A message by its number; one that is none is refused in words, and the form stays."""
    told = head.post("/retention/erase", data={"kind": "message", "name": "1", "do": "preview"})
    assert "messaggi 1" in told.text
    none = head.post("/retention/erase", data={"kind": "message", "name": "77", "do": "preview"})
    assert none.status_code == 409
    assert 'value="77"' in none.text
    short = head.post("/retention/erase", data={"kind": "x", "name": "12", "do": "preview"})
    assert "non è un numero di telefono di almeno 5 cifre" in short.text


def test_without_a_reason_nothing_is_erased(head: Visitor) -> None:
    """It is said, on the page that asks for it."""
    refused = head.post("/retention/erase", data=NUMBER | {"do": "erase"})
    assert "per conto di qualcuno e per un motivo" in refused.text
    assert "Sparirebbero" in refused.text


def test_one_callers_data_are_handed_over(head: Visitor, control: Stores) -> None:
    """A file with every row and nobody else's; the audit has how much, not whose."""
    found = head.post("/retention/export", data=NUMBER)
    assert found.headers["content-disposition"].endswith('-centralino.json"')
    assert HERS in found.text
    assert HIS not in found.text
    assert [len(found.json()[kind]) for kind in ("calls", "messages", "requests")] == [1, 1, 1]
    (noted,) = control.records.ask(lambda c: database.latest(c, "export"))
    assert (noted.by, HERS in noted.about) == ("anna", False)
    assert head.post("/retention/export", data={"name": "12"}).status_code == 409


def test_only_the_head(
    visitor: Visitor, control: Stores, console_settings: ConsoleSettings
) -> None:
    """Nobody else sees the page; call control refuses them, too."""
    visitor.log_in(CARLA)
    assert visitor.get("/retention").status_code == 403
    for path in ("/retention/erase", "/retention/export"):
        assert visitor.post(path, data=NUMBER).status_code == 403
    for question in ("retention", "kept_of", "erase"):
        asked = {"ask": question, "by": "carla", "number": HERS, "preview": True}
        with pytest.raises(OfficeError, match="It is for: Head"):
            protocol.ask(console_settings.control_socket, asked)
    with pytest.raises(OfficeError, match="no proof of the box's shell"):
        protocol.ask(console_settings.control_socket, asked | {"proof": "guessed"})
    with pytest.raises(OfficeError, match="by is needed"):
        protocol.ask(console_settings.control_socket, {"ask": "retention"})


def test_without_call_control_it_is_said(visitor: Visitor, records: sqlite3.Connection) -> None:
    """What is kept is call control's to tell."""
    visitor.log_in(ANNA)
    assert visitor.get("/retention").status_code == 503
