"""What `centralino messages` shows, and closing (P9)."""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from appliance.calls.events import Caller, Presentation
from appliance.policy.voicemail import MessageOutcome, MessageState
from appliance.store import listings, voicemail
from appliance.store.database import open_database
from tests.store.samples import TEN, WITHHELD, a_call, a_message

ROME = ZoneInfo("Europe/Rome")

HOME = Path("/var/lib/centralino/voicemail")


@pytest.fixture
def db(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    """Open a database with two messages."""
    connection = open_database(tmp_path / "c.db", tmp_path / "corrupt").connection
    voicemail.insert_message(connection, a_message(), a_call(), "b")
    second = replace(a_message("m2", "a-2"), caller=WITHHELD, called="800011837", interrupted=True)
    voicemail.insert_message(connection, second, a_call("a-2"), "b")
    yield connection
    connection.close()


def test_the_list_for_people(db: sqlite3.Connection) -> None:
    """Who called, when, on which number, how long, in what state, where the sound lies."""
    voicemail.close_message(db, "1", "op1", MessageOutcome.CALLED_BACK, TEN)
    text = listings.messages_as_text(voicemail.list_messages(db), HOME, "it", ROME)
    rows = [re.split(r"  +", line) for line in text.splitlines()]
    assert rows == [
        ["N.", "Ricevuto", "Utente", "Chiamato", "Durata", "Stato", "File"],
        ["2", "mer 25 novembre 2026, 10:00", "numero riservato", "800011837", "1:01",
         "da seguire (interrotto)", f"{HOME}/new/m2.wav"],
        ["1", "mer 25 novembre 2026, 10:00", "051234567 ROSSI", "non noto", "1:01",
         "richiamato", f"{HOME}/new/m1.wav"],
    ]  # fmt: skip
    columns = [
        line.index(word)
        for line, word in zip(text.splitlines(), ("File", "/var", "/var"), strict=True)
    ]
    assert len(set(columns)) == 1


def test_the_list_in_english(db: sqlite3.Connection) -> None:
    """The second language says the same."""
    text = listings.messages_as_text(
        voicemail.list_messages(db, MessageState.NEW), HOME, "en", ROME
    )
    assert "number withheld" in text
    assert "to be dealt with (interrupted)" in text


@pytest.mark.parametrize(
    ("language", "text"), [("it", "Nessun messaggio."), ("en", "No messages.")]
)
def test_nothing_is_said_in_words(language: str, text: str) -> None:
    """An empty list is a sentence."""
    assert listings.messages_as_text([], HOME, language, ROME) == text


def test_the_list_for_programmes(db: sqlite3.Connection) -> None:
    """Stable keys; what is not known is null, never an empty word; withheld is said as such."""
    second, first = json.loads(listings.messages_as_json(voicemail.list_messages(db), HOME))
    assert first == {
        "number": 1,
        "id": "m1",
        "call": "a-1",
        "line": "line1",
        "received": "2026-11-25T10:00:00+01:00",
        "clock_state": "synced",
        "presentation": "shown",
        "caller": "051234567",
        "caller_name": "ROSSI",
        "called": None,
        "length_ms": 61500,
        "gap_ms": 0,
        "interrupted": False,
        "law": "ulaw",
        "state": "new",
        "outcome": None,
        "closed_by": None,
        "closed_at": None,
        "taken_by": None,
        "failed": [],
        "heard": [],
        "note": None,
        "path": f"{HOME}/new/m1.wav",
        "sha256": "ab" * 32,
    }
    assert (second["presentation"], second["caller"], second["interrupted"]) == (
        "withheld",
        None,
        True,
    )


@pytest.mark.parametrize("presentation", Presentation)
@pytest.mark.parametrize("language", ["it", "en"])
def test_every_caller_is_named_somehow(presentation: Presentation, language: str) -> None:
    """A caller without a number is said to be one, in either language."""
    number = "051" if presentation is Presentation.SHOWN else ""
    assert listings.caller_text(Caller(presentation, number), language)


@pytest.mark.parametrize("outcome", MessageOutcome)
def test_every_outcome_can_be_said_and_is_shown(
    db: sqlite3.Connection, outcome: MessageOutcome
) -> None:
    """P9's outcomes, each in both languages."""
    closed = voicemail.close_message(db, "m1", "op1", outcome, TEN)
    for language in ("it", "en"):
        assert outcome.value not in listings.messages_as_text([closed], HOME, language, ROME)
