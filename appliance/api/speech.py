"""Text to speech: spoken sheets, names of units and of the office, the office's announcements.

SVOX Pico in the package py-nanotts (Apache 2.0) has an Italian, a German and a British voice and is
200 times as fast as speech. Only commands load it: call control reads the files that they write.
The ONLY module that imports py_nanotts.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import logging
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final
from zoneinfo import ZoneInfo

from appliance.config.state_folder import path_of
from appliance.config.values import BadConfiguration, Mistake, reason_of
from appliance.dsp import wav
from appliance.dsp.wav import SAMPLE_RATE, Law
from appliance.errors import OfficeError
from appliance.files import SHARED, atomic_write, make_shared
from appliance.policy.directory_changes import of_known_units
from appliance.policy.numbering import MASK, plan_of
from appliance.policy.privacy import Disclosure, must_not_say
from appliance.policy.sheets import MOST_SPOKEN, Menu, Sheet, SpokenSheet
from appliance.policy.text import Refused, SaidError
from appliance.prompts import voices
from appliance.store import directory
from appliance.store import sheets as stored_sheets
from appliance.store.database import database_path
from appliance.store.directory import key_path
from appliance.text import Words, _

if TYPE_CHECKING:
    import sqlite3

    from appliance.config.schema import Settings
    from appliance.prompts.voices import SpokenText


# Files: state/spoken has it/sheet_..., it/title_..., it/unit_... (named by their text, so that a
# name always has the same sound), it/privacy (the office's own), menu.json with the targets of the
# keys, and units.json with the sounds of the units' names (E23). Call control reads them in the
# database thread and passes them to the media gateway as one memfd.

log = logging.getLogger(__name__)

MENU, UNITS = voices.MENU, "units.json"
# Prefixes of generated sounds; all others are the office's own announcements.
OURS = ("title_", "sheet_", "unit_")


def load_menu(folder: Path) -> Menu:
    """Return the menu in force; empty without a file; a broken file is logged."""
    try:
        rows = json.loads((folder / MENU).read_text(encoding="utf-8"))
        return tuple(SpokenSheet(**row) for row in rows)[:MOST_SPOKEN]
    except FileNotFoundError:
        return ()
    except (OSError, ValueError, TypeError) as error:
        log.error("%s cannot be read (%s): import the sheets again", folder / MENU, error)
        return ()


def load_spoken_units(folder: Path) -> dict[str, str]:
    """Return the sounds of the units' names by code; empty without a readable file."""
    try:
        rows = json.loads((folder / UNITS).read_text(encoding="utf-8"))
        return {str(code): str(name) for code, name in rows.items()}
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, AttributeError) as error:
        log.error("%s cannot be read (%s): import the register again", folder / UNITS, error)
        return {}


def sounds_in(menu: Menu) -> set[str]:
    """Return the names of a menu's sounds."""
    return {name for spoken in menu for name in spoken.prompts}


# The prompt `welcome`. A generated sound's digest is kept in a file beside it: a sound with another
# digest is the office's own recording, which is never replaced.

KEY: Final = voices.NAME_KEY
MADE: Final = voices.NAME_NOTE


def office_name_said_by(name: str) -> str:
    """Return the sentence that says the office's name."""
    return f"{name.strip().rstrip('.')}."


def office_name_is_missing(folder: Path, site: Path | None, name: str, language: str) -> bool:
    """True if the name's sound is missing, or a generated one says another name."""
    if site is not None and path_of(site, language, KEY).exists():
        return False
    digest = _digest(path_of(folder, language, KEY))
    made = _made(folder)
    # Another digest than the noted one: the office has recorded its own name.
    is_own = bool(digest) and digest != made.get("sound")
    return not is_own and (not digest or made.get("said") != office_name_said_by(name))


def note_office_name(folder: Path, name: str, language: str) -> None:
    """Record that the present sound was generated from this name."""
    digest = _digest(path_of(folder, language, KEY))
    atomic_write(
        folder / MADE, json.dumps({"said": office_name_said_by(name), "sound": digest}), mode=SHARED
    )


def _digest(path: Path) -> str:
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except FileNotFoundError:
        return ""


