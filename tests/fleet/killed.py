"""A box's side of MQTT, to be killed: forty calls end, then it sends until it dies."""

from __future__ import annotations

import sys
import threading
from pathlib import Path

from tests.fleet.boxes import Publisher, account
from tests.helpers.mosquitto import Mosquitto


def main() -> None:
    """Run below a folder, for a broker's port; the third word counts the runs."""
    folder, port, run = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
    box = Publisher(folder, account(Mosquitto(folder / "broker", port=port))).start()
    for number in range(40 * run, 40 * run + 40):
        box.call(number)
    sys.stdout.write("kept\n")
    sys.stdout.flush()
    threading.Event().wait()


if __name__ == "__main__":
    main()
