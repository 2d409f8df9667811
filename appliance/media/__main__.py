"""`python -m appliance.media --fd N`: the media gateway as a child of call control."""

from __future__ import annotations

import signal

from appliance.modem.fork_server import ForkServer


def run() -> None:
    """Fork the fork server while this process is small, then run the media gateway."""
    fork_server = ForkServer.start()
    # Imported after the fork: they would cost every port server 5 MB.
    import argparse

    from appliance.media.process import main

    parser = argparse.ArgumentParser(description="The media gateway, started by call control")
    parser.add_argument("--fd", type=int, required=True, help="connected link socket")
    main(fork_server, fd=parser.parse_args().fd)


if __name__ == "__main__":
    # Ctrl-C on a terminal reaches call control as well, which handles it and then ends the link.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    run()
