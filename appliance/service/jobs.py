"""Commands run as child processes beside the loop: one at a time, for people or by the clock."""

from __future__ import annotations

import contextlib
import json
import logging
import os
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any, Final

from appliance.api.permissions import check_may
from appliance.api.protocol import DeferredReply, Reply, SendReply, plain
from appliance.config.schema import sections
from appliance.errors import CentralinoError, OfficeError
from appliance.files import make_shared
from appliance.policy.privacy import mask_journal
from appliance.policy.text import Refused, Words, why_not
from appliance.policy.users import Permission
from appliance.service.backup import MADE, UPLOADED
from appliance.store import database
from appliance.store.backup import checked_passphrase
from appliance.store.database import Noted, Trouble, transaction
from appliance.voicemail.storage import spare_bytes

if TYPE_CHECKING:
    import sqlite3

    from appliance.config.schema import Settings
    from appliance.policy.clock import Now
    from appliance.service.loop import Stores
    from appliance.service.phone_status import StatusCollector


# ---- jobs --------------------------------------------------------------------------------------
# Jobs that run beside the loop.

# ---- chores ------------------------------------------------------------------------------------
# Long work that is none of deciding: one command of ours at a time, as a child that gives way.
#
# The desk waits for nobody: it begins a child, looks now and then whether it has ended, and keeps
# what it said. What a child may write is bounded, so that it cannot fill the disk of messages.

LIMIT_S: Final = 3600.0
"""A child that takes longer is ended."""
NICENESS: Final = 15
MOST: Final = 20_000
"""So many bytes of what a child said are kept, the first ones."""
GRACE_S: Final = 2.0


@dataclass(frozen=True, slots=True)
class Ended:
    """How a chore ended: whether well, and what it said."""

    is_well: bool
    said: Words


@dataclass(frozen=True, slots=True)
class _Running:
    name: str
    child: subprocess.Popen[bytes]
    said: int
    until: float
    then: Callable[[Ended], None]


class Jobs:
    """Runs `centralino ...` with our configuration; all of it in the deciding thread."""

    def __init__(self, config: Path | None, limit_s: float = LIMIT_S) -> None:
        self._config, self._limit_s = config, limit_s
        self._running: _Running | None = None

    @property
    def running(self) -> str:
        """Name what is running, "" for nothing."""
        return self._running.name if self._running else ""

    def check_free(self) -> None:
        """Raise Refused while one is running, or where no configuration file is known."""
        if self._config is None:
            raise Refused(
                "il file di configurazione non è noto: usare la riga di comando",
                "the configuration file is not known: use the command line",
            )
        if self._running is not None:
            raise Refused(
                "è già in corso un lavoro: attendere che finisca",
                "something is being done already: wait for its end",
            )

    def begin(
        self, words: tuple[str, ...], typed: str, most_bytes: int, then: Callable[[Ended], None]
    ) -> None:
        """Begin a command with `typed` as its input; no file of it grows beyond `most_bytes`.

        Raises Refused, OSError. `then` is called by a later `look`.
        """
        self.check_free()
        command = [sys.executable, "-m", "appliance", *words, "--json"]
        own = {**os.environ, "CENTRALINO_CONFIG": str(self._config)}
        said = os.memfd_create(words[0])
        child = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=said, stderr=said, env=own)
        # between the two, before it has imported anything: it writes nothing yet
        os.setpriority(os.PRIO_PROCESS, child.pid, NICENESS)
        resource.prlimit(child.pid, resource.RLIMIT_FSIZE, (most_bytes, most_bytes))
        assert child.stdin is not None
        with contextlib.suppress(BrokenPipeError), child.stdin:
            child.stdin.write(f"{typed}\n".encode())  # less than a pipe holds
        until = time.monotonic() + self._limit_s
        self._running = _Running(words[0], child, said, until, then)

    def look(self) -> None:
        """Look whether it has ended, and say so; never waits."""
        running = self._running
        if running is None:
            return
        if running.child.poll() is None:
            if time.monotonic() >= running.until:
                running.child.kill()
            return
        self._running = None
        running.then(Ended(running.child.returncode == 0, _heard(running.said)))

    def stop(self) -> None:
        """End what is running; it leaves nothing half-written behind that counts."""
        if self._running is not None:
            self._running.child.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._running.child.wait(GRACE_S)
            os.close(self._running.said)
            self._running = None


