"""What the image's build has written of itself: version, variant, whether it is a test image."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from appliance.files import load_text
from appliance.policy.updates import EXPERIMENTAL, TEST_IMAGE
from appliance.text import NOTHING, Words, joined

# VERSION=..., BUILD=..., VARIANT=..., and TEST=yes with keys of the build (image/slot.sh)
RELEASE: Final = Path("/etc/centralino-release")
_EXPERIMENTAL: Final = "-experimental"
"""Suffix of a variant that is not ready for an office."""


def named(name: str, path: Path = RELEASE) -> str:
    """Return the value of `name=` in a file of such lines, "" for none."""
    words = (line.partition("=") for line in load_text(path).splitlines())
    return next((value for key, _, value in words if key == name), "")


def note_update(path: Path = RELEASE) -> Words:
    """Return the warning for a test image or an experimental one, NOTHING for an ordinary one."""
    variant = named("VARIANT", path)
    test = TEST_IMAGE if named("TEST", path) else NOTHING
    told = EXPERIMENTAL.filled(variant=variant) if variant.endswith(_EXPERIMENTAL) else NOTHING
    found = [one for one in (test, told) if one != NOTHING]
    return joined(" ", found) if found else NOTHING
