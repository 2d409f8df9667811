"""The proof of the carrier's divert-on-busy (P8)."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from appliance.api import protocol
from appliance.api.replies import StatusReply
from appliance.calls.model import LineState
from appliance.calls.status import LineStatus
from appliance.commands import reports as command
from appliance.commands.status import check, diverted
from appliance.config import read
from appliance.config.schema import Settings
from appliance.errors import OfficeError
from appliance.service import reports
from appliance.service.reports import DivertOutcome, Proof
from appliance.text import NOTHING
from tests.calls.examples import up
from tests.console.states import seen
from tests.helpers.wire import wire

ORDINARY, TOLL_FREE = "051598111", "800011837"
EXAMPLE = Path(read.__file__).with_name("example.toml")


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """Write a configuration whose state folder is the test's own."""
    path = tmp_path / "centralino.toml"
    folders = f'\n[folders]\nstate = "{tmp_path}/state"\nrun = "{tmp_path}/run"\n'
    path.write_text(EXAMPLE.read_text(encoding="utf-8") + folders, encoding="utf-8")
    return path


def run(site: Path, *arguments: str, answer: str = "") -> Result:
    """Run the command."""
    everything = ["--config", str(site), "--by", "Anna", *arguments]
    return CliRunner().invoke(command.commission, everything, input=answer)


class Box:
    """Call control whose lines are in the given states, one status after the other."""

    def __init__(self, *looks: tuple[str, str]) -> None:
        self.looks = list(looks)

    def ask(self, _path: Path, _question: dict[str, Any], _limit_s: float) -> dict[str, Any]:
        """Answer as `status` does; the last look holds."""
        look = self.looks.pop(0) if len(self.looks) > 1 else self.looks[0]
        lines = tuple(
            LineStatus(f"line{n}", "", LineState(state), None) for n, state in enumerate(look, 1)
        )
        status = replace(seen(up()), lines=lines)
        told: dict[str, Any] = wire(StatusReply(status, "", NOTHING))
        return told


def sit_at(monkeypatch: pytest.MonkeyPatch, *looks: tuple[str, str]) -> None:
    """Let the command ask such call control, again and again without a pause."""
    monkeypatch.setattr(command, "LOOK_S", 0.01)
    monkeypatch.setattr(protocol, "ask", Box(*looks).ask)


