"""The control socket: one question a line, one answer a line; nonsense gets a sentence, nobody
blocks.
"""

from __future__ import annotations

import contextlib
import json
import multiprocessing
import os
import queue
import select
import selectors
import socket
import stat
import struct
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from appliance.api import control_socket, protocol
from appliance.api.control_socket import REPLY_LIMIT, UNREAD_LIMIT
from appliance.calls import commands
from appliance.errors import OfficeError, StoreError, TechnicianError
from appliance.policy.text import SaidError
from appliance.service.command_table import state_of
from appliance.workers import faults
from tests.helpers.wire import raw, wish
from tests.helpers.words import both, pair

WAITING: queue.SimpleQueue[protocol.SendReply] = queue.SimpleQueue()
"""Whom the tests have yet to answer."""


def answer(question: dict[str, Any]) -> Any:
    """What call control would say; what takes long is said by another thread."""
    if question.get("ask") == "long":
        return WAITING.put
    if question.get("ask") == "in vain":
        return lambda tell: tell(StoreError("the disk is full"))
    if question.get("ask") == "not now":
        raise SaidError(pair("non ora", "not now"))
    if question.get("ask") == "much":
        return raw({"said": "x" * int(question["bytes"])})
    if question.get("ask") == "fault":
        raise KeyError("unit")
    if question.get("ask") == "odd":
        return raw({"said": {1, 2}})
    if question.get("ask") == "late fault":
        return lambda _: [][0]
    if question.get("ask") == "no":
        raise OfficeError("that cannot be")
    return raw({"said": question["ask"]})


@pytest.fixture
def path(tmp_path: Path) -> Iterator[Path]:
    """A control socket served by a thread of its own."""
    selector = selectors.DefaultSelector()
    made = control_socket.ControlSocket(tmp_path / "run" / "desk.sock", selector, answer)
    stopping = threading.Event()

    def serve() -> None:
        while not stopping.is_set():
            for key, _ in selector.select(0.05):
                key.data()

    thread = threading.Thread(target=serve)
    thread.start()
    yield tmp_path / "run" / "desk.sock"
    stopping.set()
    thread.join()
    made.close()


def test_a_question_is_answered(path: Path) -> None:
    """The command asks, call control answers."""
    assert protocol.ask(path, {"ask": "hello"}) == {"ok": True, "said": "hello"}


def test_an_answer_that_takes_long_keeps_nobody_waiting(path: Path) -> None:
    """What the disk must answer is answered when it can be; others are served meanwhile."""
    with socket.socket(socket.AF_UNIX) as visitor:
        visitor.connect(str(path))
        visitor.sendall(b'{"ask": "long"}\n')
        assert protocol.ask(path, {"ask": "hello"})["said"] == "hello"
        visitor.setblocking(False)
        with pytest.raises(BlockingIOError):
            visitor.recv(1)
        visitor.settimeout(5)
        WAITING.get(timeout=5)(raw({"said": "at last"}))
        assert json.loads(visitor.makefile("rb").readline()) == {"ok": True, "said": "at last"}


def test_a_visitor_who_leaves_harms_nobody(path: Path) -> None:
    """An answer that nobody waits for any more is dropped."""
    with pytest.raises(OfficeError):
        protocol.ask(path, {"ask": "long"}, 0.05)
    tell = WAITING.get(timeout=5)
    assert protocol.ask(path, {"ask": "hello"})["ok"]
    tell(raw({"said": "too late"}))
    assert protocol.ask(path, {"ask": "hello"})["ok"]


def test_a_failure_that_comes_late_is_told_in_a_sentence(path: Path) -> None:
    """The store's own error reaches who asked."""
    with pytest.raises(OfficeError, match="the disk is full"):
        protocol.ask(path, {"ask": "in vain"})


def test_a_refusal_in_both_languages_is_told_in_both(path: Path) -> None:
    """Who shows it chooses the reader's language; the command line has the English sentence."""
    with socket.socket(socket.AF_UNIX) as visitor:
        visitor.connect(str(path))
        visitor.sendall(b'{"ask": "not now"}\n')
        told = json.loads(visitor.makefile("rb").readline())
    assert told == {"ok": False, "error": "not now", "said": both("non ora", "not now")}


