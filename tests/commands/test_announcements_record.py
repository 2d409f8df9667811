"""`office prompts record`: a phone rings, each step is told, what was kept is put in force."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from appliance.__main__ import main
from appliance.api import users
from appliance.calls.status import GOING_ON, SAID, Went
from appliance.commands import announcements
from appliance.config.state_folder import drafts_of, speech_folder
from appliance.dsp import g711, wav
from appliance.dsp.wav import Law
from tests.commands.samples import CONFIG
from tests.console.call_control_users import serving
from tests.console.test_announcements import tone


@dataclass
class CallControlStub:
    """Call control with a phone that dictates, as `steps` say; what is kept lies in `state`."""

    state: Path
    steps: list[Went] = field(default_factory=list)
    refusal: Went | None = None
    asked: list[dict[str, Any]] = field(default_factory=list)

    def dictate(self, question: dict[str, Any]) -> dict[str, Any]:
        """Have the phone ring, for whoever proves to sit at the shell."""
        self.asked.append(question)
        assert users.proof_is_right(self.state, question["proof"])
        return {
            "done": self.refusal is None,
            "said": SAID[self.refusal or Went.RINGS].by_language(),
        }

    def dictation(self, question: dict[str, Any]) -> dict[str, Any]:
        """Go one step on."""
        if not self.steps:
            return {"went": "", "over": True}
        went = self.steps.pop(0)
        if went is Went.KEPT:
            path = drafts_of(self.state) / question["language"] / f"{question['key']}.wav"
            path.parent.mkdir(parents=True)
            path.write_bytes(wav.build(g711.encode(tone(1.0), Law.ALAW), Law.ALAW))
        return {"went": went, "over": went not in GOING_ON, "said": SAID[went].by_language()}


@pytest.fixture
def control(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[CallControlStub]:
    """Call control behind its control socket, that answers at once."""
    monkeypatch.setattr(announcements, "EVERY_S", 0.0)
    (tmp_path / "centralino.toml").write_text(CONFIG.format(folder=tmp_path), encoding="utf-8")
    made = CallControlStub(tmp_path / "state")
    made.state.mkdir()
    users.prepare_proof(made.state)
    known = {
        "announcement_dictate": made.dictate,
        "announcement_dictation": made.dictation,
        "spoken": lambda _: {"sheets": 0},
    }
    with serving(tmp_path / "run" / "desk.sock", known):
        yield made


def run(control: CallControlStub, *arguments: str, answer: str = "") -> Result:
    """Run the command."""
    command = (
        "prompts",
        "--config",
        str(control.state.parent / "centralino.toml"),
        "record",
        "hold",
    )
    return CliRunner().invoke(main, (*command, "--phone", "11", *arguments), input=answer)


def test_each_step_is_told_and_callers_hear_it(control: CallControlStub) -> None:
    """At the others' level; the draft is none any more."""
    control.steps = [Went.RINGS, Went.SPEAKS, Went.SPEAKS, Went.REVIEWS, Went.KEPT]
    done = run(control, "--by", "lucia", answer="y\n")
    assert done.exit_code == 0, done.output
    lines = done.output.splitlines()
    assert lines[:3] == [SAID[w].text("it") for w in (Went.RINGS, Went.SPEAKS, Went.REVIEWS)]
    assert lines[3] == "it/hold: 1.2 s"
    assert "Farla sentire agli utenti?" in lines[4]
    kept = wav.read(speech_folder(control.state) / "it" / "hold.wav")
    assert kept.duration_ms == pytest.approx(1200, abs=20)
    assert not (drafts_of(control.state) / "it" / "hold.wav").exists()
    (asked,) = control.asked
    assert (asked["phone"], asked["by"], asked["key"]) == ("11", "lucia", "hold")


def test_who_does_not_want_it_heard_keeps_the_draft(control: CallControlStub) -> None:
    """It waits on the page."""
    control.steps = [Went.KEPT]
    assert run(control, answer="n\n").exit_code == 0
    assert not (speech_folder(control.state) / "it" / "hold.wav").exists()
    assert (drafts_of(control.state) / "it" / "hold.wav").exists()


@pytest.mark.parametrize("went", [Went.NO_ANSWER, Went.NEEDED, Went.SILENT])
def test_what_came_in_its_way_is_told(control: CallControlStub, went: Went) -> None:
    """In one sentence, with status 1."""
    control.steps = [Went.RINGS, went]
    done = run(control)
    assert done.exit_code == 1
    assert SAID[went].text("it") in done.output


def test_a_phone_that_is_not_rung(control: CallControlStub) -> None:
    """Why not, before anything is waited for; call control that has forgotten it, too."""
    assert run(control).exit_code == 1
    control.refusal = Went.BUSY
    done = run(control)
    assert done.exit_code == 1
    assert SAID[Went.BUSY].text("it") in done.output
