"""Asks call control from within its machine: one question a line, one answer a line.

Call control looks up in /proc who asks; from outside the machine nobody is to be seen there.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from appliance.api import protocol
from appliance.errors import CentralinoError

CONTROL_SOCKET = Path("/run/centralino/desk.sock")
LIMIT_S = 30.0
"""Settings are written by a helper, which a busy machine starts slowly."""


def answer(line: str) -> str:
    """Ask one question; what went wrong is told as {"failed": sentence}."""
    try:
        return json.dumps(protocol.ask(CONTROL_SOCKET, json.loads(line), LIMIT_S))
    except CentralinoError as error:
        return json.dumps({"failed": str(error)})


def main() -> None:
    """Answer until there are no more questions."""
    for line in sys.stdin:
        sys.stdout.write(answer(line) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
