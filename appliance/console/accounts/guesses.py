"""Keeps an address from trying out links and codes, as the lockout does with passwords."""

from __future__ import annotations

import time

from appliance.console.accounts.lockout import Tries, after_wrong, wait_s


class Guesses:
    """Counts wrong secrets by the address that they come from; apart from the passwords' tries."""

    def __init__(self) -> None:
        self._tries = Tries()

    def wait_s(self, address: str) -> float:
        """Say how long (seconds) an address must wait before one is looked at; 0 for not."""
        return wait_s(self._tries, address, address, time.monotonic(), is_known_there=True)

    def wrong(self, address: str) -> None:
        """Count a secret that nobody was given."""
        self._tries = after_wrong(self._tries, address, address, time.monotonic())
