"""Updates in the booted image: a stick is put in, the night comes, and what has become of it."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from appliance.service.updates import KEPT, STICK
from tests.image import brought
from tests.image.call_control import set_clock
from tests.image.guest import Guest
from tests.image.office import VOICEMAIL
from tests.image.shell import RestartedError

NIGHT = "03:31:00"
"""In the quiet hours, by the office's own clock."""
INSTALL_LIMIT_S, TRIAL_LIMIT_S = 600.0, 900.0
LOOK_S = 2.0
"""Each look is a shell's work in there, which the box pays for."""
KEPT_IN = f"/var/lib/centralino-update/{KEPT}"
SAID = f"/run/centralino-update/{STICK}"


def kept(guest: Guest) -> dict[str, Any]:
    """Read what root's helper keeps of the last update, {} for nothing."""
    return _read(guest, KEPT_IN)


def brought_by(guest: Guest, stick: Path) -> str:
    """Put a stick in, wait until the box has looked at it, pull it out; returns what it said."""
    guest.run(f"rm -f {SAID}")
    name = brought.put_in(guest, stick)
    said = guest.wait("a word about the stick", lambda: _read(guest, SAID), INSTALL_LIMIT_S, LOOK_S)
    brought.pull_out(guest, name)
    return str(said["en"])


def night_comes(guest: Guest) -> None:
    """Set the box's clock to tomorrow's quiet hours, as a person at the console does."""
    tomorrow = guest.run("date -d tomorrow +%F")
    set_clock(guest, f"{tomorrow}T{NIGHT}")


def wait_state(guest: Guest, state: str, limit_s: float = TRIAL_LIMIT_S) -> dict[str, Any]:
    """Wait until the last update has come to a state; returns what is kept of it."""

    def come_to() -> dict[str, Any]:
        found = kept(guest)
        return found if found.get("state") == state else {}

    found: dict[str, Any] = guest.wait(f"update {state}", come_to, limit_s, LOOK_S)
    return found


def rauc(guest: Guest) -> dict[str, tuple[str, str]]:
    """Return of each slot, by its letter, what RAUC says: booted or not, good or bad."""
    told = json.loads(guest.run("rauc status --output-format=json"))
    found = [slot for one in told["slots"] for slot in one.values()]
    return {slot["bootname"]: (slot["state"], slot["boot_status"]) for slot in found}


def chosen(guest: Guest) -> list[str]:
    """List the slots that U-Boot has started since the box was switched on."""
    return re.findall(r"centralino: slot ([AB]); tries left", guest.console())


def messages(guest: Guest) -> set[str]:
    """Return the hash and the name of every message that is kept."""
    return set(guest.run(f"sha256sum /data{VOICEMAIL}/*").splitlines())


def size(stick: Path) -> str:
    """Say how large the bundle on a stick is."""
    return f"update of {stick.with_suffix('.raucb').stat().st_size >> 20} MiB"


def _read(guest: Guest, path: str) -> dict[str, Any]:
    """Read what is kept, {} while there is nothing, or nobody who could say."""
    try:
        ended, text = guest.shell.try_(f"cat {path}")
    except RestartedError:
        return {}
    found: dict[str, Any] = json.loads(text) if ended == 0 else {}
    return found
