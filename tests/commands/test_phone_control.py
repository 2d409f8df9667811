"""`calls desk-phone` and `dial`: what is asked at the control socket, and what is printed."""

from __future__ import annotations

import selectors
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from appliance.__main__ import main
from appliance.api.control_socket import ControlSocket
from appliance.api.protocol import Reply
from appliance.api.replies import Declined, PhoneSaid
from appliance.calls.commands import PhoneAct
from tests.commands.samples import CONFIG
from tests.helpers.words import pair

DONE, NOT = pair("Fatto.", "Done."), pair("Ora no.", "Not now.")


@pytest.fixture
def asked() -> list[dict[str, Any]]:
    """What call control was asked."""
    return []


@pytest.fixture
def config(tmp_path: Path, asked: list[dict[str, Any]]) -> Iterator[Path]:
    """A configuration, and the control socket of call control, which refuses op2 all."""
    file = tmp_path / "centralino.toml"
    file.write_text(CONFIG.format(folder=tmp_path), encoding="utf-8")
    selector, stopping = selectors.DefaultSelector(), threading.Event()

    def answer(question: dict[str, Any]) -> Reply:
        asked.append(question)
        return Declined(NOT) if question["position"] == "op2" else PhoneSaid(DONE)

    served = ControlSocket(tmp_path / "run" / "desk.sock", selector, answer)

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


def run(config: Path, *words: str) -> Result:
    """Run a command."""
    return CliRunner().invoke(main, [*words, "--by", "anna", "--config", str(config)])


@pytest.mark.parametrize(
    ("act", "ask"),
    [
        (PhoneAct.ANSWER, {"ask": "AnswerCall", "call": "boot7-1"}),
        (PhoneAct.HOLD, {"ask": "HoldCall"}),
        (PhoneAct.RESUME, {"ask": "ResumeCall"}),
        (PhoneAct.HANG_UP, {"ask": "HangUpCall"}),
    ],
)
def test_each_act_is_asked_by_its_name(
    config: Path, asked: list[dict[str, Any]], act: PhoneAct, ask: dict[str, str]
) -> None:
    """What is printed is what call control says; only an answer chooses a call."""
    result = run(config, "desk-phone", "op1", act.value.replace("_", "-"), "--call", "boot7-1")
    assert (result.exit_code, result.output) == (0, "Fatto.\n")
    assert asked == [{**ask, "position": "op1", "by": "anna"}]


def test_a_number_is_dialled(config: Path, asked: list[dict[str, Any]]) -> None:
    """As it was typed: call control reads it."""
    result = run(config, "dial", "051 234567", "--position", "op1", "--urgent")
    assert (result.exit_code, result.output) == (0, "Fatto.\n")
    assert asked == [
        {"ask": "Dial", "position": "op1", "number": "051 234567", "urgent": True, "by": "anna"}
    ]


@pytest.mark.parametrize(
    "words", [("desk-phone", "op2", "answer"), ("dial", "051234567", "--position", "op2")]
)
def test_a_refusal_ends_with_status_1(config: Path, words: tuple[str, ...]) -> None:
    """The sentence, and a status that a script can see."""
    result = run(config, *words)
    assert (result.exit_code, result.output) == (1, "Errore: Ora no.\n")
