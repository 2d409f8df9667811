"""Asks the desk from within its machine: one question a line, one answer a line.

The desk looks up in /proc who asks; from outside the machine nobody is to be seen there.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from appliance.api import protocol
from appliance.errors import CentralinoError

DOOR = Path("/run/centralino/desk.sock")


def answer(line: str) -> str:
    """Ask one question; what went wrong is told as {"failed": sentence}."""
    try:
        return json.dumps(protocol.ask(DOOR, json.loads(line)))
    except CentralinoError as error:
        return json.dumps({"failed": str(error)})


def main() -> None:
    """Answer until there are no more questions."""
    for line in sys.stdin:
        sys.stdout.write(answer(line) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
