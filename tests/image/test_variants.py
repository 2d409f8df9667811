"""What differs by board: the ordinary image is as before, another cannot be mistaken for it."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from image import os_list
from image.os_list import Variant
from tests.image.slot import ROOT

VARIANTS = sorted(path.stem for path in (ROOT / "image/variants").glob("*.sh"))
FIELDS = ("label", "name", "compatible", "format", "imager", "experimental", "out")


def table(variant: str, folder: Path) -> dict[str, str]:
    """Read a variant as the build does."""
    asked = "; ".join(f'printf "%s\\n" "${field}"' for field in FIELDS)
    told = subprocess.run(
        ("sh", "-euc", f". image/common.sh; {asked}"),
        cwd=ROOT, check=True, capture_output=True, text=True,
        env={"PATH": "/usr/bin:/bin", "VARIANT": variant, "OUT": str(folder), "VERSION": "1",
             "SOURCE_DATE_EPOCH": "0"},
    )  # fmt: skip
    return dict(zip(FIELDS, told.stdout.splitlines(), strict=True))


def test_the_ordinary_image_is_what_its_overlay_says(tmp_path: Path) -> None:
    """Its slots take what its updates are signed as; it is called by no other name."""
    conf = (ROOT / "image/overlay/etc/rauc/system.conf").read_text(encoding="utf-8").splitlines()
    found = table("pi", tmp_path)
    assert f"compatible={found['compatible']}" in conf
    assert f"bundle-formats={found['format']}" in conf
    assert (found["label"], found["name"], found["experimental"]) == ("pi", "centralino", "")


def test_no_image_takes_anothers_updates(tmp_path: Path) -> None:
    """Each has its own kind of box, its own file names and its own boards."""
    found = [table(variant, tmp_path) for variant in VARIANTS]
    assert len(found) > 1
    for field in ("label", "name", "compatible", "imager"):
        assert len({one[field] for one in found}) == len(found), field


@pytest.mark.parametrize("variant", VARIANTS)
def test_an_experimental_one_is_called_so(tmp_path: Path, variant: str) -> None:
    """In the names of its files, which Imager and an office's server show; and no other is."""
    found = table(variant, tmp_path)
    is_experimental = bool(found["experimental"])
    assert found["label"].endswith("-experimental") is is_experimental
    assert found["name"].endswith("-experimental") is is_experimental


def test_a_board_that_nobody_has_described_is_refused(tmp_path: Path) -> None:
    """A slip of the pen builds nothing."""
    with pytest.raises(subprocess.CalledProcessError) as raised:
        table("pi6", tmp_path)
    assert "image/variants/pi6.sh" in raised.value.stderr


def test_imager_is_told_what_is_experimental(tmp_path: Path) -> None:
    """Under its own title, for its own boards, in both languages; an ordinary image is not."""
    for name in ("disk", "packed"):
        (tmp_path / name).write_bytes(b"x")
    files = (tmp_path / "disk", tmp_path / "packed", "https://example.org", "1.4.0", 0)
    told = os_list.entry(*files, Variant("Centralino 5", "Raspberry Pi 5", ("pi5-64bit",)))
    assert (told["name"], told["devices"]) == ("Centralino 5 1.4.0", ["pi5-64bit"])
    assert "SPERIMENTALE / EXPERIMENTAL" in told["description"]
    told = os_list.entry(*files, Variant("Centralino", "", ("pi4-64bit",)))
    assert "EXPERIMENTAL" not in told["description"]