def test_the_control_socket_is_for_the_service_account_only(path: Path) -> None:
    """Others on the box cannot ask."""
    assert stat.S_IMODE(path.stat().st_mode) == 0o660


def test_what_cannot_be_asked_is_refused_in_a_sentence(path: Path) -> None:
    """Call control's own refusal comes back as an OfficeError."""
    with pytest.raises(OfficeError, match="that cannot be"):
        protocol.ask(path, {"ask": "no"})


@pytest.mark.parametrize(
    "nonsense",
    [
        b"{",
        b"[1]",
        b"\xff\xfe",
        b'{"ask": 1}'[:-1] + b"]",
        b"[" * 15_000,  # deeper than any parser follows
        b'{"ask": "hello", "note": "\\ud800"}',  # half a character: no file or database takes it
    ],
)
def test_nonsense_gets_an_answer_and_leaves_the_control_socket_open(
    path: Path, nonsense: bytes
) -> None:
    """A broken client harms nobody."""
    with socket.socket(socket.AF_UNIX) as visitor:
        visitor.connect(str(path))
        visitor.sendall(nonsense + b"\n")
        said = json.loads(visitor.makefile("rb").readline())
    assert said["ok"] is False
    assert protocol.ask(path, {"ask": "hello"})["said"] == "hello"


def test_an_endless_line_is_cut_off(path: Path) -> None:
    """Memory is bounded."""
    with socket.socket(socket.AF_UNIX) as visitor:
        visitor.settimeout(5)
        visitor.connect(str(path))
        with pytest.raises((BrokenPipeError, ConnectionResetError)):
            visitor.sendall(b"x" * 1_000_000)
    assert protocol.ask(path, {"ask": "hello"})["ok"]


def test_call_control_that_is_not_there_is_said_so(tmp_path: Path) -> None:
    """One sentence, and what to look at."""
    with pytest.raises(OfficeError, match="is centralino running"):
        protocol.ask(tmp_path / "none.sock", {"ask": "status"})


def test_a_place_where_no_socket_can_be_is_said_so(tmp_path: Path) -> None:
    """The technician learns which folder."""
    long = tmp_path / ("x" * 120) / "desk.sock"
    with pytest.raises(TechnicianError, match="cannot listen"):
        control_socket.ControlSocket(long, selectors.DefaultSelector(), answer)


def test_requests_are_read_with_their_end() -> None:
    """What a person asks becomes one of calls.requests."""
    until = "2026-11-25T11:00:00+00:00"
    asked = state_of(wish({"ask": "SetAllAbsent", "on": True, "by": "anna", "until": until}))
    end = datetime(2026, 11, 25, 11, tzinfo=UTC)
    assert asked == commands.SetAllAbsent(on=True, by="anna", until=end)


@pytest.mark.parametrize(
    "question",
    [
        {"ask": "SetClosed", "on": True},
        {"ask": "SetClosed", "by": "x"},
        {"ask": "SetClosed", "on": "yes", "by": "x"},
        {"ask": "SetClosed", "on": True, "by": "x", "until": "tomorrow"},
        {"ask": "SetClosed", "on": True, "by": "x", "until": "2026-11-25T11:00:00"},
        {"ask": "SetClosed", "on": True, "by": "x", "until": "9999-12-31T23:59:59-14:00"},
        {"ask": "SetClosed", "on": True, "by": "x", "until": 5},
    ],
)
def test_a_request_with_something_missing_is_refused(question: dict[str, Any]) -> Any:
    """Nothing is guessed."""
    with pytest.raises(OfficeError):
        wish(question)


MUCH = REPLY_LIMIT - 100


def test_a_long_answer_arrives_whole(path: Path) -> None:
    """Of four megabytes no byte is missing, though a socket holds but a twentieth of them."""
    assert protocol.ask(path, {"ask": "much", "bytes": MUCH})["said"] == "x" * MUCH


def test_an_answer_that_is_too_long_is_refused_in_a_sentence(path: Path) -> None:
    """What no reader would take is not sent in part."""
    with pytest.raises(OfficeError, match="ask for less"):
        protocol.ask(path, {"ask": "much", "bytes": 5_000_000})


