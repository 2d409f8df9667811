"""Announcements for the pages: what is heard, how long, what it says; uploads made telephone sound.

Done here and not at the desk: whatever it costs, it costs a call nothing. Blocking: for threads.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from appliance import prompts
from appliance.console.say import N_
from appliance.dsp import g711, progress, wav
from appliance.dsp.wav import SAMPLE_RATE, Law
from appliance.errors import ConfigurationError
from appliance.prompts import Catalogue, voices
from appliance.prompts.texts import texts

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