def _heard(descriptor: int) -> Words:
    """Read what a child said; one that was killed, or tripped, has not said it as JSON."""
    with os.fdopen(descriptor, "rb") as file:
        file.seek(0)
        text = file.read(MOST).decode("utf-8", "replace").strip()
    try:
        told = json.loads(text.splitlines()[-1])
        return Words(str(told["it"]), str(told["en"]))
    except (ValueError, LookupError, TypeError):
        return Words(text, text)


# ---- chore questions ---------------------------------------------------------------------------
# What a technician asks for that takes its time: a backup, whether one is whole, the file's check.
#
# Who may is looked up, and who did it kept, in the records' thread; a child does it (chores.py).

LONGEST_PHRASE: Final = 200
KEPT_S: Final = 24 * 3600.0
"""A backup that was made here is taken away after a day: it holds callers' numbers."""
LOOKS_S: Final = 600.0
SMALL: Final = 4_000_000
"""Bytes that a file of a small chore may have: a spoken sheet has a quarter of it."""
BEGUN: Final = Words("Avviato: il risultato appare qui.", "Begun: what comes of it shows here.")
GONE: Final = Words("Eliminato.", "Deleted.")
NO_ROOM: Final = (
    "sul disco non c'è abbastanza spazio libero: i messaggi vengono prima",
    "there is not enough free space on the disk: messages come first",
)
NO_FILE: Final = (
    "non è stato caricato nessun file: caricarlo prima",
    "no file has been uploaded: upload it first",
)


@dataclass(frozen=True, slots=True)
class JobView:
    """One kind of chore: its code in the audit and the command's words."""

    code: str
    words: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Allowed:
    """A chore that may begin: whoever asked is told that it has."""

    name: str
    words: tuple[str, ...]
    typed: str
    most_bytes: int
    tell: SendReply


