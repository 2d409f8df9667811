"""Parts of the pages on announcements."""

from __future__ import annotations

import functools
import os
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any, Final

import anyio.to_thread
from starlette.requests import Request

from appliance import prompts
from appliance.calls.status import DRAFT_KEPT, Went
from appliance.console.desk_client import NotDone, ask
from appliance.console.network import ConsoleSettings
from appliance.console.say import N_
from appliance.console.shared import who
from appliance.dsp import g711, progress, wav
from appliance.dsp.wav import SAMPLE_RATE, Law
from appliance.errors import ConfigurationError
from appliance.files import SHARED, make_shared, replacing
from appliance.policy.text import NOTHING, Refused, Words
from appliance.prompts import Catalogue, voices
from appliance.prompts.texts import texts
from appliance.store.backup import MAGIC
from appliance.voicemail.storage import spare_bytes

# ---- announcements -----------------------------------------------------------------------------
# Announcements for the pages: what is heard, how long, what it says; uploads made telephone sound.
#
# Done here and not at the desk: whatever it costs, it costs a call nothing. Blocking: for threads.

MOST_S: Final = 30
NO_WAV: Final = N_("This file cannot be used: it must be a WAV file, mono, 16 bits.")
TOO_LONG: Final = N_("This recording is too long: 30 seconds at most.")
SILENT: Final = N_("Nothing is heard in this recording.")
KINDS: Final = ("sentence", "fragment", "tone")
OWN: Final = "own"
"""The kind of what is no recording of ours."""


class NoSound(ConfigurationError):  # noqa: N818 - reads as what it is
    """Raised for a file that cannot become an announcement; says why, a catalogue's sentence."""


@dataclass(frozen=True, slots=True)
class Announcement:
    """One announcement: `seconds` as it is heard now, `text` what our recording says.

    `is_own` is one of the house's, `is_central` one of the head office's; `is_site` one that the
    technician's folder holds: it is not changed by a page.
    """

    language: str
    key: str
    kind: str
    text: str
    seconds: float
    is_own: bool
    is_site: bool
    is_central: bool = False


class Announcements:
    """What lies in the folders, strongest first: the site's own if any, then the desk's; below them
    the head office's, where there is one. Ours are in the voice that callers hear.
    """

    def __init__(
        self,
        folders: tuple[Path, ...],
        central: Path | None = None,
        voice: str = voices.Voice.AUTO,
    ) -> None:
        self._folders, self._central, self._voice = folders, central, voice
        self._site = folders[0] if len(folders) > 1 else None

    def in_our_voice(self) -> tuple[str, ...]:
        """Return the languages in which our announcements are heard in the box's own voice."""
        made = self._folders[-1:]
        languages = prompts.languages()
        found = (
            voices.device_languages(folder, self._site, self._voice, languages) for folder in made
        )
        return next(found, ())

    @functools.cached_property
    def _catalogue(self) -> Catalogue:
        return Catalogue(*self._folders, self._central, device=self.in_our_voice())

    def listed(self, languages: tuple[str, ...]) -> tuple[Announcement, ...]:
        """List the announcements, whole sentences first, as our texts are ordered."""
        found = [each for language in languages for each in self._of(language)]
        return tuple(sorted(found, key=lambda each: (*KINDS, OWN).index(each.kind)))

    def find(self, language: str, key: str) -> Announcement | None:
        """Return one announcement, None where there is none."""
        if key not in self._catalogue.keys(language) or _is_hidden(key):
            return None
        return next(each for each in self._of(language) if each.key == key)

    def sound(self, language: str, key: str) -> bytes:
        """Return it as a WAV that browsers play; raises PromptError."""
        return wav.build(self._catalogue.load(language, key), Law.LINEAR16)

    def _of(self, language: str) -> Iterator[Announcement]:
        known = {key: (kind, text) for kind, entries in texts(language).items()
                 for key, text in entries.items()}  # fmt: skip
        there = self._catalogue.keys(language)
        for key in (*known, *(key for key in there if key not in known and not _is_hidden(key))):
            if key in there:
                kind, text = known.get(key, (OWN, ""))
                yield self._one(language, key, kind, text)

    def _one(self, language: str, key: str, kind: str, text: str) -> Announcement:
        path = self._catalogue.path_of(language, key)
        is_central = self._central is not None and self._central in path.parents
        is_own = self._catalogue.is_own(language, key) and not is_central
        is_site = self._site is not None and self._site in path.parents
        seconds = _seconds(path)
        return Announcement(language, key, kind, text, seconds, is_own, is_site, is_central)


