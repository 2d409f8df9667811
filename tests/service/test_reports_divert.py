"""The proof of divert-on-busy in the console: only with every line seized all along."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from appliance.calls.model import LineState
from appliance.calls.status import LineStatus
from appliance.config import read
from appliance.config.office import build_office
from appliance.policy.text import Refused
from appliance.service import reports
from appliance.service.reports import DivertCommands, DivertOutcome
from appliance.store import database
from tests.calls.examples import TEN, up
from tests.commands.test_reports_divert import EXAMPLE, ORDINARY, TOLL_FREE
from tests.console import people
from tests.helpers.wire import wire
from tests.service.test_technician_commands_system import Kept

SEIZED = ("in_use", "in_use_outside")
NOON = datetime(2026, 11, 25, 11, tzinfo=UTC)


class Box:
    """An office with two lines and two public numbers."""

    def __init__(self, folder: Path) -> None:
        path = folder / "centralino.toml"
        folders = f'\n[folders]\nstate = "{folder}/state"\nrun = "{folder}/run"\n'
        path.write_text(EXAMPLE.read_text(encoding="utf-8") + folders, encoding="utf-8")
        self.settings = read.load(path)
        (folder / "state").mkdir()
        self.kept = Kept(folder / "state")
        people.enter(self.kept.connection)
        stores: Any = self.kept
        office = build_office(self.settings, 2026)
        self.questions = DivertCommands(self.settings, office, stores, lambda: TEN)

    def lines(self, *states: str, after: int = 0) -> None:
        """Let the lines be in these states from so many seconds after noon on."""
        seen = tuple(
            LineStatus(f"line{n}", f"Linea {n}", LineState(state), None)
            for n, state in enumerate(states, 1)
        )
        status = replace(up().status(TEN), at=NOON + timedelta(seconds=after), lines=seen)
        self.questions.see(status)

    def ask(self, what: str, by: str = people.BEPPE.name, **more: Any) -> Any:
        """Ask as a technician; returns the answer, raises what is one."""
        told: list[Any] = []
        later: Any = self.questions.known[what]({"ask": what, "by": by, **more})
        later(lambda reply: told.append(wire(reply)))
        if isinstance(told[0], Exception):
            raise told[0]
        answer: dict[str, Any] = told[0]
        return answer

    def prove(self, outcome: str = "diverted", **more: Any) -> Any:
        """Say what a call has shown, as the page does that has just been looked at."""
        asked = self.ask("divert")["seized_at"]
        given = {"number": ORDINARY, "where": "Sportello", "who": "Anna", "asked": asked} | more
        return self.ask("divert_prove", outcome=outcome, **given)

    def refused(self, outcome: str = "diverted", **more: Any) -> str:
        """Return why it is not kept, in Italian."""
        try:
            answer = self.prove(outcome, **more)
            said = str(answer["said"]["it"])
            assert answer["done"] is False
        except Refused as error:
            said = error.words.text("it")
        assert reports.load_proofs(self.settings) == ()
        return said


@pytest.fixture
def box(tmp_path: Path) -> Box:
    """Both lines are idle."""
    made = Box(tmp_path)
    made.lines("idle", "idle")
    return made


def test_what_lacks_a_proof_is_told(box: Box) -> None:
    """Each public number, and which lines are free."""
    told = box.ask("divert")
    assert [each["number"] for each in told["numbers"]] == [ORDINARY, TOLL_FREE]
    assert [each["words"] for each in told["numbers"]] == [None, None]
    assert (told["free"], told["seized_at"]) == (["Linea 1", "Linea 2"], "")


def test_a_call_with_all_lines_seized_proves_it(box: Box) -> None:
    """As the command does: kept for that number, with who said so and where it rang; audited."""
    box.lines(*SEIZED)
    assert box.prove()["said"]["it"] == "La prova è registrata."
    (proof,) = reports.load_proofs(box.settings)
    assert (proof.number, proof.outcome, proof.by, proof.where) == (
        ORDINARY, DivertOutcome.DIVERTED, "Anna", "Sportello",
    )  # fmt: skip
    assert reports.wanted(box.settings, (proof,)).text("it").startswith("Non è provato")
    first, second = box.ask("divert")["numbers"]
    assert "arriva a: Sportello" in first["words"]["it"]
    assert (first["outdated"], second["words"]) == (False, None)
    box.prove("busy", number=TOLL_FREE, where="nowhere")
    assert reports.wanted(box.settings, reports.load_proofs(box.settings)).text("it") == ""
    assert reports.load_proofs(box.settings)[1].where == ""
    noted = [(n.by, n.what, n.about) for n in database.latest(box.kept.connection, "divert")]
    assert noted == [("beppe", "divert.prove", "busy"), ("beppe", "divert.prove", "diverted")]


def test_a_line_that_is_free_proves_nothing(box: Box) -> None:
    """Before the call, at its end, or between: it may have rung there."""
    box.lines("in_use", "idle")
    assert "ancora libere: Linea 2" in box.refused()
    box.lines(*SEIZED, after=10)
    asked = box.ask("divert")["seized_at"]
    box.lines("in_use", "idle", after=20)
    assert "ancora libere" in box.refused(asked=asked)
    box.lines(*SEIZED, after=30)
    assert "si è liberata nel frattempo" in box.refused(asked=asked)
    assert "si è liberata nel frattempo" in box.refused(asked="")
    box.lines("clearing", "ringing", after=40)  # no caller reaches these either
    assert box.prove()["said"]


def test_the_heads_word_needs_no_call(box: Box) -> None:
    """Who it was is written down."""
    assert "nome del responsabile" in box.refused("no_divert", who=" ")
    box.prove("no_divert", who="Anna Verdi", where="x")
    (proof,) = reports.load_proofs(box.settings)
    assert (proof.outcome, proof.by, proof.where) == (DivertOutcome.NO_DIVERT, "Anna Verdi", "")


def test_every_mistake_is_one_sentence(box: Box) -> None:
    """What is missing, and nothing is kept."""
    box.lines(*SEIZED)
    for wrong, words in (
        ({"where": ""}, "dove ha squillato"),
        ({"number": "0599999999"}, "non è fra i numeri pubblici"),
        ({"outcome": "perhaps"}, "scegliere che cosa ha sentito"),
    ):
        assert words in box.refused(**wrong)
    assert "tecnico" in box.refused(by=people.CARLA.name).lower()


def test_a_proof_of_other_lines_is_outdated(box: Box) -> None:
    """It is shown as that."""
    box.lines(*SEIZED)
    box.prove()
    (proof,) = reports.load_proofs(box.settings)
    reports.save_proofs(box.settings, replace(proof, lines=("line9",)))
    assert box.ask("divert")["numbers"][0]["outdated"]


def test_what_cannot_be_kept_is_said(box: Box, monkeypatch: pytest.MonkeyPatch) -> None:
    """A full disk."""
    box.lines(*SEIZED)

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(reports, "atomic_write", full)
    assert "il disco è pieno" in box.refused()


def test_without_a_line_nothing_is_asked(tmp_path: Path) -> None:
    """No line is seized where there is none, and no number needs a proof."""
    box = Box(tmp_path)
    box.lines()
    assert (box.ask("divert")["seized_at"], box.ask("divert")["free"]) == ("", [])
    box.questions.settings = replace(box.settings, lines=())
    assert box.ask("divert")["numbers"] == []
