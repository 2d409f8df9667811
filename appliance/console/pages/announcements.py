"""Announcements: playing, replacing by a recording or a dictation, restoring the original.

Recordings are converted here and not in call control: whatever that costs, it costs a call
nothing. All of it blocks and belongs in threads.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import anyio.to_thread
from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from appliance import prompts
from appliance.api.commands import (
    Dictate,
    DropDraft,
    FollowDictation,
    RestoreRecording,
    SendRecording,
)
from appliance.api.replies import DictationState, FullStatus
from appliance.calls.status import DRAFT_KEPT, Went
from appliance.console.accounts import (
    ask_as_user,
    needs,
    requester,
    with_permission,
)
from appliance.console.control_client import NotDone, ask, send
from appliance.console.say import LANGUAGE_NAMES, N_
from appliance.console.templates import PageLink, page
from appliance.dsp import g711, wav
from appliance.dsp.wav import SAMPLE_RATE, Law
from appliance.errors import ConfigurationError
from appliance.policy.users import Permission
from appliance.prompts import Catalogue, voices
from appliance.prompts.voices import PromptVoice, texts
from appliance.text import NOTHING, Words

LONGEST_S: Final = 30
"""Longest recording, in seconds."""
NO_WAV: Final = N_("This file cannot be used: it must be a WAV file, mono, 16 bits.")
TOO_LONG: Final = N_("This recording is too long: 30 seconds at most.")
SILENT: Final = N_("Nothing is heard in this recording.")
PROMPT_KINDS: Final = ("sentence", "fragment", "tone")
OWN_KIND: Final = "own"
"""Kind of an announcement that the product has no recording of."""


class UnusableRecording(ConfigurationError):  # noqa: N818 - reads as what it is
    """Raised for a file that cannot become an announcement; its text is a catalogue's sentence."""


@dataclass(frozen=True, slots=True)
class Announcement:
    """Announcement; `seconds` long as callers hear it now, `text` of the product's recording.

    `is_own`: the office's own; `is_central`: the head office's; `is_site`: in the technician's
    folder, which no page changes.
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
    """Announcements of all folders; the site's before call control's before the head office's.

    The product's own are in the voice that callers hear.
    """

    def __init__(
        self,
        folders: tuple[Path, ...],
        central: Path | None = None,
        voice: str = voices.PromptVoice.AUTO,
    ) -> None:
        self._folders, self._central, self._voice = folders, central, voice
        self._site = folders[0] if len(folders) > 1 else None

    def in_our_voice(self) -> tuple[str, ...]:
        """Return the languages whose announcements the appliance's own voice speaks."""
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
        """List the announcements, whole sentences first, in the order of the texts."""
        found = [each for language in languages for each in self._of(language)]
        return tuple(sorted(found, key=lambda each: (*PROMPT_KINDS, OWN_KIND).index(each.kind)))

    def find(self, language: str, key: str) -> Announcement | None:
        """Return one announcement, None where there is none."""
        if key not in self._catalogue.keys(language) or _is_hidden(key):
            return None
        return next(each for each in self._of(language) if each.key == key)

    def sound(self, language: str, key: str) -> bytes:
        """Return an announcement as WAV, 16-bit linear at 8 kHz; raises PromptError."""
        return wav.build(self._catalogue.load(language, key), Law.LINEAR16)

    def _of(self, language: str) -> Iterator[Announcement]:
        known = {key: (kind, text) for kind, entries in texts(language).items()
                 for key, text in entries.items()}  # fmt: skip
        there = self._catalogue.keys(language)
        for key in (*known, *(key for key in there if key not in known and not _is_hidden(key))):
            if key in there:
                kind, text = known.get(key, (OWN_KIND, ""))
                yield self._one(language, key, kind, text)

    def _one(self, language: str, key: str, kind: str, text: str) -> Announcement:
        # The file that callers hear: the strongest folder's.
        path = self._catalogue.path_of(language, key)
        is_central = self._central is not None and self._central in path.parents
        is_own = self._catalogue.is_own(language, key) and not is_central
        is_site = self._site is not None and self._site in path.parents
        seconds = _seconds(path)
        return Announcement(language, key, kind, text, seconds, is_own, is_site, is_central)


def _is_hidden(key: str) -> bool:
    """Tell whether an announcement is made from a text: spoken sheets, units' names."""
    # They are made anew from their texts (api/speech.py), so no page replaces them.
    return key.startswith(("title_", "sheet_", "unit_"))


