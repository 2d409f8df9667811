"""`centralino office report`: which days are meant, what is refused, and a unit's sheet by mail."""

from __future__ import annotations

import json
import queue
import shutil
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from click.testing import CliRunner, Result

from appliance.__main__ import main
from appliance.api.technician_commands import MailSheet
from appliance.calls import orders
from appliance.errors import OfficeError
from appliance.policy.directory import Directory
from appliance.service.reports import mail_sheet
from appliance.service.stores import Stores
from appliance.store import call_log, outbox
from appliance.store.database import database_path
from appliance.store.requests import NO_MAILS
from appliance.store.writer import DatabaseWriter
from tests.helpers.paper import AT_ONCE
from tests.journeys.harness.reports import text_of_pdf
from tests.policy.small_directory import ANAGRAFE
from tests.store.samples import a_call

CONFIG = """\
[site]
name = "Test"
patron = "10-04"
languages = ["it"]
[hours]
[sip]
address = "127.0.15.8"
[[lines]]
name = "line1"
port = "/dev/serial/by-path/x"
[[phones]]
name = "op1"
[switchboard]
phones = ["op1"]
[folders]
state = "{folder}/state"
run = "{folder}/run"
{more}
"""
TAKEN = ("transfer.anagrafe.aire.topic.keys", "transferred.anagrafe")
OCTOBER = datetime(2026, 10, 15, 10, tzinfo=UTC)


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """A configuration, and records of October: one call answered, one that an office took."""
    (tmp_path / "state").mkdir()
    records = DatabaseWriter(database_path(tmp_path / "state"), "b").start()
    one = replace(
        a_call("a-1", orders.Result.ANSWERED), rang_at=OCTOBER, phone="op1",
        answered_at=OCTOBER + timedelta(seconds=8),
    )  # fmt: skip
    two = replace(one, call="a-2", trail=TAKEN)
    records.ask(lambda c: call_log.upsert_calls(c, [one, two], "b"))
    records.stop()
    file = tmp_path / "centralino.toml"
    file.write_text(CONFIG.format(folder=tmp_path, more=""), encoding="utf-8")
    return file


def run(config: Path, *words: str) -> Result:
    """Run the command."""
    return CliRunner().invoke(main, ["report", "--config", str(config), *words])


@pytest.mark.parametrize(
    ("words", "calls"),
    [
        (("--month", "2026-10"), 2),
        (("--month", "2026-09"), 0),
        (("--from", "2026-10-15", "--to", "2026-10-15"), 2),
        (("--from", "2026-10-16", "--to", "2026-10-20"), 0),
        (("--to", "2026-10-20"), 2),
        (("--from", "15/10/2026", "--to", "15.10.2026"), 2),
    ],
)
def test_the_days_that_are_meant(config: Path, words: tuple[str, ...], calls: int) -> None:
    """First and last day are included; without a first one the month's first is meant."""
    result = run(config, *words, "--json")
    assert result.exit_code == 0, result.output
    assert json.loads(result.output)["total"]["calls"] == calls


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("--month", "2026-13"), "non è un mese"),
        (("--month", "ottobre"), "non è un mese"),
        (("--month", "2026-10", "--from", "2026-10-01"), "non entrambi"),
        (("--from", "2026-10-02", "--to", "2026-10-01"), "prima di cominciare"),
        (("--from", "ieri l'altro"), "non è un giorno: si scrive oggi, domani, 30/11/2026"),
        (("--month", "2026-10", "--mail"), "--unit e --month"),
        (("--month", "2026-10", "--unit", "tributi"), "nulla riguarda l'ufficio 'tributi'"),
        (("--month", "2999-10", "--unit", "anagrafe", "--mail"), "non è finito"),
        (("--month", "2026-10", "--unit", "anagrafe", "--mail"), "il centralino non risponde su"),
    ],
)
def test_what_cannot_be_reported_is_one_sentence(
    config: Path, words: tuple[str, ...], sentence: str
) -> None:
    """Each refusal says what is wrong and what to write."""
    result = run(config, *words)
    assert (result.exit_code, result.output.count("\n")) == (1, 1)
    assert sentence in result.output


