"""A station on a virtual clock: no sleeping, no port; what the host would see and do."""

from __future__ import annotations

from typing import TYPE_CHECKING

from appliance.simulator.exchange.call import CallPlan, ExchangeCall
from appliance.simulator.exchange.modem_protocol import DleUnshielder, personality_named
from appliance.simulator.exchange.outlet import Station
from appliance.simulator.exchange.signals import country_named

if TYPE_CHECKING:
    from appliance.simulator.exchange.modem_protocol import ModemState


TICK_MS = 10


class Bench:
    """One line and its modem; `now` is the virtual second, `seen` all the host was sent."""

    def __init__(self, dialect: str = "conexant", code: str = "it") -> None:
        self.station = Station(1, country_named(code), personality_named(dialect))
        self.now = 100.0
        self.seen = bytearray()

    def state(self) -> ModemState:
        """Give the modem's state."""
        return self.station.modem.state

    def run(self, ms: float) -> bytes:
        """Let ms go by; gives what the host was sent meanwhile."""
        got = bytearray()
        for _ in range(round(ms / TICK_MS)):
            self.now += TICK_MS / 1000
            self.station.tick(self.station.samples_in(TICK_MS / 1000), self.now)
            got += self.station.modem.data_to_send()
        self.seen += got
        return bytes(got)

    def write(self, data: bytes) -> bytes:
        """Let the host write; gives what it is sent at once."""
        self.station.modem.receive_data(data, self.now)
        got = self.station.modem.data_to_send()
        self.seen += got
        return got

    def command(self, text: str, wait_ms: float = 0) -> bytes:
        """Wait the 100 ms that manners ask, send a command, let wait_ms pass; gives the answer."""
        self.run(100)
        return self.write(text.encode() + b"\r") + self.run(wait_ms)

    def prepare(self, *commands: str) -> None:
        """Send commands, each of which must be answered OK or CONNECT."""
        for text in commands:
            answer = self.command(text)
            assert b"OK\r\n" in answer or b"CONNECT\r\n" in answer, (text, answer)

    def place(self, plan: CallPlan | None = None) -> ExchangeCall:
        """Place a call on the line."""
        call = ExchangeCall(plan or CallPlan(), 1)
        self.station.line.place(call)
        return call

    def talk(self, plan: CallPlan | None = None, stream: str = "+VTR") -> ExchangeCall:
        """Place a call, answer it and start a mu-law stream without silence events."""
        self.prepare("ATE0", "AT+FCLASS=8", "AT+VSM=131,8000", "AT+VSD=0,0")
        call = self.place(plan)
        self.run(300)
        self.prepare("AT+VLS=1", f"AT{stream}")
        return call


def unshielded(stream: bytes) -> tuple[bytes, str]:
    """Take a modem's stream apart: its sound and the letters of its events."""
    taker, sound, codes = DleUnshielder(), bytearray(), ""
    while stream:
        piece, code, stream = taker.step(stream)
        sound += piece
        codes += "" if code is None else chr(code)
    return bytes(sound), codes
