"""The guides' commands typed at the booted image, by the account that comes in by ssh."""

from __future__ import annotations

import shlex

import pytest

from tests.image import built
from tests.image.guest import Guest
from tests.image.guide_commands import HANGS, TYPED, Given, complaint, on_the_image
from tests.image.office import Office
from tests.image.test_guide_commands import BRING, LONGEST_S, THERE, WAITS_S

MISSING = built.missing()
pytestmark = [
    pytest.mark.long,
    pytest.mark.system,
    pytest.mark.timeout(7200),
    pytest.mark.skipif(MISSING != "", reason=f"needs {MISSING}"),
]
SLOWER = 10
"""An emulated board against this machine."""


def test_each_command_does_what_the_guide_says(office: Office) -> None:
    """Also by the image's own sudo, RAUC and kernel."""
    with office.on() as guest:
        guest.wait_ready()
        guest.wait_settled()
        guest.run(f"sh -euc {shlex.quote(BRING)}")
        typed = [_typed(guest, one) for one in on_the_image() if one.words != HANGS]
    wrong = [said for said in typed if said]
    assert wrong == [], "\n".join(wrong)


def _typed(guest: Guest, one: Given) -> str:
    limit_s = (WAITS_S if one.lasts else LONGEST_S) * SLOWER
    words = ("timeout", "--kill-after=2", str(limit_s), "setpriv", "--reuid=technician",
             "--regid=technician", "--init-groups", "sh", "-c",
             f"cd ~technician && {one.words}")  # fmt: skip
    guest.wait("call control", lambda: guest.shell.try_(THERE)[0] == 0, every_s=2.0)
    typed = f"printf %s {shlex.quote(TYPED)} | {shlex.join(words)} 2>&1"
    status, said = guest.shell.try_(typed, limit_s * 3.0)
    found = complaint(one, status, said)
    return f"{one.words}\n{found}" if found else ""
