"""What call control in a guest is asked, at its control socket: a tenth of a second of the box's
time.

`centralino status` takes seconds of it, which delay what is waited for.
"""

from __future__ import annotations

import json
import shlex
from typing import Any

from tests.image.guest import Guest
from tests.image.shell import RestartedError

ASK = """python3 -ISc 'if True:
    import socket, sys
    door = socket.socket(socket.AF_UNIX)
    door.connect("/run/centralino/desk.sock")
    door.sendall(sys.argv[1].encode() + b"\\n")
    print(door.makefile().readline())
' """


def ask(guest: Guest, question: str, **more: str) -> dict[str, Any]:
    """Return call control's answer, {} while there is nobody who could give one."""
    asked = shlex.quote(json.dumps({"ask": question, **more}))
    try:
        ended, text = guest.shell.try_(ASK + asked)
    except RestartedError:
        return {}
    answer: dict[str, Any] = json.loads(text) if ended == 0 and text else {}
    return answer


def status(guest: Guest) -> dict[str, Any]:
    """Return what call control says of itself, {} while it does not answer."""
    found: dict[str, Any] = ask(guest, "status").get("status", {})
    return found


def troubles(guest: Guest) -> list[str]:
    """List what call control complains of; nothing while it does not answer."""
    return [str(one) for one in status(guest).get("troubles", [])]


def set_clock(guest: Guest, moment: str) -> None:
    """Set the box's clock, as the console's page has it where somebody sets the time."""
    said = ask(guest, "clock_set", by="technician", at=moment)
    assert said["ok"], said
