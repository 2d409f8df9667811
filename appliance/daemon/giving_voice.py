"""Text is given a voice: spoken sheets and an office's own notices, at import time (P1, E14).

Every file is whole or not there; the menu is written last. What is there already is not made again.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict
from pathlib import Path

from appliance.config.mistakes import BadConfiguration, Mistake, italian_of
from appliance.daemon import house_name, voice
from appliance.daemon.spoken import MENU, OURS, UNITS, load_units, path_of
from appliance.dsp import wav
from appliance.dsp.wav import SAMPLE_RATE, Law
from appliance.errors import OfficeError
from appliance.files import SHARED, atomic_write, make_shared
from appliance.policy.sheets import MOST_SPOKEN, Menu, Sheet, SpokenSheet
from appliance.policy.text import Refused, SaidError, Words
from appliance.prompts import voices

MOST_SHEET_S, MOST_NOTICE_S, MOST_NOTICES = 60, 30, 20
MOST_NAME_S, MOST_UNITS = 6, 100
"""Nobody listens longer on a telephone; with these the carrier's memory grows by 16 MB at most."""
PAUSE = bytes(2 * SAMPLE_RATE * 6 // 10)
"""Between a sheet and the keys that lead on."""
OFFERS = {
    "it": "Per informazioni su: {title}, prema {key}.",
    "en": "For information about: {title}, press {key}.",
}
AFTER = {
    "it": "Per tornare all'elenco, prema asterisco. Per lasciare un messaggio, prema cancelletto.",
    "en": "To go back to the list, press star. To leave a message, press hash.",
}


def render(folder: Path, sheets: Iterable[Sheet], languages: tuple[str, ...]) -> Menu:
    """Give every spoken sheet its sounds, and return the menu; in force once it is published.

    Keys go by language, then by the files' names. Raises BadConfiguration with every mistake.
    """
    given = [sheet for sheet in sheets if sheet.say]
    _check(given, languages)
    given.sort(key=lambda sheet: (languages.index(sheet.language), sheet.code))
    mistakes: list[Mistake] = []
    menu: list[SpokenSheet] = []
    for key, sheet in enumerate(given, 1):
        try:
            menu.append(_rendered(folder, sheet, key))
        except OfficeError as error:
            mistakes.append(Mistake(f"{sheet.code}, say", str(error), it=italian_of(error)))
    if mistakes:
        raise BadConfiguration("the spoken sheets", tuple(mistakes))
    return tuple(menu)


def publish(folder: Path, menu: Menu) -> None:
    """Put a menu into force and forget the sounds of no menu."""
    make_shared(folder)
    text = json.dumps([asdict(spoken) for spoken in menu], ensure_ascii=False)
    atomic_write(folder / MENU, text, mode=SHARED)
    _forget_others(folder, ("title_", "sheet_"), {n for spoken in menu for n in spoken.prompts})


def _forget_others(folder: Path, kinds: tuple[str, ...], wanted: set[str]) -> None:
    for path in folder.glob("*/*.wav"):
        if path.stem.startswith(kinds) and f"{path.parent.name}/{path.stem}" not in wanted:
            path.unlink(missing_ok=True)


def name_units(folder: Path, names: Mapping[str, str], language: str) -> bool:
    """Have units' names spoken to operators (E23), by code; tells whether anything is new.

    At most MOST_UNITS of them, MOST_NAME_S each: what has no sound is named by its code. Raises
    TechnicianError where the synthesiser is missing.
    """
    known = load_units(folder)
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
        with contextlib.suppress(OfficeError):  # no word that can be said, or too long a name
            if not path.exists():
                _write(path, _short(voice.speak(f"{name},", language), MOST_NAME_S))
            yield code, f"{language}/{key}"


def name_house(folder: Path, site: Path | None, name: str, language: str) -> bool:
    """Have the house's name spoken where a greeting begins; tells whether anything is new.

    What the office has recorded itself stays. Raises OfficeError for a name that cannot be said,
    TechnicianError where the synthesiser is missing.
    """
    if not house_name.is_missing(folder, site, name, language):
        return False
    sound = _short(voice.speak(house_name.said_by(name), language), MOST_NAME_S)
    make_shared(folder)
    _write(path_of(folder, language, house_name.KEY), sound)
    house_name.note(folder, name, language)
    return True


def say(folder: Path, language: str, key: str, text: str) -> int:
    """Make a text an announcement of the office's own; returns its length in ms.

    Raises OfficeError for one that is too long, or one too many.
    """
    length_ms = put(folder, language, key, voice.speak(text, language))
    voices.note_said(folder, language, key)
    return length_ms


def put(folder: Path, language: str, key: str, sound: bytes) -> int:
    """Make a sound (16-bit, 8 kHz) an announcement of the office's own; returns its length in ms.

    Raises OfficeError for one that is too long, or one too many.
    """
    path = path_of(folder, language, key)
    notices = [p for p in folder.glob("*/*.wav") if not p.stem.startswith(OURS) and p != path]
    if len(notices) >= MOST_NOTICES:
        raise Refused(
            f"ci sono già {MOST_NOTICES} annunci propri: toglierne prima uno",
            f"there are {MOST_NOTICES} announcements already: forget one first",
        )
    _write(path, _short(sound, MOST_NOTICE_S))
    return _ms(sound)


def forget(folder: Path, language: str, key: str) -> None:
    """Remove an announcement of the office's own; raises OfficeError when there is none."""
    path = path_of(folder, language, key)
    if key.startswith(OURS) or not path.exists():
        raise SaidError(
            Words(
                f"{language}/{key} non è un annuncio creato con `centralino prompts say`",
                f"{language}/{key} is no announcement made by `centralino prompts say`",
            )
        )
    path.unlink()


def _check(sheets: list[Sheet], languages: tuple[str, ...]) -> None:
    mistakes = [
        Mistake(
            f"{s.code}, language",
            f"{s.language!r} is none of site.languages: {', '.join(languages)}",
            it=f"{s.language!r} non è fra le lingue (site.languages): {', '.join(languages)}",
        )
        for s in sheets
        if s.language not in languages
    ]
    if len(sheets) > MOST_SPOKEN:
        codes = ", ".join(sheet.code for sheet in sheets)
        text = f"{len(sheets)} are spoken ({codes}): a caller is offered {MOST_SPOKEN} at most"
        it = f"se ne leggono {len(sheets)} ({codes}): se ne offrono al massimo {MOST_SPOKEN}"
        mistakes.append(Mistake("the folder", text, it=it))
    if mistakes:
        raise BadConfiguration("the spoken sheets", tuple(mistakes))


def _rendered(folder: Path, sheet: Sheet, key: int) -> SpokenSheet:
    """Give one sheet its sounds, where they are not there already."""
    language = sheet.language
    offer = OFFERS[language].format(title=sheet.title, key=key)
    title = _named("title_", language, offer)
    text = _named("sheet_", language, sheet.say)
    keys = _named("sheet_", language, AFTER[language])
    if not (path := path_of(folder, language, title)).exists():
        _write(path, voice.speak(offer, language))
    if not (path := path_of(folder, language, text)).exists():
        _write(path, _short(voice.speak(sheet.say, language), MOST_SHEET_S))
    if not (path := path_of(folder, language, keys)).exists():
        _write(path, PAUSE + voice.speak(AFTER[language], language))
    return SpokenSheet(sheet.code, language, title, text, keys)


def _named(kind: str, *said: str) -> str:
    """Name a sound by what it says: the same name is the same sound, for ever."""
    digest = hashlib.sha256("\0".join((voice.VERSION, *said)).encode()).hexdigest()
    return f"{kind}{digest[:16]}"


def _short(sound: bytes, most_s: int) -> bytes:
    """Return a sound; raises OfficeError when it takes longer than it may."""
    if _ms(sound) > most_s * 1000:
        raise Refused(
            f"dura {_ms(sound) // 1000} s: al massimo {most_s} s, accorciarlo",
            f"takes {_ms(sound) // 1000} s to read aloud: {most_s} s at most, shorten it",
        )
    return sound


def _ms(sound: bytes) -> int:
    return len(sound) // 2 * 1000 // SAMPLE_RATE


def _write(path: Path, sound: bytes) -> None:
    make_shared(path.parent)
    atomic_write(path, wav.build(sound, Law.LINEAR16), mode=SHARED)
