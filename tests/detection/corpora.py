"""Recorded voices and music of Debian, in which no detector may hear anything."""

from __future__ import annotations

import audioop
import re
import shutil
import subprocess
import tempfile
import zlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from appliance.dsp import dtmf, g711, progress, wav
from appliance.dsp.dtmf import PLANS
from appliance.dsp.wav import Law
from appliance.errors import CentralinoError
from tests.helpers.sound import through

ASTERISK = Path("/usr/share/asterisk")
FESTIVAL = Path("/usr/share/festival/voices/italian")
_HERE = Path(__file__).resolve().parents[2]
TEXT = _HERE / "tests" / "detection" / "read_aloud.it.txt"
"""What the voices read: 70 minutes of plain Italian about calls, always the same."""
READ = _HERE / "build" / "detection"
MINUTE_BYTES = 60 * 16_000
_FRAME_BYTES = 320
_TAIL = bytes(1600)

Change = Callable[[bytes], bytes]


@dataclass(frozen=True, slots=True)
class Corpus:
    """One speaker's, or one group's, recordings: 8 kHz WAV files of a Debian package."""

    name: str
    package: str
    folder: Path

    def files(self) -> list[Path]:
        """Return the recordings; skips the test where the package is not installed."""
        found = sorted(self.folder.rglob("*.wav"))
        if not found:
            pytest.skip(f"needs the Debian package {self.package}")
        return found


@dataclass(frozen=True, slots=True)
class ReadAloud(Corpus):
    """A voice of Festival, made of a person's recorded diphones, that reads the office's guide.

    What it has read is kept in `folder`, a minute a file, until the guide changes.
    """

    voice: str

    def files(self) -> list[Path]:
        """Return the minutes; skips the test where Festival or the voice is not installed."""
        if shutil.which("text2wave") is None or not (FESTIVAL / self.voice).is_dir():
            pytest.skip(f"needs the Debian packages festival and {self.package}")
        text = plain(TEXT.read_text(encoding="utf-8"))
        folder = self.folder / f"{self.voice}-{zlib.crc32(text):08x}"
        if not folder.is_dir():
            self._read(text, folder)
        return sorted(folder.glob("*.wav"))

    def _read(self, text: bytes, folder: Path) -> None:
        with tempfile.TemporaryDirectory(prefix="centralino-read-") as name:
            (Path(name) / "text").write_bytes(text)
            command = ["text2wave", "-F", "8000", "-eval", f"(voice_{self.voice})", "text"]
            subprocess.run([*command, "-o", "said.wav"], cwd=name, check=True, capture_output=True)
            sound = wav.read(Path(name) / "said.wav").data
        partial = folder.with_suffix(".new")
        shutil.rmtree(partial, ignore_errors=True)
        partial.mkdir(parents=True)
        for number, at in enumerate(range(0, len(sound), MINUTE_BYTES)):
            piece = wav.build(sound[at : at + MINUTE_BYTES], Law.LINEAR16)
            (partial / f"{self.voice}-{number:02}.wav").write_bytes(piece)
        partial.rename(folder)


def plain(markdown: str) -> bytes:
    """Return what a voice should read of a page: no code, signs or addresses; in Latin-1."""
    text = re.sub(r"```.*?```|\(\S+\)|-{3,}", " ", markdown, flags=re.DOTALL)
    text = re.sub(r"[`*_#|<>\[\]«»]", " ", text).replace("\u2019", "'")
    return text.encode("latin-1", "ignore")


CARLO = Corpus(
    "Italian, a man", "asterisk-core-sounds-it-wav", ASTERISK / "sounds" / "it_IT_m_Carlo"
)
MENARDI = Corpus(
    "Italian, a woman", "asterisk-prompt-it-menardi-wav", ASTERISK / "sounds" / "it_IT_f_Menardi"
)
ALLISON = Corpus(
    "English, a woman", "asterisk-core-sounds-en-wav", ASTERISK / "sounds" / "en_US_f_Allison"
)
LP = ReadAloud("Italian, a woman, read by Festival", "festvox-italp16k", READ, voice="lp_diphone")
PC = ReadAloud("Italian, a man, read by Festival", "festvox-itapc16k", READ, voice="pc_diphone")
JUNE = Corpus(
    "French, a woman", "asterisk-core-sounds-fr-wav", ASTERISK / "sounds" / "fr_CA_f_June"
)
MUSIC = Corpus("music on hold", "asterisk-moh-opsound-wav", ASTERISK / "moh")
ITALIAN = (CARLO, MENARDI, LP, PC)
VOICES = (*ITALIAN, ALLISON, JUNE)


def _louder(pcm: bytes) -> bytes:
    """9 dB up and clipped, as an operator who shouts."""
    return audioop.mul(pcm, 2, 2.82)


def _through_a_law(pcm: bytes) -> bytes:
    return through(pcm, Law.ALAW)


def _eight_bit(pcm: bytes) -> bytes:
    """The coarsest format a modem has."""
    return through(pcm, Law.LINEAR8)


AS_IT_IS: Change = _through_a_law
VARIANTS: dict[str, Change] = {
    "A-law": _through_a_law,
    "9 dB up, clipped": lambda pcm: through(_louder(pcm), Law.ALAW),
    "8-bit linear": _eight_bit,
}
"""In what forms each recording is heard."""


@dataclass(slots=True)
class Found:
    """What was heard in a corpus where nothing should be; `where` names the first few places."""

    ms: int = 0
    digits: int = 0
    tones: int = 0
    sits: int = 0
    faxes: int = 0
    where: list[str] = field(default_factory=list)

    @property
    def minutes(self) -> float:
        """How long was listened."""
        return self.ms / 60_000

    @property
    def is_nothing(self) -> bool:
        """Whether all went as it should."""
        return not (self.digits or self.tones or self.sits or self.faxes)


def listen(files: Iterable[Path], change: Change = AS_IT_IS) -> Found:
    """Give recordings to every detector: keys, tones of every country, SIT, fax."""
    found = Found()
    for path, pcm in _sounds(files):
        found.ms += len(pcm) // 16
        hear(change(pcm) + _TAIL, path.name, found)
    return found


def _sounds(files: Iterable[Path]) -> Iterator[tuple[Path, bytes]]:
    for path in files:
        try:
            sound = wav.read(path)
        except CentralinoError:  # a file of another rate: not a recording for telephones
            continue
        yield path, g711.decode(sound.data, sound.law)


def hear(pcm: bytes, name: str, found: Found) -> None:
    """Give one sound to every detector and count what they tell."""
    keys, special, faxes = dtmf.Detector(), progress.SitDetector(), progress.FaxDetector()
    plans = {country: progress.ProgressDetector(plan) for country, plan in PLANS.items()}
    for at in range(0, len(pcm), _FRAME_BYTES):
        frame = pcm[at : at + _FRAME_BYTES]
        pressed = [e for e in keys.feed(frame) if isinstance(e, dtmf.DigitStarted)]
        told = [e for detector in plans.values() for e in detector.feed(frame)]
        is_sit, is_fax = special.feed(frame), faxes.feed(frame) is not None
        found.digits += len(pressed)
        found.tones += len(told)
        found.sits += is_sit
        found.faxes += is_fax
        if pressed or told or is_sit or is_fax:
            found.where.append(f"{name} at {at / 16_000:.2f} s: {pressed} {told}")
