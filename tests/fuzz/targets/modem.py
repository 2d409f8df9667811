"""The V.253 modem as a value: the same events however cut, bounded, and back after a resync."""

from __future__ import annotations

from appliance.modem.dialects import DIALECTS
from appliance.modem.events import SoundReceived
from appliance.modem.v253 import Modem, ModemEvent, Replied
from tests.fuzz.bounds import held
from tests.fuzz.program import Program, pieces

COMMANDS = ("", "AT", "AT+VTR", "AT+VTX", "AT+VRX", "AT+FCLASS?", "AT+VSM=?")
TOKENS = (
    b"\r\n", b"\r\nOK\r\n", b"\r\nCONNECT\r\n", b"VCON\r\n", b"RING\r\n", b"0\r", b"1\r",
    b"NMBR = 051\r\n", b"\x10\x03", b"\x10\x10", b"\x10X", b"\x10.", b"\x10R", b"AT+VTR\r",
    b"804D", b"0412303332323234",
)  # fmt: skip
HELD = 128 * 1024
"""128 lines of 512 characters are the most that is kept of one answer, and their objects."""


def run(data: bytes) -> None:
    """Feed an answer to a command, whole and cut."""
    program = Program(data)
    dialect = list(DIALECTS.values())[program.number(len(DIALECTS))]
    command = COMMANDS[program.number(len(COMMANDS))]
    size, rest = 1 + program.number(9), program.rest()
    whole, cut = Modem(dialect), Modem(dialect)
    for modem in (whole, cut) if command else ():
        modem.send_command(command)
    events = [e for piece in pieces(rest, size) for e in cut.receive_data(piece)]
    assert joined(events) == joined(list(whole.receive_data(rest)))
    assert cut.streaming == whole.streaming
    for _ in range(8):
        cut.receive_data(rest)
        cut.end_stream()
    assert held(cut) - held(dialect) < HELD
    comes_back(cut)


def comes_back(modem: Modem) -> None:
    """After a resynchronisation an honest answer is read as what it is."""
    modem.resynchronise()
    modem.send_command("AT")
    assert modem.receive_data(b"\r\nOK\r\n") == (Replied("AT", (), "OK"),)


def joined(events: list[ModemEvent]) -> list[ModemEvent]:
    """Join neighbouring sound: how a port cuts it is no meaning."""
    out: list[ModemEvent] = []
    for event in events:
        if isinstance(event, SoundReceived) and out and isinstance(out[-1], SoundReceived):
            out[-1] = SoundReceived(out[-1].samples + event.samples)
        else:
            out.append(event)
    return out
