"""Erasure by the head, asked at the door (E20): sounds first, then rows, then what is remembered.

Done in the records' thread: the disk may stall, the desk may not.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from zoneinfo import ZoneInfo

from appliance.config.build import numbers_of
from appliance.daemon import shell_proof
from appliance.daemon.caretaker import forget_sounds
from appliance.daemon.door import Answer, Later, Tell
from appliance.daemon.erasure_letters import cancellations
from appliance.daemon.rights import check_may
from appliance.daemon.status_words import plain
from appliance.daemon.stores import database_path
from appliance.errors import CentralinoError
from appliance.files import fsync_directory
from appliance.policy import privacy as words
from appliance.policy.privacy import SameNumber, canonical, same_number
from appliance.policy.text import Refused, SaidError, Words
from appliance.policy.users import Permission
from appliance.store import privacy
from appliance.store.privacy import Chosen, Found, Ordered, find_of_person, invited
from appliance.store.users import SHELL
from appliance.voicemail.storage import Folders

if TYPE_CHECKING:
    import sqlite3

    from appliance.config.schema import Settings
    from appliance.daemon.stores import Stores
    from appliance.policy.requests import Mail

log = logging.getLogger(__name__)

KINDS: Final = ("call", "message", "request")
LONGEST_NAME = 64
LONGEST_REASON = 300


@dataclass(frozen=True, slots=True)
class Asked:
    """One erasure as it was asked for; a preview changes nothing; `proof` is the shell's word."""

    chosen: Chosen
    ordered: Ordered
    preview: bool
    proof: object = None


@dataclass(frozen=True, slots=True)
class Done:
    """What was found, how many stray files with it, whether the log could be cut, and what offices
    are told: that their appointment is off."""

    found: Found
    files: int
    cut: bool = True
    letters: tuple[Mail, ...] = ()


