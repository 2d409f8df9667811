"""What may be asked at the door of announcements: one of the office's own, in parts; ours again.

A recording is longer than a question: it comes as A-law, 8 kHz, in parts that follow one another.
The last one has it written in the records' thread; the next caller hears it. The console has made
it telephone sound: the desk computes nothing of it but its length.
"""

from __future__ import annotations

import base64
import binascii
import itertools
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from appliance.api import speech, users
from appliance.api.permissions import check_may
from appliance.api.protocol import DeferredReply, Reply, SendReply, plain
from appliance.api.speech import MOST_NOTICE_S, OURS, path_of
from appliance.calls import events, orders
from appliance.calls.status import GOING_ON, SAID
from appliance.dsp import g711
from appliance.dsp.wav import SAMPLE_RATE, Law
from appliance.errors import CentralinoError, OfficeError
from appliance.policy.clock import Now
from appliance.policy.text import Refused, SaidError, Words
from appliance.policy.users import Permission
from appliance.prompts import Catalogue, is_key
from appliance.service.announcements import Asked
from appliance.store import database
from appliance.store.database import Noted, transaction

if TYPE_CHECKING:
    import sqlite3

    from appliance.service.loop import Desk, Stores


# ---- announcement questions --------------------------------------------------------------------

CHANGED, RESTORED = "announcement.change", "announcement.restore"
MOST_COMING: Final = 4
"""Recordings that may be on their way at once: one more ends the oldest."""
MOST_BYTES: Final = MOST_NOTICE_S * SAMPLE_RATE
SAVED: Final = Words(
    "Annuncio sostituito: lo sente chi chiama da adesso.",
    "The announcement was replaced: who calls from now on hears it.",
)
OURS_AGAIN: Final = Words(
    "Registrazione originale ripristinata: la sente chi chiama da adesso.",
    "Our recording is back: who calls from now on hears it.",
)
NO_SUCH: Final = ("questo annuncio non c'è", "there is no such announcement")
OF_THE_SITE: Final = Words(
    "questo annuncio sta nella cartella del tecnico (folders.prompts): si cambia lì",
    "this announcement lies in the technician's folder (folders.prompts): it is changed there",
)
NOT_OWN: Final = (
    "questo annuncio è già la registrazione originale",
    "this announcement is our recording already",
)
LONG: Final = (
    f"la registrazione dura più di {MOST_NOTICE_S} secondi",
    f"the recording takes more than {MOST_NOTICE_S} seconds",
)


@dataclass(slots=True)
class Coming:
    """A recording on its way: what it is for and what has come of it, A-law."""

    language: str
    key: str
    sound: bytearray = field(default_factory=bytearray)


