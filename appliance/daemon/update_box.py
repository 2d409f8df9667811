"""Which version runs, and whether the box was made from the image: only an image has two slots."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import appliance
from appliance.daemon.files import load_text
from appliance.policy.refused import Refused
from appliance.policy.update_words import BY_APT

CMDLINE: Final = Path("/proc/cmdline")
RELEASE: Final = Path("/etc/centralino-release")
"""Written by the image's build: VERSION=..., BUILD=..."""
_VERSION: Final = "VERSION="


def is_image(cmdline: Path = CMDLINE) -> bool:
    """Tell whether the box runs from one of two slots."""
    return any(word.startswith("rauc.slot=") for word in load_text(cmdline).split())


def check_image(cmdline: Path = CMDLINE) -> None:
    """Raise Refused on a box without slots: there apt brings the programme."""
    if not is_image(cmdline):
        raise Refused(BY_APT.it, BY_APT.en)


def running(path: Path = RELEASE) -> str:
    """Return the version that runs."""
    named = (line.removeprefix(_VERSION) for line in load_text(path).splitlines()
             if line.startswith(_VERSION))  # fmt: skip
    return next(named, "") or appliance.__version__
