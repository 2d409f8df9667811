"""Sounds in memory: announcements and spoken sheets for the media gateway, and dictations.

Prompts and spoken sounds lie in sealed memfds that the gateway maps. A dictation stays in memory
until the person keeps it by a key; then it is a draft (state/drafts/it/hold.wav), which no caller
hears before somebody puts it in force on a page.
"""

from __future__ import annotations

import fcntl
import hashlib
import logging
import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

from appliance.api.call_control import Dictation
from appliance.api.speech import (
    MOST_NOTICE_S,
    OURS,
    Withheld,
    load_menu,
    load_spoken_units,
    office_name_is_missing,
    sounds_in,
    withheld_now,
)
from appliance.calls import events, orders
from appliance.calls.announcements import HOLD_SIGN, RING_BACK
from appliance.calls.status import DRAFT_KEPT, Went
from appliance.config.state_folder import path_of, prompts_in_force, speech_folder
from appliance.dsp import g711, wav
from appliance.dsp.dtmf import PLANS, cadence, play
from appliance.dsp.wav import SAMPLE_RATE, Law
from appliance.errors import CentralinoError
from appliance.files import SHARED, atomic_write, make_shared
from appliance.media.messages import Prompt, RecordingStarted
from appliance.policy.privacy import Disclosure
from appliance.policy.sheets import Menu, without_sheets
from appliance.policy.text import Refused
from appliance.prompts import DEVICE, Catalogue, PromptError, load, voices
from appliance.store import database
from appliance.store.database import Noted, transaction
from appliance.store.writer import DatabaseWriter
from appliance.text import Words, in_context

if TYPE_CHECKING:
    import sqlite3

    from appliance.config.schema import Settings
    from appliance.service.jobs import JobResult, Jobs


# Dictations, in the deciding thread. Nothing of a dictation touches the disk before the person has
# kept it by a key.

log = logging.getLogger(__name__)

DICTATED = "announcement.dictate"
# Prefix of a dictation's recording id (calls/dictation.py).
TAKE_PREFIX = "take:"
# Recordings in memory, and dictations remembered; one more drops the oldest.
MOST_TAKES, MOST_ASKED = 4, 8
MOST_TAKE_BYTES = (MOST_NOTICE_S + 1) * SAMPLE_RATE
BYTES_A_MS = SAMPLE_RATE // 1000


def delete_old_drafts(folder: Path, now: datetime) -> int:
    """Delete drafts older than DRAFT_KEPT; return their number.

    Waits for the disk: for the database thread. Raises OSError.
    """
    before = (now - DRAFT_KEPT).timestamp()
    old = [path for path in folder.glob("*/*.wav") if path.stat().st_mtime < before]
    for path in old:
        path.unlink()
    return len(old)