def _seconds(path: Path) -> float:
    try:
        return wav.read(path).duration_ms / 1000
    except (OSError, wav.WavError):
        return 0.0


def telephone_sound(contents: bytes) -> bytes:
    """Convert a WAV to A-law at 8 kHz, silence trimmed, at the level of the other recordings.

    Raises UnusableRecording.
    """
    try:
        found = wav.parse(contents, rate=None)
    except wav.WavError as error:
        raise UnusableRecording(NO_WAV) from error
    if found.law is Law.LINEAR8 or found.rate < SAMPLE_RATE:
        raise UnusableRecording(NO_WAV)
    if found.duration_ms > LONGEST_S * 1000:
        raise UnusableRecording(TOO_LONG)
    plain = g711.decode(found.data, found.law)
    sound = wav.trimmed(wav.from_rate(plain, found.rate))
    if not sound:
        raise UnusableRecording(SILENT)
    return g711.encode(wav.levelled(sound), Law.ALAW)


# Nobody hears a smaller difference of level.
ALIKE_DB: Final = 3.0
"""Distance from the others' level, in dB, up to which a draft counts as alike."""
LEVEL_ALIKE: Final = N_("like the others")
LEVEL_LOW: Final = N_("lower than the others: it will be raised")
LEVEL_HIGH: Final = N_("higher than the others: it will be lowered")
DRAFT_GONE: Final = N_("This recording is no longer there: record it again.")


@dataclass(frozen=True, slots=True)
class Draft:
    """Dictated draft: length, a catalogue's sentence about its loudness, time of its deletion."""

    seconds: float
    loudness: str
    until: datetime


def find_draft(folder: Path, language: str, key: str) -> Draft | None:
    """Return the draft of an announcement, None for none or an unusable one."""
    try:
        found = wav.parse(_draft_file(folder, language, key))
        laid_down = _draft_path(folder, language, key).stat().st_mtime
    except (UnusableRecording, wav.WavError, OSError):
        return None
    level = wav.active_dbm0(g711.decode(found.data, found.law))
    until = datetime.fromtimestamp(laid_down, UTC) + DRAFT_KEPT
    return Draft(found.duration_ms / 1000, _loudness(level - wav.ACTIVE_DBM0), until)


def draft_sound(folder: Path, language: str, key: str) -> bytes:
    """Return a draft as callers would hear it, A-law at 8 kHz; raises UnusableRecording."""
    return telephone_sound(_draft_file(folder, language, key))


def _draft_file(folder: Path, language: str, key: str) -> bytes:
    """Read a draft's file; language and key must be those of an existing announcement."""
    try:
        return _draft_path(folder, language, key).read_bytes()
    except OSError as error:
        raise UnusableRecording(DRAFT_GONE) from error


def _draft_path(folder: Path, language: str, key: str) -> Path:
    return folder / language / f"{key}.wav"


def _loudness(above_db: float) -> str:
    if abs(above_db) <= ALIKE_DB:
        return LEVEL_ALIKE
    return LEVEL_HIGH if above_db > 0 else LEVEL_LOW


@dataclass(frozen=True, slots=True)
class DictationView:
    """State of a dictation.

    `said` is its message, empty for none; `phones` are (name, label) of the phones that can ring,
    `phone` is the user's own.
    """

    is_over: bool
    is_well: bool
    said: Words
    draft: Draft | None
    phones: tuple[tuple[str, str], ...]
    phone: str


async def dictation_view(
    request: Request, found: Announcement, *, tells_end: bool
) -> DictationView:
    """Ask call control for the dictation's state, and look for a draft."""
    folder = request.app.state.settings.drafts
    reply = await _dictation_status(request, found)
    went, is_over = reply.went, reply.over
    draft = await anyio.to_thread.run_sync(find_draft, folder, found.language, found.key)
    is_kept = went == Went.KEPT
    # The end is shown only on a page that waits for it; a draft that is gone again is no news.
    is_told = went and (not is_over or (tells_end and (not is_kept or draft is not None)))
    said = reply.said if is_told and reply.said else NOTHING
    asks = requester(request)
    return DictationView(
        is_over,
        not is_over or is_kept,
        said,
        draft,
        _phone_choices(request, asks.position),
        asks.position,
    )


def _named(request: Request, found: Announcement) -> dict[str, Any]:
    return {"language": found.language, "key": found.key, "by": requester(request).by}


