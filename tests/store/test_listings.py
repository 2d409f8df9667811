"""`centralino calls`: each call in a line, its end in words, in both languages."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from click.testing import CliRunner

from appliance.__main__ import main
from appliance.calls.events import Caller, Evidence, Presentation
from appliance.calls.orders import Direction, Result
from appliance.policy.mail import Mail, MailState
from appliance.store import call_log, listings
from appliance.store.database import open_database
from appliance.store.outbox import StoredMail
from tests.store.samples import a_call

ROME = ZoneInfo("Europe/Rome")

FAX = replace(
    a_call("c1"),
    caller=Caller(Presentation.SHOWN, "051234567"),
    result=Result.FAX,
    evidence=Evidence.FAX,
    release_ms=4020,
)


@pytest.mark.parametrize("language", ["it", "en"])
def test_every_result_and_every_evidence_has_words(language: str) -> None:
    """A new one without words would be an empty cell, and nobody would know."""
    for result in Result:
        assert listings.calls_as_text([replace(FAX, result=result)], language, ROME).count("  ") > 3
    for evidence in Evidence:
        assert listings.end_words(replace(FAX, evidence=evidence), language).endswith(", 4.0 s")
    assert len({listings.RESULTS[result] for result in Result}) == len(Result)


def test_a_call_in_words() -> None:
    """Who, how it ended, by what that was noticed, and how long that took."""
    text = listings.calls_as_text([FAX], "it", ROME).splitlines()
    assert text[0].split() == ["Ricevuta", "Linea", "Utente", "Telefono", "Esito", "Fine"]
    assert "051234567" in text[1]
    assert text[1].endswith("fax    segnale di fax, 4.0 s")
    assert listings.calls_as_text([], "en", ROME) == "No calls."


def test_the_sheets_that_answered_have_a_column_where_there_are_any() -> None:
    """P2: which sheets answered is recorded with the call, and listed."""
    text = listings.calls_as_text(
        [replace(FAX, sheets=("imu", "mensa")), FAX], "it", ROME
    ).splitlines()
    assert text[0].endswith("  Schede")
    assert text[1].endswith("  imu mensa")
    assert text[2].endswith("4.0 s")
    shown = json.loads(listings.calls_as_json([replace(FAX, sheets=("imu", "mensa"))]))
    assert shown[0]["sheets"] == ["imu", "mensa"]


def test_transfers_and_their_returns_have_a_column_where_there_are_any() -> None:
    """P3, P6: to which office a call was sent, who took it, what came back and why."""
    sent = ("rang", "transfer.anagrafe.aire.topic.blind", "returned.anagrafe.no_answer")
    taken = ("transfer.tributi.imu.depth.blind", "transferred.tributi", "ended")
    names = {"anagrafe": "Anagrafe", "anagrafe.aire": "AIRE", "tributi": "Tributi"}
    calls = [replace(FAX, trail=sent), replace(FAX, trail=taken), FAX]
    text = listings.calls_as_text(calls, "it", ROME, names=names).splitlines()
    assert text[0].endswith("  Trasferimenti")
    assert text[1].endswith("  Trasferimento: Anagrafe · AIRE; Ritorno: Anagrafe, non ha risposto")
    assert text[2].endswith("  Trasferimento: Tributi · imu; Tributi ha preso la chiamata")
    assert text[3].endswith("4.0 s")
    assert "anagrafe · aire" in listings.calls_as_text(calls, "en", ROME)


def test_an_end_that_took_no_time_and_one_that_nobody_knows() -> None:
    """No figure where there was nothing to wait for; nothing at all after a power cut."""
    assert listings.end_words(replace(FAX, evidence=Evidence.OWN, release_ms=0), "en") == (
        "the box hung up"
    )
    assert listings.end_words(replace(FAX, evidence=None, release_ms=None), "en") == ""


@pytest.mark.parametrize("presentation", Presentation)
def test_a_caller_without_a_number_is_said_in_words(presentation: Presentation) -> None:
    """Withheld, not available, not known; never an empty cell."""
    shown = presentation is Presentation.SHOWN
    caller = Caller(presentation, "051" if shown else "")
    line = listings.calls_as_text([replace(FAX, caller=caller)], "en", ROME).splitlines()[1]
    assert ("051" in line) if shown else ("number" in line)


def test_the_command_lists_what_was_kept(tmp_path: Path) -> None:
    """All, or of one result, in words and as JSON; before the first start a sentence."""
    page = Path("appliance/config/example.toml").read_text(encoding="utf-8")
    config = tmp_path / "centralino.toml"
    config.write_text(f'{page}\n[folders]\nstate = "{tmp_path}"\n', encoding="utf-8")
    run = CliRunner()
    nothing = run.invoke(main, ["calls", "--config", str(config)])
    assert nothing.exit_code == 1
    assert "avviare centralino una volta" in nothing.output
    connection = open_database(tmp_path / "centralino.db", tmp_path / "corrupt").connection
    call_log.upsert_calls(connection, [FAX, a_call("c2", minute=1)], "boot")
    connection.close()
    told = run.invoke(main, ["calls", "--config", str(config), "--result", "fax"])
    assert told.exit_code == 0, told.output
    assert "segnale di fax, 4.0 s" in told.output
    assert len(told.output.splitlines()) == 2
    rows = json.loads(run.invoke(main, ["calls", "--config", str(config), "--json"]).output)
    assert {row["call"] for row in rows} == {"c1", "c2"}
    assert next(row for row in rows if row["call"] == "c1")["release_ms"] == 4020
    told = run.invoke(main, ["calls", "--config", str(config), "--line", FAX.line])
    assert told.exit_code == 0
    refused = run.invoke(main, ["calls", "--config", str(config), "--line", "nope"])
    assert refused.exit_code == 1  # an empty list would read as: nobody has called
    assert "la linea 'nope' non c'è: ci sono line" in refused.output


def test_times_are_the_sites_whatever_the_records_have() -> None:
    """Records hold UTC; at the front desk it is an hour later in winter, two in summer."""
    winter = replace(a_call("a-1"), rang_at=datetime(2026, 11, 25, 11, 55, tzinfo=UTC))
    summer = replace(a_call("a-2"), rang_at=datetime(2026, 7, 1, 22, 5, tzinfo=UTC))
    text = listings.calls_as_text([winter, summer], "it", ROME)
    assert "mer 25 novembre 2026, 12:55" in text
    assert "gio 2 luglio 2026, 00:05" in text
    back = {"call:a-1": [summer]}
    assert "richiamato alle 00:05" in listings.calls_as_text([winter], "it", ROME, back)


def test_the_number_called_has_a_column_where_there_are_several() -> None:
    """P1: toll-free and ordinary number are told apart; an unknown one is said, never guessed."""
    toll_free = replace(a_call("a-1"), called="800011837")
    ordinary = replace(a_call("a-2"), called="051598111")
    text = listings.calls_as_text([toll_free, ordinary, a_call("a-3")], "it", ROME).splitlines()
    assert text[0].split()[:4] == ["Ricevuta", "Linea", "Chiamato", "Utente"]
    assert [re.split("  +", line)[2] for line in text[1:3]] == ["800011837", "051598111"]
    assert "non noto" in text[3]
    out = replace(a_call("a-4"), direction=Direction.OUT)
    english = listings.calls_as_text([toll_free, ordinary, out], "en", ROME).splitlines()
    assert "Called" in english[0]
    assert "not known" not in english[3]
    assert "Chiamato" not in listings.calls_as_text([toll_free], "it", ROME)


def test_a_mail_about_no_request_names_none() -> None:
    """As JSON it is null, as in every other list: 0 would be a number to look for."""
    mail = Mail("digest-1", "responsabile@comune.it", "Riepilogo", "Nessun messaggio.")
    at = datetime(2026, 12, 1, 8, 0, tzinfo=UTC)
    kept = [
        StoredMail(1, mail, "<1@comune.it>", at, MailState.QUEUED),
        StoredMail(
            2, replace(mail, key="request-7", request=7), "<2@comune.it>", at, MailState.SENT
        ),
    ]
    assert [row["request"] for row in json.loads(listings.mails_as_json(kept))] == [None, 7]
