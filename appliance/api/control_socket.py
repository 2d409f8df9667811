"""The control socket's server: sessions, authorisation, deferred replies, the status feed.

A UNIX socket on which the console and the command line send commands (api.protocol). The deciding
thread serves it and never blocks on it: a reply that needs the disk comes from the database thread,
and a reply that the peer does not read yet is buffered here, up to UNREAD_LIMIT.
{"ask": "watch"} subscribes a session to the status. The console names the logged-in user in each
command, and `AccessCheck` checks that user's permissions.
"""

from __future__ import annotations

import contextlib
import functools
import json
import logging
import os
import selectors
import socket
import time
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, Protocol

from appliance.api import codec, replies
from appliance.api.protocol import DeferredReply, Reply, error_reply, parse_line
from appliance.deadlines import is_due
from appliance.errors import Bug, CentralinoError, OfficeError
from appliance.media.link import peer_of
from appliance.policy.text import Refused, SaidError, os_error_words, technical_words
from appliance.text import _
from appliance.workers import one_job

log = logging.getLogger(__name__)

# Bytes of the longest command; a longer one closes the session.
LINE_LIMIT = 16_384
# The console reads no longer line (console/desk_client.py).
# Bytes of the longest reply; a longer one is replaced by an error.
REPLY_LIMIT: Final = 4_000_000
# Bytes of unread replies that a session may have; with more it is closed.
UNREAD_LIMIT: Final = 2 * REPLY_LIMIT
# Without this, peers that stop reading could hold all SESSIONS and lock everybody out.
STALLED_S: Final = 10.0
"""Seconds without reading a pending reply, after which a session may be closed for a new one."""
# Concurrent sessions; one more is closed at once.
SESSIONS = 16
# The console is one; the others are for a person at a terminal.
WATCHERS: Final = 4
"""Concurrent sessions that watch the status."""
# Changes within one gap go out together.
GAP_S: Final = 0.05
"""Seconds at least between two status lines."""
# A watcher that hears nothing for longer knows that call control is gone.
HEARTBEAT_S: Final = 10.0
"""Seconds after which an unchanged status is sent again."""
WATCH = "watch"
# Field of the logged-in user in the console's commands, "" for nobody; a shell sends none.
PERSON: Final = "person"
CONSOLE_UNIT: Final = "/centralino-console.service"
TOO_MUCH: Final = _("the answer is too long: ask for less at once")


class AccessCheck(Protocol):
    """Checks permissions of commands; called in the deciding thread, except `then`."""

    def check(self, command: dict[str, Any], person: str) -> None:
        """Raise Refused for a command that the person may not send."""

    def read_anew(self, then: Callable[[], None]) -> None:
        """Read the users again from the database, then call `then`, from any thread."""