class Erasures:
    """Answers "erase"; `now` is the desk's wall clock."""

    def __init__(self, settings: Settings, stores: Stores, now: Callable[[], datetime]) -> None:
        self._state = Path(settings.folders.state)
        self._folders = Folders(self._state / "voicemail")
        self._plan = numbers_of(settings)
        self._zone = ZoneInfo(settings.site.zone)
        self._language = settings.site.languages[0]
        self._stores, self._now = stores, now

    def asked(self, question: dict[str, Any]) -> Later:
        """Erase, or preview; raises OfficeError for what is no such question."""
        asked = self._read(question)

        def later(tell: Tell) -> None:
            def done(result: Done | CentralinoError) -> None:
                tell(result if isinstance(result, CentralinoError) else self._told(result, asked))

            self._stores.records.do(lambda c: self._job(c, asked), done)

        return later

    def _read(self, question: dict[str, Any]) -> Asked:
        """Read the question; raises OfficeError with what is wrong in it."""
        named = [(kind, str(question[kind])) for kind in KINDS if question.get(kind)]
        number = str(question.get("number") or "")
        if len(named) + bool(number) != 1:
            raise SaidError(
                Words(
                    "indicarne uno: un numero, una chiamata, un messaggio o una presa in carico",
                    "say one: a number, or a call, message or request",
                )
            )
        by = " ".join(str(question.get("by") or "").split())[:LONGEST_NAME]
        reason = " ".join(str(question.get("reason") or "").split())[:LONGEST_REASON]
        preview = bool(question.get("preview"))
        if not preview and not (by and reason):
            raise Refused(
                "si cancella per conto di qualcuno e per un motivo: dire chi e perché",
                "what is erased is erased by somebody, for a reason: say both",
            )
        proof = question.get("proof")
        if by and proof is not None:
            by = f"{SHELL}{by}"
        chosen = Chosen(same_number(number, self._plan)) if number else Chosen(None, *named[0])
        closing = bool(question.get("close_requests"))
        return Asked(chosen, Ordered(by, reason, self._now(), closing), preview, proof)

    def _check(self, connection: sqlite3.Connection, asked: Asked) -> None:
        """Ask for the right of who asks; the box's own shell has it."""
        if asked.proof is None:
            check_may(connection, asked.ordered.by, Permission.ERASE)
        elif not shell_proof.is_right(self._state, asked.proof):
            raise SaidError(
                Words(
                    "questa non è la prova della riga di comando: ripetere il comando",
                    "that is no proof of the box's shell: say the command again",
                )
            )

    def _job(self, connection: sqlite3.Connection, asked: Asked) -> Done:
        self._check(connection, asked)
        found = find_of_person(connection, asked.chosen)
        stray = self._stray(asked.chosen.number, found)
        letters = self._letters(connection, found, asked.ordered.at)
        if asked.preview:
            return Done(found, len(stray), letters=letters)
        if not found.any:  # an earlier one may have left the log
            cut = privacy.cut_log(connection, database_path(self._state), asked.chosen.number)
        if found.any or not stray:
            privacy.check(found, asked.chosen, asked.ordered)
        forget_sounds(self._folders, found.sounds)
        _unlink(stray)
        if found.any:
            domain = self._stores.records.letters.domain
            privacy.erase(connection, found, asked.chosen, asked.ordered, letters, domain)
            cut = privacy.cut_log(connection, database_path(self._state), asked.chosen.number)
        return Done(found, len(stray), cut, letters)

    def _letters(
        self, connection: sqlite3.Connection, found: Found, now: datetime
    ) -> tuple[Mail, ...]:
        asked = invited(connection, found.open_requests)
        return tuple(cancellations(asked, now, self._zone, self._language))

    def _stray(self, number: SameNumber | None, found: Found) -> tuple[Path, ...]:
        """Return files of that number which no record knows: set aside, or not taken up yet."""
        known = {Path(sound).stem for sound in found.sounds}
        sidecars = (*self._folders.corrupt.glob("*.meta*"), *self._folders.new.glob("*.meta"))
        mine = {
            each.name.split(".")[0]: each.parent
            for each in sidecars
            if number is not None and number.is_in(each.read_text("utf-8", "replace"))
        }
        return tuple(
            path
            for ident, folder in mine.items()
            if ident not in known
            for path in folder.glob(f"{ident}.*")
        )

    def _told(self, done: Done, asked: Asked) -> Answer:
        found = done.found
        if not asked.preview:
            self._forget(found, asked.chosen.number)
        said = [self._counted(found, asked, done.files)]
        if asked.preview and found.open_requests:
            listed = ", ".join(map(str, found.open_requests))
            said.append(words.filled(words.OPEN, listed))
        if done.letters:
            off = words.CANCELLING if asked.preview else words.CANCELLED
            listed = ", ".join(mail.key.removeprefix("erased-") for mail in done.letters)
            said.append(words.filled(off, listed))
        if found.mailed:
            said.append(words.MAILED)
            said += [
                words.mail(
                    datetime.fromisoformat(each.at).astimezone(self._zone), each.to, each.request
                )
                for each in found.mailed
            ]
        aside = self._state / "corrupt"
        if aside.is_dir() and any(aside.iterdir()):
            said.append(words.filled(words.SET_ASIDE, str(aside)))
        if not done.cut:
            said.append(words.NOT_CUT)
        said.append(words.BACKUPS)
        return {**_counts(found), "log_cut": done.cut, "said": plain(words.both(*said))}

    def _counted(self, found: Found, asked: Asked, files: int) -> Words:
        counts = words.filled(words.COUNTS, **{**_sizes(found), "files": files})
        return words.filled(words.PREVIEW if asked.preview else words.DONE, counts)

    def _forget(self, found: Found, number: SameNumber | None) -> None:
        """Have the desk forget who called, and the lamp count anew."""
        national = {canonical(each, self._plan) for each in found.numbers}
        own = {number.national} if number is not None else set()
        self._stores.forget_numbers(tuple(sorted(found.numbers | national | own)))
        self._stores.mailbox.recount()
        self._stores.records.letters.queued()
        log.info("erased by the head: %s", _sizes(found))


def _sizes(found: Found) -> dict[str, int]:
    return {
        "calls": len(found.calls),
        "messages": len(found.messages),
        "requests": len(found.requests),
        "mails": len(found.mails),
        "texts": found.texts,
    }


def _counts(found: Found) -> Answer:
    mailed = [{"to": e.to, "at": e.at, "request": e.request or None} for e in found.mailed]
    return {**_sizes(found), "open_requests": list(found.open_requests), "mailed": mailed}


def _unlink(paths: tuple[Path, ...]) -> None:
    """Delete files, durably; raises OSError."""
    for path in paths:
        path.unlink(missing_ok=True)
    for folder in {path.parent for path in paths}:
        fsync_directory(folder)