class Dictations:
    """Dictations under way; posts TakeKept."""

    def __init__(
        self, folder: Path, records: DatabaseWriter, post: Callable[[events.Event], None]
    ) -> None:
        self.folder = folder
        self._records = records
        self._post = post
        self._takes: dict[str, bytearray] = {}
        self._asked: dict[str, Dictation] = {}

    def asked(self, ask: str, asked: Dictation) -> None:
        """Remember which announcement a dictation is for."""
        if len(self._asked) >= MOST_ASKED:
            del self._asked[next(iter(self._asked))]
        self._asked[ask] = asked

    def latest(self, by: str, language: str, key: str) -> Dictation | None:
        """Return a person's last dictation of an announcement, None for none."""
        wanted = (by, language, key)
        found = [one for one in self._asked.values() if (one.by, one.language, one.key) == wanted]
        return found[-1] if found else None

    def order(self, order: orders.KeepTake | orders.DropTake | orders.TakeWent) -> None:
        """Carry out one order of the Switchboard."""
        match order:
            case orders.KeepTake():
                self._keep(order)
            case orders.DropTake(take):
                self._takes.pop(take, None)
            case orders.TakeWent(ask, went):
                self._tell(ask, Went(went))

    def begin(self, started: RecordingStarted) -> bool:
        """Begin a recording; return whether it is a dictation."""
        if not started.recording.startswith(TAKE_PREFIX):
            return False
        if len(self._takes) >= MOST_TAKES:
            del self._takes[next(iter(self._takes))]
        self._takes[started.recording] = bytearray()
        return True

    def append(self, recording: str, data: bytes) -> bool:
        """Append sound (A-law), up to MOST_TAKE_BYTES; return whether it is a dictation."""
        take = self._takes.get(recording)
        if take is not None:
            take += data[: max(0, MOST_TAKE_BYTES - len(take))]
        return recording.startswith(TAKE_PREFIX)

    def ended(self, event: events.RecordingEnded) -> None:
        """Cut the key's tone or the silence off a recording's end, before it is played back."""
        take = self._takes.get(event.recording)
        if take is not None and event.trim_ms > 0:
            del take[max(0, len(take) - event.trim_ms * BYTES_A_MS) :]

    def memory(self, order: orders.LoadMessage) -> int | None:
        """Return a memfd with the dictation (16 bit, 8 kHz) for the media gateway, None for none.

        The taker closes it.
        """
        take = self._takes.get(order.message)
        if take is None:
            return None
        fd = os.memfd_create("centralino-dictation", os.MFD_CLOEXEC)
        os.write(fd, g711.decode(bytes(take), Law.ALAW))
        return fd

    def _keep(self, order: orders.KeepTake) -> None:
        """Write the draft in the database thread; TakeKept follows."""
        take, asked = self._takes.pop(order.take, None), self._asked.get(order.ask)
        if not take or asked is None:
            self._kept(order, CentralinoError("nothing of it is here"))
            return
        noted = Noted(datetime.now(UTC), asked.by, DICTATED, f"{asked.language}/{asked.key}")
        path, contents = path_of(self.folder, asked.language, asked.key), bytes(take)

        def job(connection: sqlite3.Connection) -> None:
            make_shared(path.parent)
            atomic_write(path, wav.build(contents, Law.ALAW), mode=SHARED)
            with transaction(connection):
                database.note(connection, noted)

        self._records.do(job, lambda result: self._kept(order, result))

    def _kept(self, order: orders.KeepTake, result: CentralinoError | None) -> None:
        if isinstance(result, CentralinoError):
            log.error("what was dictated is not kept: %s", result)
        self._tell(order.ask, Went.NOT_KEPT if result else Went.KEPT)
        self._post(events.TakeKept(order.listener, str(result) if result else ""))

    def _tell(self, ask: str, went: Went) -> None:
        if (asked := self._asked.get(ask)) is not None:
            self._asked[ask] = replace(asked, went=went)


UNPLAYABLE = in_context("prompt that cannot be played", "{error}")
# Prompts in memfds that the media gateway maps: it opens no file.

# Prompts for a caller on hold, in a loop: an announcement, then music.
HOLD = ("hold", "hold_music", "hold_music", "hold_music")
# Call control that dies leaves no caller in silence: the media gateway plays this by itself, then
# puts the line on hook (design/failures.md).
LOST = ("connection_lost",)


HOLD_SIGN_MS: Final = (80, 9_920)
HOLD_SIGN_DBM0: Final = -30.0
"""As loud as what is heard beside a conversation."""


@dataclass(frozen=True, slots=True)
class PromptFile:
    """An open memfd and the place of each prompt in it."""

    fd: int
    prompts: tuple[Prompt, ...]


def prompt_file(
    catalogue: Catalogue, languages: Iterable[str], country: str, complain: Callable[[Words], None]
) -> PromptFile:
    """Write all prompts of `languages` and the tones for phones to a sealed memfd.

    16 bit, 8 kHz. An unplayable prompt of the office is a complaint, and ours is used.
    """
    recorded = (
        (f"{language}/{key}", _prompt_sound(catalogue, language, key, complain))
        for language in languages
        for key in sorted(catalogue.keys(language))
    )
    return seal_sounds((*recorded, (RING_BACK, ring_back(country)), (HOLD_SIGN, hold_sign())))


def ring_back(country: str) -> bytes:
    """Return one period of a country's ringing tone."""
    tone = PLANS[country].ringback[0]
    return play(tone, sum(burst.on_ms + burst.off_ms for burst in tone.bursts))


