"""Strangers' programs, started as processes: multimon-ng and minimodem hear, sox speaks."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Sequence

import pytest

LIMIT_S = 60
_DECODER_RATE = "22050"
"""Samples a second that multimon-ng wants; sox brings ours to it."""
_OURS = ("-t", "raw", "-r", "8000", "-e", "signed", "-b", "16", "-c", "1")
_FIELD = re.compile(r"\b(DATE|CID|CNT|RACLI)=(.*?)(?= [A-Z]+=|$)")


def program(name: str, package: str = "") -> str:
    """Return a program's path; skips the test where its package is not installed."""
    path = shutil.which(name)
    if path is None:
        pytest.skip(f"needs the Debian package {package or name}")
    return path


def multimon_digits(pcm: bytes) -> str:
    """Return the DTMF digits that multimon-ng hears: a second opinion on nominal signals only.

    It doubles digits and fails at 1.5 % off and at 8 dB of twist (audio.md 1).
    """
    return "".join(re.findall(r"^DTMF: (.)", _multimon("DTMF", pcm), re.MULTILINE))


def multimon_identity(pcm: bytes) -> dict[str, str]:
    """Return the fields of the caller id that multimon-ng hears; none for a wrong checksum."""
    text = _multimon("CLIPFSK", pcm)
    return {name: value.strip() for name, value in _FIELD.findall(text.replace("\n", " "))}


def minimodem_bytes(pcm: bytes, mark_hz: int = 1300, space_hz: int = 2100) -> bytes:
    """Return the bytes that minimodem reads from 1200-baud FSK, the seizure's 0x55 among them."""
    wav = _run(_sox(*_OURS, "-", "-t", "wav", "-"), pcm)
    tones = ("-M", str(mark_hz), "-S", str(space_hz))
    return _run((program("minimodem"), "--rx", "1200", "-q", *tones, "-8", "-f", "-"), wav)


def sox(*chain: str) -> bytes:
    """Return what sox makes of nothing: 16-bit samples at 8 kHz, by its own words (`synth …`)."""
    return _run(_sox("-D", "-n", *_OURS, "-", *chain), b"")


def sox_bursts(hz: Sequence[float], on_ms: int, off_ms: int, times: int, dbfs: float) -> bytes:
    """Return bursts of up to two sines, each of `dbfs` below full scale, as sox makes them."""
    one = f"{on_ms / 1000}"
    sines = [word for freq in hz for word in ("sine", f"{freq}")]
    level = f"{dbfs}"
    rest = ("pad", "0", f"{off_ms / 1000}", "repeat", str(times - 1))
    if len(hz) == 1:
        return sox("synth", one, *sines, "gain", level, *rest)
    mixed = _run(
        _sox("-D", "-n", "-t", "raw", "-r", "8000", "-e", "signed", "-b", "16", "-c", "2", "-",
             "synth", one, *sines, "gain", level),
        b"",
    )  # fmt: skip
    stereo = ("-t", "raw", "-r", "8000", "-e", "signed", "-b", "16", "-c", "2", "-")
    return _run(_sox("-D", *stereo, *_OURS, "-", "remix", "1v1,2v1", *rest), mixed)


def _multimon(decoder: str, pcm: bytes) -> str:
    fast = _run(_sox(*_OURS, "-", "-t", "raw", "-r", _DECODER_RATE, "-"), pcm)
    heard = _run((program("multimon-ng"), "-q", "-a", decoder, "-t", "raw", "-"), fast)
    return heard.decode("latin-1")


def _sox(*words: str) -> tuple[str, ...]:
    return (program("sox"), *words)


def _run(command: Sequence[str], data: bytes) -> bytes:
    done = subprocess.run(command, input=data, capture_output=True, timeout=LIMIT_S, check=False)
    assert done.returncode == 0, f"{command[0]}: {done.stderr.decode('latin-1')}"
    return done.stdout
