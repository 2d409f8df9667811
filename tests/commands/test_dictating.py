"""`centralino prompts record`: a phone rings, each step is told, what was kept is put in force."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from appliance.__main__ import main
from appliance.api import users
from appliance.api.protocol import Reply, plain
from appliance.calls.status import GOING_ON, SAID, Went
from appliance.commands import announcements
from appliance.config.state_folder import drafts_of, speech_folder
from appliance.dsp import g711, wav
from appliance.dsp.wav import Law
from tests.commands.samples import CONFIG
from tests.console.test_announcement_pages import tone
from tests.console.user_desk import serving


@dataclass
class Desk:
    """A desk at whose phone somebody dictates, as `steps` say; what is kept lies in `state`."""

    state: Path
    steps: list[Went] = field(default_factory=list)
    refusal: Went | None = None
    asked: list[dict[str, Any]] = field(default_factory=list)

    def dictate(self, question: dict[str, Any]) -> Reply:
        """Have the phone ring, for whoever proves to sit at the shell."""
        self.asked.append(question)
        assert users.proof_is_right(self.state, question["proof"])
        return {"done": self.refusal is None, "said": plain(SAID[self.refusal or Went.RINGS])}

    def dictation(self, question: dict[str, Any]) -> Reply:
        """Go one step on."""
        if not self.steps:
            return {"went": "", "over": True}
        went = self.steps.pop(0)
        if went is Went.KEPT:
            path = drafts_of(self.state) / question["language"] / f"{question['key']}.wav"
            path.parent.mkdir(parents=True)
            path.write_bytes(wav.build(g711.encode(tone(1.0), Law.ALAW), Law.ALAW))
        return {"went": went, "over": went not in GOING_ON, "said": plain(SAID[went])}


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    """A desk behind its door, that answers at once."""
    monkeypatch.setattr(announcements, "EVERY_S", 0.0)
    (tmp_path / "centralino.toml").write_text(CONFIG.format(folder=tmp_path), encoding="utf-8")
    made = Desk(tmp_path / "state")
    made.state.mkdir()
    users.prepare_proof(made.state)
    known = {
        "announcement_dictate": made.dictate,
        "announcement_dictation": made.dictation,
        "spoken": lambda _: {"sheets": 0},
    }
    with serving(tmp_path / "run" / "desk.sock", known):
        yield made


def run(desk: Desk, *arguments: str, answer: str = "") -> Result:
    """Run the command."""
    command = ("prompts", "--config", str(desk.state.parent / "centralino.toml"), "record", "hold")
    return CliRunner().invoke(main, (*command, "--phone", "11", *arguments), input=answer)


def test_each_step_is_told_and_callers_hear_it(desk: Desk) -> None:
    """At the others' level; the draft is none any more."""
    desk.steps = [Went.RINGS, Went.SPEAKS, Went.SPEAKS, Went.REVIEWS, Went.KEPT]
    done = run(desk, "--by", "lucia", answer="y\n")
    assert done.exit_code == 0, done.output
    lines = done.output.splitlines()
    assert lines[:3] == [SAID[w].it for w in (Went.RINGS, Went.SPEAKS, Went.REVIEWS)]
    assert lines[3] == "it/hold: 1.2 s"
    assert "Farla sentire agli utenti?" in lines[4]
    kept = wav.read(speech_folder(desk.state) / "it" / "hold.wav")
    assert kept.duration_ms == pytest.approx(1200, abs=20)
    assert not (drafts_of(desk.state) / "it" / "hold.wav").exists()
    (asked,) = desk.asked
    assert (asked["phone"], asked["by"], asked["key"]) == ("11", "lucia", "hold")


def test_who_does_not_want_it_heard_keeps_the_draft(desk: Desk) -> None:
    """It waits on the page."""
    desk.steps = [Went.KEPT]
    assert run(desk, answer="n\n").exit_code == 0
    assert not (speech_folder(desk.state) / "it" / "hold.wav").exists()
    assert (drafts_of(desk.state) / "it" / "hold.wav").exists()


@pytest.mark.parametrize("went", [Went.NO_ANSWER, Went.NEEDED, Went.SILENT])
def test_what_came_in_its_way_is_told(desk: Desk, went: Went) -> None:
    """In one sentence, with status 1."""
    desk.steps = [Went.RINGS, went]
    done = run(desk)
    assert done.exit_code == 1
    assert SAID[went].it in done.output


def test_a_phone_that_is_not_rung(desk: Desk) -> None:
    """Why not, before anything is waited for; a desk that has forgotten it, too."""
    assert run(desk).exit_code == 1
    desk.refusal = Went.BUSY
    done = run(desk)
    assert done.exit_code == 1
    assert SAID[Went.BUSY].it in done.output