@dataclass(slots=True)
class JobCommands:
    """Asked in the deciding thread, allowed in the records', begun by `look`."""

    stores: Stores
    settings: Settings
    complaint: Words
    chores: Jobs
    now: Callable[[], Now]
    last: dict[str, tuple[datetime, Ended]] = field(default_factory=dict)
    _allowed: SimpleQueue[_Allowed] = field(default_factory=SimpleQueue)
    _looked_at: float = 0.0

    @property
    def known(self) -> dict[str, Callable[[dict[str, Any]], Reply | DeferredReply]]:
        """Name what may be asked."""
        return {
            "settings": self.shown,
            "chores": self.told,
            "config_check": lambda question: self._asked("config_check", question),
            "backup_make": lambda question: self._asked("backup_make", question),
            "backup_check": lambda question: self._asked("backup_check", question),
            "backup_fetch": lambda question: self._noted("backup.fetch", question),
            "backup_drop": lambda question: self._noted("backup.drop", question),
        }

    def shown(self, _: dict[str, Any]) -> Reply:
        """Return the configuration in force by section, numbers hidden, and what is wrong."""
        wrong = Words(mask_journal(self.complaint.it), mask_journal(self.complaint.en))
        return {"sections": sections(self.settings), "complaint": plain(wrong)}

    def told(self, _: dict[str, Any]) -> Reply:
        """Say what is running, and what came of the last chore of each kind."""
        last = {
            name: {"at": at.isoformat(), "well": ended.is_well, "said": _shown(name, ended)}
            for name, (at, ended) in self.last.items()
        }
        return {"running": self.chores.running, "last": last}

    def _noted(self, code: str, question: dict[str, Any]) -> DeferredReply:
        """Note who takes the backup that was made here along, or has it taken away."""
        by, at = _by(question), self.now().wall

        def job(connection: sqlite3.Connection) -> Reply:
            check_may(connection, by, Permission.TECHNICAL)
            with transaction(connection):
                database.note(connection, Noted(at, by, code))
            if code == "backup.drop":
                self._made.unlink(missing_ok=True)
            return {"said": plain(GONE)}

        def later(tell: SendReply) -> None:
            self.stores.records.do(job, lambda result: tell(_refused(result)))

        return later

    def hand_over(
        self,
        name: str,
        words: tuple[str, ...],
        typed: str,
        tell: SendReply,
        most_bytes: int = SMALL,
    ) -> None:
        """Have a command begin that another question has allowed; from any thread."""
        self._allowed.put(_Allowed(name, words, typed, most_bytes, tell))

    def look(self) -> None:
        """Begin what was allowed, hear what has ended, take away what is old."""
        self.chores.look()
        while not self._allowed.empty():
            allowed = self._allowed.get()
            allowed.tell(_refused(self._begin(allowed)))
        if time.monotonic() >= self._looked_at + LOOKS_S:
            self._looked_at = time.monotonic()
            self.stores.records.do(lambda _: self._take_away_old(), lambda _: None)

    @property
    def _made(self) -> Path:
        return Path(self.settings.folders.state) / MADE

    @property
    def _uploaded(self) -> Path:
        return Path(self.settings.folders.console) / UPLOADED

    def _kinds(self) -> dict[str, JobView]:
        typed = ("--passphrase-file", "/dev/stdin")
        return {
            "config_check": JobView("config.check", ("check",)),
            "backup_make": JobView("backup.make", ("backup", str(self._made), *typed)),
            "backup_check": JobView(
                "backup.check", ("restore", str(self._uploaded), "--check", *typed)
            ),
        }

    def _asked(self, name: str, question: dict[str, Any]) -> DeferredReply:
        by, at, typed = _by(question), self.now().wall, _phrase(question)

        def job(connection: sqlite3.Connection) -> int:
            check_may(connection, by, Permission.TECHNICAL)
            most = self._prepared(name, typed)
            with transaction(connection):
                database.note(connection, Noted(at, by, self._kinds()[name].code))
            return most

        def later(tell: SendReply) -> None:
            def done(result: int | CentralinoError) -> None:
                if isinstance(result, int):
                    self._allowed.put(
                        _Allowed(name, self._kinds()[name].words, typed, result, tell)
                    )
                else:
                    tell(_refused(result))

            try:
                self.chores.check_free()
            except Refused as refused:
                tell(_refused(refused))
                return
            self.stores.records.do(job, done)

        return later

    def _prepared(self, name: str, typed: str) -> int:
        """Look whether there is room; returns how many bytes a file of it may have.

        Half of what is free, less what messages need: a backup copies the records first.
        """
        free = spare_bytes(Path(self.settings.folders.state))
        if name == "backup_make":
            checked_passphrase(typed)
            self._made.unlink(missing_ok=True)
            make_shared(self._made.parent)
        if name == "backup_check":
            if not self._uploaded.exists():
                raise Refused(*NO_FILE)
            free -= self._uploaded.stat().st_size
        if free <= 0:
            raise Refused(*NO_ROOM)
        return free // 2

    def _begin(self, allowed: _Allowed) -> Reply | CentralinoError:
        def then(ended: Ended) -> None:
            self.last[allowed.name] = (self.now().wall, ended)

        try:
            self.chores.begin(allowed.words, allowed.typed, allowed.most_bytes, then)
        except Refused as refused:
            return refused
        except OSError as error:
            why = why_not(error)
            return Refused(f"non è possibile: {why.it}", f"it cannot be done: {why.en}")
        self.last.pop(allowed.name, None)
        return {"said": plain(BEGUN)}

    def _take_away_old(self) -> None:
        made = self._made
        if made.exists() and made.stat().st_mtime + KEPT_S < self.now().wall.timestamp():
            made.unlink()


