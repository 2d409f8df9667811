"""A head office with its key and folder, and a branch with a configuration and records."""

from __future__ import annotations

import io
import math
import struct
import wave
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING

from appliance.config import read
from appliance.managed_config import apply, bundle
from appliance.managed_config.apply import ApplyStamp, ManagedBox, judge_bundle
from appliance.policy.sheets import Sheet
from appliance.store import directory, managed_config, sheets
from appliance.store.database import connect, database_path, open_database
from appliance.store.directory import key_path
from tests.commands.samples import CONFIG

if TYPE_CHECKING:
    from pathlib import Path

    from appliance.managed_config.apply import JudgedBundle
    from appliance.policy.directory import Directory


PHRASE = "quattro parole di prova"
AT = datetime(2026, 11, 26, 18, 0, tzinfo=UTC)
SECRET, CERTIFICATE = bundle.make_key_pair("Sede centrale")
SCHEDULE = """\
[hours]
monday = ["08:00-12:00"]
[[closures]]
start = 2026-12-24
end = 2026-12-24
reason = "Vigilia"
"""
REGISTER = """\
[[services]]
code = "demografici"
name = "Servizi demografici"
email = "demografici@comune.example"
[[services.offices]]
code = "anagrafe"
name = "Anagrafe"
email = "anagrafe@comune.example"
[[declarations]]
unit = "anagrafe"
declared_by = "Responsabile dell'Anagrafe"
entered_by = "Sede centrale"
entered_at = 2026-01-12T09:20:00+01:00
reference = "Protocollo 1042/2026"
first = 2026-01-15
returns = ["email"]
[declarations.bands]
monday = ["09:00-12:30"]
[[declarations.needs]]
code = "residenza"
name = "Cambi di residenza"
[[declarations.needs.numbers]]
reach = "outside"
number = "051 598 204"
label = "Anagrafe, interno 1"
"""
SHEET = """\
+++
title = "{title}"
source = "Delibera"
updated = 2026-05-20
+++
{body}
"""
OWN = Sheet(
    "orti", "Orti urbani", "", "Regolamento", date(2026, 5, 20), "Si chiede al quartiere.\n"
)


def sheet(title: str, body: str = "Giugno e dicembre.") -> bytes:
    """Write a sheet's file."""
    return SHEET.format(title=title, body=body).encode()


def sound(hz: float = 440.0, ms: int = 100) -> bytes:
    """Write a WAV, 8 kHz, mono, 16 bits."""
    made = io.BytesIO()
    with wave.open(made, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(8000)
        samples = (int(8000 * math.sin(hz * n / 8000 * math.tau)) for n in range(8 * ms))
        made_of = (struct.pack("<h", each) for each in samples)
        file.writeframes(b"".join(made_of) if hz else bytes(16 * ms))
    return made.getvalue()


FIRST = {
    "schedule.toml": SCHEDULE.encode(),
    "register.toml": REGISTER.encode(),
    "sheets/imu.md": sheet("IMU"),
    "sheets/tari.md": sheet("TARI"),
    "prompts/it/greeting_closed.wav": sound(),
}


def made(
    version: int,
    files: dict[str, bytes],
    sites: tuple[str, ...] = (),
    secret: bytes = SECRET,
) -> bytes:
    """Make a bundle's file as the head office does."""
    given = bundle.seal_directory(files, PHRASE)
    packed = bundle.SettingsBundle(version, sites, given)
    return bundle.pack_bundle(packed, lambda data: bundle.sign_bundle(secret, data))


@dataclass(frozen=True, slots=True)
class Branch:
    """A branch's box: `place` as the commands have it."""

    folder: Path
    config: Path
    place: ManagedBox

    def judged(self, data: bytes) -> JudgedBundle:
        """Judge a bundle."""
        return judge_bundle(self.place, data)

    def apply(self, data: bytes) -> JudgedBundle:
        """Judge a bundle and put it in force."""
        given = self.judged(data)
        apply.apply_bundle(self.place, given, ApplyStamp("anna", AT, "prova"))
        return given

    def revert(self) -> int:
        """Go back."""
        return apply.revert_bundle(self.place, ApplyStamp("anna", AT, managed_config.REVERT))[0]

    def sheets(self) -> dict[str, str]:
        """Return the sheets that are found, with their titles."""
        with closing(connect(self.place.database)) as connection:
            return {each.code: each.title for each in sheets.all_sheets(connection)}

    def directory(self) -> Directory:
        """Read the directory with its numbers."""
        with closing(connect(self.place.database)) as connection:
            return directory.load(connection, key_path(self.place.database))


def branch(folder: Path, *, more: str = "", name: str = "borgo") -> Branch:
    """Make a branch with one sheet of its own."""
    (folder / "state").mkdir(parents=True)
    (folder / "certificate.pem").write_bytes(CERTIFICATE)
    (folder / "phrase").write_text(f"{PHRASE}\n", encoding="utf-8")
    central = (
        f'[central]\ncertificate = "{folder}/certificate.pem"\n'
        f'passphrase_file = "{folder}/phrase"\nbranch = "{name}"\n'
    )
    path = folder / "centralino.toml"
    path.write_text(CONFIG.format(folder=folder) + central + more, encoding="utf-8")
    database = database_path(folder / "state")
    with closing(open_database(database, folder / "corrupt").connection) as connection:
        sheets.store(connection, (OWN,))
    return Branch(folder, path, ManagedBox(read.load_own(path), 2026))


def without(files: dict[str, bytes], *names: str) -> dict[str, bytes]:
    """Return files without some."""
    return {name: data for name, data in files.items() if name not in names}
