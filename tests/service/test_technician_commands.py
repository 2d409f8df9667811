"""A line is restarted for a technician: audited, and not under a call unless that may be cut."""

from __future__ import annotations

import socket
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from appliance.api.technician_commands import ReopenLine
from appliance.errors import CentralinoError, OfficeError
from appliance.media.messages import RestartLine
from appliance.media.process import MediaGateway
from appliance.service.technician_commands import LINE_RESTART
from appliance.store import database
from tests.calls.examples import KNOWN, RANG, TEN, tell, up
from tests.console import people
from tests.helpers.system_status import SystemStub
from tests.helpers.wire import wire
from tests.service.test_technician_commands_system import Kept


class Works:
    """A technician at call control with two lines that are up; what the media gateway is sent is
    kept.
    """

    def __init__(self, folder: Path) -> None:
        self.stores = Kept(folder)
        people.enter(self.stores.connection)
        self.system_stub = SystemStub(folder, up(), self.stores)
        self.sent: list[Any] = []
        self.system_stub.media_link.send = self.sent.append
        self.told: list[Any] = []

    def ask(self, line: str = "line1", by: str = "beppe", **more: Any) -> Any:
        """Ask, and have the deciding thread look; returns the answer."""
        asked = {"ask": "line_restart", "line": line, "by": by, **more}
        self.system_stub.questions.known["line_restart"](asked)(self.told.append)  # type: ignore[operator]  # answered later
        self.system_stub.restarts.look()
        return wire(self.told.pop())

    def noted(self) -> list[tuple[str, str]]:
        """List who restarted what, newest first."""
        return [
            (one.by, one.about) for one in database.latest(self.stores.connection, LINE_RESTART)
        ]


@pytest.fixture
def works(tmp_path: Path) -> Works:
    """Both lines are idle."""
    return Works(tmp_path)


def test_a_technician_restarts_a_line(works: Works) -> None:
    """The media gateway is told which, and the audit keeps who."""
    answer = works.ask()
    assert answer["done"] is True
    assert answer["said"]["it"].startswith("La linea line1 viene riagganciata")
    assert works.sent == [RestartLine("line1")]
    assert works.noted() == [("beppe", "line1")]


@pytest.mark.parametrize("by", ["anna", "carla", "nobody"])
def test_nobody_else_restarts_one(works: Works, by: str) -> None:
    """Refused in words; nothing is sent and nothing audited."""
    answer = works.ask(by=by)
    assert answer["done"] is False
    assert (works.sent, works.noted()) == ([], [])


@pytest.mark.parametrize("even", ["true", 1])
def test_only_a_plain_yes_is_one(works: Works, even: object) -> None:
    """Anything else is refused by the codec."""
    with pytest.raises(OfficeError, match="true or false"):
        works.ask(even_in_call=even)


@pytest.mark.parametrize("even", [False, None])
def test_a_call_is_not_cut_unasked(works: Works, even: object) -> None:
    """Only a plain yes cuts a call."""
    tell(works.system_stub.switchboard, TEN, RANG, KNOWN)
    answer = works.ask(even_in_call=even)
    assert answer["done"] is False
    assert "c'è una chiamata" in answer["said"]["it"]
    assert works.sent == []
    works.ask("line2")
    works.ask(even_in_call=True)
    assert works.sent == [RestartLine("line2"), RestartLine("line1")]


def test_a_call_that_comes_meanwhile_is_not_cut(works: Works) -> None:
    """Who is asked in the records' thread, the line once more in the deciding one."""
    works.system_stub.restarts.asked(ReopenLine(line="line1", by="beppe"))(works.told.append)
    assert works.told == []
    tell(works.system_stub.switchboard, TEN, RANG, KNOWN)
    works.system_stub.restarts.look()
    assert "there is a call on line line1" in works.told[0].said.text("en")
    assert works.sent == []


def test_what_cannot_be_restarted_is_said(works: Works) -> None:
    """A line that is none, and lines whose process is being started."""
    assert "there is no line 'line7'" in works.ask("line7")["said"]["en"]
    works.system_stub.media_link.connected = False
    assert "is being started" in works.ask()["said"]["en"]
    assert works.sent == []


def test_what_cannot_be_audited_is_not_done(works: Works) -> None:
    """A disk that fails restarts nothing, and is said."""
    works.stores.connection.execute("DROP TABLE audit")
    assert isinstance(works.ask(), CentralinoError)
    assert works.sent == []


def test_the_media_gateway_restarts_the_line_that_is_named() -> None:
    """And no other; one that it does not know is passed over."""
    here, there = socket.socketpair()
    fork_server: Any = SimpleNamespace(fileno=here.fileno, close=here.close)
    gateway = MediaGateway(fork_server, "", None)
    asked: list[str] = []
    ports: Any = {
        name: SimpleNamespace(restart=lambda name=name: asked.append(name), close=int)
        for name in ("line1", "line2")
    }
    gateway.lines.ports = ports
    for name in ("line2", "line7"):
        gateway._take(RestartLine(name))
    gateway.close()
    there.close()
    assert asked == ["line2"]