class ControlSocket:
    """Listens on `path` and calls `answer` in the deciding thread with each command.

    `watchers` sends the status to watching sessions whenever it changes (`tell_watchers`); without
    it a watching session gets {"ok": true} only. `access` checks each command of the console; None
    allows all.
    """

    def __init__(
        self,
        path: Path,
        selector: selectors.BaseSelector,
        answer: Callable[[dict[str, Any]], Reply | DeferredReply],
        watchers: Watchers | None = None,
        access: AccessCheck | None = None,
    ) -> None:
        self._selector = selector
        self._answer = answer
        self._watchers = watchers or Watchers(replies.Done)
        self._access = access
        self._sessions: dict[socket.socket, ControlSession] = {}
        self._path = path
        self._socket = _listen(path)
        self._callbacks = CallbackQueue()
        selector.register(self._socket, selectors.EVENT_READ, self._accept)
        selector.register(self._callbacks, selectors.EVENT_READ, self._callbacks.run)

    def close(self) -> None:
        """Stop listening and end every session."""
        for session in list(self._sessions.values()):
            self._end(session)
        for registered in (self._socket, self._callbacks):
            self._selector.unregister(registered)
            registered.close()
        self._path.unlink(missing_ok=True)

    def tell_watchers(self, now: float) -> None:
        """Send the status where it is due (`now` in monotonic s); never waits."""
        for watcher in self._watchers.due(now):
            self._end(self._sessions[watcher])

    def _accept(self) -> None:
        with contextlib.suppress(BlockingIOError):
            accepted, _ = self._socket.accept()
            # Close stalled sessions only when there is no room: a slow reader may still recover.
            if len(self._sessions) >= SESSIONS:
                self._end_stalled()
            if len(self._sessions) >= SESSIONS:
                accepted.close()
                return
            accepted.setblocking(False)
            session = self._sessions[accepted] = ControlSession(accepted)
            self._selector.register(accepted, selectors.EVENT_READ, lambda: self._receive(session))

    def _end_stalled(self) -> None:
        for session in [each for each in self._sessions.values() if each.has_stalled()]:
            self._end(session)

    def _receive(self, session: ControlSession) -> None:
        lines = session.receive(LINE_LIMIT)
        if lines is None:
            self._end(session)
            return
        for line in lines:
            self._answer_or_fail(session, functools.partial(self._handle_line, session, line))
        # Replies that are ready go out now, without another turn of the selector.
        self._callbacks.run()

    def _answer_or_fail(self, session: ControlSession, job: Callable[[], None]) -> None:
        """Handle a command; an error goes to its own session and leaves the others alone."""
        try:
            with one_job(ValueError):
                job()
        except (CentralinoError, ValueError) as error:
            self._reply(session, error)

    def _handle_line(self, session: ControlSession, line: bytes) -> None:
        command = parse_line(line)
        # The console cannot pass as a shell by leaving the field out: its unit is recognised too.
        person = command.pop(PERSON, None)
        if person is not None or is_of_console(session.socket):
            self._authorise(session, command, str(person or ""))
        else:
            self._execute(session, command)

    def _authorise(self, session: ControlSession, command: dict[str, Any], person: str) -> None:
        access = self._access
        if access is None:
            self._execute(session, command)
            return

        def authorised() -> None:
            access.check(command, person)
            self._execute(session, command)

        try:
            access.check(command, person)
        except Refused:
            # The user or the role may have been added just now: read the users again, then decide.
            again = functools.partial(self._answer_or_fail, session, authorised)
            access.read_anew(lambda: self._callbacks.put(again))
            return
        self._execute(session, command)

    def _execute(self, session: ControlSession, command: dict[str, Any]) -> None:
        """Execute a command; reply now, or later if deferred. Raises the errors of its handler."""
        if command.get("ask") == WATCH:
            # A watcher's status lines are sent whole or not at all, past the session's buffer: with
            # an unsent reply they would mix.
            first = self._watchers.join(session.socket)
            if not session.has_read_all or not send_whole(session.socket, first):
                self._end(session)
            return
        answer = self._answer(command)
        if callable(answer):
            answer(lambda reply: self._reply(session, reply))
        else:
            self._reply(session, answer)

    def _reply(self, session: ControlSession, reply: Reply | Exception) -> None:
        """Encode a reply in the calling thread and queue it for the deciding thread to send."""
        # Encoding up to 4 MB takes time that the deciding thread must not spend.
        line = _encoded(reply)
        self._callbacks.put(lambda: self._send(session, line))

    def _send(self, session: ControlSession, line: bytes) -> None:
        # A deferred reply may come after its session has ended.
        if session.socket in self._sessions:
            self._wait_for(session, stays=session.send(line))

    def _wait_for(self, session: ControlSession, *, stays: bool) -> None:
        """Wait for the next command or for room in the socket; close a watcher that lags."""
        if not stays or not (session.has_read_all or not self._watchers.has(session.socket)):
            self._end(session)
        elif session.has_read_all:
            what = selectors.EVENT_READ
            self._selector.modify(session.socket, what, lambda: self._receive(session))
        else:
            what = selectors.EVENT_WRITE
            self._selector.modify(
                session.socket, what, lambda: self._wait_for(session, stays=session.send_unsent())
            )

    def _end(self, session: ControlSession) -> None:
        if self._sessions.pop(session.socket, None) is not None:
            self._selector.unregister(session.socket)
            self._watchers.leave(session.socket)
            session.socket.close()


class ControlSession:
    """One connection with its partial input line and its unsent replies; never blocks."""

    def __init__(self, connection: socket.socket) -> None:
        self.socket = connection
        self._received = b""
        self._unsent = bytearray()
        self._moved_at = 0.0

    @property
    def has_read_all(self) -> bool:
        """True once all replies are sent; until then no further command is read."""
        return not self._unsent

    def receive(self, limit: int) -> list[bytes] | None:
        """Return the complete lines received; None if the peer closed or sent too long a line."""
        try:
            data = self.socket.recv(limit)
        except BlockingIOError:
            return []
        except OSError:
            return None
        *lines, self._received = (self._received + data).split(b"\n")
        return lines if data and len(self._received) <= limit else None

    def send(self, line: bytes) -> bool:
        """Send a line and buffer the rest; False if the session must be closed."""
        # The stall clock starts with the first pending byte, not with the last one sent.
        if not self._unsent:
            self._moved_at = time.monotonic()
        self._unsent += line
        return len(self._unsent) <= UNREAD_LIMIT and self.send_unsent()

    def send_unsent(self) -> bool:
        """Send as much as fits; False if the peer has closed."""
        try:
            while self._unsent:
                del self._unsent[: self.socket.send(self._unsent)]
                self._moved_at = time.monotonic()
        except BlockingIOError:
            return True
        except OSError:
            return False
        return True

    def has_stalled(self) -> bool:
        """True if a pending reply was not read for STALLED_S."""
        return bool(self._unsent) and time.monotonic() - self._moved_at > STALLED_S


