"""The built image: where it is, made when it is not there."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path

from tests.image import guest

ROOT = Path(__file__).resolve().parents[2]
OUT = ROOT / "build" / "image"
"""The folder that tests build in, whose pair of keys lies beside the image."""


def missing() -> str:
    """Say what a boot needs and this machine lacks, "" for nothing."""
    if "IMAGE" not in os.environ:
        if not (ROOT / "image" / "build.sh").exists():
            return "image/build.sh"
        if not shutil.which("mmdebstrap"):
            return "the Debian package mmdebstrap"
    packages = guest.missing()
    return f"the Debian packages {packages}" if packages else ""


@cache
def image() -> Path:
    """Return the disk as it is flashed: IMAGE in the environment, or built by image/build.sh."""
    if named := os.environ.get("IMAGE"):
        return Path(named)
    made = subprocess.run(
        (ROOT / "image" / "build.sh",),
        cwd=ROOT,
        env=os.environ | {"PYTHON": sys.executable, "OUT": str(OUT), "UNPACKED": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert made.returncode == 0, made.stdout + made.stderr
    (found,) = (OUT / "work").glob("centralino-*.img")
    return found
