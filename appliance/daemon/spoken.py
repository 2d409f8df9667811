"""Sounds that were made of text at import time: spoken sheets, an office's own notices (P1, E14).

They lie in state/spoken: it/sheet_..., it/title_..., it/unit_... (named by what they say, so that a
name never changes its sound), it/privacy (the office's own), menu.json with what the keys lead to,
and units.json with what says the units' names to operators (E23). The
commands make them (giving_voice.py); the desk reads them, in the records' thread, and hands them
to the carrier as one memfd.
"""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from appliance.calls import events
from appliance.daemon.announcements import PromptFile, sealed
from appliance.daemon.central_place import prompts_in_force
from appliance.dsp import g711, wav
from appliance.dsp.wav import SAMPLE_RATE
from appliance.errors import CentralinoError
from appliance.policy.sheets import MOST_SPOKEN, Menu, SpokenSheet
from appliance.prompts import DEVICE, voices
from appliance.store.writer import Records

if TYPE_CHECKING:
    import sqlite3

    from appliance.config.schema import Settings

log = logging.getLogger(__name__)

MENU, UNITS = voices.MENU, "units.json"
OURS = ("title_", "sheet_", "unit_")
"""How the names of our sounds begin; every other sound is a notice of the office's own."""
MOST_BYTES = 2 * SAMPLE_RATE * 90
"""No sound is longer in the carrier's memory than 90 s."""


def speech_folder(state: Path) -> Path:
    """Say where the spoken sounds lie below the state folder."""
    return state / "spoken"


def drafts_of(state: Path) -> Path:
    """Say where drafts of announcements lie below the state folder: no caller hears them."""
    return state / "drafts"


def announcements_of(settings: Settings) -> tuple[Path, ...]:
    """Name the folders laid over our recordings: the site's, what was put here, the head office's.

    The first that has an announcement is the one that is heard.
    """
    state = Path(settings.folders.state)
    central = prompts_in_force(state) if settings.central.certificate else None
    return (*own_announcements_of(settings), *((central,) if central else ()))


def own_announcements_of(settings: Settings) -> tuple[Path, ...]:
    """Name those of them that are this house's: the site's, what was put here."""
    own = (Path(settings.folders.prompts),) if settings.folders.prompts else ()
    return (*own, speech_folder(Path(settings.folders.state)))


def path_of(folder: Path, language: str, key: str) -> Path:
    """Say where a sound lies below the folder."""
    return folder / language / f"{key}.wav"


class _Read(NamedTuple):
    menu: Menu
    units: dict[str, str]
    sounds: PromptFile


class SpokenSounds:
    """Reads the sounds in the records' thread; `post` takes SpokenSheetsChanged.

    What the site has recorded itself (`site`, folders.prompts) is never spoken over.
    """

    def __init__(
        self,
        folder: Path,
        site: Path | None,
        records: Records,
        post: Callable[[events.Event], None],
    ) -> None:
        self.folder = folder
        self.site = site
        self._records = records
        self._post = post
        self._ready: PromptFile | None = None
        self.voice: str = voices.Voice.AUTO
        """Who says our announcements, and in which `languages` there may be callers."""
        self.languages: tuple[str, ...] = ()

    def load(self, told: Callable[[CentralinoError | Menu], None] | None = None) -> None:
        """Read everything anew; SpokenSheetsChanged follows, and `told` hears the menu."""

        def done(found: _Read | CentralinoError) -> None:
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
        """Return the memory of the sounds read last, once; the taker closes it."""
        ready, self._ready = self._ready, None
        return ready

    def _read(self, _: sqlite3.Connection) -> _Read:
        menu, named = load_menu(self.folder), load_units(self.folder)
        wanted = _named_by(menu) | set(named.values())
        central = prompts_in_force(self.folder.parent)
        sounds = dict(self._in_our_voice())
        sounds |= _sounds(central, self.site, set()) if central else ()
        sounds |= _sounds(self.folder, self.site, wanted)
        units = {code: name for code, name in named.items() if name in sounds}
        missing = sorted(_named_by(menu) - set(sounds))
        if missing:
            log.error("no sheet is offered, a sound is missing (%s): import them again", missing[0])
        return _Read(() if missing else menu, units, sealed(sounds.items()))

    def _in_our_voice(self) -> Iterator[tuple[str, bytes]]:
        """Read our announcements in the box's own voice, of the languages in which it speaks."""
        own = voices.device_languages(self.folder, self.site, self.voice, self.languages)
        for language in own:
            yield from _sounds(DEVICE, self.site, set(), f"{language}/*.wav")


def load_menu(folder: Path) -> Menu:
    """Return the menu in force; a missing file is none, a broken one is named in the journal."""
    try:
        rows = json.loads((folder / MENU).read_text(encoding="utf-8"))
        return tuple(SpokenSheet(**row) for row in rows)[:MOST_SPOKEN]
    except FileNotFoundError:
        return ()
    except (OSError, ValueError, TypeError) as error:
        log.error("%s cannot be read (%s): import the sheets again", folder / MENU, error)
        return ()


def load_units(folder: Path) -> dict[str, str]:
    """Return which sounds say units' names, by code; none where the file is missing or broken."""
    try:
        rows = json.loads((folder / UNITS).read_text(encoding="utf-8"))
        return {str(code): str(name) for code, name in rows.items()}
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, AttributeError) as error:
        log.error("%s cannot be read (%s): import the register again", folder / UNITS, error)
        return {}


def _named_by(menu: Menu) -> set[str]:
    return {name for spoken in menu for name in spoken.prompts}


def _sounds(
    folder: Path, site: Path | None, wanted: set[str], which: str = "*/*.wav"
) -> Iterator[tuple[str, bytes]]:
    """Read what is wanted of ours, and the office's own notices, each within its limit."""
    for path in sorted(folder.glob(which)):
        name = f"{path.parent.name}/{path.stem}"
        if path.stem.startswith(OURS) and name not in wanted:
            continue
        if site is not None and (site / f"{name}.wav").exists():
            continue
        try:
            sound = wav.read(path)
        except (OSError, wav.WavError) as error:
            log.error("%s cannot be played (%s): import it again", path, error)
            continue
        yield name, g711.decode(sound.data, sound.law)[:MOST_BYTES]
