"""The exchange's modem: whatever a host writes, in a call and out of one, it answers or ignores."""

from __future__ import annotations

from appliance.simulator.exchange.call import CallPlan
from tests.fuzz.bounds import held
from tests.fuzz.program import Program
from tests.simulator.exchange.virtual import Bench

TOKENS = (
    b"\x00\x03AT\r", b"\x00\x0cAT+FCLASS=8\r", b"\x00\x09AT+VLS=1\r", b"\x00\x07AT+VTR\r",
    b"\x00\x07AT+VTX\r", b"\x00\x07AT+VRX\r", b"\x00\x02\x10^", b"\x00\x02\x10\x03",
    b"\x00\x02\x10!", b"\x00\x0fAT+VTS=[425,0,5]\r", b"\x00\x0aAT+VSM=131\r", b"\x01\x05",
    b"\x02", b"+VTS={!,10}", b"ATDT1\r", b"ATS0=1\r", b"=?", b"999999999",
)  # fmt: skip
STEPS = 60
HELD = 3_000_000
MOST_MS = 16
"""Tens of ms that pass at one step."""


def run(data: bytes) -> None:
    """Play a program on both makes of modem."""
    program = Program(data)
    bench = Bench(("conexant", "usr5637")[program.number(2)])
    for kind in program.steps(3, STEPS):
        if kind == 0:
            bench.write(program.piece())
        elif kind == 1:
            bench.run(10 * program.number(MOST_MS))
        elif bench.station.line.call is None:
            bench.place(CallPlan(caller="0511234567", rings=2))
        bench.seen.clear()
    assert held(bench.station) < HELD