class AnnouncementQuestions:
    """Answers; raises OfficeError for what is no question of its kind."""

    def __init__(self, stores: Stores, now: Callable[[], Now]) -> None:
        self._stores, self._now = stores, now
        self._coming: dict[str, Coming] = {}

    @property
    def known(self) -> dict[str, Callable[[dict[str, Any]], Reply | DeferredReply]]:
        """Name what may be asked."""
        return {"announcement_part": self.part, "announcement_restore": self.restore}

    def part(self, question: dict[str, Any]) -> Reply | DeferredReply:
        """Take one part of a recording; the last one puts it in the place of ours."""
        by, language, key = (_word(question, name) for name in ("by", "language", "key"))
        coming = self._coming_of(by, language, key, question.get("at"))
        coming.sound += _data(question)
        if len(coming.sound) > MOST_BYTES:
            self._coming.pop(by, None)
            return {"done": False, "said": plain(Words(*LONG))}
        if question.get("last") is not True:
            return {"taken": len(coming.sound)}
        del self._coming[by]
        sound, at = bytes(coming.sound), self._now().wall
        spoken = self._stores.spoken

        def job(connection: sqlite3.Connection) -> Words:
            check_may(connection, by, Permission.PROMPTS)
            self.check(language, key)
            if not sound:
                raise Refused("la registrazione è vuota", "the recording is empty")
            speech.put(spoken.folder, language, key, g711.decode(sound, Law.ALAW))
            _note(connection, Noted(at, by, CHANGED, f"{language}/{key}"))
            return SAVED

        return self._later(job)

    def restore(self, question: dict[str, Any]) -> DeferredReply:
        """Have callers hear our recording again."""
        by, language, key = (_word(question, name) for name in ("by", "language", "key"))
        at, spoken = self._now().wall, self._stores.spoken

        def job(connection: sqlite3.Connection) -> Words:
            check_may(connection, by, Permission.PROMPTS)
            self.check(language, key)
            if not path_of(spoken.folder, language, key).exists():
                raise Refused(*NOT_OWN)
            speech.forget(spoken.folder, language, key)
            _note(connection, Noted(at, by, RESTORED, f"{language}/{key}"))
            return OURS_AGAIN

        return self._later(job)

    def _coming_of(self, by: str, language: str, key: str, at: object) -> Coming:
        """Return the recording that a part belongs to; raises OfficeError for one out of order."""
        if at == 0:
            self._coming.pop(by, None)
            if len(self._coming) >= MOST_COMING:
                del self._coming[next(iter(self._coming))]
            self._coming[by] = Coming(language, key)
        found = self._coming.get(by)
        if found is None or (found.language, found.key, len(found.sound)) != (language, key, at):
            raise OfficeError("this part follows nothing that has come: send it from its beginning")
        return found

    def check(self, language: str, key: str) -> None:
        """Refuse what is no announcement, or one that the technician has recorded.

        Raises Refused; reads the disk.
        """
        spoken = self._stores.spoken
        self.check_name(language, key)
        if key not in Catalogue(spoken.site, spoken.folder).keys(language):
            raise Refused(*NO_SUCH)

    def check_name(self, language: str, key: str) -> None:
        """Refuse what can be no announcement of the office's own, there already or not.

        Raises Refused; reads the disk.
        """
        spoken = self._stores.spoken
        if not (is_key(key) and is_key(language)) or key.startswith(OURS):
            raise Refused(*NO_SUCH)
        if spoken.site is not None and path_of(spoken.site, language, key).exists():
            raise Refused(OF_THE_SITE.it, OF_THE_SITE.en)

    def _later(self, job: Callable[[sqlite3.Connection], Words]) -> DeferredReply:
        """Do a job in the records' thread; then the sounds are read anew."""

        def later(tell: SendReply) -> None:
            def done(result: Words | CentralinoError) -> None:
                if isinstance(result, Refused):
                    tell({"done": False, "said": plain(result.words)})
                elif isinstance(result, CentralinoError):
                    tell(result)
                else:
                    self._stores.spoken.load(lambda _: tell({"said": plain(result)}))

            self._stores.records.do(job, done)

        return later


def _note(connection: sqlite3.Connection, noted: Noted) -> None:
    with transaction(connection):
        database.note(connection, noted)


def _data(question: dict[str, Any]) -> bytes:
    try:
        return base64.b64decode(str(question.get("data", "")), validate=True)
    except (binascii.Error, ValueError) as error:
        raise OfficeError(f"data is base64 ({error})") from error


def _word(question: dict[str, Any], key: str) -> str:
    value = question.get(key)
    if not isinstance(value, str) or not value.strip():
        raise OfficeError(f"{key} is needed")
    return value[:64]


# ---- dictation questions -----------------------------------------------------------------------
# What is asked at the door about dictating an announcement: a phone is rung, how far it is, drop.
#
# Who may is looked at in the records' thread, whether the phone can be rung by the deciding one.

DROPPED = "announcement.draft_drop"
NO_DRAFT: Final = ("questa registrazione non c'è più", "this recording is no longer there")
DROPPED_SAID: Final = Words("Registrazione scartata.", "The recording is discarded.")
LONGEST: Final = 64


