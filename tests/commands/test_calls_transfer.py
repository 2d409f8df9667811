"""`calls transfer` that cannot be done now: the sentence, and who is in charge (E10, E23)."""

from __future__ import annotations

import selectors
import threading
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from appliance.__main__ import main
from appliance.api.control_socket import ControlSocket
from appliance.policy.sheets import Sheet
from appliance.store import sheets
from appliance.store.database import database_path, open_database
from tests.commands.samples import CONFIG

LATER = "Anagrafe: riprende oggi alle 15:00. Appuntamento?"
SHEET = Sheet(
    "residenza", "Residenza", "anagrafe", "Protocollo 3", date(2026, 11, 25), "", ("residenza",),
    official="Ada Neri",
)  # fmt: skip


def _later(_: dict[str, Any]) -> Any:
    return {"done": False, "said": {"it": LATER, "en": ""}}


@pytest.fixture
def config(tmp_path: Path) -> Iterator[Path]:
    """A configuration, and the control socket of call control that puts nobody through now."""
    file = tmp_path / "centralino.toml"
    file.write_text(CONFIG.format(folder=tmp_path), encoding="utf-8")
    selector, stopping = selectors.DefaultSelector(), threading.Event()
    served = ControlSocket(tmp_path / "run" / "desk.sock", selector, _later)

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


def refused(config: Path, need: str) -> str:
    """Ask for the Anagrafe and return what is printed."""
    words = ["transfer", "op1", "anagrafe", need, "--why", "topic", "--config", str(config)]
    result = CliRunner().invoke(main, words)
    assert result.exit_code == 1, result.output
    return result.output


def test_who_is_in_charge_is_said(config: Path) -> None:
    """Of the need that was asked for; without records, or with no sheet, the sentence alone."""
    assert refused(config, "residenza") == f"{LATER}\n"
    state = config.parent / "state"
    state.mkdir()
    connection = open_database(database_path(state), state / "corrupt").connection
    sheets.store(connection, (SHEET,))
    connection.close()
    said = f"{LATER}\nResponsabile del procedimento: Ada Neri\n"
    assert refused(config, "residenza") == said
    assert refused(config, "aire") == f"{LATER}\n"
