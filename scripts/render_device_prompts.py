#!/usr/bin/env python3
"""Renders our announcements in the box's own voice: appliance/prompts/device/it and en, A-law.

What they say stands in appliance/prompts/*/texts.toml. Run it anew when a text changes, with the
py-nanotts of constraints.txt: `.venv/bin/python scripts/render_device_prompts.py [key ...]`. A
sound whose text is the one that it was made of is left as it is: device_prompts.json has the digest
of each text.
"""

from __future__ import annotations

import hashlib
import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from appliance.api import speech
from appliance.dsp import g711, wav
from appliance.dsp.wav import Law
from appliance.prompts import DEVICE
from appliance.prompts.voices import SpokenText, spoken_texts

NOTE = Path(__file__).with_name("device_prompts.json")
"""Digests of the texts that the sounds were made of, by language and key."""


def digest(said: SpokenText) -> str:
    """Return what changes with everything that the sound is made of."""
    parts = (said.say, said.language, str(said.is_fragment), speech.VERSION, speech.PROMPTS_SPEED)
    return hashlib.sha256(repr(parts).encode()).hexdigest()[:16]


def main(wanted: list[str], device: Path = DEVICE, note: Path = NOTE) -> None:
    """Render the keys asked for, or all of them, whose text is new."""
    known = json.loads(note.read_text()) if note.exists() else {}
    for language in speech.VOICES:
        folder = device / language
        folder.mkdir(parents=True, exist_ok=True)
        made = known.setdefault(language, {})
        for key, entry in spoken_texts(language).items():
            path, now = folder / f"{key}.wav", digest(entry)
            # The voice's noise goes on from sound to sound within a process: the same text, spoken
            # behind another one, is other bytes.
            if (wanted and key not in wanted) or (path.exists() and made.get(key) == now):
                continue
            sound = g711.encode(speech.speak_prompt(entry), Law.ALAW)
            path.write_bytes(wav.build(sound, Law.ALAW))
            made[key] = now
    note.write_text(json.dumps(known, indent=1, sort_keys=True) + "\n")


if __name__ == "__main__":
    main(sys.argv[1:])
