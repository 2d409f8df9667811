"""What is in a bundle, as values: read at the head office before it is signed, and on each box.

Its register is always sealed with the passphrase that head office and boxes share: numbers that may
be told to nobody (P7) lie on no web server and in no mail in clear.
"""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

from appliance.central.bundle import REGISTER, SCHEDULE, limit
from appliance.daemon import register_file, sheet_file
from appliance.daemon.central_schedule import Schedule
from appliance.daemon.config import NO_TEXT, structure
from appliance.daemon.mistakes import BadConfiguration, Mistake, italian_of
from appliance.daemon.spoken import OURS
from appliance.dsp import g711, wav
from appliance.dsp.wav import SAMPLE_RATE, Law
from appliance.policy.directory import Register, entries
from appliance.policy.sheets import Sheet
from appliance.policy.text import Refused
from appliance.store.backup import SealedReader, SealingWriter, checked_passphrase

PLAIN_REGISTER: Final = "register.toml"
NAME: Final = "central settings"
MOST_SOUND_S: Final = 240
"""Of all announcements together: they lie in the carrier's memory."""
_BESIDE: Final = ("sheets/*.md", "prompts/*/*.wav")


@dataclass(frozen=True, slots=True)
class Content:
    """What a bundle holds; `prompts` are WAV files by their names there."""

    schedule_text: str = ""
    schedule: Schedule = Schedule()
    register: Register = Register()
    sheets: tuple[Sheet, ...] = ()
    prompts: Mapping[str, bytes] = field(default_factory=dict)


def read_folder(folder: Path) -> dict[str, bytes]:
    """Read the files of which a bundle is made; raises Refused for one that has no place in it."""
    alone = (folder / name for name in (SCHEDULE, PLAIN_REGISTER))
    found = [path for path in alone if path.exists()]
    found += sorted(path for shape in _BESIDE for path in folder.glob(shape))
    files = {path.relative_to(folder).as_posix(): path.read_bytes() for path in found}
    if wrong := [name for name in files if name != PLAIN_REGISTER and not limit(name)]:
        raise Refused(
            f"{wrong[0]}: un nome così non può starci; sheets/imu-2026.md, prompts/it/saluto.wav",
            f"{wrong[0]}: such a name may not be in it; sheets/imu-2026.md, prompts/it/hello.wav",
        )
    if not files:
        raise Refused(
            f"in {folder} non c'è nulla: {SCHEDULE}, {PLAIN_REGISTER}, sheets/, prompts/it/",
            f"there is nothing in {folder}: {SCHEDULE}, {PLAIN_REGISTER}, sheets/, prompts/it/",
        )
    return files


def sealed(files: Mapping[str, bytes], passphrase: str) -> dict[str, bytes]:
    """Return the files with the register sealed; raises Refused without a passphrase for it."""
    given = dict(files)
    plain = given.pop(PLAIN_REGISTER, None)
    if plain is not None:
        given[REGISTER] = _seal(plain, passphrase)
    return given


def opened(files: Mapping[str, bytes], passphrase: str) -> dict[str, bytes]:
    """Return the files with the register opened; raises Refused where that cannot be."""
    given = dict(files)
    closed = given.pop(REGISTER, None)
    if closed is not None:
        given[PLAIN_REGISTER] = _open(closed, passphrase)
    return given


def content_of(files: Mapping[str, bytes]) -> Content:
    """Read files whose register is open; raises BadConfiguration with every mistake."""
    reader = _Reader(files)
    content = reader.content()
    if reader.mistakes:
        raise BadConfiguration(NAME, tuple(reader.mistakes))
    return content


