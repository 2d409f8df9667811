"""`python -m appliance.media --fd N`: the carrier as a child of the desk."""

from __future__ import annotations

import signal

from appliance.modem.fork_server import ForkServer


def run() -> None:
    """Fork the nursery while this process is small, then become the carrier."""
    nursery = ForkServer.start()
    import argparse

    from appliance.media.process import main

    parser = argparse.ArgumentParser(description="Centralino's carrier, started by the desk")
    parser.add_argument("--fd", type=int, required=True, help="connected link socket")
    main(nursery, fd=parser.parse_args().fd)


if __name__ == "__main__":
    # Ctrl-C on a terminal is the desk's to handle; it then ends the link.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    run()
