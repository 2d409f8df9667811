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
from appliance.errors import OfficeError
from appliance.policy.voicemail import MessageOutcome, MessageState
from appliance.store import voicemail
from appliance.store.database import open_database
from appliance.voicemail import listing
from tests.store.samples import TEN, WITHHELD, a_call, a_message

ROME = ZoneInfo("Europe/Rome")

HOME = Path("/var/lib/centralino/voicemail")


@pytest.fixture
def db(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    """Open a database with two messages."""
    connection = open_database(tmp_path / "c.db", tmp_path / "corrupt").connection
    voicemail.insert(connection, a_message(), a_call(), "b")
    second = replace(a_message("m2", "a-2"), caller=WITHHELD, called="800011837", interrupted=True)
    voicemail.insert(connection, second, a_call("a-2"), "b")
    yield connection
    connection.close()


def test_the_list_for_people(db: sqlite3.Connection) -> None:
    """Who called, when, on which number, how long, in what state, where the sound lies."""
    listing.close_message(db, "1", "op1", "called_back", TEN)
    text = listing.as_text(listing.list_messages(db), HOME, "it", ROME)
    rows = [re.split(r"  +", line) for line in text.splitlines()]
    assert rows == [
        ["N.", "Ricevuto", "Utente", "Chiamato", "Durata", "Stato", "File"],
        ["2", "mer 25 novembre 2026, 10:00", "numero riservato", "800011837", "1:01",
         "da trattare (interrotto)", f"{HOME}/new/m2.wav"],
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
    text = listing.as_text(listing.list_messages(db, MessageState.NEW), HOME, "en", ROME)
    assert "number withheld" in text
    assert "to be dealt with (interrupted)" in text


@pytest.mark.parametrize(
    ("language", "text"), [("it", "Nessun messaggio."), ("en", "No messages.")]
)
def test_nothing_is_said_in_words(language: str, text: str) -> None:
    """An empty list is a sentence."""
    assert listing.as_text([], HOME, language, ROME) == text


def test_the_list_for_programmes(db: sqlite3.Connection) -> None:
    """Stable keys; what is not known is null, never an empty word; withheld is said as such."""
    second, first = json.loads(listing.as_json(listing.list_messages(db), HOME))
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
    assert listing.caller_text(Caller(presentation, number), language)


@pytest.mark.parametrize("outcome", MessageOutcome)
def test_every_outcome_can_be_said_and_is_shown(
    db: sqlite3.Connection, outcome: MessageOutcome
) -> None:
    """P9's outcomes, each in both languages."""
    closed = listing.close_message(db, "m1", "op1", outcome.value, TEN)
    for language in ("it", "en"):
        assert outcome.value not in listing.as_text([closed], HOME, language, ROME)


@pytest.mark.parametrize(
    ("name", "by", "outcome", "sentence"),
    [
        ("1", "op1", "done", "called_back"),
        ("1", "", "no_number", "say who"),
        ("9", "op1", "no_number", "no message 9"),
    ],
)
def test_a_wrong_closing_is_refused_in_words(
    db: sqlite3.Connection, name: str, by: str, outcome: str, sentence: str
) -> None:
    """Outcome, person and message must be there."""
    with pytest.raises(OfficeError, match=sentence):
        listing.close_message(db, name, by, outcome, TEN)