def _is_hidden(key: str) -> bool:
    """Tell what was made of texts: spoken sheets, units' names (api/speech.py)."""
    return key.startswith(("title_", "sheet_", "unit_"))


def _seconds(path: Path) -> float:
    try:
        return wav.read(path).duration_ms / 1000
    except (OSError, wav.WavError):
        return 0.0


def telephone_sound(contents: bytes) -> bytes:
    """Make a WAV telephone sound: A-law at 8 kHz, silence trimmed, at our recordings' level.

    Raises NoSound.
    """
    try:
        found = wav.parse(contents, rate=None)
    except wav.WavError as error:
        raise NoSound(NO_WAV) from error
    if found.law is Law.LINEAR8 or found.rate < SAMPLE_RATE:
        raise NoSound(NO_WAV)
    if found.duration_ms > MOST_S * 1000:
        raise NoSound(TOO_LONG)
    plain = g711.decode(found.data, found.law)
    sound = progress.trimmed(progress.from_rate(plain, found.rate))
    if not sound:
        raise NoSound(SILENT)
    return g711.encode(progress.levelled(sound), Law.ALAW)


# ---- dictated ----------------------------------------------------------------------------------
# Drafts of announcements for the pages: what somebody dictated at a phone and no caller hears yet.
#
# Read where the desk has laid them down (ConsoleSettings.drafts). Blocking: for threads.

CLOSE_DB: Final = 3.0
"""So near to the others' level nobody hears a difference."""
ALIKE: Final = N_("like the others")
LOW: Final = N_("lower than the others: it will be raised")
HIGH: Final = N_("higher than the others: it will be lowered")
GONE: Final = N_("This recording is no longer there: record it again.")


@dataclass(frozen=True, slots=True)
class Draft:
    """One draft: its length, a sentence about its loudness (a catalogue's), until when it stays."""

    seconds: float
    loudness: str
    until: datetime


def find(folder: Path, language: str, key: str) -> Draft | None:
    """Return the draft of an announcement, None where there is none that can be heard."""
    try:
        found = wav.parse(_contents(folder, language, key))
        laid_down = _path(folder, language, key).stat().st_mtime
    except (NoSound, wav.WavError, OSError):
        return None
    level = progress.active_dbm0(g711.decode(found.data, found.law))
    until = datetime.fromtimestamp(laid_down, UTC) + DRAFT_KEPT
    return Draft(found.duration_ms / 1000, _loudness(level - progress.ACTIVE_DBM0), until)


def sound(folder: Path, language: str, key: str) -> bytes:
    """Return a draft as callers would hear it, A-law at 8 kHz; raises NoSound."""
    return telephone_sound(_contents(folder, language, key))


def _contents(folder: Path, language: str, key: str) -> bytes:
    """Read the file; the names are those of an announcement that there is."""
    try:
        return _path(folder, language, key).read_bytes()
    except OSError as error:
        raise NoSound(GONE) from error


def _path(folder: Path, language: str, key: str) -> Path:
    return folder / language / f"{key}.wav"


def _loudness(above_db: float) -> str:
    if abs(above_db) <= CLOSE_DB:
        return ALIKE
    return HIGH if above_db > 0 else LOW


# ---- dictating ---------------------------------------------------------------------------------
# How far the dictation of an announcement is, and what has come of it: for its page.


@dataclass(frozen=True, slots=True)
class Dictating:
    """`said` is what to say of it, empty for nothing; `phones` are (name, label) of those that can
    be rung, `phone` the one of whoever looks."""

    is_over: bool
    is_well: bool
    said: Words
    draft: Draft | None
    phones: tuple[tuple[str, str], ...]
    phone: str


async def dictating(request: Request, found: Announcement, *, tells_end: bool) -> Dictating:
    """Ask the desk and look for a draft; how it ended is said only where somebody waits for it."""
    folder = request.app.state.settings.drafts
    answer = await _answer(request, found)
    went, is_over = answer["went"], bool(answer["over"])
    draft = await anyio.to_thread.run_sync(find, folder, found.language, found.key)
    is_kept = went == Went.KEPT
    is_told = went and (not is_over or (tells_end and (not is_kept or draft is not None)))
    said = Words(**answer["said"]) if is_told else NOTHING
    asks = who(request)
    return Dictating(
        is_over, not is_over or is_kept, said, draft, _phones(request, asks.position), asks.position
    )


def question(ask: str, request: Request, found: Announcement) -> dict[str, Any]:
    """Make a question about an announcement."""
    return {"ask": ask, "language": found.language, "key": found.key, "by": who(request).by}