def hold_sign() -> bytes:
    """Return the sign that a caller is on hold, and silence until the next one: 10 s."""
    # Never nothing at all: a phone that is sent no sound for half a minute may hang up by itself.
    sign = cadence((425,), *HOLD_SIGN_MS, dbm0=HOLD_SIGN_DBM0)
    return play(sign, sum(HOLD_SIGN_MS))


def seal_sounds(sounds: Iterable[tuple[str, bytes]]) -> PromptFile:
    """Write named sounds (16 bit, 8 kHz) to a memfd and seal it."""
    fd = os.memfd_create("centralino-prompts", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    prompts: list[Prompt] = []
    places: dict[bytes, int] = {}
    end = 0
    for name, sound in sounds:
        # Equal sounds are written once: music, tones and names that are the same in both languages
        # are 3 % of those delivered.
        at = places.setdefault(hashlib.sha256(sound).digest(), end)
        if at == end:
            os.write(fd, sound)
            end += len(sound)
        prompts.append(Prompt(name, at, len(sound)))
    fcntl.fcntl(fd, fcntl.F_ADD_SEALS, fcntl.F_SEAL_WRITE | fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW)
    return PromptFile(fd, tuple(prompts))


def _prompt_sound(
    catalogue: Catalogue, language: str, key: str, complain: Callable[[Words], None]
) -> bytes:
    try:
        return catalogue.load(language, key)
    except PromptError as error:
        complain(UNPLAYABLE.filled(error=error))
    try:
        return load(language, key)
    except PromptError:
        # A prompt of the office alone: we deliver none of that name.
        return b""


def prompt_names(language: str, keys: Iterable[str]) -> tuple[str, ...]:
    """Return catalogue names in one language: "it/hold"."""
    return tuple(f"{language}/{key}" for key in keys)


# Limit of one sound in the media gateway's memory: 90 s of 16-bit samples.
MOST_SOUND_BYTES = 2 * SAMPLE_RATE * 90


class _SpokenRead(NamedTuple):
    menu: Menu
    units: dict[str, str]
    sounds: PromptFile


class SpokenSounds:
    """Spoken sheets and announcements, read in the database thread; posts SpokenSheetsChanged.

    Recordings of the office (`site`, folders.prompts) have precedence over spoken ones.
    """

    def __init__(
        self,
        folder: Path,
        site: Path | None,
        records: DatabaseWriter,
        post: Callable[[events.Event], None],
    ) -> None:
        self.folder = folder
        self.site = site
        self._records = records
        self._post = post
        self._ready: PromptFile | None = None
        self.voice: str = voices.PromptVoice.AUTO
        """Voice of our announcements; `languages` are those of the callers."""
        self.languages: tuple[str, ...] = ()
        self.disclosure: Callable[[], Disclosure | None] = lambda: None
        """What callers may be told; None before it is known."""
        self._asked: tuple[object, ...] = ()
        self._withheld = Withheld()

    def look(self, connection: sqlite3.Connection) -> None:
        """Read again when callers may be told other numbers than before; for the database thread.

        An authorisation may be revoked, or end with its day.
        """
        known = self.disclosure()
        if known is None:
            return
        # The directory is another object after each change: else nothing is read here.
        asked = known.directory, known.at.astimezone(known.zone).date()
        is_same = bool(self._asked) and asked[0] is self._asked[0] and asked[1] == self._asked[1]
        if is_same:
            return
        self._asked = asked
        if withheld_now(self.folder, connection, known) != self._withheld:
            self.load()

    def load(self, told: Callable[[CentralinoError | Menu], None] | None = None) -> None:
        """Read everything again; SpokenSheetsChanged follows, `told` gets menu or error."""

        def done(found: _SpokenRead | CentralinoError) -> None:
            if isinstance(found, CentralinoError):
                log.error("spoken sheets cannot be read: %s", found)
            else:
                self._keep(found.sounds)
                self._post(events.SpokenSheetsChanged(found.menu, found.units))
            if told is not None:
                told(found if isinstance(found, CentralinoError) else found.menu)

        self._records.do(self._read, done)

    def _keep(self, sounds: PromptFile) -> None:
        earlier = self.take()
        if earlier is not None:
            os.close(earlier.fd)
        self._ready = sounds

    def take(self) -> PromptFile | None:
        """Return the memfd of the sounds read last, once; the taker closes it."""
        ready, self._ready = self._ready, None
        return ready

    def _read(self, connection: sqlite3.Connection) -> _SpokenRead:
        known = self.disclosure()
        self._withheld = withheld_now(self.folder, connection, known) if known else Withheld()
        menu = without_sheets(load_menu(self.folder), self._withheld.sheets)
        named = load_spoken_units(self.folder)
        wanted = sounds_in(menu) | set(named.values())
        central = prompts_in_force(self.folder.parent)
        # Later ones replace earlier ones: our voice, the head office's, the office's own.
        sounds = dict(self._in_our_voice())
        sounds |= _spoken_sounds(central, self.site, set()) if central else ()
        # Ours is heard in the place of an announcement that may not be said (P7).
        own = _spoken_sounds(self.folder, self.site, wanted)
        sounds |= {name: data for name, data in own if name not in self._withheld.announcements}
        units = {code: name for code, name in named.items() if name in sounds}
        missing = sorted(sounds_in(menu) - set(sounds))
        if missing:
            log.error("no sheet is offered, a sound is missing (%s): import them again", missing[0])
        return _SpokenRead(() if missing else menu, units, seal_sounds(sounds.items()))

    def _in_our_voice(self) -> Iterator[tuple[str, bytes]]:
        """Yield our announcements in the appliance's own voice, in the languages that it speaks."""
        own = voices.device_languages(self.folder, self.site, self.voice, self.languages)
        for language in own:
            yield from _spoken_sounds(DEVICE, self.site, set(), f"{language}/*.wav")


def _spoken_sounds(
    folder: Path, site: Path | None, wanted: set[str], which: str = "*/*.wav"
) -> Iterator[tuple[str, bytes]]:
    """Yield the `wanted` sounds of ours and all other sounds of a folder, each cut to its limit."""
    for path in sorted(folder.glob(which)):
        name = f"{path.parent.name}/{path.stem}"
        if path.stem.startswith(OURS) and name not in wanted:
            continue
        # The office's own recording is never spoken over.
        if site is not None and (site / f"{name}.wav").exists():
            continue
        try:
            sound = wav.read(path)
        except (OSError, wav.WavError) as error:
            log.error("%s cannot be played (%s): import it again", path, error)
            continue
        yield name, g711.decode(sound.data, sound.law)[:MOST_SOUND_BYTES]


NAME_COMMAND: Final = ("prompts", "name")
MOST_NAME_BYTES: Final = 4_000_000
# The first seconds after a start are for lines and phones.
NAME_FIRST_S: Final = 20.0
NAME_EVERY_S: Final = 60.0


class OfficeName:
    """Job that synthesises the office's spoken name where it is missing; `look` never waits."""

    def __init__(self, settings: Settings, records: DatabaseWriter, jobs: Jobs) -> None:
        self._site = Path(settings.folders.prompts) if settings.folders.prompts else None
        self._folder = speech_folder(Path(settings.folders.state))
        self._name, self._language = settings.site.name, settings.site.languages[0]
        self._records, self._jobs = records, jobs
        self._next_at: float | None = None
        self._is_wanted = self._has_failed = False

    def look(self, monotonic: float, is_idle: Callable[[], bool]) -> None:
        """Check every NAME_EVERY_S (s); begin the child when no call is on."""
        if self._next_at is None:
            self._next_at = monotonic + NAME_FIRST_S
        if self._is_wanted and not self._has_failed and is_idle():
            self._is_wanted = False
            self._begin()
        if monotonic >= self._next_at:
            self._next_at = monotonic + NAME_EVERY_S
            self._records.do(self._missing, self._found)

    def _missing(self, _: object) -> bool:
        return office_name_is_missing(self._folder, self._site, self._name, self._language)

    def _found(self, result: bool | CentralinoError) -> None:
        self._is_wanted = result is True

    def _begin(self) -> None:
        try:
            self._jobs.begin(NAME_COMMAND, "", MOST_NAME_BYTES, self._ended)
        except (Refused, OSError) as error:
            log.info("the office's name waits for its voice: %s", error)

    def _ended(self, how: JobResult) -> None:
        self._has_failed = not how.is_well
        log.log(logging.INFO if how.is_well else logging.WARNING, "greeting: %s", how.said)
