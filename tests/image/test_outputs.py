"""What a technician fetches: the packed image, built again from nothing, and what goes with it."""

from __future__ import annotations

import hashlib
import json
import lzma
import subprocess
from pathlib import Path
from typing import Any

import pytest

from image import os_list
from tests.image import slot

pytestmark = [
    pytest.mark.system,
    pytest.mark.long,
    pytest.mark.timeout(1800),
    pytest.mark.skipif(slot.missing() != "", reason=f"needs {slot.missing()}"),
]

PACKED_MIB = 350


@pytest.fixture(scope="module")
def again(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build all of it a second time, elsewhere, with the same key, and packed."""
    keys = slot.built() / "keys"
    folder = tmp_path_factory.mktemp("again")
    return slot.build(folder, KEYS=str(keys), UNPACKED="", IMAGE_URL="https://example.org/box")


def one(folder: Path, pattern: str) -> Path:
    """Return the one file of this name."""
    (found,) = folder.glob(pattern)
    return found


def digest(path: Path) -> str:
    """Return a file's SHA-256."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def test_the_same_inputs_give_the_same_bytes(again: Path) -> None:
    """Built twice, in two folders, the disk does not differ in a byte."""
    assert digest(slot.disk(again)) == digest(slot.disk(slot.built()))


def test_the_download_is_small_and_whole(again: Path) -> None:
    """Packed it stays below the limit, unpacks to the very disk, and the checksums hold."""
    packed = one(again, "*.img.xz")
    assert packed.stat().st_size < PACKED_MIB << 20
    whole = hashlib.sha256()
    with lzma.open(packed) as file:
        while piece := file.read(1 << 20):
            whole.update(piece)
    assert whole.hexdigest() == digest(slot.disk(again))
    subprocess.run(("sha256sum", "--check", one(again, "*.sha256").name), cwd=again, check=True)


def test_imager_is_told_what_it_asks_for(again: Path) -> None:
    """The list keeps to Imager's rules, and its fields are true of the files beside it."""
    told = read(again / "os_list.json")
    assert list(os_list.mistakes(told)) == []
    (entry,) = told["os_list"]
    packed, disk = one(again, "*.img.xz"), slot.disk(again)
    assert entry["url"] == f"https://example.org/box/{packed.name}"
    assert (entry["image_download_size"], entry["extract_size"]) == (
        packed.stat().st_size,
        disk.stat().st_size,
    )
    assert entry["extract_sha256"] == digest(disk)
    assert entry["image_download_sha256"] == digest(packed)
    assert (again / Path(entry["icon"]).name).is_file()


def read(path: Path) -> Any:
    """Read a JSON file."""
    return json.loads(path.read_text(encoding="utf-8"))


def test_a_card_written_by_the_map_is_the_same(again: Path, tmp_path: Path) -> None:
    """bmaptool, which leaves out what is empty, writes the same card from the packed image."""
    card = tmp_path / "card"
    words = ("copy", "--bmap", one(again, "*.bmap"), one(again, "*.img.xz"), card)
    subprocess.run(("bmaptool", "--quiet", *words), check=True)
    assert digest(card) == digest(slot.disk(again))


def test_lists_go_with_the_image(again: Path) -> None:
    """The package list and the SBOM beside the image speak of the same packages."""
    lines = one(again, "*.packages").read_text(encoding="utf-8").splitlines()
    listed = {tuple(line.split("\t")) for line in lines}
    told = {
        (part["name"], part["version"]) for part in read(one(again, "*.cdx.json"))["components"]
    }
    assert listed
    assert listed <= told