def test_text_csv_and_a_units_sheet(config: Path) -> None:
    """For people, for a spreadsheet, for a unit."""
    assert "Risposte del filtro senza trasferimento: 1 su 2 servite (50%)" in (
        run(config, "--month", "2026-10").output
    )
    assert "total;;2;1;0;1;0" in run(config, "--month", "2026-10", "--csv").output
    sheet = run(config, "--month", "2026-10", "--unit", "anagrafe").output
    assert "Chiamate trasferite: 1, accettate 1." in sheet


def test_positions_only_with_the_agreement(config: Path, tmp_path: Path) -> None:
    """E21: off by default; with a reference the figures say on what ground."""
    assert "op1" not in run(config, "--month", "2026-10").output
    more = '[report]\nper_person_reference = "Accordo 3/2026"'
    config.write_text(CONFIG.format(folder=tmp_path, more=more), encoding="utf-8")
    assert "Per postazione (Accordo 3/2026)" in run(config, "--month", "2026-10").output


@pytest.fixture
def stores(tmp_path: Path) -> Iterator[Stores]:
    """Give the records alone, as call control has them."""
    records = DatabaseWriter(tmp_path / "c.db", "b").start()
    records.letters = NO_MAILS
    yield cast(Stores, SimpleNamespace(records=records))
    records.stop()


SHEET: dict[str, Any] = {"unit": "anagrafe", "month": "2026-10", "subject": "A\nB", "body": "x"}


def test_a_sheet_is_mailed_to_the_units_address_once(stores: Stores) -> None:
    """The directory knows the address; the same unit and month is one mail, with one subject."""
    told: queue.SimpleQueue[Any] = queue.SimpleQueue()
    for _ in range(2):
        mail_sheet(stores, Directory((ANAGRAFE,)), MailSheet(**SHEET))(told.put)
        assert "Anagrafe" in told.get(timeout=10).said.text("it")
    (kept,) = stores.records.ask(outbox.list_mails)
    assert (kept.mail.to, kept.mail.subject) == ("anagrafe@comune.example", "A B")


@pytest.mark.parametrize("wrong", [{"unit": "x"}, {"month": "10"}, {"subject": ""}, {"body": ""}])
def test_a_sheet_without_an_address_or_a_month_is_refused(
    stores: Stores, wrong: dict[str, str]
) -> None:
    """Nothing is queued that could not be sent."""
    with pytest.raises(OfficeError):
        mail_sheet(stores, Directory((ANAGRAFE,)), MailSheet(**{**SHEET, **wrong}))


def test_the_report_on_paper(config: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A PDF to be printed or filed, with what the terminal shows; one sentence where it cannot."""
    monkeypatch.setattr("appliance.paper.document.PDF_COMMAND", AT_ONCE)
    file = tmp_path / "ottobre.pdf"
    result = run(config, "--month", "2026-10", "--pdf", str(file))
    assert (result.exit_code, result.output) == (0, f"{file}\n")
    assert file.read_bytes().startswith(b"%PDF")
    if shutil.which("pdftotext"):
        text = text_of_pdf(file)
        shown = run(config, "--month", "2026-10").output
        assert "Test – Rapporto dal 1° ottobre 2026 al 31 ottobre 2026" in text
        told = " ".join(text.split())
        rows = [line.replace(":", " ").split() for line in shown.splitlines()[3:] if line.strip()]
        assert [row for row in rows if " ".join(row) not in told.replace(":", "")] == []
        assert shown.splitlines()[1] in told
    for words, sentence in (
        (("--pdf", str(file), "--csv"), "--pdf è dell'intero rapporto"),
        (("--pdf", str(tmp_path / "none" / "x.pdf")), "non si può scrivere il rapporto in"),
    ):
        refused = run(config, "--month", "2026-10", *words)
        assert (refused.exit_code, refused.output.count("\n")) == (1, 1)
        assert sentence in refused.output
        assert "No such file" not in refused.output


def test_a_mean_wait_is_one_figure_wherever_it_is_read(config: Path) -> None:
    """The same tenth of a second by command, in the spreadsheet, on the page (test_reports.py)."""
    shown = run(config, "--month", "2026-10").output
    assert "attesa media: 8,0 s" in shown
    assert ";8.0;8.0" in run(config, "--month", "2026-10", "--csv").output
