#!/usr/bin/env python3
"""Renders our announcements in the box's own voice: appliance/prompts/device/it and en, A-law.

German has no other voice: its announcements are rendered into appliance/prompts/de, 16 bits, with
the tones of the Italian ones. What they say stands in appliance/prompts/*/texts.toml. Run it anew
when a text changes, with the py-nanotts of constraints.txt:
`.venv/bin/python scripts/render_device_prompts.py [key ...]`. A sound whose text is the one that it
was made of is left as it is: device_prompts.json has the digest of each text.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from appliance.api import speech
from appliance.dsp import g711, wav
from appliance.dsp.wav import Law
from appliance.prompts import DEVICE, FIRST, OURS
from appliance.prompts.voices import SpokenText, spoken_texts

NOTE = Path(__file__).with_name("device_prompts.json")
"""Digests of the texts that the sounds were made of, by language and key."""
ONLY_HERE = frozenset({"de"})
"""Languages without recordings in another voice: these are the product's, for every choice."""
LAWS = {True: Law.LINEAR16, False: Law.ALAW}
TONES = ("tone_record", "tone_ok", "hold_music")


def digest(said: SpokenText) -> str:
    """Return what changes with everything that the sound is made of."""
    parts = (said.say, said.language, str(said.is_fragment), speech.VERSION, speech.PROMPTS_SPEED)
    return hashlib.sha256(repr(parts).encode()).hexdigest()[:16]


def write(path: Path, sound: bytes, law: Law) -> None:
    """Write a sound (16-bit, 8 kHz) as a WAV of a law."""
    path.write_bytes(wav.build(g711.encode(sound, law), law))


def main(
    wanted: list[str], device: Path = DEVICE, note: Path = NOTE, recorded: Path = OURS
) -> None:
    """Render the keys asked for, or all of them, whose text is new."""
    known = json.loads(note.read_text()) if note.exists() else {}
    for language in speech.VOICES:
        is_only = language in ONLY_HERE
        folder, law = (recorded if is_only else device) / language, LAWS[is_only]
        folder.mkdir(parents=True, exist_ok=True)
        made = known.setdefault(language, {})
        for key, entry in spoken_texts(language).items():
            path, now = folder / f"{key}.wav", digest(entry)
            # The voice's noise goes on from sound to sound within a process: the same text, spoken
            # behind another one, is other bytes.
            if (wanted and key not in wanted) or (path.exists() and made.get(key) == now):
                continue
            write(path, speech.speak_prompt(entry), law)
            made[key] = now
        for key in TONES if is_only and not wanted else ():
            shutil.copyfile(OURS / FIRST / f"{key}.wav", folder / f"{key}.wav")
    note.write_text(json.dumps(known, indent=1, sort_keys=True) + "\n")


if __name__ == "__main__":
    main(sys.argv[1:])
