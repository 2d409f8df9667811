"""Every unit that waits for something is started by the image and by the package."""

from __future__ import annotations

import re
from pathlib import Path

from tests.image.slot import ROOT

OVERLAY = ROOT / "image/overlay/etc/systemd/system"


def startable(folder: Path) -> set[str]:
    """List the units of a folder that say when they are to be started."""
    units = (one for one in folder.iterdir() if one.is_file())
    return {one.name for one in units if "\n[Install]\n" in one.read_text(encoding="utf-8")}


def packaged() -> set[str]:
    """List the units that the package enables; the image's build reads the same lines."""
    text = (ROOT / "debian/rules").read_text(encoding="utf-8")
    lines = re.findall(r"^\tdh_installsystemd (.*)$", text, re.MULTILINE)
    return {word for line in lines for word in line.split() if "." in word}


def test_the_package_starts_every_unit_of_its_own() -> None:
    """A path unit that nobody enables waits for nothing: what is asked for is never done."""
    assert startable(ROOT / "systemd") - packaged() == set()


def test_the_image_starts_every_unit_of_its_own() -> None:
    """Likewise, or another unit brings it along; the package's are enabled as the package says."""
    listed = (ROOT / "image/enabled").read_text(encoding="utf-8").splitlines()
    brought = {"centralino-hostkeys.service"}  # by ssh.service, where a technician has a key
    assert startable(OVERLAY) - set(listed) - brought == set()
    assert "centralino-usb.path" in packaged()