class Watchers:
    """Sessions that watch the status, which `render` returns; in the deciding thread only.

    One line is encoded for all of them, when the status has changed or a heartbeat is due.
    """

    def __init__(self, render: Callable[[], Reply]) -> None:
        self._render = render
        self._sockets: list[socket.socket] = []
        self._sent_at = 0.0
        self._changed = False

    def join(self, watcher: socket.socket) -> bytes:
        """Add a session and return its first line; raises OfficeError beyond WATCHERS."""
        if len(self._sockets) >= WATCHERS:
            raise OfficeError(f"{WATCHERS} are watching already: ask for the status instead")
        line = self._line()
        if watcher not in self._sockets:
            self._sockets.append(watcher)
        return line

    def leave(self, watcher: socket.socket) -> None:
        """Remove a session if it watches."""
        if watcher in self._sockets:
            self._sockets.remove(watcher)

    def has(self, watcher: socket.socket) -> bool:
        """True if a session watches."""
        return watcher in self._sockets

    def changed(self) -> None:
        """Mark the status as changed; the next `due` sends it."""
        self._changed = True

    def next_deadline(self) -> float | None:
        """Return the monotonic second at which `due` has something to send, None for never."""
        if not self._sockets:
            return None
        return self._sent_at + (GAP_S if self._changed else HEARTBEAT_S)

    def due(self, now: float) -> tuple[socket.socket, ...]:
        """Send the status if due at `now` (monotonic s); return the sessions that lag."""
        if not is_due(self.next_deadline(), now):
            return ()
        self._sent_at, self._changed = now, False
        line = self._line()
        return tuple(watcher for watcher in self._sockets if not send_whole(watcher, line))

    def _line(self) -> bytes:
        return _line_of(self._render())


class CallbackQueue:
    """Callbacks for the deciding thread: `put` from any thread, `run` in that one, in order.

    `fileno` is readable while a callback is pending, which wakes the selector.
    """

    def __init__(self) -> None:
        self._waiting: deque[Callable[[], None]] = deque()
        self._reader, self._writer = socket.socketpair()
        self._reader.setblocking(False)
        self._writer.setblocking(False)

    def fileno(self) -> int:
        """Return the descriptor that is readable while a callback waits."""
        return self._reader.fileno()

    def put(self, callback: Callable[[], None]) -> None:
        """Queue a callback; never blocks, no effect after `close`."""
        self._waiting.append(callback)
        # A full socket has woken the selector already; a closed one has no reader.
        with contextlib.suppress(OSError):
            self._writer.send(b"x")

    def run(self) -> None:
        """Run all callbacks, oldest first; a failing one is reported, the others still run."""
        with contextlib.suppress(BlockingIOError):
            while self._reader.recv(4096):
                pass
        while self._waiting:
            try:
                with one_job():
                    self._waiting.popleft()()
            # `one_job` has reported it.
            except Bug:
                continue
            except CentralinoError as error:
                log.warning("a callback failed: %s", error)

    def close(self) -> None:
        """Close the pair of sockets."""
        self._reader.close()
        self._writer.close()


def is_of_console(connection: socket.socket) -> bool:
    """True if a peer must name a user: every account except call control's own and root's.

    A peer whose process has ended counts as the console, for which nothing is done without a known
    user.
    """
    peer = peer_of(connection)
    if peer.account not in {0, os.geteuid()}:
        return True
    # The console may run in this same account: its unit's cgroup tells it apart, and a process
    # cannot leave its cgroup by itself (cgroups(7)).
    try:
        return CONSOLE_UNIT in Path(f"/proc/{peer.process}/cgroup").read_text(encoding="utf-8")
    except OSError:
        return True


def send_whole(watcher: socket.socket, line: bytes) -> bool:
    """Send a line without waiting; False if it does not fit whole or the peer has closed."""
    try:
        return watcher.send(line) == len(line)
    except OSError:
        return False


def _encoded(reply: Reply | Exception) -> bytes:
    """Encode a reply as one JSON line; one longer than REPLY_LIMIT becomes an error."""
    # A reply with a value that JSON lacks is our fault; the peer gets an error, not silence.
    try:
        with one_job():
            line = _line_of(reply)
    except Bug as error:
        return _encoded(error)
    return line if len(line) <= REPLY_LIMIT else _encoded(SaidError(TOO_MUCH))


def _line_of(reply: Reply | Exception) -> bytes:
    if isinstance(reply, Exception):
        fields = error_reply(reply)
    else:
        fields = {"ok": True, **codec.to_json(reply)}
    return json.dumps(fields).encode() + b"\n"


def _listen(path: Path) -> socket.socket:
    path.parent.mkdir(parents=True, exist_ok=True)
    # A killed predecessor leaves its socket file, and bind(2) refuses an existing name.
    path.unlink(missing_ok=True)
    listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        listening.bind(str(path))
    except OSError as error:
        raise Refused(
            _(
                "the service cannot listen on {path}: {error}",
                path=path,
                error=technical_words(error, os_error_words(error)),
            ),
        ) from error
    # The file's mode is the shell's permission: the service's account and the administrator's
    # group, nobody else (api/protocol.py).
    path.chmod(0o660)
    listening.listen(SESSIONS)
    listening.setblocking(False)
    return listening
