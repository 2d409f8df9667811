"""`python -m appliance.simulator.phone`: one phone, one process."""

from __future__ import annotations

import argparse
import socket
import sys

from appliance.errors import CentralinoError, ConfigurationError
from appliance.simulator.phone.phone import LANGUAGES
from appliance.simulator.phone.process import PhoneOptions, PhoneProcess, go_realtime
from appliance.simulator.phone.sip import PREFERENCES, Address, SimulatedAccount


def address(text: str, port: int) -> Address:
    """Return host and port of "host[:port]", the host as an IPv4 address."""
    host, _, said = text.partition(":")
    if said and not (said.isdecimal() and int(said) < 65536):
        raise ConfigurationError(f"{text!r}: {said!r} is not a port: write 127.0.0.1:5060")
    try:
        return socket.gethostbyname(host), int(said or port)
    except OSError as error:
        raise ConfigurationError(f"{text!r}: {host!r} is no address that can be found") from error


def parser() -> argparse.ArgumentParser:
    """Return the command line's parser."""
    made = argparse.ArgumentParser(prog="python -m appliance.simulator.phone", description=__doc__)
    made.add_argument("--name", required=True, help="what the terminal calls the phone")
    made.add_argument("--server", default="127.0.0.1:5060", help="registrar and way out")
    made.add_argument("--user", help="SIP user; the name without it")
    made.add_argument("--secret", default="", help="SIP secret")
    made.add_argument("--listen", default="127.0.0.1:0", help="own address; port 0 is any")
    made.add_argument("--no-register", action="store_true", help="take direct calls only")
    made.add_argument("--codec", choices=sorted(PREFERENCES), default="both")
    made.add_argument("--control", required=True, help="path of the control socket, or fd:N")
    made.add_argument("--verbose", action="store_true", help="one line an event")
    made.add_argument("--language", choices=LANGUAGES, default="it")
    return made


def options_from(arguments: list[str]) -> PhoneOptions:
    """Return what a command line asks for; raises ConfigurationError."""
    given = parser().parse_args(arguments)
    local = address(given.listen, 0)
    account = SimulatedAccount(
        given.name,
        given.user or given.name,
        given.secret,
        address(given.server, 5060),
        local,
        local,
        PREFERENCES[given.codec],
    )
    return PhoneOptions(
        account, not given.no_register, given.control, given.language, given.verbose
    )


def main(arguments: list[str]) -> int:
    """Run the phone; returns the exit status."""
    try:
        process = PhoneProcess(options_from(arguments))
        go_realtime()
        process.run()
    except CentralinoError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