def test_a_call_placed_while_all_lines_are_seized_proves_it(
    site: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """P8: call control itself says that every line is engaged, before the call and after it."""
    sit_at(monkeypatch, ("idle", "in_use"), ("ringing", "in_use_outside"))
    told = run(site, answer="Sportello\n\n")
    assert "Ancora libere: line1" in told.output
    for number in (ORDINARY, TOLL_FREE):
        assert f"Tutte le linee sono occupate. Chiamare adesso {number} da" in told.output
    assert f"{ORDINARY}: Con tutte le linee occupate la chiamata arriva a: Sportello" in told.output
    assert f"{TOLL_FREE}: Con tutte le linee occupate chi chiama sente occupato" in told.output
    kept = reports.load_proofs(read.load(site))
    assert [(each.number, each.outcome, each.by, each.where) for each in kept] == [
        (ORDINARY, DivertOutcome.DIVERTED, "Anna", "Sportello"),
        (TOLL_FREE, DivertOutcome.BUSY, "Anna", ""),
    ]
    assert told.output.splitlines()[-1] in run(site, "--show").output


def test_each_public_number_has_a_proof_of_its_own(
    site: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """P1, P8: the toll-free number is diverted apart; check and status name the one that lacks."""
    settings = read.load(site)
    sit_at(monkeypatch, ("in_use", "in_use"))
    assert reports.numbers_of(settings) == (ORDINARY, TOLL_FREE)
    first = run(site, "--number", "+39 051 598 111", "--rang-at", "Sportello")
    assert f"{ORDINARY}: Con tutte" in first.output
    missing = reports.wanted(settings, reports.load_proofs(settings))
    assert (ORDINARY in missing.text("it"), TOLL_FREE in missing.text("it")) == (False, True)
    assert f"a caller of {TOLL_FREE} ends who finds all lines busy" in missing.text("en")
    found = CliRunner().invoke(check, ["--config", str(site)])
    assert missing.text("it") in found.output
    assert diverted(settings, reports.load_proofs(settings)) == {
        "outcome": None, "numbers": {ORDINARY: "diverted", TOLL_FREE: None},
    }  # fmt: skip
    run(site, "--number", TOLL_FREE, "--no-divert")
    assert reports.wanted(settings, reports.load_proofs(settings)).text("en") == ""
    told = run(site, "--number", "0599999999", "--busy")
    assert isinstance(told.exception, OfficeError)
    assert f"known are {ORDINARY}, {TOLL_FREE}" in str(told.exception)


def test_busy_is_a_result_too_and_says_what_to_ask_for(
    site: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is asked with --busy or --rang-at."""
    sit_at(monkeypatch, ("in_use", "in_use"))
    which = ("--number", TOLL_FREE)
    assert "chi chiama sente occupato" in run(site, "--busy", *which).output
    assert "arriva a: 051 1" in run(site, "--rang-at", "051 1", *which).output
    assert "sente occupato" in run(site, *which, answer="\n").output
    told = run(site, "--busy")  # of which number?
    assert told.exit_code == 2
    assert f"{ORDINARY}, {TOLL_FREE}" in told.output


def test_a_line_that_is_free_proves_nothing(site: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Before the call or after it: it may have rung there."""
    sit_at(monkeypatch, ("idle", "in_use"))
    which = ("--number", TOLL_FREE)
    told = run(site, "--busy", "--wait", "0.5", *which)
    assert isinstance(told.exception, OfficeError)
    assert "line1 could still be reached" in str(told.exception)
    sit_at(monkeypatch, ("in_use", "in_use"), ("in_use", "idle"))
    told = run(site, "--busy", *which)
    assert "line2 became free meanwhile" in str(told.exception)
    assert reports.load_proofs(read.load(site)) == ()


@pytest.mark.parametrize("seconds", ["nan", "-1"])
def test_a_wait_is_a_length_of_time(site: Path, seconds: str) -> None:
    """Neither `nan` nor a negative number is."""
    told = run(site, "--busy", "--wait", seconds, "--number", TOLL_FREE)
    assert told.exit_code == 2
    assert "--wait" in told.output
    assert "0.0<=x<=86400.0" in told.output


def test_the_heads_word_stands_where_there_is_none(site: Path) -> None:
    """No line need be seized for it, no call control need run."""
    assert "Non c'è deviazione su occupato" in run(site, "--no-divert").output
    assert run(site, "--no-divert", "--busy").exit_code == 2


def test_what_is_missing_is_said(site: Path, tmp_path: Path) -> None:
    """No proof, a proof of other lines, a file that nobody can read."""
    settings: Settings = read.load(site)
    assert "centralino line commission" in reports.wanted(settings, ()).text("it")
    assert "centralino line commission" in run(site, "--show").output
    lines = reports.lines_of(settings)
    proofs = tuple(
        Proof(DivertOutcome.BUSY, "Anna", datetime.now(UTC), lines, "", number)
        for number in reports.numbers_of(settings)
    )
    reports.save_proofs(settings, *proofs)
    assert reports.load_proofs(settings) == proofs
    assert reports.wanted(settings, proofs).text("en") == ""
    other = replace(proofs[0], lines=("line9",))
    assert "before the lines changed" in reports.wanted(settings, (other, proofs[1])).text("en")
    (tmp_path / "state" / reports.FILE).write_text("{", encoding="utf-8")
    assert reports.load_proofs(settings) == ()


def test_a_proof_of_an_older_programme_counts_where_there_is_one_number(site: Path) -> None:
    """It did not say which number was called: among several it proves none."""
    settings: Settings = read.load(site)
    old = Proof(DivertOutcome.BUSY, "Anna", datetime.now(UTC), reports.lines_of(settings))
    row = {**asdict(old), "at": old.at.isoformat()}
    del row["number"]
    path = Path(settings.folders.state) / reports.FILE
    path.parent.mkdir()
    path.write_text(json.dumps(row), encoding="utf-8")
    assert reports.load_proofs(settings) == (old,)
    assert ORDINARY in reports.wanted(settings, (old,)).text("en")
    lines = tuple(replace(line, called=settings.lines[0].called) for line in settings.lines)
    one = replace(settings, lines=lines)
    assert reports.wanted(one, (replace(old, lines=reports.lines_of(one)),)).text("en") == ""
    unknown = replace(settings, lines=tuple(replace(line, called="") for line in lines))
    assert reports.numbers_of(unknown) == ("",)
    assert "where a caller ends who" in reports.wanted(unknown, ()).text("en")
    assert reports.wanted(replace(settings, lines=()), ()).text("en") == ""