def test_who_does_not_read_keeps_nobody_waiting(path: Path) -> None:
    """Others are served meanwhile; what was asked first is still whole when it is read."""
    with socket.socket(socket.AF_UNIX) as visitor:
        visitor.settimeout(5)
        visitor.connect(str(path))
        visitor.sendall(json.dumps({"ask": "much", "bytes": MUCH}).encode() + b"\n")
        assert visitor.recv(1, socket.MSG_PEEK)  # it has begun
        assert protocol.ask(path, {"ask": "hello"})["said"] == "hello"
        visitor.sendall(b'{"ask": "hello"}\n')  # heard once the first answer is out
        reader = visitor.makefile("rb")
        assert len(json.loads(reader.readline())["said"]) == MUCH
        assert json.loads(reader.readline())["said"] == "hello"


def test_who_asks_for_ever_and_reads_nothing_is_let_go(path: Path) -> None:
    """Memory is bounded: two of the longest answers."""
    much = json.dumps({"ask": "much", "bytes": MUCH}).encode() + b"\n"
    with socket.socket(socket.AF_UNIX) as visitor:
        visitor.settimeout(5)
        visitor.connect(str(path))
        visitor.sendall(much * 4)
        gone = select.poll()
        gone.register(visitor, 0)
        assert gone.poll(20_000) == [(visitor.fileno(), select.POLLHUP)]
        heard = b""
        with contextlib.suppress(ConnectionResetError):
            while piece := visitor.recv(1 << 20):
                heard += piece
    assert len(heard) < UNREAD_LIMIT
    assert protocol.ask(path, {"ask": "hello"})["ok"]


def test_who_has_stalled_makes_room_for_others(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A full house of visitors who do not read locks nobody out."""
    monkeypatch.setattr(control_socket, "STALLED_S", 0.0)
    much = json.dumps({"ask": "much", "bytes": MUCH}).encode() + b"\n"
    with contextlib.ExitStack() as stack:
        for _ in range(control_socket.SESSIONS):
            visitor = stack.enter_context(socket.socket(socket.AF_UNIX))
            visitor.settimeout(5)
            visitor.connect(str(path))
            visitor.sendall(much)
            assert visitor.recv(1, socket.MSG_PEEK)
        assert protocol.ask(path, {"ask": "hello"})["said"] == "hello"


def test_another_account_is_taken_for_the_consoles() -> None:
    """Whoever is neither call control's own account nor the administrator must name a person."""
    for account, is_asked in ((0, False), (os.geteuid(), False), (4321, True)):
        credentials = struct.pack("3i", os.getpid(), account, account)
        visitor: Any = SimpleNamespace(getsockopt=lambda *_, told=credentials: told)
        assert control_socket.is_of_console(visitor) is is_asked


def test_who_has_ended_is_taken_for_the_consoles() -> None:
    """Nothing is done for somebody who cannot be known; whoever is here is known."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        assert not control_socket.is_of_console(ours)
        gone = multiprocessing.get_context("fork").Process(target=lambda: None)
        gone.start()
        gone.join()
        credentials = struct.pack("3i", gone.pid, 0, 0)
        ended: Any = SimpleNamespace(getsockopt=lambda *_: credentials)
        assert control_socket.is_of_console(ended)


@pytest.mark.parametrize("ask", ["fault", "odd", "late fault"])
def test_a_fault_of_ours_ends_one_answer_and_nothing_else(path: Path, ask: str) -> None:
    """A forgotten case of a command: the asker hears it in both languages, call control goes on."""
    before = sum(faults.by_thread().values())
    with socket.socket(socket.AF_UNIX) as visitor:
        visitor.settimeout(5)
        visitor.connect(str(path))
        visitor.sendall(json.dumps({"ask": ask}).encode() + b"\n")
        told = json.loads(visitor.makefile("rb").readline())
        assert not told["ok"]
        assert "errore del programma" in told["said"]["it"]
        assert "fault in the programme" in told["said"]["en"]
        visitor.sendall(b'{"ask": "hello"}\n')
        assert json.loads(visitor.makefile("rb").readline()) == {"ok": True, "said": "hello"}
    assert sum(faults.by_thread().values()) == before + 1
    assert protocol.ask(path, {"ask": "hello"})["ok"]
