"""The exchange's control line: a wrong message is a sentence; a right one is carried out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from appliance.simulator.exchange.service import Controller
from tests.simulator.exchange.virtual import Bench

TOKENS = (
    b'{"do":"', b'"call"', b'"line":1', b'"set"', b'"knobs":{', b'"clip"', b'"data":"', b'"say"',
    b'"press"', b'"digits":"12#"', b'"hang-up"', b'"status"', b'"echo":[12,10]', b'"ppm":',
    b"1e308", b"NaN", b"-1", b"Infinity", b'"caller":"051"', b'"rings":', b'"name":"',
    b"\\ud800", b"\n", b"[[[[", b"true", b"null", b'"lose_results":', b'"report":"',
    b'"release":"loop"', b'"hang_up_after_ms":', b'"start_delay_ms":',
)  # fmt: skip
LINES = 20


@dataclass
class Outlet:
    """An outlet without its port; `wedged` and `ignore_dtr` are the port's affair."""

    station: Any
    wedged: bool = False
    ignore_dtr: bool = False

    def plug_in(self) -> None:
        """The port comes back."""

    def unplug(self) -> None:
        """The port goes away."""


def run(data: bytes) -> None:
    """Let lines come, and the line live on for a while after each."""
    bench = Bench()
    outlets: Any = {1: Outlet(bench.station)}
    controller = Controller(outlets, dict)
    for line in data.split(b"\n")[:LINES]:
        controller.receive_line(line)
        bench.run(50)
        controller.follow()
    controller.data_to_send()
    controller.hang_up()
    bench.run(100)
