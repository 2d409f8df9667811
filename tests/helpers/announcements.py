"""An office's own greetings, brief ones: for tests that do not judge what is announced.

The recorded greeting takes half a minute. A site may lay its own sounds over ours
(folders.prompts).
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from appliance.dsp import g711, wav
from appliance.dsp.wav import Law
from appliance.prompts import Catalogue
from tests.helpers.sound import babble

BRIEF_S: Final = 0.3
BRIEF: Final = (
    "welcome", "language_key", "key_", "greeting_", "leave_message", "privacy", "write_to",
    "word_", "sign_", "letter_", "hour_", "minute_", "reopen_", "offer_call",
)  # fmt: skip
"""How the keys begin of what callers are greeted with, and told at an office's telephone."""


def brief(folder: Path, but: str = "") -> str:
    """Write a brief sound for each of these, `but` one; returns the line for [folders], which
    `Box.extra` begins with.
    """
    sound = wav.build(g711.encode(babble(BRIEF_S, seed=3), Law.ALAW), Law.ALAW)
    ours = Catalogue()
    for language in ours.languages():
        (folder / language).mkdir(parents=True)
        for key in ours.keys(language):
            if key.startswith(BRIEF) and key != but:
                (folder / language / f"{key}.wav").write_bytes(sound)
    return f'prompts = "{folder}"\n'
