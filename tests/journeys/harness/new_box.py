"""A box that is made by its card: the fast form, a folder stands for the FAT partition.

What the image's units run at a start is run here, in their order: `centralino box card apply`, call
control, the console, `centralino box card tell`; all real processes, one simulated line.
"""

from __future__ import annotations

import contextlib
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Self

from appliance.simulator.exchange.process import ExchangeProcess
from appliance.simulator.phone.process import TestPhone
from tests.console.running import open_console
from tests.docs.pages import ROOT
from tests.helpers.box import Box
from tests.journeys.harness.card_file import days_ahead, what_is_known, with_the_line

DELIVERED: Final = ROOT / "image" / "fat" / "centralino.toml"
"""The file that lies on a card when it is flashed."""
SOCKET: Final = "platform-3f980000.usb-usb-0:1.2:1.0"
"""The name of the USB socket in which the modem is."""
CARD_FILE: Final = "centralino.toml"
ANSWER: Final = "centralino-result.txt"
UNDER: Final = """\
[sip]
address = "{address}"
port = {port}
rtp_ports = [20000, 20199]

[console]
listen = "127.0.0.1"
redirect_port = 0

[folders]
state = "{folder}/state"
run = "{folder}/run"
console = "{folder}/console"
"""
"""Where this box finds itself instead of the image's addresses, ports and folders."""
COMMAND_S: Final = 60.0
PLACES: Final = ("kept", "data", "networkd", "notices", "ports")


@dataclass
class NewBox(Box):
    """A box without a configuration, whose card is a folder."""

    lines: int = 1

    def __enter__(self) -> Self:
        for name in ("card", "ports"):
            (self.folder / name).mkdir(parents=True)
        self.address, self.port = self._where()
        under = UNDER.format(address=self.address, port=self.port, folder=self.folder)
        (self.folder / "under.toml").write_text(under, encoding="utf-8")
        self.exchange = self._stack.enter_context(
            ExchangeProcess(self.folder / "lines", self.lines, ("--dialect", self.dialect))
        )
        (self.folder / "ports" / SOCKET).symlink_to(self.exchange.line(1))
        return self

    @contextlib.contextmanager
    def switched_on(self) -> Iterator[str]:
        """Start the box with its card in, as the image's units do; yields the console's address.

        Leaving it, the box is switched off.
        """
        self._site("apply", *PLACES, "under")
        try:
            self.start()
            with open_console(self) as (_, home):
                self._site("tell")
                yield home
        finally:
            self.stop()

    def _site(self, what: str, *places: str) -> None:
        """Run a command of the image's units on this box's folders."""
        options = {"card": "card", "run": "run-site", **{name: name for name in places}}
        if "under" in options:
            options["under"] = "under.toml"
        words = [word for name, at in options.items() for word in (f"--{name}", self.folder / at)]
        command = (sys.executable, "-m", "appliance", "site", what)
        done = subprocess.run(
            [str(word) for word in (*command, "--config", self.config_path, *words)],
            capture_output=True, text=True, check=False, timeout=COMMAND_S,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr

    # --- the card in the technician's computer -----------------------------------------------

    def read_card(self, name: str) -> str:
        """Open a text file of the card."""
        return (self.folder / "card" / name).read_text(encoding="utf-8-sig")

    def write_card(self, name: str, text: str) -> None:
        """Save a text file on the card."""
        (self.folder / "card" / name).write_text(text, encoding="utf-8")

    def flash(self) -> None:
        """Write the card: the image's own file lies on it."""
        self.write_card(CARD_FILE, DELIVERED.read_text(encoding="utf-8"))

    def fill_in(self, port: str = "") -> None:
        """Edit the card's file: what is known before the first start, or the line's socket then."""
        text = self.read_card(CARD_FILE)
        edited = with_the_line(text, port) if port else what_is_known(text, days_ahead())
        self.write_card(CARD_FILE, edited)

    def socket(self, name: str) -> str:
        """Return what is written as `port` for a socket of the answer.

        On the image the name is enough: its sockets are all in /dev/serial/by-path.
        """
        return str(self.folder / "ports" / name)

    # --- phones ------------------------------------------------------------------------------

    def phone_set_up(self, name: str, password: str) -> TestPhone:
        """Give a phone its account, as the answer on the card says it; switch it on."""
        made = TestPhone(
            name,
            server=f"{self.address}:{self.port}",
            secret=password,
            listen=f"{self.address}:0",
        )
        phone = self._stack.enter_context(made)
        phone.wait_registered(10.0)
        return phone
