"""The prompt memory: every announcement of every language in one sealed memfd for the carrier."""

from __future__ import annotations

import fcntl
import hashlib
import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from appliance.calls.announcements import RING_BACK
from appliance.dsp.dtmf import PLANS, play
from appliance.media.messages import Prompt
from appliance.policy.text import Words
from appliance.prompts import Catalogue, PromptError, load

UNPLAYABLE = Words("un annuncio dell'ufficio non si può riprodurre, rifarlo: {}", "{}")
HOLD = ("hold", "hold_music", "hold_music", "hold_music")
"""What a caller on hold hears, round and round: a word, then some music."""
LOST = ("connection_lost",)
"""What a caller hears whose desk has died, before the line is put on hook."""


@dataclass(frozen=True, slots=True)
class PromptFile:
    """An open memfd and where each prompt lies in it."""

    fd: int
    prompts: tuple[Prompt, ...]


def prompt_file(
    catalogue: Catalogue, languages: Iterable[str], country: str, complain: Callable[[Words], None]
) -> PromptFile:
    """Lay all prompts of `languages` and a country's tones into a memfd, 16-bit 8 kHz; seal it.

    A prompt of the site's own that cannot be played is complained of, and ours is used.
    """
    recorded = (
        (f"{language}/{key}", _sound(catalogue, language, key, complain))
        for language in languages
        for key in sorted(catalogue.keys(language))
    )
    return sealed((*recorded, (RING_BACK, ring_back(country))))


def ring_back(country: str) -> bytes:
    """Return one period of what a country's telephones hear while it rings at the other end."""
    cadence = PLANS[country].ringback[0]
    return play(cadence, sum(burst.on_ms + burst.off_ms for burst in cadence.bursts))


def sealed(sounds: Iterable[tuple[str, bytes]]) -> PromptFile:
    """Lay named sounds (16-bit, 8 kHz) into a memfd and seal it; equal ones lie there once.

    Music, tones and names that are said alike in both languages are 3 % of what we bring.
    """
    fd = os.memfd_create("centralino-prompts", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    prompts: list[Prompt] = []
    places: dict[bytes, int] = {}
    end = 0
    for name, sound in sounds:
        at = places.setdefault(hashlib.sha256(sound).digest(), end)
        if at == end:
            os.write(fd, sound)
            end += len(sound)
        prompts.append(Prompt(name, at, len(sound)))
    fcntl.fcntl(fd, fcntl.F_ADD_SEALS, fcntl.F_SEAL_WRITE | fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW)
    return PromptFile(fd, tuple(prompts))


def _sound(
    catalogue: Catalogue, language: str, key: str, complain: Callable[[Words], None]
) -> bytes:
    try:
        return catalogue.load(language, key)
    except PromptError as error:
        complain(Words(UNPLAYABLE.it.format(error), str(error)))
    try:
        return load(language, key)
    except PromptError:
        return b""  # a key that the site alone has


def named(language: str, keys: Iterable[str]) -> tuple[str, ...]:
    """Give catalogue names in one language: "it/hold"."""
    return tuple(f"{language}/{key}" for key in keys)
