"""`python -m appliance.carrier --fd N`: the carrier as a child of the desk."""

from __future__ import annotations

import argparse
import signal

from appliance.carrier.process import main

if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Centralino's carrier, started by the desk")
    parser.add_argument("--fd", type=int, required=True, help="connected link socket")
    # Ctrl-C on a terminal is the desk's to handle; it then ends the link.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    main(fd=parser.parse_args().fd)