class _Reader:
    """Reads what can be read, and notes what cannot, by the files' names."""

    def __init__(self, files: Mapping[str, bytes]) -> None:
        self._files = files
        self.mistakes: list[Mistake] = []

    def content(self) -> Content:
        """Make values of all files."""
        text = self._text(SCHEDULE) if SCHEDULE in self._files else ""
        prompts = {name: data for name, data in self._files.items() if name.endswith(".wav")}
        self._check_sounds(prompts)
        return Content(text, self._schedule(text), self._register(), tuple(self._sheets()), prompts)

    def _schedule(self, text: str) -> Schedule:
        try:
            return structure(text, SCHEDULE, Schedule)
        except BadConfiguration as error:
            self._note(SCHEDULE, error)
            return Schedule()

    def _register(self) -> Register:
        if PLAIN_REGISTER not in self._files:
            return Register()
        try:
            register = register_file.parse(self._text(PLAIN_REGISTER), PLAIN_REGISTER)
        except BadConfiguration as error:
            self._note(PLAIN_REGISTER, error)
            return Register()
        if any(entry.attachment for _, entry in entries(register)):
            it = "gli allegati non viaggiano con le impostazioni: togliere «attachment»"
            why = "attachments do not travel with the settings: leave `attachment` out"
            self.mistakes.append(Mistake(PLAIN_REGISTER, why, it=it))
        return register

    def _sheets(self) -> Iterator[Sheet]:
        for name in sorted(self._files):
            if name.endswith(".md"):
                try:
                    yield sheet_file.parse(self._text(name), Path(name).stem)
                except BadConfiguration as error:
                    self._note(name, error)

    def _check_sounds(self, prompts: Mapping[str, bytes]) -> None:
        seconds = 0.0
        for name, data in prompts.items():
            try:
                seconds += _seconds(name, data)
            except ValueError as error:
                self.mistakes.append(Mistake(name, str(error), it=italian_of(error)))
        if seconds > MOST_SOUND_S:
            it = f"tutti insieme durano {seconds:.0f} s: al massimo {MOST_SOUND_S}"
            why = f"together they last {seconds:.0f} s: at most {MOST_SOUND_S}"
            self.mistakes.append(Mistake("prompts", why, it=it))

    def _text(self, name: str) -> str:
        try:
            return self._files[name].decode("utf-8").replace("\r\n", "\n")
        except UnicodeDecodeError:
            self.mistakes.append(Mistake(name, NO_TEXT.en, it=NO_TEXT.it))
            return ""

    def _note(self, name: str, error: BadConfiguration) -> None:
        if any(mistake.place == name for mistake in self.mistakes):
            return  # it is no text at all: said once
        self.mistakes += [
            replace(m, place=name if m.place == "the file" else f"{name}, {m.place}")
            for m in error.mistakes
        ]


def _seconds(name: str, data: bytes) -> float:
    """Return how long an announcement lasts; raises ValueError for one that cannot be played."""
    if Path(name).stem.startswith(OURS):
        raise Refused(
            f"i nomi che cominciano con {', '.join(OURS)} sono dell'apparecchio",
            f"names that begin with {', '.join(OURS)} are the box's own",
        )
    sound = wav.parse(data)
    if sound.law is Law.LINEAR8 or not sound.data:
        raise Refused(
            "non si può riprodurre: serve WAV mono, 8 kHz, 16 bit, A-law o mu-law",
            "cannot be played: it takes WAV, mono, 8 kHz, 16 bits, A-law or mu-law",
        )
    return len(g711.decode(sound.data, sound.law)) / 2 / SAMPLE_RATE


def _seal(plain: bytes, passphrase: str) -> bytes:
    made = io.BytesIO()
    writer = SealingWriter(made, checked_passphrase(passphrase))
    writer.write(plain)
    writer.close()
    return made.getvalue()


def _open(closed: bytes, passphrase: str) -> bytes:
    if not passphrase:
        raise Refused(
            "la rubrica delle impostazioni centrali è sigillata: indicare central.passphrase_file",
            "the register of the central settings is sealed: name central.passphrase_file",
        )
    try:
        reader = SealedReader(io.BytesIO(closed), passphrase)
        plain = reader.read(limit(REGISTER))
        reader.finish()
    except Refused as error:
        raise Refused(
            "la rubrica delle impostazioni centrali non si apre: la frase segreta di "
            "central.passphrase_file non è quella della sede centrale, o il file è danneggiato",
            "the register of the central settings cannot be opened: the passphrase in "
            "central.passphrase_file is not the head office's, or the file is damaged",
        ) from error
    return plain