def _made(folder: Path) -> dict[str, str]:
    """Read the note; {} if unreadable."""
    try:
        read = json.loads((folder / MADE).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return read if isinstance(read, dict) else {}


VOICES = {"it": "it-IT", "de": "de-DE", "en": "en-GB"}
# Part of a sound's name: change it with the voice or the level, so that sounds are made again.
VERSION = "pico-1"
# Louder, the synthesiser clips its own peaks.
VOLUME = 0.4
# Announcements are spoken as fast as the recorded ones (scripts/render_device_prompts.py).
PROMPTS_SPEED = 1.12
# Bytes cut at each end of a fragment: 60 of its 100 ms of silence.
FRAGMENT_CUT = 2 * SAMPLE_RATE * 60 // 1000
# Two minutes of speech: nothing longer is read aloud to anybody.
MOST_LETTERS = 2_000
# Pico interprets tags; a sheet has none.
_MARKUP = re.compile(r"[<>\\]")


def speak(text: str, language: str, speed: float = 1.0) -> bytes:
    """Return a text as 16-bit sound at 8 kHz, at the recordings' level, silence trimmed.

    Raises OfficeError for a text that is too long or says nothing, TechnicianError where the
    synthesiser is missing.
    """
    if len(text) > MOST_LETTERS:
        raise SaidError(
            _(
                "{text} letters cannot be read aloud: write {most_letters} at most",
                text=len(text),
                most_letters=MOST_LETTERS,
            )
        )
    plain = " ".join(_MARKUP.sub(" ", text).split())
    if not any(letter.isalnum() for letter in plain):
        raise SaidError(_("{text!r} says nothing when it is read aloud: write words", text=text))
    sound = wav.telephone(_synthesised(plain, language, speed))
    return wav.levelled(wav.trimmed(wav.without_end_click(sound)))


def speak_prompt(said: SpokenText) -> bytes:
    """Return an announcement of ours in this voice; raises as `speak` does."""
    sound = speak(said.say, said.language, PROMPTS_SPEED)
    # A fragment is joined with others: it has short edges.
    cut = FRAGMENT_CUT if said.is_fragment else 0
    return sound[cut : len(sound) - cut]


def _synthesised(plain: str, language: str, speed: float) -> bytes:
    try:
        from py_nanotts import NanoTTS
    except ImportError as error:
        raise Refused(
            _("py-nanotts is missing, so nothing can be given a voice: pip install py-nanotts"),
        ) from error
    said = NanoTTS().speak(plain, voice=VOICES[language], speed=speed, volume=VOLUME)
    return bytes(said)


# Files are written atomically and the menu last; an existing sound is not made again.

# Longest sounds (s) and most files: with these the media gateway's memory grows by 16 MB at most.
MOST_SHEET_S, MOST_NOTICE_S, MOST_NOTICES = 60, 30, 20
MOST_NAME_S, MOST_UNITS = 6, 100
PAUSE = bytes(2 * SAMPLE_RATE * 6 // 10)
"""0.6 s of silence between a sheet and the sentence with the keys."""
WITHHELD: Final = _(
    "{text} is not read to callers any more: it names the number {number} ({office}), which they "
    "may not be told; enter the office's written authorisation, or leave the number out."
)
OFFER = _("For information about: {title}, press {key}.")
AFTER = _("To go back to the list, press star. To leave a message, press hash.")


def disclosure_now(settings: Settings, connection: sqlite3.Connection) -> Disclosure:
    """Return what callers may be told now (P7); raises StoreError without the directory's key."""
    key = key_path(database_path(Path(settings.folders.state)))
    held, zone = of_known_units(directory.load(connection, key)), ZoneInfo(settings.site.zone)
    return Disclosure(held, plan_of(settings.site.country), datetime.now(zone), zone)


@dataclass(frozen=True, slots=True)
class Withheld:
    """What callers do not hear for the offices' numbers in it: codes of sheets and names of
    announcements, each with its offices.
    """

    sheets: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    announcements: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def words(self) -> Iterator[Words]:
        """Yield a sentence for each; none contains a number (P7)."""
        for rows in (self.sheets, self.announcements):
            for name, offices in rows.items():
                yield WITHHELD.filled(text=name, number=MASK, office=", ".join(offices))


def withheld_now(folder: Path, connection: sqlite3.Connection, disclosure: Disclosure) -> Withheld:
    """Find the spoken texts that name a number which may not be told, or not any more."""
    spoken = {s.code: (s.title, s.say) for s in stored_sheets.all_sheets(connection) if s.say}
    written = {name: (text,) for name, text in voices.said_texts(folder).items()}

    def kept(rows: Mapping[str, tuple[str, ...]]) -> dict[str, tuple[str, ...]]:
        found = ((name, disclosure.kept_by(*texts)) for name, texts in rows.items())
        return {name: offices for name, offices in found if offices}

    return Withheld(kept(spoken), kept(written))


def render(folder: Path, sheets: Iterable[Sheet], languages: tuple[str, ...]) -> Menu:
    """Generate the sounds of every spoken sheet and return the menu; `publish` activates it.

    Keys are assigned by language, then file name. Raises BadConfiguration with all mistakes.
    """
    given = [sheet for sheet in sheets if sheet.say]
    _check(given, languages)
    # A stable order, so that a sheet keeps its key as long as no other one comes before it.
    given.sort(key=lambda sheet: (languages.index(sheet.language), sheet.code))
    mistakes: list[Mistake] = []
    menu: list[SpokenSheet] = []
    for key, sheet in enumerate(given, 1):
        try:
            menu.append(_rendered(folder, sheet, key))
        except OfficeError as error:
            mistakes.append(Mistake(f"{sheet.code}, say", reason_of(error)))
    if mistakes:
        raise BadConfiguration("the spoken sheets", tuple(mistakes))
    return tuple(menu)


def publish(folder: Path, menu: Menu) -> None:
    """Activate a menu and delete sounds that are in no menu."""
    make_shared(folder)
    text = json.dumps([asdict(spoken) for spoken in menu], ensure_ascii=False)
    atomic_write(folder / MENU, text, mode=SHARED)
    _forget_others(folder, ("title_", "sheet_"), {n for spoken in menu for n in spoken.prompts})


def _forget_others(folder: Path, kinds: tuple[str, ...], wanted: set[str]) -> None:
    for path in folder.glob("*/*.wav"):
        if path.stem.startswith(kinds) and f"{path.parent.name}/{path.stem}" not in wanted:
            path.unlink(missing_ok=True)


def name_units(folder: Path, names: Mapping[str, str], language: str) -> bool:
    """Generate units' names for operators (E23); return True if anything is new.

    At most MOST_UNITS names of MOST_NAME_S each; a unit without a sound is said by its code. Raises
    TechnicianError without the synthesiser.
    """
    known = load_spoken_units(folder)
    found = dict(_named_units(folder, dict(list(names.items())[:MOST_UNITS]), language))
    make_shared(folder)
    atomic_write(folder / UNITS, json.dumps(found, ensure_ascii=False), mode=SHARED)
    _forget_others(folder, ("unit_",), set(found.values()))
    return found != known


def _named_units(
    folder: Path, names: Mapping[str, str], language: str
) -> Iterator[tuple[str, str]]:
    for code, name in names.items():
        key = _named("unit_", language, name)
        path = path_of(folder, language, key)
        # A name that cannot be said, or takes too long, leaves its unit without a sound.
        with contextlib.suppress(OfficeError):
            if not path.exists():
                _write(path, _short(speak(f"{name},", language), MOST_NAME_S))
            yield code, f"{language}/{key}"


def name_office(
    folder: Path,
    site: Path | None,
    name: str,
    language: str,
    disclosure: Disclosure | None = None,
) -> bool:
    """Generate the office's name for the greetings; return True if anything is new.

    The office's own recording stays. Raises OfficeError for a name that cannot be said, or names a
    number that callers may not be told, TechnicianError without the synthesiser.
    """
    if not office_name_is_missing(folder, site, name, language):
        return False
    _check_said(f"{language}/{KEY}", name, disclosure)
    sound = _short(speak(office_name_said_by(name), language), MOST_NAME_S)
    make_shared(folder)
    _write(path_of(folder, language, KEY), sound)
    note_office_name(folder, name, language)
    return True


def say(
    folder: Path, language: str, key: str, text: str, disclosure: Disclosure | None = None
) -> int:
    """Generate an announcement of the office's own from a text; return its length in ms.

    Raises OfficeError for one that is too long, or one too many, or names a number that callers
    may not be told.
    """
    _check_said(f"{language}/{key}", text, disclosure)
    length_ms = put(folder, language, key, speak(text, language))
    voices.note_said(folder, language, key, text)
    return length_ms


def _check_said(announcement: str, text: str, disclosure: Disclosure | None) -> None:
    """Raise Refused for a text with a number that callers may not be told (P7)."""
    if disclosure is not None and (offices := disclosure.kept_by(text)):
        raise Refused(must_not_say(announcement, offices))


def put(folder: Path, language: str, key: str, sound: bytes) -> int:
    """Store a sound (16-bit, 8 kHz) as an announcement of the office; return its length in ms.

    Raises OfficeError for one that is too long, or one too many.
    """
    path = path_of(folder, language, key)
    notices = [p for p in folder.glob("*/*.wav") if not p.stem.startswith(OURS) and p != path]
    if len(notices) >= MOST_NOTICES:
        raise Refused(
            _(
                "there are {most_notices} announcements already: forget one first",
                most_notices=MOST_NOTICES,
            ),
        )
    _write(path, _short(sound, MOST_NOTICE_S))
    return _ms(sound)


def forget(folder: Path, language: str, key: str) -> None:
    """Remove an announcement of the office's own; raises OfficeError if there is none."""
    path = path_of(folder, language, key)
    if key.startswith(OURS) or not path.exists():
        raise SaidError(
            _(
                "{language}/{key} is no announcement made by `centralino office prompts say`",
                language=language,
                key=key,
            )
        )
    path.unlink()


def _check(sheets: list[Sheet], languages: tuple[str, ...]) -> None:
    mistakes = [
        Mistake(
            f"{s.code}, language",
            _(
                "{language!r} is none of site.languages: {known}",
                language=s.language,
                known=", ".join(languages),
            ),
        )
        for s in sheets
        if s.language not in languages
    ]
    if len(sheets) > MOST_SPOKEN:
        codes = ", ".join(sheet.code for sheet in sheets)
        said = _(
            "{spoken} are spoken ({codes}): a caller is offered {most} at most",
            spoken=len(sheets),
            codes=codes,
            most=MOST_SPOKEN,
        )
        mistakes.append(Mistake("the folder", said))
    if mistakes:
        raise BadConfiguration("the spoken sheets", tuple(mistakes))


def check_disclosed(sheets: Iterable[Sheet], disclosure: Disclosure) -> None:
    """Raise BadConfiguration for numbers in spoken sheets that callers may not be told (P7)."""
    mistakes = tuple(
        Mistake(f"{sheet.code}, {field}", must_not_say(sheet.code, offices))
        for sheet in sheets
        if sheet.say
        for field, text in (("title", sheet.title), ("say", sheet.say))
        if (offices := disclosure.kept_by(text))
    )
    if mistakes:
        raise BadConfiguration("the spoken sheets", mistakes)


def _rendered(folder: Path, sheet: Sheet, key: int) -> SpokenSheet:
    """Generate the missing sounds of one sheet."""
    language = sheet.language
    offer = OFFER.filled(title=sheet.title, key=key).text(language)
    after = AFTER.text(language)
    title = _named("title_", language, offer)
    text = _named("sheet_", language, sheet.say)
    keys = _named("sheet_", language, after)
    if not (path := path_of(folder, language, title)).exists():
        _write(path, speak(offer, language))
    if not (path := path_of(folder, language, text)).exists():
        _write(path, _short(speak(sheet.say, language), MOST_SHEET_S))
    if not (path := path_of(folder, language, keys)).exists():
        _write(path, PAUSE + speak(after, language))
    return SpokenSheet(sheet.code, language, title, text, keys)


def _named(kind: str, *said: str) -> str:
    """Return a sound's name, a digest of its text: the same name is always the same sound."""
    digest = hashlib.sha256("\0".join((VERSION, *said)).encode()).hexdigest()
    return f"{kind}{digest[:16]}"


def _short(sound: bytes, most_s: int) -> bytes:
    """Return a sound unchanged; raises OfficeError beyond `most_s` seconds."""
    if _ms(sound) > most_s * 1000:
        raise Refused(
            _(
                "takes {ms} s to read aloud: {most_s} s at most, shorten it",
                ms=_ms(sound) // 1000,
                most_s=most_s,
            ),
        )
    return sound


def _ms(sound: bytes) -> int:
    return len(sound) // 2 * 1000 // SAMPLE_RATE


def _write(path: Path, sound: bytes) -> None:
    make_shared(path.parent)
    atomic_write(path, wav.build(sound, Law.LINEAR16), mode=SHARED)
