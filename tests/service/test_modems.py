"""Modems with what they can do, without a word to any of them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pytest

from appliance.bootfile.apply import SeenSocket
from appliance.calls.model import LineState
from appliance.calls.status import LineStatus
from appliance.config import read
from appliance.config.schema import Line, Settings
from appliance.service.modems import ModemCommands, modems_of
from tests.calls.examples import TEN, up
from tests.helpers.wire import wire
from tests.service.test_technician_commands_system import Kept

EXAMPLE = (Path(read.__file__).parent / "example.toml").read_text(encoding="utf-8")
FIRST, SECOND = (f"/dev/serial/by-path/platform-usb-0:1.{n}:1.0" for n in (2, 3))
SEEN = (SeenSocket(SECOND, "Rockwell CX93010"), SeenSocket(FIRST, "USRobotics 5637"))


def office(*lines: Line) -> Settings:
    """Return an office with these lines."""
    return replace(read.parse(EXAMPLE), lines=lines)


def found(settings: Settings, *lines: LineStatus, seen: tuple[SeenSocket, ...] = SEEN) -> Any:
    """Return what is told of the modems."""
    status = replace(up().status(TEN), lines=lines)
    return modems_of(settings, status, seen)


def test_free_modems_are_known_by_the_systems_words() -> None:
    """In the order of their sockets; what only a probe can tell is unknown."""
    first, second = found(office())
    assert (first.port, first.model, first.dialect) == (FIRST, "USRobotics 5637", "usr5637")
    assert (first.duplex, first.measures, first.is_there) == (None, False, True)
    assert [one.text("it") for one in first.can] == [
        "segreteria e tasti; la conversazione è da provare"
    ]
    assert (second.dialect, second.duplex, second.measures) == ("conexant", True, True)
    assert [one.text("it") for one in second.can] == [
        "conversazione e segreteria",
        "riconosce il cavo assente e il telefono sollevato",
    ]
    assert second.state.text("it") == "di nessuna linea"
    assert not second.in_use


def test_a_lines_modem_is_known_by_its_own_words_and_its_use() -> None:
    """What the line has proven counts more than its make; a call on it is told."""
    line = Line("line1", FIRST, "Ordinaria")
    status = LineStatus("line1", "Ordinaria", LineState.IDLE, None, "call-1", "", "CX93010", False)
    first, _second = found(office(line), status)
    assert (first.line, first.label, first.model) == ("line1", "Ordinaria", "CX93010")
    assert (first.dialect, first.duplex, first.in_use) == ("conexant", False, True)
    assert first.can[0].text("it") == "solo segreteria e tasti"


@pytest.mark.parametrize(("duplex", "voltage"), [("true", "false"), ("false", "true")])
def test_what_the_file_says_is_proven_counts(duplex: Any, voltage: Any) -> None:
    """A probe's result stands there."""
    line = Line("line1", FIRST, dialect="usr5637", duplex=duplex, voltage=voltage)
    first, _second = found(office(line))
    assert (first.duplex, first.measures) == (duplex == "true", voltage == "true")


def test_a_missing_modem_is_told_last() -> None:
    """With its line; a simulated one answers without a socket."""
    missing, simulated = Line("line1", "/dev/serial/by-path/x"), Line("line2", "/tmp/modem2")
    status = LineStatus("line2", "", LineState.IDLE, None, modem="CX930xx", duplex=True)
    told = found(office(missing, simulated), status)
    assert [one.line for one in told] == ["", "", "line1", "line2"]
    assert (told[2].is_there, told[2].state.text("it")) == (False, "non collegato")
    assert (told[2].dialect, told[2].duplex, told[2].measures) == ("", None, None)
    assert told[3].is_there


def test_the_command_reads_the_sockets_of_the_box(tmp_path: Path) -> None:
    """In the database thread."""
    stores = Kept(tmp_path)
    commands = ModemCommands(
        office(), cast("Any", stores), lambda: up().status(TEN), tmp_path, lambda _: SEEN
    )
    told: list[Any] = []
    later: Any = commands.known["modems"]({"ask": "modems", "by": "beppe"})
    later(lambda reply: told.append(wire(reply)))
    assert [one["port"] for one in told[0]["modems"]] == [FIRST, SECOND]
    stores.connection.close()
