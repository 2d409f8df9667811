"""The card of a booted box, without booting: read and written in the technician's computer."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from tests.journeys.harness import booted
from tests.journeys.harness.booted import BootedBox, built, why_not

MIB = 1 << 20
TOOLS = {"sfdisk": "fdisk", "mkfs.vfat": "dosfstools", "mcopy": "mtools"}


@pytest.fixture
def image(tmp_path: Path) -> Path:
    """A disk whose first partition is a FAT, as the image's is; nothing on it can boot."""
    missing = [package for tool, package in TOOLS.items() if not shutil.which(tool)]
    if missing:
        pytest.skip(f"needs the Debian packages {' '.join(missing)}")
    disk, partition = tmp_path / "tiny.img", tmp_path / "fat.img"
    disk.write_bytes(b"")
    for path, size in ((disk, 8 * MIB), (partition, 6 * MIB)):
        with path.open("wb") as file:
            file.truncate(size)
    table = f"label: dos\nstart={MIB // 512}, size={6 * MIB // 512}, type=c\n"
    subprocess.run(("sfdisk", "-q", str(disk)), input=table.encode(), check=True)
    subprocess.run(("mkfs.vfat", str(partition)), check=True, capture_output=True)
    with disk.open("r+b") as file:
        file.seek(MIB)
        file.write(partition.read_bytes())
    return disk


@pytest.mark.system
def test_the_card_is_read_and_written(image: Path, tmp_path: Path) -> None:
    """A file of the FAT partition, its accents, the ends of line that another system writes."""
    with BootedBox(tmp_path / "box", image) as box:
        box.write_card("centralino.toml", 'name = "Forlì"\n')
        assert box.read_card("centralino.toml") == 'name = "Forlì"\n'
        box.write_card(booted.ANSWER, "\ufeffCentralino\r\nTutto bene\r\n")
        assert box.read_card(booted.ANSWER) == "Centralino\nTutto bene\n"
        assert box.disk.checked_fat() == ""
    assert not (tmp_path / "box" / "card").exists()
    assert image.stat().st_size == 8 * MIB


def test_where_no_image_was_built_it_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A journey builds none: it says what is missing, and how to have it."""
    monkeypatch.delenv("IMAGE", raising=False)
    monkeypatch.setattr(booted, "ROOT", tmp_path)
    assert built() is None
    assert "make image" in why_not()
    made = tmp_path / "build" / "image" / "work" / "centralino-1.0.img"
    made.parent.mkdir(parents=True)
    made.touch()
    assert built() == made
    monkeypatch.setenv("IMAGE", "/elsewhere.img")
    assert built() == Path("/elsewhere.img")
