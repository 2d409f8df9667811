"""Which version runs, and whether the box was made from the image: only an image has two slots."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import appliance
from appliance.files import load_text
from appliance.policy.text import NOTHING, Refused, Words
from appliance.policy.updates import BY_APT, EXPERIMENTAL, filled

CMDLINE: Final = Path("/proc/cmdline")
RELEASE: Final = Path("/etc/centralino-release")
"""Written by the image's build: VERSION=..., BUILD=..., VARIANT=..."""
_SLOT: Final = "rauc.slot="
_LAST_TRY: Final = "centralino.left=0"
"""By image/boot/boot.cmd: of a new version's only start, or the third of one that nobody marks."""
_EXPERIMENTAL: Final = "-experimental"
"""How the name of a variant ends that is nothing for an office yet."""


def is_image(cmdline: Path = CMDLINE) -> bool:
    """Tell whether the box runs from one of two slots."""
    return booted(cmdline) != ""


def booted(cmdline: Path = CMDLINE) -> str:
    """Return the slot that the boot loader has started ("A", "B"), "" on a box without slots."""
    words = load_text(cmdline).split()
    return next((word[len(_SLOT) :] for word in words if word.startswith(_SLOT)), "")


def is_last_try(cmdline: Path = CMDLINE) -> bool:
    """Tell whether the boot loader will take the other slot at the next start."""
    return _LAST_TRY in load_text(cmdline).split()


def check_image(cmdline: Path = CMDLINE) -> None:
    """Raise Refused on a box without slots: there apt brings the programme."""
    if not is_image(cmdline):
        raise Refused(BY_APT.it, BY_APT.en)


def running(path: Path = RELEASE) -> str:
    """Return the version that runs."""
    return _named("VERSION", path) or appliance.__version__


def note(path: Path = RELEASE) -> Words:
    """Return what is to be known of the image that runs; nothing of an ordinary one."""
    variant = _named("VARIANT", path)
    return filled(EXPERIMENTAL, variant) if variant.endswith(_EXPERIMENTAL) else NOTHING


def _named(name: str, path: Path) -> str:
    """Return what follows `name=` in a file of such lines, "" where there is none."""
    words = (line.partition("=") for line in load_text(path).splitlines())
    return next((value for key, _, value in words if key == name), "")
