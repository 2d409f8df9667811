"""What may be asked at the door of announcements: one of the office's own, in parts; ours again.

A recording is longer than a question: it comes as A-law, 8 kHz, in parts that follow one another.
The last one has it written in the records' thread; the next caller hears it. The console has made
it telephone sound: the desk computes nothing of it but its length.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from appliance.daemon import giving_voice
from appliance.daemon.door import Answer, Later, Tell
from appliance.daemon.giving_voice import MOST_NOTICE_S
from appliance.daemon.rights import check_may
from appliance.daemon.spoken import OURS, path_of
from appliance.daemon.status_words import plain
from appliance.dsp import g711
from appliance.dsp.wav import SAMPLE_RATE, Law
from appliance.errors import CentralinoError, OfficeError
from appliance.policy.clock import Now
from appliance.policy.text import Refused, Words
from appliance.policy.users import Permission
from appliance.prompts import Catalogue, is_key
from appliance.store import database
from appliance.store.database import Noted, transaction

if TYPE_CHECKING:
    import sqlite3

    from appliance.daemon.stores import Stores

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
    def known(self) -> dict[str, Callable[[dict[str, Any]], Answer | Later]]:
        """Name what may be asked."""
        return {"announcement_part": self.part, "announcement_restore": self.restore}

    def part(self, question: dict[str, Any]) -> Answer | Later:
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
            giving_voice.put(spoken.folder, language, key, g711.decode(sound, Law.ALAW))
            _note(connection, Noted(at, by, CHANGED, f"{language}/{key}"))
            return SAVED

        return self._later(job)

    def restore(self, question: dict[str, Any]) -> Later:
        """Have callers hear our recording again."""
        by, language, key = (_word(question, name) for name in ("by", "language", "key"))
        at, spoken = self._now().wall, self._stores.spoken

        def job(connection: sqlite3.Connection) -> Words:
            check_may(connection, by, Permission.PROMPTS)
            self.check(language, key)
            if not path_of(spoken.folder, language, key).exists():
                raise Refused(*NOT_OWN)
            giving_voice.forget(spoken.folder, language, key)
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

    def _later(self, job: Callable[[sqlite3.Connection], Words]) -> Later:
        """Do a job in the records' thread; then the sounds are read anew."""

        def later(tell: Tell) -> None:
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
