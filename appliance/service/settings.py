"""Settings commands of call control, carried out by a child process or by root's helper.

Call control loads nothing of it. A child (`centralino box settings serve`) judges and, where this
account may write the configuration's file, writes; else, as on an installed box, each act that
writes is a request in /run that root's helper (`centralino box settings set --asked`) takes and
answers. A request holds changes by the names of settings and never a text or a path.
"""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import selectors
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any, Final

from appliance.api.codec import from_json, to_json
from appliance.api.protocol import (
    CommandHandlers,
    DeferredReply,
    Reply,
    SendReply,
    check_may,
    command,
    declined,
    deferred,
    error_reply,
    form_declined,
    refusing,
)
from appliance.api.replies import Declined, Done
from appliance.api.technician_commands import (
    ChangeSettings,
    ConfirmSettings,
    ListSettings,
    ListSettingsHistory,
    PreviewSettings,
    ReportSettings,
    UndoSettings,
)
from appliance.api.technician_replies import (
    SettingsDone,
    SettingsHistoryReply,
    SettingsListReply,
    SettingsPreview,
)
from appliance.config.settings_trial import BY_ITSELF, FOLDER, digest_of, load_trial
from appliance.errors import CentralinoError, OfficeError
from appliance.files import READABLE, atomic_write, load_text, open_plain
from appliance.policy.text import Refused, SaidError
from appliance.policy.users import Permission
from appliance.store import database
from appliance.store.database import Noted, transaction
from appliance.text import _, stored

if TYPE_CHECKING:
    import sqlite3

    from appliance.api.call_control import StoreAccess
    from appliance.policy.clock import Now

REQUEST: Final = "settings-asked"
ANSWER: Final = "answer"
LARGEST: Final = 200_000
"""Bytes of a request or an answer."""
ANSWER_LIMIT_S: Final = 60.0
AGAIN_S: Final = 60.0
"""Seconds until an undoing that failed is tried again."""
IDLE_S: Final = 300.0
"""Seconds after its last answer for which the child stays."""
# Calls go first.
NICENESS: Final = 10
CODES: Final = {
    "apply": "settings.apply",
    "restore": "settings.undo",
    "confirm": "settings.confirm",
    "recover": "settings.lapse",
}
"""Audit codes by act that writes."""
CALL_CONTROL: Final = "call_control"
KINDS: Final[dict[str, type[Reply]]] = {
    kind.__name__: kind
    for kind in (SettingsDone, SettingsListReply, SettingsPreview, SettingsHistoryReply, Declined)
}
NO_FILE: Final = _("the configuration file is not known: use the command line")
NO_ANSWER: Final = _(
    "the change was not taken up: look at centralino-helper@settings.service, then try again"
)
BROKEN: Final = _("what reads the settings has ended: try again")
BUSY: Final = _("settings are being read already: try again in a moment")


@dataclass(frozen=True, slots=True)
class SettingsRequest:
    """An act: list, preview (`changes`), history, apply (`changes` of revision `base`), restore
    (the text before `number`), confirm, recover (undo a trial that is over).
    """

    act: str
    by: str
    # May hold a password: never printed.
    changes: Any = field(default_factory=list, repr=False)
    base: str = ""
    is_trial: bool | None = None
    number: int = 0
    id: str = field(default_factory=lambda: secrets.token_hex(8))


def needs(done: SettingsDone, effect: str) -> bool:
    """Return whether an act has such an effect."""
    return any(one.effect == effect for one in done.effects)


# ---- answers as JSON -----------------------------------------------------------------------------


def answer_text(asked: SettingsRequest, answer: Reply | CentralinoError) -> str:
    """Write the answer to a request on one line."""
    if isinstance(answer, CentralinoError):
        answer = form_declined(answer)
    told = error_reply(answer) if isinstance(answer, CentralinoError) else to_json(answer)
    return json.dumps({"id": asked.id, "kind": type(answer).__name__, "reply": told})


def answer_of(text: str) -> tuple[str, Reply | CentralinoError] | None:
    """Read an answer with the id of its request; None if malformed."""
    try:
        told = json.loads(text)
        kind = KINDS.get(told["kind"])
        if kind is not None:
            return told["id"], from_json(kind, told["reply"])
        said = told["reply"].get("said")
        error = SaidError(stored(said)) if said else OfficeError(told["reply"]["error"])
    except (ValueError, LookupError, TypeError, AttributeError):
        return None
    return told["id"], error