async def _dictation_status(request: Request, found: Announcement) -> DictationState:
    try:
        return await send(request, FollowDictation(**_named(request, found)))
    # Every page says at its head that call control is unreachable.
    except NotDone:
        return DictationState("", over=True)


def _phone_choices(request: Request, own: str) -> tuple[tuple[str, str], ...]:
    """List call control's phones by label, the user's own first even where it is not among them."""
    status: FullStatus | None = request.app.state.feed.newest.status
    known = {row.name: row.label or row.name for row in status.phones} if status else {}
    if own:
        known.setdefault(own, own)
    return tuple(sorted(known.items(), key=lambda one: (one[0] != own, one[1])))


# Three quarters of what a command may hold: base64 makes four bytes of three.
PART: Final = 9_000
"""Bytes of a recording in one command."""
HEADINGS: Final = {
    "sentence": N_("Sentences"),
    "own": N_("Your own"),
    "fragment": N_("Words of which days, hours and addresses are made"),
    "tone": N_("Tones and music"),
}


@needs(Permission.PROMPTS)
async def show_all(request: Request) -> Response:
    """List all announcements by kind."""
    languages = request.app.state.settings.languages
    heard = _announcements(request)
    listed = await anyio.to_thread.run_sync(heard.listed, languages)
    spoken = await anyio.to_thread.run_sync(heard.in_our_voice)
    kinds = [
        (kind, said, [each for each in listed if each.kind == kind])
        for kind, said in HEADINGS.items()
    ]
    return page(
        request,
        "announcements/all.html",
        kinds=[kind for kind in kinds if kind[2]],
        names=LANGUAGE_NAMES,
        own=sum(each.is_own for each in listed),
        voices=[(each, each in spoken) for each in languages],
        automatic=request.app.state.settings.voice == PromptVoice.AUTO,
    )


@needs(Permission.PROMPTS)
async def show(request: Request) -> Response:
    """Show one announcement, with its forms."""
    return await announcement_page(request, await addressed_announcement(request))


@needs(Permission.PROMPTS)
async def sound(request: Request) -> Response:
    """Play one announcement as callers hear it."""
    found = await addressed_announcement(request)
    try:
        contents = await anyio.to_thread.run_sync(
            _announcements(request).sound, found.language, found.key
        )
    except ConfigurationError as error:
        raise HTTPException(404) from error
    return Response(contents, media_type="audio/wav")


@needs(Permission.PROMPTS)
async def replace(request: Request) -> Response:
    """Replace an announcement by an uploaded recording."""
    found, form = await addressed_announcement(request), await request.form(max_files=1)
    file, say = form.get("file"), request.state.speaker
    contents = await file.read() if isinstance(file, UploadFile) else b""
    try:
        sound = await anyio.to_thread.run_sync(telephone_sound, contents)
        await send_recording(request, found, sound)
    except UnusableRecording as error:
        return await announcement_page(request, found, 400, wrong=say(str(error)))
    except NotDone as error:
        return await announcement_page(request, found, error.status, wrong=str(error))
    return RedirectResponse(f"{path_of(found)}?saved=1", 303)


@needs(Permission.PROMPTS)
async def restore(request: Request) -> Response:
    """Restore the product's recording of an announcement."""
    found = await addressed_announcement(request)
    try:
        await ask_as_user(request, RestoreRecording(language=found.language, key=found.key))
    except NotDone as error:
        return await announcement_page(request, found, error.status, wrong=str(error))
    # An announcement without a recording of the product has no page any more.
    return RedirectResponse(f"{path_of(found)}?restored=1" if found.text else "/announcements", 303)


async def send_recording(request: Request, found: Announcement, sound: bytes) -> None:
    """Send a recording to call control, part by part; raises NotDone."""
    for at in range(0, len(sound), PART):
        part = SendRecording(
            language=found.language,
            key=found.key,
            at=at,
            data=sound[at : at + PART],
            last=at + PART >= len(sound),
        )
        await ask_as_user(request, part)


async def announcement_page(
    request: Request, found: Announcement, status: int = 200, wrong: str = ""
) -> Response:
    """Show one announcement with its forms; `wrong` is the reason of a refusal."""
    done = {name: request.query_params.get(name, "") == "1" for name in ("saved", "restored")}
    tells_end = request.query_params.get("dictating", "") == "1"
    now = await dictation_view(request, found, tells_end=tells_end)
    return page(request, "announcements/one.html", status, one=found, wrong=wrong, **done,
                names=LANGUAGE_NAMES, now=now)  # fmt: skip