async def _answer(request: Request, found: Announcement) -> dict[str, Any]:
    try:
        return await ask(request, question("announcement_dictation", request, found))
    except NotDone:  # a desk that is away is told at the head of every page
        return {"went": "", "over": True}


def _phones(request: Request, own: str) -> tuple[tuple[str, str], ...]:
    """List the phones that the desk knows, by label; one's own is there whatever it says."""
    status = request.app.state.feed.newest.status or {}
    known = {row["name"]: row["label"] or row["name"] for row in status.get("phones", ())}
    if own:
        known.setdefault(own, own)
    return tuple(sorted(known.items(), key=lambda one: (one[0] != own, one[1])))


# ---- uploads -----------------------------------------------------------------------------------
# A backup, or an update, that comes from a browser: written to the console's own folder.

MADE: Final = "backups/console.backup"
"""Where, below the desk's state folder, the backup lies that was asked for here."""
UPLOADED: Final = "restore/uploaded.backup"
"""Where, below the console's folder, the desk looks for one that came from a browser."""
UPLOADED_UPDATE: Final = "update/uploaded.raucb"
"""Likewise, where root's helper looks for an update."""

UPLOADED_CENTRAL: Final = "central/uploaded.settings"
"""Likewise, where the desk looks for the head office's settings."""


@dataclass(frozen=True, slots=True)
class Kind:
    """What a file of some kind begins with, and what is said of one that does not."""

    magic: bytes
    other: Words


BACKUP: Final = Kind(
    MAGIC,
    Words(
        "questo file non è una copia di sicurezza del centralino",
        "this file is no backup of the switchboard",
    ),
)
UPDATE: Final = Kind(
    b"hsqs",  # a SquashFS, which every bundle is (RAUC, Bundle formats)
    Words("questo file non è un aggiornamento (.raucb)", "this file is no update (.raucb)"),
)

CENTRAL: Final = Kind(
    b"centralino-settings-1\n",
    Words(
        "questo file non contiene impostazioni centrali (centralino settings pack)",
        "this file holds no central settings (centralino settings pack)",
    ),
)


@dataclass(frozen=True, slots=True)
class Stored:
    """A backup's file: its size in MB, and when it was written."""

    path: Path
    size: float
    at: datetime


def made_path(settings: ConsoleSettings) -> Path:
    """Say where the desk lays a backup down."""
    return settings.records.parent / MADE


def uploaded_path(settings: ConsoleSettings) -> Path:
    """Say where an upload lies."""
    return settings.state / UPLOADED


def update_path(settings: ConsoleSettings) -> Path:
    """Say where an uploaded update lies."""
    return settings.state / UPLOADED_UPDATE


def central_path(settings: ConsoleSettings) -> Path:
    """Say where uploaded central settings lie."""
    return settings.state / UPLOADED_CENTRAL


def stored(path: Path) -> Stored | None:
    """Look at a backup's file; None where there is none."""
    try:
        found = path.stat()
    except OSError:
        return None
    return Stored(path, found.st_size / 1e6, datetime.fromtimestamp(found.st_mtime, UTC))


async def receive(
    pieces: AsyncIterator[bytes], length: int, path: Path, kind: Kind = BACKUP
) -> None:
    """Write an upload, whole or not at all; raises Refused, OSError.

    There must be room for it twice, whoever looks through it unpacks or copies it, and for messages
    beside.
    """
    make_shared(path.parent)  # the service looks through it
    if 2 * length > spare_bytes(path.parent):
        raise Refused(
            "sul disco non c'è abbastanza spazio libero: i messaggi vengono prima",
            "there is not enough free space on the disk: messages come first",
        )
    with replacing(path, mode=SHARED) as file:
        await _write(pieces, length, file, kind)


async def _write(pieces: AsyncIterator[bytes], length: int, file: IO[bytes], kind: Kind) -> None:
    taken = 0
    async for piece in pieces:
        if taken == 0 and not piece.startswith(kind.magic[: len(piece)]):
            raise Refused(kind.other.it, kind.other.en)
        taken += len(piece)
        await anyio.to_thread.run_sync(file.write, piece)
    if taken != length or length <= len(kind.magic):
        raise Refused(
            "il file non è arrivato intero: riprovare", "the file has not come whole: try again"
        )
    await anyio.to_thread.run_sync(_to_disk, file)


def _to_disk(file: IO[bytes]) -> None:
    file.flush()
    os.fsync(file.fileno())
