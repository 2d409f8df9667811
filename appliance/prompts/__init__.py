"""Recorded announcements: one folder a language, one WAV a key; a site's own take their place.

The text of each key is in the `texts.toml` of each folder; `scripts/render_prompts.py` made the
Italian and English WAVs, once, `scripts/render_device_prompts.py` the German ones. Licences:
NOTICE.md.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

from appliance.dsp import g711, wav
from appliance.dsp.wav import Law
from appliance.errors import ConfigurationError

OURS = Path(__file__).resolve().parent
DEVICE = OURS / "device"
"""The same announcements in the box's own voice (scripts/render_device_prompts.py)."""
# The callers' own language comes first wherever languages are listed.
FIRST = "it"
# A key or language is part of a path: it can hold neither a dot nor a slash.
_NAME = re.compile(r"[a-z0-9_]+")
_CONVERT = "sox in.wav -r 8000 -c 1 -e a-law out.wav"


class PromptError(ConfigurationError):
    """Raised for an announcement that is missing or cannot be played; names file and remedy."""


class Catalogue:
    """The announcements of this box: the product's, replaced by those in the site's folders.

    `site_dir/it/greeting_closed.wav` is played instead of the product's, the first folder's instead
    of the next one's. A site folder may add keys and languages. In the languages of `device` the
    product's are in the box's own voice. Files are read at each `load`.
    """

    def __init__(self, *site_dirs: Path | None, device: Iterable[str] = ()) -> None:
        self._roots = (*(folder for folder in site_dirs if folder is not None), OURS)
        self._device = frozenset(device)

    def languages(self) -> tuple[str, ...]:
        """Return the languages that have announcements, Italian first, else by name."""
        folders = (folder for root in self._roots for folder in root.glob("*"))
        found = {folder.name for folder in folders if any(folder.glob("*.wav"))}
        return tuple(sorted(filter(_NAME.fullmatch, found), key=lambda name: (name != FIRST, name)))

    def keys(self, language: str) -> tuple[str, ...]:
        """Return the keys of a language, sorted; none for a language without announcements."""
        if not _NAME.fullmatch(language):
            return ()
        found = {path.stem for root in self._roots for path in root.glob(f"{language}/*.wav")}
        return tuple(sorted(filter(_NAME.fullmatch, found)))

    def load(self, language: str, key: str) -> bytes:
        """Return an announcement as 16-bit little-endian samples at 8 kHz, mono.

        The file is 8 kHz, mono, 16-bit linear, A-law or µ-law. Raises PromptError in one sentence
        that names the file and says what to do.
        """
        path = self.path_of(language, key)
        # A site's file that cannot be played is an error: were the product's played instead, the
        # office would not notice.
        try:
            return _playable(wav.read(path))
        except (OSError, ValueError) as error:
            raise PromptError(f"the announcement {path} cannot be played: {error}") from error

    def problems(self) -> tuple[str, ...]:
        """Return one sentence for each announcement that cannot be played."""
        # All at once, so that one look is enough to mend them.
        names = [(language, key) for language in self.languages() for key in self.keys(language)]
        return tuple(sentence for name in names if (sentence := self._problem(*name)))

    def _problem(self, language: str, key: str) -> str | None:
        try:
            self.load(language, key)
        except PromptError as error:
            return str(error)
        return None

    def is_own(self, language: str, key: str) -> bool:
        """Tell whether a site's file is played; raises PromptError if there is none at all."""
        return OURS not in self.path_of(language, key).parents

    def path_of(self, language: str, key: str) -> Path:
        """Return the path of the file that is played; raises PromptError if there is none."""
        if _NAME.fullmatch(language) and _NAME.fullmatch(key):
            for root in self._roots:
                path = root / language / f"{key}.wav"
                own = DEVICE / language / f"{key}.wav"
                # The box's own voice replaces the product's speech alone: tones have no file in it,
                # and a site's file is found first.
                if root == OURS and language in self._device and own.exists():
                    return own
                if path.exists():
                    return path
        raise PromptError(
            f"there is no announcement {language}/{key}: put {language}/{key}.wav into the site's"
            " folder of announcements, or install the package again"
        )


def is_key(name: str) -> bool:
    """Tell whether a name is valid for an announcement."""
    return _NAME.fullmatch(name) is not None


def load(language: str, key: str) -> bytes:
    """Return one of the product's announcements, as `Catalogue.load` does."""
    return Catalogue().load(language, key)


def keys(language: str) -> tuple[str, ...]:
    """Return the keys of the product's announcements in a language."""
    return Catalogue().keys(language)


def languages() -> tuple[str, ...]:
    """Return the languages of the product's announcements."""
    return Catalogue().languages()


def _playable(sound: wav.Sound) -> bytes:
    # 8-bit linear sound has a noise distance of 28 dB at best (audio.md 6).
    if sound.law is Law.LINEAR8:
        raise PromptError(f"8-bit linear sound hisses on a telephone, convert it with: {_CONVERT}")
    if not sound.data:
        raise PromptError("it holds no sound, record it again")
    return g711.decode(sound.data, sound.law)