class DictationQuestions:
    """Answers; raises OfficeError for what is no question of its kind."""

    def __init__(self, stores: Stores, desk: Desk, announcements: AnnouncementQuestions) -> None:
        self._stores, self._desk, self._announcements = stores, desk, announcements
        self._asks = itertools.count(1)
        self._waiting: dict[str, tuple[SendReply, Asked]] = {}

    @property
    def known(self) -> dict[str, Callable[[dict[str, Any]], Reply | DeferredReply]]:
        """Name what may be asked."""
        return {
            "announcement_dictate": self.dictate,
            "announcement_dictation": self.dictation,
            "announcement_draft_drop": self.drop,
        }

    def dictate(self, question: dict[str, Any]) -> DeferredReply:
        """Ring a phone, named by its name or its extension, to say an announcement at it."""
        by, language, key = _which(question)
        named = _dictated_word(question, "phone")
        phone = self._desk.office.phone_at(named) or named

        def later(tell: SendReply) -> None:
            ask = f"dictation {next(self._asks)}"

            def checked(result: CentralinoError | None) -> None:
                if isinstance(result, CentralinoError):
                    tell(_refused(result))
                    return
                self._waiting[ask] = tell, Asked(language, key, by)
                self._desk.post(events.DictationAsked(ask, phone))

            self._stores.records.do(lambda c: self._check(c, question), checked)

        return later

    def answered(self, order: orders.AnswerAsked) -> None:
        """Tell the visitor what the desk has decided; from now on it is told how far it is."""
        tell, asked = self._waiting.pop(order.ask, (None, None))
        if tell is None or asked is None or not isinstance(order.said, Words):
            return
        if order.done:
            self._stores.dictations.asked(order.ask, asked)
        tell({"done": order.done, "said": plain(order.said)})

    def dictation(self, question: dict[str, Any]) -> Reply:
        """Say how far the dictation is that somebody asked for."""
        by, language, key = _which(question)
        found = self._stores.dictations.latest(by, language, key)
        if found is None:
            return {"went": "", "over": True}
        is_over = found.went not in GOING_ON
        return {"went": found.went.value, "over": is_over, "said": plain(SAID[found.went])}

    def drop(self, question: dict[str, Any]) -> DeferredReply:
        """Forget a draft."""
        by, language, key = _which(question)
        at = self._desk.now().wall

        def job(connection: sqlite3.Connection) -> None:
            self._check(connection, question)
            path = path_of(self._stores.dictations.folder, language, key)
            if not path.exists():
                raise Refused(*NO_DRAFT)
            path.unlink()
            with transaction(connection):
                database.note(connection, Noted(at, by, DROPPED, f"{language}/{key}"))

        def later(tell: SendReply) -> None:
            def done(result: CentralinoError | None) -> None:
                tell({"said": plain(DROPPED_SAID)} if result is None else _refused(result))

            self._stores.records.do(job, done)

        return later

    def _check(self, connection: sqlite3.Connection, question: dict[str, Any]) -> None:
        """Refuse who may not, and what is no announcement that is changed here.

        From the shell it may be a new one, as those of `centralino prompts say`.
        """
        by, language, key = _which(question)
        word = question.get("proof")
        if word is None:
            check_may(connection, by, Permission.PROMPTS)
            self._announcements.check(language, key)
            return
        if not users.proof_is_right(self._stores.dictations.folder.parent, word):
            raise SaidError(
                Words(
                    "questa non è la prova della riga di comando: ripetere il comando",
                    "that is no proof of the box's shell: say the command again",
                )
            )
        self._announcements.check_name(language, key)


def _refused(error: CentralinoError) -> Reply | CentralinoError:
    return {"done": False, "said": plain(error.words)} if isinstance(error, Refused) else error


def _which(question: dict[str, Any]) -> tuple[str, str, str]:
    return (
        _dictated_word(question, "by"),
        _dictated_word(question, "language"),
        _dictated_word(question, "key"),
    )


def _dictated_word(question: dict[str, Any], key: str) -> str:
    value = question.get(key)
    if not isinstance(value, str) or not value.strip():
        raise OfficeError(f"{key} is needed")
    return value[:LONGEST]