# ---- requests to root's helper -------------------------------------------------------------------


def request_path(run: Path) -> Path:
    """Return the path of a request; systemd's centralino-request@settings.path watches it."""
    return run / REQUEST


def answer_path(run: Path) -> Path:
    """Return the path of the answer: beside the run folder, which root must not trust."""
    return run.with_name(f"{run.name}-settings") / ANSWER


def put_request(run: Path, asked: SettingsRequest) -> None:
    """Write a request; raises OSError."""
    # Not durable: /run is memory.
    atomic_write(request_path(run), json.dumps(asdict(asked)), is_durable=False)


def take_request(run: Path) -> SettingsRequest | None:
    """Remove and return a request; None if absent or malformed."""
    path = request_path(run)
    try:
        with open_plain(path) as file:
            return request_of(file.read(LARGEST))
    except OSError:
        return None
    finally:
        # Also after an error: a request is tried once.
        with contextlib.suppress(OSError):
            path.unlink()


def request_of(text: bytes | str) -> SettingsRequest | None:
    """Read a request; None if malformed."""
    try:
        return SettingsRequest(**json.loads(text))
    except (ValueError, TypeError):
        return None


def write_answer(run: Path, asked: SettingsRequest, answer: Reply | CentralinoError) -> None:
    """Write the answer to a request, readable by call control; raises OSError."""
    path = answer_path(run)
    path.parent.mkdir(mode=0o755, exist_ok=True)
    atomic_write(path, answer_text(asked, answer), mode=READABLE, is_durable=False)


def read_answer(run: Path, wanted: str) -> Reply | CentralinoError | None:
    """Return the answer to the request of that id; None as long as there is none."""
    found = answer_of(load_text(answer_path(run)))
    return found[1] if found and found[0] == wanted else None


# ---- the child -----------------------------------------------------------------------------------


