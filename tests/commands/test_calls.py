"""`centralino messages` and `centralino calls`: dealt with through the control socket, read without
it.
"""

from __future__ import annotations

import json
import selectors
import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from click.testing import CliRunner, Result

from appliance.__main__ import main
from appliance.api.calls import take_step
from appliance.api.control_socket import ControlSocket
from appliance.calls import orders
from appliance.service.stores import Stores
from appliance.store import call_log, voicemail
from appliance.store.database import database_path, open_database
from appliance.store.writer import DatabaseWriter
from tests.commands.samples import CONFIG
from tests.helpers.wire import wish
from tests.store.samples import WITHHELD, a_call, a_message


@pytest.fixture
def config(tmp_path: Path) -> Iterator[Path]:
    """A configuration, records with a message and two missed calls, and the control socket."""
    file = tmp_path / "centralino.toml"
    file.write_text(CONFIG.format(folder=tmp_path), encoding="utf-8")
    (tmp_path / "state").mkdir()
    records = DatabaseWriter(database_path(tmp_path / "state"), "b").start()
    now = datetime.now(UTC)
    message = replace(a_message("m1", "a-1"), caller=WITHHELD, received_at=now)
    records.store_message(message, replace(a_call("a-1"), rang_at=now, caller=WITHHELD))
    gave_up = replace(a_call("a-2", orders.Result.GAVE_UP), rang_at=now - timedelta(minutes=3))
    lost = replace(a_call("a-3", orders.Result.LOST), rang_at=now, caller=WITHHELD)
    records.ask(lambda c: call_log.upsert_calls(c, [gave_up, lost], "b"))
    mailbox = SimpleNamespace(recount=int)
    stores = cast(Stores, SimpleNamespace(records=records, mailbox=mailbox, on_care=int))
    selector, stopping = selectors.DefaultSelector(), threading.Event()
    served = ControlSocket(
        tmp_path / "run" / "desk.sock", selector, lambda q: take_step(stores, wish(q))
    )

    def serve() -> None:
        while not stopping.is_set():
            for key, _ in selector.select(0.05):
                key.data()

    thread = threading.Thread(target=serve)
    thread.start()
    yield file
    stopping.set()
    thread.join()
    served.close()
    records.stop()


def run(config: Path, *words: str) -> Result:
    """Run a command line; --config is the first option of the group."""
    return CliRunner().invoke(main, [words[0], "--config", str(config), *words[1:]])


def said(config: Path, *words: str) -> str:
    """Run what works and return what it says."""
    result = run(config, *words)
    assert result.exit_code == 0, result.output
    return result.output.strip()


def test_a_message_from_hand_to_hand(config: Path) -> None:
    """E16: taken, refused to a colleague in words, tried in vain, closed; the list shows it."""
    assert said(config, "messages", "take", "1", "--by", "Anna") == (
        "Il messaggio 1 è in carico a Anna."
    )
    refused = run(config, "messages", "take", "1", "--by", "Bruno", "--language", "en")
    assert (refused.exit_code, "Anna has it since" in refused.output) == (1, True)
    said(config, "messages", "failed", "1", "--by", "Anna")
    assert "in carico a Anna, 1 a vuoto" in said(config, "messages", "list", "--state", "taken")
    said(config, "messages", "note", "1", "dopo le 15", "--by", "Bruno")
    assert said(config, "messages", "close", "1", "no_number", "--by", "Anna") == (
        "Il messaggio 1 è chiuso: senza numero."
    )
    assert said(config, "messages", "list", "--state", "new") == "Nessun messaggio."
    said(config, "messages", "reopen", "1", "--by", "Anna")
    said(config, "messages", "take", "1", "--by", "Bruno")
    said(config, "messages", "release", "1", "--by", "Anna")
    assert "da seguire" in said(config, "messages")
    row = json.loads(said(config, "messages", "show", "1", "--json"))
    assert [step["step"] for step in row["history"]] == [
        "take", "fail", "note", "close", "reopen", "take", "release",
    ]  # fmt: skip
    assert row["earlier_calls"] == ["a-2"]


def test_a_message_without_a_number_is_shown_with_who_called_before(config: Path) -> None:
    """E16: flagged, and the call of three minutes before offered as a hint."""
    shown = said(config, "messages", "show", "1")
    assert "Senza numero da richiamare. Nei dieci minuti prima hanno chiamato:" in shown
    assert "051234567 ROSSI" in shown
    assert "Nessuno se n'è occupato." in shown


def test_missed_calls_are_dealt_with_like_messages(config: Path) -> None:
    """E24: the list, taking, closing; what is closed leaves it, and --all shows it still."""
    rows: list[dict[str, Any]] = json.loads(said(config, "calls", "--missed", "--json"))
    assert [row["call"] for row in rows] == ["a-3", "a-2"]
    number = str(rows[1]["number"])
    assert said(config, "calls", "take", number, "--by", "Anna") == (
        f"La chiamata {number} è in carico a Anna."
    )
    assert "in carico a Anna" in said(config, "calls", "--missed")
    said(config, "calls", "close", number, "called_back", "--by", "Anna", "--note", "fatto")
    assert "051234567" not in said(config, "calls", "--missed")
    assert "richiamato" in said(config, "calls", "--missed", "--all")
    assert "chiusura: richiamato (fatto)" in said(config, "calls", "show", number)
    assert "ha rinunciato" in said(config, "calls", "--last", "5")


def test_how_long_things_are_kept_and_what_would_go(config: Path) -> None:
    """The rules, and a preview that names nobody."""
    assert "90 giorni" in said(config, "messages", "retention")
    assert said(config, "messages", "retention", "--preview") == (
        "Stanotte non verrebbe cancellato niente."
    )


@pytest.mark.parametrize(
    "words",
    [
        ("messages", "show", "99"),
        ("messages", "take", "99", "--by", "Anna"),
        ("messages", "close", "1", "done", "--by", "Anna"),
        ("messages", "note", "1", "", "--by", "Anna"),
        ("calls", "show", "99"),
    ],
)
def test_what_cannot_be_done_is_one_sentence(config: Path, words: tuple[str, ...]) -> None:
    """No traceback, status 1, what is wrong."""
    result = run(config, *words)
    assert (result.exit_code, result.output.count("\n")) == (1, 1)
    assert result.output.startswith("Errore: ")


def test_records_of_an_older_version_are_said_to_be(config: Path, tmp_path: Path) -> None:
    """A command beside records that no call control has brought up to date yet."""
    records = DatabaseWriter(tmp_path / "old" / "centralino.db", "b")
    (tmp_path / "old").mkdir()
    records.start()
    records.ask(lambda c: c.execute("PRAGMA user_version = 2"))
    assert records.ask(voicemail.count_waiting) == 0
    text = config.read_text(encoding="utf-8").replace(f"{tmp_path}/state", f"{tmp_path}/old")
    config.write_text(text, encoding="utf-8")
    result = run(config, "messages")
    records.stop()
    assert "versione precedente: avviare centralino" in result.output


def test_any_call_may_have_a_note(config: Path) -> None:
    """E10: a difficult call is a note on the call; one that was answered can have it, too."""
    connection = open_database(
        database_path(config.parent / "state"), config.parent / "corrupt"
    ).connection
    call_log.upsert_calls(connection, [a_call("a-9", orders.Result.ANSWERED)], "b")
    connection.close()
    assert run(config, "calls", "note", "a-9", "voce alta", "--by", "Anna").exit_code == 0
    shown = run(config, "calls", "show", "a-9")
    assert shown.exit_code == 0
    assert shown.output.rstrip().endswith("Anna  nota (voce alta)")