def _shown(name: str, ended: Ended) -> Reply:
    """Return what a command said; of the configuration no number (P7), of a backup its date."""
    said = ended.said
    return plain(
        Words(mask_journal(said.it), mask_journal(said.en)) if name == "config_check" else said
    )


def _by(question: dict[str, Any]) -> str:
    return str(question.get("by", ""))[:64]


def _phrase(question: dict[str, Any]) -> str:
    phrase = question.get("passphrase", "")
    if not isinstance(phrase, str) or len(phrase) > LONGEST_PHRASE or "\n" in phrase:
        raise OfficeError(f"a passphrase is a line of at most {LONGEST_PHRASE} characters")
    return phrase


def _refused(result: Reply | CentralinoError) -> Reply | CentralinoError:
    """Let a refusal be said in both languages."""
    if isinstance(result, Refused):
        return {"done": False, "said": plain(result.words)}
    return result


# ---- reload ------------------------------------------------------------------------------------
# Configuration read again in a child, and put in force by the running service.

# ---- apart -------------------------------------------------------------------------------------
# Work done apart: in a forked child, so that what it imports and leaves behind goes with it.
#
# Reading the configuration takes 20 MB once: the libraries that read it, and the holidays of the
# world of which a few dozen days are wanted.


# ---- reloading ---------------------------------------------------------------------------------
# SIGHUP: is the configuration written now a good one; then the service starts anew with it.
#
# The file is read once, at the start (architecture.md, rule 10): so what a person changes is looked
# at by a child, and taken over by a restart in good order when no call is up. A file that is wrong
# changes nothing.

log = logging.getLogger(__name__)

MOST_CHECK_BYTES: Final = 1_000_000
"""What the child may write: it writes nothing."""
TOLD: Final = 400
"""So many characters of its complaints are shown; `centralino check` says all."""


class Reloading:
    """`ask` is for a signal; all else is done by `look`, in the deciding thread.

    `kept` is true where a service manager starts the desk again.
    """

    def __init__(self, chores: Jobs, lookout: StatusCollector, *, kept: bool) -> None:
        self._chores, self._lookout, self._kept = chores, lookout, kept
        self._is_asked = False
        self._is_good = False

    def ask(self) -> None:
        """Have the file looked at soon."""
        self._is_asked = True

    def look(self, is_idle: Callable[[], bool]) -> bool:
        """Do what is due; returns True when the service should leave to start with a new file."""
        if self._is_asked and not self._chores.running:
            self._is_asked = False
            self._begin()
        return self._is_good and self._kept and is_idle()

    def _begin(self) -> None:
        try:
            self._chores.begin(("check",), "", MOST_CHECK_BYTES, self._heard)
        except (Refused, OSError) as error:
            log.error("the configuration cannot be looked at: %s", error)

    def _heard(self, ended: Ended) -> None:
        self._is_good = ended.is_well
        log.info("the configuration is %s", "good" if ended.is_well else "not used")
        self._lookout.trouble("configuration", self._trouble(ended))

    def _trouble(self, ended: Ended) -> Trouble | None:
        if not ended.is_well:
            return Trouble(
                "configuration.bad",
                "La configurazione scritta ora non è valida, resta quella di prima: "
                + _short(ended.said.it),
                "The configuration written now is wrong, the one before stays in force: "
                + _short(ended.said.en),
            )
        if self._kept:
            return None
        return Trouble(
            "configuration.new",
            "La nuova configurazione è valida: riavviare il servizio per usarla.",
            "The new configuration is good: restart the service to use it.",
        )


def _short(said: str) -> str:
    return " ".join(said.split())[:TOLD]
