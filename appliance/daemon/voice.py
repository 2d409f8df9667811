"""The box's synthesised voice: a sentence made into telephone sound. ONLY py_nanotts here.

SVOX Pico in the package py-nanotts (Apache 2.0): wheels for the board and every Python of ours
(abi3), one Italian and one British voice, 200 times as fast as speech. It is loaded by the commands
that import sheets and notices, never by the desk: a call hears a file that is there already.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from appliance.dsp import progress
from appliance.dsp.wav import SAMPLE_RATE
from appliance.policy.text import Refused, SaidError, Words

if TYPE_CHECKING:
    from appliance.prompts.texts import Said

VOICES = {"it": "it-IT", "en": "en-GB"}
VERSION = "pico-1"
"""Part of a sound's name: a sound of another voice or level is another sound."""
VOLUME = 0.4
"""Of the synthesiser: louder, its peaks are cut off before we see them."""
PROMPTS_SPEED = 1.12
"""Our announcements are spoken as fast as the recorded ones (scripts/render_device_prompts.py)."""
FRAGMENT_CUT = 2 * SAMPLE_RATE * 60 // 1000
"""Of the 100 ms of silence at each end, in bytes."""
MOST_LETTERS = 2_000
"""Two minutes of speech: nothing longer is read aloud to anybody."""
_MARKUP = re.compile(r"[<>\\]")
"""Pico takes tags; a sheet has none."""


def speak(text: str, language: str, speed: float = 1.0) -> bytes:
    """Return a text as 16-bit sound at 8 kHz, at our recordings' level, silence trimmed.

    Raises OfficeError for a text that is too long or says nothing, TechnicianError where the
    synthesiser is missing.
    """
    if len(text) > MOST_LETTERS:
        raise SaidError(
            Words(
                f"{len(text)} lettere non si possono leggere ad alta voce: scriverne al massimo "
                f"{MOST_LETTERS}",
                f"{len(text)} letters cannot be read aloud: write {MOST_LETTERS} at most",
            )
        )
    plain = " ".join(_MARKUP.sub(" ", text).split())
    if not any(letter.isalnum() for letter in plain):
        raise SaidError(
            Words(
                f"{text!r} letto ad alta voce non dice nulla: scrivere delle parole",
                f"{text!r} says nothing when it is read aloud: write words",
            )
        )
    sound = progress.telephone(_synthesised(plain, language, speed))
    return progress.levelled(progress.trimmed(progress.without_end_click(sound)))


def speak_prompt(said: Said) -> bytes:
    """Return one of our announcements in this voice; a fragment has short edges, as it is joined.

    Raises as `speak` does.
    """
    sound = speak(said.say, said.language, PROMPTS_SPEED)
    cut = FRAGMENT_CUT if said.is_fragment else 0
    return sound[cut : len(sound) - cut]


def _synthesised(plain: str, language: str, speed: float) -> bytes:
    try:
        from py_nanotts import NanoTTS
    except ImportError as error:
        raise Refused(
            "manca py-nanotts e la voce non si può creare: pip install py-nanotts",
            "py-nanotts is missing, so nothing can be given a voice: pip install py-nanotts",
        ) from error
    said = NanoTTS().speak(plain, voice=VOICES[language], speed=speed, volume=VOLUME)
    return bytes(said)
