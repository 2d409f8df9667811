"""`centralino calls bring-in`: what is asked at the control socket, and what is printed (E10)."""

from __future__ import annotations

import selectors
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import pytest
from click.testing import CliRunner, Result

from appliance.__main__ import main
from appliance.api.calls import RINGS, bring_head
from appliance.api.control_socket import ControlSocket
from appliance.calls import events
from appliance.calls.commands import BringHead
from appliance.errors import OfficeError
from appliance.service.loop import CallControl
from appliance.text import Words
from tests.commands.samples import CONFIG
from tests.helpers.wire import wish
from tests.helpers.words import pair

BUSY = pair("Il responsabile è al telefono.", "The head is on the phone.")


@dataclass
class Board:
    """Call control in which op1 talks; the head is free unless `refusal` says otherwise."""

    refusal: Words | None = None
    facts: list[events.Event] = field(default_factory=list)

    def answer_about_head(self, request: BringHead) -> Words | None:
        """Say why not."""
        return self.refusal

    def call_for(self, request: BringHead) -> str:
        """Name op1's call."""
        return "boot7-1" if request.call == "op1" else ""

    def fact(self, event: events.Event) -> None:
        """Keep what was told."""
        self.facts.append(event)


@pytest.fixture
def board() -> Board:
    """Return call control."""
    return Board()


@pytest.fixture
def config(tmp_path: Path, board: Board) -> Iterator[Path]:
    """A configuration, and the control socket of that call control."""
    file = tmp_path / "centralino.toml"
    file.write_text(CONFIG.format(folder=tmp_path), encoding="utf-8")
    selector, stopping = selectors.DefaultSelector(), threading.Event()
    served = ControlSocket(
        tmp_path / "run" / "desk.sock",
        selector,
        lambda q: bring_head(cast("CallControl", board), wish(q)),
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


def run(config: Path, *words: str) -> Result:
    """Run the command."""
    return CliRunner().invoke(main, ["bring-in", *words, "--by", "anna", "--config", str(config)])


def test_the_head_is_rung_and_called_off(config: Path, board: Board) -> None:
    """What is printed is what happens; call control hears who asks."""
    result = run(config, "op1")
    assert (result.exit_code, result.output) == (0, f"{RINGS.text('it')}\n")
    assert run(config, "op1", "--stop").output == "Il telefono del responsabile non squilla più.\n"
    assert board.facts == [
        events.HeadWished("boot7-1", BringHead("op1", "anna")),
        events.HeadWished("boot7-1", BringHead("op1", "anna", on=False)),
    ]


def test_a_head_who_cannot_come_is_said(config: Path, board: Board) -> None:
    """The sentence, and a status that a script can see."""
    board.refusal = BUSY
    result = run(config, "op1")
    assert (result.exit_code, result.output) == (1, f"Errore: {BUSY.text('it')}\n")


@pytest.mark.parametrize(
    ("question", "said"),
    [
        ({"call": "op1"}, "by is needed"),
        ({"by": "anna"}, "call is needed"),
        ({"call": "op1", "by": "anna", "on": "yes"}, "on has to be true or false"),
    ],
)
def test_a_question_that_is_not_whole_is_refused(question: dict[str, Any], said: str) -> None:
    """Whoever asks is told what is missing or wrong."""
    with pytest.raises(OfficeError, match=said):
        bring_head(cast("CallControl", Board()), wish(question, "BringHead"))
