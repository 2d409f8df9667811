#!/usr/bin/env python3
"""Renders our announcements in the box's own voice: appliance/prompts/device/it and en, A-law.

What they say stands in appliance/prompts/*/texts.toml. Run it anew when a text changes, with the
py-nanotts of constraints.txt: `.venv/bin/python scripts/render_device_prompts.py [key ...]`.
"""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from appliance.api import speech
from appliance.dsp import g711, wav
from appliance.dsp.wav import Law
from appliance.prompts import DEVICE
from appliance.prompts.voices import spoken_texts


def main(wanted: list[str]) -> None:
    """Render the keys asked for, or all of them."""
    for language in speech.VOICES:
        folder = DEVICE / language
        folder.mkdir(parents=True, exist_ok=True)
        for key, entry in spoken_texts(language).items():
            if not wanted or key in wanted:
                contents = wav.build(g711.encode(speech.speak_prompt(entry), Law.ALAW), Law.ALAW)
                (folder / f"{key}.wav").write_bytes(contents)


if __name__ == "__main__":
    main(sys.argv[1:])
