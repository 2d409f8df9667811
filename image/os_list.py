"""Writes the list by which Raspberry Pi Imager offers the image, on standard output.

The rules are those of Imager 2 (github.com/raspberrypi/rpi-imager): doc/json-schema/
os-list-schema.json for the fields, src/hwlistmodel.cpp and src/imagewriter.cpp for what it shows.
There is no init_format: the box is set up in centralino.toml, not by Imager.
"""

from __future__ import annotations

import datetime
import hashlib
import json
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

DESCRIPTION = "Centralino telefonico con filtro / Filtering switchboard in a box"
EXPERIMENTAL = "SPERIMENTALE / EXPERIMENTAL"
DEVICES = {
    "pi3-64bit": ("Raspberry Pi 3", "3 B, 3 A+, 3 B+, CM3, Zero 2 W"),
    "pi4-64bit": ("Raspberry Pi 4", "4 B, 400, CM4"),
    "pi5-64bit": ("Raspberry Pi 5", "5"),
}
"""Name and description of a board in Imager's first list, by the tag that an entry names it by."""
ENTRY_FIELDS: dict[str, type] = {
    "name": str,
    "description": str,
    "icon": str,
    "url": str,
    "extract_size": int,
    "extract_sha256": str,
    "image_download_size": int,
    "release_date": str,
    "devices": list,
}
"""What the schema requires of an entry (os_list, first alternative)."""
DEVICE_FIELDS: dict[str, type] = {"name": str, "description": str, "tags": list}
"""What the schema requires of a board (imager.devices)."""
WEB_FIELDS = ("icon", "url", "bmap_url")
SHA256 = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class Variant:
    """For which boards an image is, by Imager's tags; `experimental` "" where it is not."""

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
    where = where.rstrip("/")
    return {
        "name": f"{variant.title} {version}",
        "description": DESCRIPTION + (f" - {EXPERIMENTAL}" if variant.experimental else ""),
        "icon": f"{where}/centralino.svg",
        "url": f"{where}/{packed.name}",
        "bmap_url": f"{where}/{packed.name.removesuffix('.img.xz')}.bmap",
        "extract_size": disk.stat().st_size,
        "extract_sha256": digest,
        "image_download_size": packed.stat().st_size,
        "image_download_sha256": packed_digest,
        "release_date": datetime.datetime.fromtimestamp(epoch, datetime.UTC).date().isoformat(),
        "devices": list(variant.boards),
    }


def manifest(told: dict[str, Any]) -> dict[str, Any]:
    """Return the whole list of one entry, with the boards that it is for.

    Without `imager.devices` Imager 2 has no board to choose, and shows no image at all.
    """
    devices = [
        {"name": DEVICES[tag][0], "description": DEVICES[tag][1], "tags": [tag]}
        | {"matching_type": "exclusive", "architecture": "armv8"}
        for tag in told["devices"]
    ]
    return {"imager": {"devices": devices}, "os_list": [told]}


def mistakes(told: Any) -> Iterator[str]:
    """Name what Imager 2 would not take, or not show, of a list; with places on the web alone."""
    if not isinstance(told, dict) or not isinstance(told.get("os_list"), list):
        yield "there is no os_list"
        return
    yield from (f"{name} is no field of the list" for name in told.keys() - {"imager", "os_list"})
    imager = told.get("imager")
    devices = imager.get("devices") if isinstance(imager, dict) else None
    if not isinstance(devices, list) or not devices:
        yield "imager.devices is missing: Imager offers no board"
        devices = []
    tags: set[str] = set()
    for number, device in enumerate(devices):
        yield from _missing(f"imager.devices[{number}]", device, DEVICE_FIELDS)
        tags |= set(device.get("tags", ())) if isinstance(device, dict) else set()
    for number, one in enumerate(told["os_list"]):
        place = f"os_list[{number}]"
        wrong = list(_missing(place, one, ENTRY_FIELDS))
        yield from wrong or _wrong_entry(place, one, tags)


def _missing(place: str, told: Any, fields: dict[str, type]) -> Iterator[str]:
    """Name the fields that are missing, or of another type."""
    if not isinstance(told, dict):
        yield f"{place} is no object"
        return
    for name, wanted in fields.items():
        if type(told.get(name)) is not wanted:
            yield f"{place}.{name} is missing or no {wanted.__name__}"


def _wrong_entry(place: str, told: dict[str, Any], tags: set[str]) -> Iterator[str]:
    """Name what is wrong in an entry that has all its fields."""
    if not set(told["devices"]) & tags:
        yield f"{place}.devices names no board of imager.devices: Imager never shows it"
    for name in WEB_FIELDS:
        address = urlsplit(told.get(name, "https://not.asked"))
        if address.scheme != "https" or not address.hostname:
            yield f"{place}.{name} is no https address"
    if not SHA256.fullmatch(told["extract_sha256"]):
        yield f"{place}.extract_sha256 is no SHA-256"
    if min(told["extract_size"], told["image_download_size"]) <= 0:
        yield f"{place} has a size that is not above 0"
    try:
        datetime.date.fromisoformat(told["release_date"])
    except ValueError:
        yield f"{place}.release_date is no date like 2026-12-01"


if __name__ == "__main__":
    disk_file, packed_file, folder, told_version, seconds, title, called, *names = sys.argv[1:]
    made = Variant(title, called, tuple(names))
    whole = entry(Path(disk_file), Path(packed_file), folder, told_version, int(seconds), made)
    json.dump(manifest(whole), sys.stdout, indent=1)
    sys.stdout.write("\n")
