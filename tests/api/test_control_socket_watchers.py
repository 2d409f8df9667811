"""Whoever watches at the control socket is told of every change, soon, once for all; nobody is
waited for.
"""

from __future__ import annotations

import json
import selectors
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from appliance.api.control_socket import GAP_S, HEARTBEAT_S, WATCHERS, ControlSocket, Watchers
from appliance.api.replies import Done
from appliance.errors import OfficeError


class CallControlStub:
    """What is watched: counts how often it was rendered."""

    def __init__(self) -> None:
        self.rendered = 0
        self.ballast = ""

    def __call__(self) -> Any:
        """Render it."""
        self.rendered += 1
        return {"status": {"calls": self.rendered, "ballast": self.ballast}}


@pytest.fixture
def control() -> CallControlStub:
    """Call control of which nothing was told yet."""
    return CallControlStub()


def pair() -> tuple[socket.socket, socket.socket]:
    """Make call control's end and the visitor's end of a visit."""
    ours, theirs = socket.socketpair()
    ours.setblocking(False)
    theirs.settimeout(5)
    return ours, theirs


def heard(visitor: socket.socket) -> list[int]:
    """Return which renderings have come."""
    lines = visitor.recv(1_000_000).splitlines()
    return [json.loads(line)["status"]["calls"] for line in lines]


def test_a_change_is_told_at_once_and_the_next_one_not_before_its_time(
    control: CallControlStub,
) -> None:
    """Changes within 50 ms are told together, in one line."""
    watching, (ours, theirs) = Watchers(control), pair()
    watching.join(ours)
    watching.changed()
    assert watching.due(100.0) == ()
    assert heard(theirs) == [2]
    watching.changed()
    watching.changed()
    assert watching.next_deadline() == pytest.approx(100.0 + GAP_S)
    watching.due(100.0 + GAP_S / 2)
    assert control.rendered == 2
    watching.due(100.1)
    assert heard(theirs) == [3]
    assert watching.next_deadline() == 100.1 + HEARTBEAT_S


def test_when_nothing_changes_it_is_told_that_call_control_is_there(
    control: CallControlStub,
) -> None:
    """A watcher who hears nothing for longer knows that call control is gone."""
    watching, (ours, theirs) = Watchers(control), pair()
    watching.join(ours)
    watching.due(100.0)
    assert watching.next_deadline() == 100.0 + HEARTBEAT_S
    watching.due(100.0 + HEARTBEAT_S)
    assert heard(theirs) == [2, 3]


def test_it_is_rendered_once_for_all_and_for_nobody_not_at_all(control: CallControlStub) -> None:
    """Watching costs call control the same for one and for four, and nothing for none."""
    watching = Watchers(control)
    watching.changed()
    assert watching.next_deadline() is None
    assert watching.due(100.0) == ()
    assert control.rendered == 0
    visits = [pair() for _ in range(WATCHERS)]
    for ours, _ in visits:
        watching.join(ours)
    assert control.rendered == WATCHERS  # each one's first line
    watching.due(100.0)
    assert control.rendered == WATCHERS + 1
    assert [heard(theirs) for _, theirs in visits] == [[WATCHERS + 1]] * WATCHERS


def test_more_watchers_than_there_is_room_for_are_told_so(control: CallControlStub) -> None:
    """Call control's work has a bound."""
    watching = Watchers(control)
    visits = [pair() for _ in range(WATCHERS + 1)]
    for ours, _ in visits[:WATCHERS]:
        watching.join(ours)
    with pytest.raises(OfficeError, match="watching already"):
        watching.join(visits[-1][0])
    watching.leave(visits[0][0])
    assert b'"ok": true' in watching.join(visits[-1][0])


def test_who_does_not_read_is_named_once_no_more_fits(control: CallControlStub) -> None:
    """Call control waits for nobody: such a visitor is let go."""
    watching, (ours, theirs) = Watchers(control), pair()
    other, reader = pair()
    watching.join(ours)
    watching.join(other)
    control.ballast = "x" * 20_000
    for turn in range(1, 100):
        watching.changed()
        stuck = watching.due(100.0 * turn)
        assert heard(reader) == [turn + 2]
        if stuck:
            break
    assert stuck == (ours,)
    theirs.close()


def test_who_got_half_a_line_is_let_go(control: CallControlStub) -> None:
    """What came after it could not be read."""
    watching, (ours, theirs) = Watchers(control), pair()
    watching.join(ours)
    control.ballast = "x" * 5_000_000
    assert watching.due(100.0) == (ours,)
    theirs.close()


@pytest.fixture
def visit(
    tmp_path: Path, control: CallControlStub
) -> Iterator[tuple[ControlSocket, socket.socket, Any]]:
    """A visitor who watches at a control socket; the last thing turns the control socket once."""
    selector = selectors.DefaultSelector()
    watching = Watchers(control)
    path = tmp_path / "desk.sock"
    served = ControlSocket(path, selector, lambda _: Done(), watching)

    def turn(change: bool = False, now: float = 1.0) -> None:
        for key, _ in selector.select(0):
            key.data()
        if change:
            watching.changed()
        served.tell_watchers(now)

    with socket.socket(socket.AF_UNIX) as visitor:
        visitor.settimeout(5)
        visitor.connect(str(path))
        visitor.sendall(b'{"ask": "watch"}\n')
        turn(now=0.0)
        turn(now=0.0)
        yield served, visitor, turn
    served.close()


def test_watching_is_asked_for_at_the_control_socket(
    visit: tuple[ControlSocket, socket.socket, Any],
) -> None:
    """The connection stays; the state comes first, then every change."""
    _, visitor, turn = visit
    assert heard(visitor) == [1]
    turn(change=True)
    assert heard(visitor) == [2]


def test_a_watcher_who_does_not_read_is_shown_out(
    visit: tuple[ControlSocket, socket.socket, Any], control: CallControlStub
) -> None:
    """It comes again when it reads again; meanwhile it costs nothing."""
    _, visitor, turn = visit
    control.ballast = "x" * 20_000
    for now in range(1, 100):
        turn(change=True, now=float(now))
    told, rendered = b"", control.rendered
    while piece := visitor.recv(1_000_000):
        told += piece
    assert len(told) < 99 * 20_000
    turn(change=True, now=200.0)
    assert control.rendered == rendered


def test_a_watcher_who_leaves_is_forgotten(
    visit: tuple[ControlSocket, socket.socket, Any], control: CallControlStub
) -> None:
    """Nothing is rendered for who has gone."""
    _, visitor, turn = visit
    visitor.close()
    turn()
    rendered = control.rendered
    turn(change=True, now=50.0)
    assert control.rendered == rendered
