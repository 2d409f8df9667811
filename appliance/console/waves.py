"""Wave of a message for the player: heights of its pieces, drawn as one SVG symbol.

Made by the console and not by the browser: fetching the sound counts as hearing the message.
"""

from __future__ import annotations

import array
from functools import lru_cache
from pathlib import Path
from typing import Final

from appliance.dsp import g711, wav

BARS: Final = 80
WIDTH: Final = 480
HEIGHT: Final = 40
LEAST: Final = 2.0
"""Half the height of a bar in silence: a pause is seen, not missing."""
STEP: Final = 4
"""Every fourth sample is looked at: 2 kHz show how loud somebody speaks."""
FULL: Final = 32768


def heights(sound: wav.Sound) -> tuple[float, ...]:
    """Return half the height of each bar; the loudest piece fills the wave."""
    samples = array.array("h", g711.decode(sound.data, sound.law))[::STEP]
    size = max(1, -(-len(samples) // BARS))
    pieces = [samples[at : at + size] for at in range(0, len(samples), size)]
    peaks = [max(max(piece), -min(piece)) for piece in pieces]
    loudest = max([FULL // 64, *peaks])
    return tuple(max(LEAST, round((HEIGHT / 2 - 1) * peak / loudest, 1)) for peak in peaks)


def drawn(bars: tuple[float, ...]) -> str:
    """Return an SVG with the symbol `bars`; its colour is that of the page."""
    pace, middle = WIDTH / BARS, HEIGHT / 2
    strokes = "".join(
        f"M{pace * (number + 0.5):g} {middle - half:g}V{middle + half:g}"
        for number, half in enumerate(bars)
    )
    return (
        '<svg xmlns="http://www.w3.org/2000/svg">'
        f'<symbol id="bars" viewBox="0 0 {WIDTH} {HEIGHT}" preserveAspectRatio="none">'
        f'<path d="{strokes}" fill="none" stroke="currentColor" stroke-width="3"/></symbol></svg>'
    )


def wave_of(path: Path) -> str:
    """Return the wave of a file as SVG; raises OSError, WavError."""
    found = path.stat()
    return _wave(path, found.st_mtime_ns, found.st_size)


@lru_cache(maxsize=32)
def _wave(path: Path, _changed_ns: int, _size: int) -> str:
    return drawn(heights(wav.read(path)))
