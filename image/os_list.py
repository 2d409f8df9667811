"""Writes the entry by which Raspberry Pi Imager offers the image, on standard output.

The fields are those of its os-list-schema.json (github.com/raspberrypi/rpi-imager,
doc/json-schema). There is no init_format: the box is set up in centralino.toml, not by Imager.
"""

from __future__ import annotations

import datetime
import hashlib
import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

DESCRIPTION = "Centralino telefonico con filtro / Filtering switchboard in a box"
EXPERIMENTAL = "SPERIMENTALE / EXPERIMENTAL"


@dataclass(frozen=True, slots=True)
class Variant:
    """For which boards an image is, by Imager's names; `experimental` "" where it is not."""

    title: str
    experimental: str
    boards: tuple[str, ...]


def entry(
    disk: Path, packed: Path, where: str, version: str, epoch: int, variant: Variant
) -> dict[str, Any]:
    """Describe an image and its packed form, to be fetched from the folder `where` (an URL)."""
    with disk.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    with packed.open("rb") as file:
        packed_digest = hashlib.file_digest(file, "sha256").hexdigest()
    return {
        "name": f"{variant.title} {version}",
        "description": DESCRIPTION + (f" - {EXPERIMENTAL}" if variant.experimental else ""),
        "icon": f"{where}/centralino.svg",
        "url": f"{where}/{packed.name}",
        "extract_size": disk.stat().st_size,
        "extract_sha256": digest,
        "image_download_size": packed.stat().st_size,
        "image_download_sha256": packed_digest,
        "release_date": datetime.datetime.fromtimestamp(epoch, datetime.UTC).date().isoformat(),
        "devices": list(variant.boards),
    }


if __name__ == "__main__":
    disk_file, packed_file, folder, told_version, seconds, title, called, *names = sys.argv[1:]
    made = Variant(title, called, tuple(names))
    told = entry(Path(disk_file), Path(packed_file), folder, told_version, int(seconds), made)
    json.dump({"os_list": [told]}, sys.stdout, indent=1)
    sys.stdout.write("\n")