async def addressed_announcement(request: Request) -> Announcement:
    """Return the announcement that the address names."""
    language, key = request.path_params["language"], request.path_params["key"]
    found = await anyio.to_thread.run_sync(_announcements(request).find, language, key)
    if found is None:
        raise HTTPException(404)
    return found


def path_of(found: Announcement) -> str:
    """Return the address of an announcement's page."""
    return f"/announcements/{found.language}/{found.key}"


def _announcements(request: Request) -> Announcements:
    settings = request.app.state.settings
    # Anew for each page: another bundle of the head office may have come into force.
    office = settings.head_office()
    central = office.prompts if office else None
    return Announcements(settings.announcements, central, settings.voice)


links = (
    PageLink("/announcements", N_("Announcements"), with_permission(Permission.PROMPTS), order=55),
)


# Dictation: a phone rings, and what a person says there becomes a draft, which is then put in
# force or discarded.

LONGEST: Final = 64
"""Longest name of a phone."""


@needs(Permission.PROMPTS)
async def dictate(request: Request) -> Response:
    """Start a dictation: a phone rings."""
    found, form = await addressed_announcement(request), await request.form()
    phone, say = str(form.get("phone", "")).strip()[:LONGEST], request.state.speaker
    if not phone:
        return await announcement_page(request, found, 400, wrong=say(N_("Choose a phone.")))
    try:
        await ask(request, Dictate(phone=phone, **_named(request, found)))
    except NotDone as error:
        return await announcement_page(request, found, error.status, wrong=str(error))
    return RedirectResponse(f"{path_of(found)}?dictating=1#dictation", 303)


@needs(Permission.PROMPTS)
async def progress(request: Request) -> Response:
    """Show the progress of a dictation: a part of the page, polled every second."""
    found = await addressed_announcement(request)
    now = await dictation_view(request, found, tells_end=True)
    return page(request, "announcements/dictation.html", one=found, now=now)


@needs(Permission.PROMPTS)
async def draft(request: Request) -> Response:
    """Play the draft as callers would hear it."""
    try:
        sound = await _draft_sound(request, await addressed_announcement(request))
    except UnusableRecording as error:
        raise HTTPException(404) from error
    return Response(wav.build(sound, Law.ALAW), media_type="audio/wav")


@needs(Permission.PROMPTS)
async def put_in_force(request: Request) -> Response:
    """Replace the announcement by its draft, like an uploaded recording."""
    found, say = await addressed_announcement(request), request.state.speaker
    try:
        # The draft is dropped only once the announcement is replaced.
        await send_recording(request, found, await _draft_sound(request, found))
        await ask(request, DropDraft(**_named(request, found)))
    except UnusableRecording as error:
        return await announcement_page(request, found, 400, wrong=say(str(error)))
    except NotDone as error:
        return await announcement_page(request, found, error.status, wrong=str(error))
    return RedirectResponse(f"{path_of(found)}?saved=1", 303)


@needs(Permission.PROMPTS)
async def discard(request: Request) -> Response:
    """Drop the draft."""
    found = await addressed_announcement(request)
    try:
        await ask(request, DropDraft(**_named(request, found)))
    except NotDone as error:
        return await announcement_page(request, found, error.status, wrong=str(error))
    return RedirectResponse(f"{path_of(found)}#dictation", 303)


async def _draft_sound(request: Request, found: Announcement) -> bytes:
    folder = request.app.state.settings.drafts
    return await anyio.to_thread.run_sync(draft_sound, folder, found.language, found.key)


routes: list[BaseRoute] = [
    Route("/announcements", show_all),
    Route("/announcements/{language}/{key}", show, methods=["GET"]),
    Route("/announcements/{language}/{key}", replace, methods=["POST"]),
    Route("/announcements/{language}/{key}/sound", sound),
    Route("/announcements/{language}/{key}/restore", restore, methods=["POST"]),
    Route("/announcements/{language}/{key}/dictate", dictate, methods=["POST"]),
    Route("/announcements/{language}/{key}/dictation", progress),
    Route("/announcements/{language}/{key}/draft", draft, methods=["GET"]),
    Route("/announcements/{language}/{key}/draft", put_in_force, methods=["POST"]),
    Route("/announcements/{language}/{key}/draft/discard", discard, methods=["POST"]),
]
