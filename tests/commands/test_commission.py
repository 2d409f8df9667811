"""The proof of the carrier's divert-on-busy (P8)."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from appliance.commands import commission as command
from appliance.daemon import commission, config, door
from appliance.daemon.commission import Outcome, Proof
from appliance.daemon.settings import Settings
from appliance.errors import OfficeError

EXAMPLE = Path(config.__file__).with_name("example.toml")


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
    """A desk whose lines are in the given states, one status after the other."""

    def __init__(self, *looks: tuple[str, str]) -> None:
        self.looks = list(looks)

    def ask(self, _path: Path, _question: dict[str, Any]) -> dict[str, Any]:
        """Answer as `status` does; the last look holds."""
        look = self.looks.pop(0) if len(self.looks) > 1 else self.looks[0]
        lines = [{"name": f"line{n}", "state": state} for n, state in enumerate(look, 1)]
        return {"status": {"lines": lines}}


def sit_at(monkeypatch: pytest.MonkeyPatch, *looks: tuple[str, str]) -> None:
    """Let the command ask such a desk."""
    monkeypatch.setattr(door, "ask", Box(*looks).ask)


def test_a_call_placed_while_all_lines_are_seized_proves_it(
    site: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """P8: the desk itself says that every line is engaged, before the call and after it."""
    sit_at(monkeypatch, ("idle", "in_use"), ("ringing", "in_use_outside"))
    told = run(site, answer="Sportello\n")
    assert "Ancora libere: line1" in told.output
    assert "Tutte le linee sono occupate" in told.output
    assert "la chiamata arriva a: Sportello" in told.output
    kept = commission.load(config.load(site))
    assert kept is not None
    assert (kept.outcome, kept.by, kept.where) == (Outcome.DIVERTED, "Anna", "Sportello")
    assert "arriva a: Sportello" in run(site, "--show").output


def test_busy_is_a_result_too_and_says_what_to_ask_for(
    site: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is asked with --busy or --rang-at."""
    sit_at(monkeypatch, ("in_use", "in_use"))
    assert "chi chiama sente occupato" in run(site, "--busy").output
    assert "arriva a: 051 1" in run(site, "--rang-at", "051 1").output
    assert "sente occupato" in run(site, answer="\n").output


def test_a_line_that_is_free_proves_nothing(site: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Before the call or after it: it may have rung there."""
    sit_at(monkeypatch, ("idle", "in_use"))
    told = run(site, "--busy", "--wait", "0.5")
    assert isinstance(told.exception, OfficeError)
    assert "line1 could still be reached" in str(told.exception)
    sit_at(monkeypatch, ("in_use", "in_use"), ("in_use", "idle"))
    told = run(site, "--busy")
    assert "line2 became free meanwhile" in str(told.exception)
    assert commission.load(config.load(site)) is None


def test_the_heads_word_stands_where_there_is_none(site: Path) -> None:
    """No line need be seized for it, no desk need run."""
    assert "Non c'è deviazione su occupato" in run(site, "--no-divert").output
    assert run(site, "--no-divert", "--busy").exit_code == 2


def test_what_is_missing_is_said(site: Path, tmp_path: Path) -> None:
    """No proof, a proof of other lines, a file that nobody can read."""
    settings: Settings = config.load(site)
    assert "centralino commission" in commission.wanted(settings, None).it
    assert "centralino commission" in run(site, "--show").output
    proof = Proof(Outcome.BUSY, "Anna", datetime.now(UTC), commission.lines_of(settings))
    commission.save(settings, proof)
    assert commission.load(settings) == proof
    assert commission.wanted(settings, proof).en == ""
    other = Proof(Outcome.BUSY, "Anna", datetime.now(UTC), ("line9",))
    assert "before the lines changed" in commission.wanted(settings, other).en
    (tmp_path / "state" / commission.FILE).write_text("{", encoding="utf-8")
    assert commission.load(settings) is None
