"""A caller of the exchange who notices when nothing is heard any more."""

from __future__ import annotations

from appliance.simulator.exchange.audio import is_quiet
from appliance.simulator.exchange.call import ExchangeCall
from tests.soak.mix import Script


class Caller(ExchangeCall):
    """One call of the mix; `silent_s` is how long the caller has been hearing nothing.

    `bears_s` is how long that may be when something is broken.
    """

    def __init__(self, script: Script, line: int) -> None:
        super().__init__(script.plan, line)
        self.script = script
        self.disturbed = False
        self.bears_s = 12.0
        self.silent_s = 0.0
        self.listened = False

    def hear(self, sound: bytes) -> None:
        """Take what reaches the caller's ear."""
        super().hear(sound)
        self.heard.clear()
        self.silent_s = self.silent_s + len(sound) / 8000 if is_quiet(sound) else 0.0
