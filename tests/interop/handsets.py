"""Real phones under one set of orders: what a person can do with any of them."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

from tests.helpers.baresip import Baresip
from tests.helpers.linphone import Linphone

NAME = "21"
SECRET = f"secret-{NAME}"


class Handset(Protocol):
    """What a person can do with a phone."""

    heard: Path
    stays: bool
    """Whether it keeps its call when a transfer is refused."""

    def rings(self) -> None:
        """Wait until it rings."""

    def answer(self) -> None:
        """Lift; it speaks at once."""

    def decline(self) -> None:
        """Press the reject key."""

    def hang_up(self) -> None:
        """Hang up."""

    def hold(self) -> None:
        """Put the other one on hold."""

    def resume(self) -> None:
        """Take the other one back."""

    def press(self, key: str) -> None:
        """Press a key."""

    def transfer(self, digits: str) -> None:
        """Ask for a blind transfer."""

    def dial(self, digits: str) -> None:
        """Dial."""

    def talks(self) -> None:
        """Wait until what it dialled has answered, and speak."""

    def is_over(self) -> None:
        """Wait until its call has ended."""

    def kill(self) -> None:
        """Take its power away."""

    def stop(self) -> None:
        """Switch it off politely."""


class BaresipHandset:
    """baresip. What it hears is written when `hears`; then it cannot hold (pyvoip.md 7)."""

    stays = False

    def __init__(
        self,
        folder: Path,
        server: tuple[str, int],
        *,
        hears: bool = True,
        realm: str = "",
        transport: str = "udp",
    ) -> None:
        del realm  # it answers any
        self._phone = Baresip(
            folder, NAME, server=server, secret=SECRET, hears=hears, transport=transport
        )
        self.heard = self._phone.heard
        self.address = self._phone.address
        self._phone.start()

    def rings(self) -> None:
        """Wait until it rings."""
        self._phone.wait_for("CALL_INCOMING")

    def answer(self) -> None:
        """Lift; it speaks at once."""
        self._phone.do("accept")
        self._phone.wait_for("CALL_ESTABLISHED")

    def decline(self) -> None:
        """Press the reject key."""
        self._phone.do("hangup")

    def hang_up(self) -> None:
        """Hang up."""
        self._phone.do("hangup")

    def hold(self) -> None:
        """Put the other one on hold."""
        self._phone.do("hold")

    def resume(self) -> None:
        """Take the other one back."""
        self._phone.do("resume")

    def press(self, key: str) -> None:
        """Press a key."""
        self._phone.do("sndcode", key)

    def transfer(self, digits: str) -> None:
        """Ask for a blind transfer."""
        self._phone.do("transfer", f"sip:{digits}@127.0.0.1")

    def dial(self, digits: str) -> None:
        """Dial."""
        self._phone.do("dial", digits)

    def talks(self) -> None:
        """Wait until what it dialled has answered, and speak."""
        self._phone.wait_for("CALL_ESTABLISHED")

    def is_over(self) -> None:
        """Wait until its call has ended."""
        self._phone.wait_for("CALL_CLOSED")

    def kill(self) -> None:
        """Take its power away."""
        self._phone.kill()

    def stop(self) -> None:
        """Switch it off politely."""
        self._phone.stop()


class LinphoneHandset:
    """linphone."""

    stays = True

    def __init__(
        self,
        folder: Path,
        server: tuple[str, int],
        *,
        hears: bool = True,
        realm: str = "",
        transport: str = "udp",
    ) -> None:
        del hears  # always
        self.phone = Linphone(
            folder, NAME, server=server, secret=SECRET, realm=realm, transport=transport
        )
        self.heard = self.phone.heard
        self.phone.start()

    def rings(self) -> None:
        """Wait until it rings."""
        self.phone.wait_for("Receiving new incoming call")

    def answer(self) -> None:
        """Lift; it speaks at once."""
        self.phone.do("answer")
        self.phone.wait_for("Media streams established")
        self.phone.speak()

    def decline(self) -> None:
        """Press the reject key."""
        self.phone.do("terminate")

    def hang_up(self) -> None:
        """Hang up."""
        self.phone.do("terminate")

    def hold(self) -> None:
        """Put the other one on hold."""
        self.phone.do("pause")
        self.phone.wait_for("is now paused")

    def resume(self) -> None:
        """Take the other one back."""
        self.phone.do("resume")
        self.phone.wait_for("Media streams established")
        self.phone.speak()

    def press(self, key: str) -> None:
        """Press a key."""
        self.phone.do(key)

    def transfer(self, digits: str) -> None:
        """Ask for a blind transfer."""
        self.phone.do(f"transfer sip:{digits}@127.0.0.1")

    def dial(self, digits: str) -> None:
        """Dial."""
        self.phone.do(f"call {digits}")

    def talks(self) -> None:
        """Wait until what it dialled has answered, and speak."""
        self.phone.wait_for("Media streams established")
        self.phone.speak()

    def is_over(self) -> None:
        """Wait until its call has ended."""
        self.phone.wait_for(" ended (")

    def kill(self) -> None:
        """Take its power away."""
        self.phone.kill()

    def stop(self) -> None:
        """Switch it off politely."""
        self.phone.stop()
