"""`centralino office standards`: a quarter measured against the promises, as text, CSV and PDF."""

from __future__ import annotations

import csv
import io
import re
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from appliance.__main__ import main
from tests.commands.test_reports import CONFIG, config
from tests.helpers.paper import AT_ONCE
from tests.journeys.harness.reports import text_of_pdf

__all__ = ["config"]

QUARTER = ("--quarter", "2026-4")


def run(config: Path, *words: str) -> Result:
    """Run the command."""
    return CliRunner().invoke(main, ["standards", "--config", str(config), *words])


def test_promised_beside_measured(config: Path) -> None:
    """With the number of cases each share rests on; what was not measured is not 0 %."""
    shown = run(config, *QUARTER).output
    assert shown.startswith("Standard di qualità: 4° trimestre 2026\n")
    rows = {
        re.split(r" {2,}", line)[0]: re.split(r" {2,}", line)[1:] for line in shown.splitlines()
    }
    within = rows["Chiamate con risposta entro 20 secondi, fra quelle con risposta"]
    assert within == ["almeno 80 %", "100,0 %", "2", "mantenuta"]
    assert rows["Chiamate perse, fra tutte"] == ["al massimo 10 %", "0,0 %", "2", "mantenuta"]
    assert rows["Chiamate perse richiamate in giornata"] == [
        "almeno 90 %",
        "non misurato",
        "0",
        "–",
    ]
    by_filter = rows["Chiamate con risposta del filtro senza trasferimento, fra le servite"]
    assert by_filter == ["nulla di promesso", "50,0 %", "2", "–"]
    assert "op1" not in shown


def test_promises_are_the_configurations(config: Path, tmp_path: Path) -> None:
    """What the charter promises stands in [standards]."""
    more = "[standards]\nby_filter = 60\nlost_at_most = 0"
    config.write_text(CONFIG.format(folder=tmp_path, more=more), encoding="utf-8")
    rows = list(csv.DictReader(io.StringIO(run(config, *QUARTER, "--csv").output), delimiter=";"))
    found = {row["standard"]: row for row in rows}
    assert [row["quarter"] for row in rows] == ["2026-4"] * 6
    by_filter = found["by_filter"]
    assert (by_filter["bound"], by_filter["promised"], by_filter["measured"]) == (
        "at_least",
        "60",
        "50.00",
    )
    assert (by_filter["kept"], by_filter["cases"], by_filter["is_met"]) == ("1", "2", "0")
    assert (found["lost_at_most"]["promised"], found["lost_at_most"]["is_met"]) == ("", "")
    missing = found["requests_in_time"]
    assert (missing["measured"], missing["cases"], missing["is_met"]) == ("", "0", "")


def test_the_sheet_is_one_page(
    config: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A PDF to be published, with what the terminal shows."""
    monkeypatch.setattr("appliance.paper.document.PDF_COMMAND", AT_ONCE)
    file = tmp_path / "standard.pdf"
    result = run(config, *QUARTER, "--pdf", str(file))
    assert (result.exit_code, result.output) == (0, f"{file}\n")
    assert file.read_bytes().startswith(b"%PDF")
    if shutil.which("pdftotext"):
        text = " ".join(text_of_pdf(file).split())
        for told in (
            "Standard di qualità: 4° trimestre 2026",
            "Pagina 1 di 1",
            "al massimo 10 %",
            "non misurato",
        ):
            assert told in text
        assert "op1" not in text


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("--quarter", "2026-5"), "non è un trimestre"),
        ((*QUARTER, "--csv", "--pdf", "x.pdf"), "una sola fra"),
    ],
)
def test_what_cannot_be_done_is_said(config: Path, words: tuple[str, ...], sentence: str) -> None:
    """In one sentence."""
    refused = run(config, *words)
    assert (refused.exit_code, sentence in refused.output) == (1, True)
