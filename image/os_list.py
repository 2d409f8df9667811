"""Writes the entry by which Raspberry Pi Imager offers the image, on standard output.

The fields are those of its os-list-schema.json (github.com/raspberrypi/rpi-imager,
doc/json-schema). There is no init_format: the box is set up in centralino.toml, not by Imager.
"""

from __future__ import annotations

import datetime
import hashlib
import json
import sys
from pathlib import Path
from typing import Any

BOARDS = ("pi3-64bit", "pi4-64bit")
"""Imager's names: 3, 3+, Zero 2 W and CM3 are the first; 4, 400 and CM4 the second."""


def entry(disk: Path, packed: Path, where: str, version: str, epoch: int) -> dict[str, Any]:
    """Describe an image and its packed form, to be fetched from the folder `where` (an URL)."""
    with disk.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    with packed.open("rb") as file:
        packed_digest = hashlib.file_digest(file, "sha256").hexdigest()
    return {
        "name": f"Centralino {version}",
        "description": "Centralino telefonico con filtro / Filtering switchboard in a box",
        "icon": f"{where}/centralino.svg",
        "url": f"{where}/{packed.name}",
        "extract_size": disk.stat().st_size,
        "extract_sha256": digest,
        "image_download_size": packed.stat().st_size,
        "image_download_sha256": packed_digest,
        "release_date": datetime.datetime.fromtimestamp(epoch, datetime.UTC).date().isoformat(),
        "devices": list(BOARDS),
    }


if __name__ == "__main__":
    disk_file, packed_file, folder, told_version, seconds = sys.argv[1:]
    told = entry(Path(disk_file), Path(packed_file), folder, told_version, int(seconds))
    json.dump({"os_list": [told]}, sys.stdout, indent=1)
    sys.stdout.write("\n")