class SettingsChild:
    """The child that reads and writes settings, started when one is asked for; never waited for."""

    def __init__(self, config: Path | None, selector: selectors.BaseSelector) -> None:
        self._config, self._selector = config, selector
        self._child: subprocess.Popen[bytes] | None = None
        self._read = bytearray()
        self._until, self._is_lost = 0.0, False

    def ask(self, asked: SettingsRequest) -> None:
        """Pass a request on; raises Refused, OSError."""
        child = self._child or self._started()
        assert child.stdin is not None
        line = f"{json.dumps(asdict(asked))}\n".encode()
        try:
            is_taken = os.write(child.stdin.fileno(), line) == len(line)
        except BlockingIOError:
            is_taken = False
        if not is_taken:
            # Less than a pipe takes at once: it has not read the last ones, and a part of a line
            # would spoil the next one.
            self.stop()
            self._is_lost = True
            raise Refused(BUSY)
        self._until = time.monotonic() + IDLE_S

    def answers(self) -> list[tuple[str, Reply | CentralinoError]]:
        """Return the answers that have come."""
        *lines, rest = bytes(self._read).split(b"\n")
        self._read[:] = rest
        found = (answer_of(line.decode("utf-8", "replace")) for line in lines)
        return [one for one in found if one is not None]

    def look(self) -> bool:
        """End a child that nobody needs; return whether one has ended that was needed."""
        child, is_lost = self._child, self._is_lost
        self._is_lost = False
        if child is None:
            return is_lost
        if child.poll() is not None:
            self._close(child)
            return True
        if time.monotonic() >= self._until:
            self.stop()
        return is_lost

    def stop(self) -> None:
        """End the child: its input ends, and so does it."""
        if self._child is not None:
            child = self._child
            self._close(child)
            # It writes files whole or not at all; one that is stopped takes no other signal.
            child.kill()
            child.wait()

    def _started(self) -> subprocess.Popen[bytes]:
        if self._config is None:
            raise Refused(NO_FILE)
        words = ("settings", "serve", "--config", str(self._config))
        child = subprocess.Popen(
            [sys.executable, "-m", "appliance", *words],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        assert child.stdin is not None
        assert child.stdout is not None
        os.setpriority(os.PRIO_PROCESS, child.pid, NICENESS)
        for pipe in (child.stdin, child.stdout):
            os.set_blocking(pipe.fileno(), False)
        # Wakes the loop, so that an answer is passed on at once.
        self._selector.register(child.stdout, selectors.EVENT_READ, self._readable)
        self._child = child
        return child

    def _readable(self) -> None:
        child = self._child
        if child is None or child.stdout is None or child.stdout.closed:
            return
        data = os.read(child.stdout.fileno(), 1 << 20)
        if data:
            self._read += data
        else:
            # Else the loop would turn without end until `look` finds that the child has ended.
            self._selector.unregister(child.stdout)
            child.stdout.close()

    def _close(self, child: subprocess.Popen[bytes]) -> None:
        self._child = None
        self._read.clear()
        assert child.stdin is not None
        assert child.stdout is not None
        child.stdin.close()
        if not child.stdout.closed:
            self._selector.unregister(child.stdout)
            child.stdout.close()


# ---- commands ------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Waiting:
    """A request that is not answered yet."""

    asked: SettingsRequest
    tell: SendReply
    until: float
    is_helpers: bool = False


@dataclass(slots=True)
class SettingsCommands(CommandHandlers):
    """Commands of the deciding thread; `started` is the revision that the service has read.

    `on_change` has the service read the file anew.
    """

    config: Path | None
    state: Path
    run: Path
    stores: StoreAccess
    now: Callable[[], Now]
    boot: str
    child: SettingsChild
    on_change: Callable[[], None] = lambda: None
    started: str = ""
    _known: str = ""
    _asked: SimpleQueue[tuple[SettingsRequest, SendReply]] = field(default_factory=SimpleQueue)
    _waiting: list[_Waiting] = field(default_factory=list)
    _open: set[object] = field(default_factory=set)
    _due_at: float = 0.0

    @property
    def is_busy(self) -> bool:
        """Whether somebody waits for an answer: a restart would lose it."""
        return bool(self._open)

    def start(self) -> None:
        """Find a trial that was left; undo it if it is over, else when it will be."""
        self.stores.records.do(lambda _: self._left(), lambda _: None)

    @command(ListSettings)
    def list_settings(self, asked: ListSettings) -> DeferredReply:
        """Return every setting that can be changed here, with its value in the file."""
        return self._read(SettingsRequest("list", asked.by))

    @command(PreviewSettings)
    def preview(self, asked: PreviewSettings) -> DeferredReply:
        """Return what changes would do, in words, and all their mistakes."""
        return self._read(SettingsRequest("preview", asked.by, list(asked.changes)))

    @command(ListSettingsHistory)
    def history(self, asked: ListSettingsHistory) -> DeferredReply:
        """Return the newest changes, without the texts."""
        return self._read(SettingsRequest("history", asked.by))

    @command(ChangeSettings)
    def apply(self, asked: ChangeSettings) -> DeferredReply:
        """Apply changes of revision `base`."""
        changes, is_trial = list(asked.changes), asked.trial or None
        return self._act(SettingsRequest("apply", asked.by, changes, asked.base, is_trial))

    @command(ConfirmSettings)
    def confirm(self, asked: ConfirmSettings) -> DeferredReply:
        """Keep the change that is on trial."""
        return self._act(SettingsRequest("confirm", asked.by))

    @command(UndoSettings)
    def undo(self, asked: UndoSettings) -> DeferredReply:
        """Put the file back to what it was before an entry of the history."""
        return self._act(SettingsRequest("restore", asked.by, number=asked.number))

    @command(ReportSettings)
    def changed(self, asked: ReportSettings) -> DeferredReply:
        """Audit what a command of the shell has done, and read the file anew."""
        if asked.act not in CODES:
            raise OfficeError(f"{asked.act!r} is no act")
        request = SettingsRequest(asked.act, asked.by)

        def job(connection: sqlite3.Connection) -> Reply:
            self._note(connection, request, asked.number)
            return Done()

        def reply(result: Reply | CentralinoError) -> Reply | CentralinoError:
            if asked.reads:
                self.on_change()
            return result

        return deferred(self.stores.records, refusing(job), reply)

    def look(self) -> None:
        """Pass requests and answers on; undo a trial that is over. In the deciding thread."""
        while not self._asked.empty():
            asked, tell = self._asked.get()
            try:
                self._pass_on(asked, tell)
            except (Refused, OSError) as error:
                words = getattr(error, "words", BROKEN)
                tell(Declined(words))
        answers = dict(self.child.answers())
        has_ended, at = self.child.look(), time.monotonic()
        for one in tuple(self._waiting):
            answer = answers.get(one.asked.id)
            if one.is_helpers:
                answer = read_answer(self.run, one.asked.id)
            if answer is None and (at >= one.until or (has_ended and not one.is_helpers)):
                answer = Declined(NO_ANSWER if one.is_helpers else BROKEN)
            if answer is not None:
                self._waiting.remove(one)
                self._ended(one, answer)
        if self._due_at and at >= self._due_at:
            # Tried again if it fails: `_left` ends it once the trial is gone.
            self._due_at = at + AGAIN_S
            self._asked.put((SettingsRequest("recover", BY_ITSELF), lambda _: None))

    def stop(self) -> None:
        """End the child."""
        self.child.stop()

    # ---- the steps -------------------------------------------------------------------------------

    def _read(self, asked: SettingsRequest) -> DeferredReply:
        return lambda tell: self._asked.put((asked, self._counted(tell)))

    def _act(self, asked: SettingsRequest) -> DeferredReply:
        """Check the permission in the database thread, then pass the request on."""

        def job(connection: sqlite3.Connection) -> None:
            check_may(connection, asked.by, Permission.TECHNICAL)

        def later(tell: SendReply) -> None:
            tell = self._counted(tell)

            def done(result: CentralinoError | None) -> None:
                if result is None:
                    self._asked.put((asked, tell))
                else:
                    tell(declined(result))

            self.stores.records.do(job, done)

        return later

    def _counted(self, tell: SendReply) -> SendReply:
        """Count a request until it is answered, in whichever thread."""
        mark = object()
        self._open.add(mark)

        def told(reply: Reply | CentralinoError) -> None:
            tell(reply)
            self._open.discard(mark)

        return told

    def _pass_on(self, asked: SettingsRequest, tell: SendReply) -> None:
        """Give a request to whoever may do it; raises Refused, OSError."""
        if self.config is None:
            raise Refused(NO_FILE)
        is_helpers = asked.act in CODES and not os.access(self.config.parent, os.W_OK)
        if is_helpers:
            put_request(self.run, asked)
        else:
            self.child.ask(asked)
        until = time.monotonic() + ANSWER_LIMIT_S
        self._waiting.append(_Waiting(asked, tell, until, is_helpers))

    def _ended(self, one: _Waiting, answer: Reply | CentralinoError) -> None:
        """Audit what was done, then reply."""
        if isinstance(answer, SettingsListReply):
            self._known = answer.revision
            waits = bool(self.started) and answer.revision != self.started
            answer = replace(answer, waits=waits)
        if not isinstance(answer, SettingsDone):
            one.tell(answer)
            return
        done = answer
        if needs(done, CALL_CONTROL):
            self.on_change()
        elif done.revision and self._known in {"", self.started}:
            # Nothing of it is call control's: it waits for nothing.
            self.started = done.revision
        self._known = done.revision or self._known
        if done.trial_s:
            # At once: the database may stall, and the undoing must not wait for it.
            self._due_at = time.monotonic() + done.trial_s

        def job(connection: sqlite3.Connection) -> None:
            # A trial that somebody has ended meanwhile is no act.
            if one.asked.act == "recover" and not done.number:
                self._left()
                # Over for us, but not for the helper: it is not asked in a circle.
                if self._due_at and self._due_at <= time.monotonic():
                    self._due_at = time.monotonic() + AGAIN_S
            else:
                self._note(connection, one.asked, done.number)

        def noted(result: CentralinoError | None) -> None:
            one.tell(done if result is None else result)

        self.stores.records.do(job, noted)

    def _left(self) -> None:
        """Note when the trial that is left is over; in the database thread."""
        trial = load_trial(self.state / FOLDER)
        if trial is not None:
            self._due_at = trial.until if trial.boot == self.boot else time.monotonic()
        else:
            self._due_at = 0.0

    def _note(self, connection: sqlite3.Connection, asked: SettingsRequest, number: int) -> None:
        # The words stand in the history, which can hide what the audit could not.
        about = str(number) if number else ""
        self._left()
        with transaction(connection):
            noted = Noted(self.now().wall, asked.by, CODES[asked.act], about)
            database.note(connection, noted)


def started_with(config: Path | None) -> str:
    """Return the revision of the file with which the service starts, "" if it is unreadable."""
    text = load_text(config) if config is not None else ""
    return digest_of(text) if text else ""
