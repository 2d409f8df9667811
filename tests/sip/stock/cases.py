"""What stock pyVoIP 1.6.8 does where we replaced it: each case in a process of its own.

`python -m tests.sip.stock.cases NAME` prints one JSON object. Stock blocks for ever and leaves
threads behind, so the process is ended by force when its case is told.
"""

from __future__ import annotations

import audioop
import contextlib
import json
import math
import os
import socket
import struct
import sys
import threading
import time
import warnings
from collections.abc import Callable
from typing import Any

# pyVoIP.VoIP first: to import pyVoIP.SIP alone is a circular import (pyvoip.md 1).
from pyVoIP.VoIP import VoIPPhone  # isort: skip
from pyVoIP import RTP, SIP  # isort: skip

from tests.sip.world import SDP

PATIENCE = 6.0
"""Seconds in which a call over loopback should long be settled."""


class Peer:
    """A phone that is stock's `server`: says yes to REGISTER, and to INVITE what the case wants."""

    def __init__(self, *answers: int) -> None:
        self.answers = answers
        self.heard: list[str] = []
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.51", 0))
        self.source: tuple[str, int] = ("", 0)
        self.invite = ""
        threading.Thread(target=self._serve, daemon=True).start()

    @property
    def port(self) -> int:
        """Where it listens."""
        return int(self.socket.getsockname()[1])

    def count(self, method: str) -> int:
        """Return how many requests of this method came."""
        return sum(text.startswith(method + " ") for text in self.heard)

    def acks(self) -> list[str]:
        """Return the To tags of the ACKs that came."""
        acks = [text for text in self.heard if text.startswith("ACK ")]
        return [header(text, "To").partition(";tag=")[2] for text in acks]

    def answer(self, text: str, code: int, tag: str = "phone", body: str = "") -> None:
        """Answer a request."""
        lines = [f"SIP/2.0 {code} X"]
        lines += [f"{name}: {header(text, name)}" for name in ("Via", "From", "Call-ID", "CSeq")]
        lines.append(f"To: {header(text, 'To')}" + (f";tag={tag}" if tag else ""))
        lines.append(f"Contact: <sip:21@127.0.0.51:{self.port}>;+sip.instance=x")
        if body:
            lines.append("Content-Type: application/sdp")
        lines.append(f"Content-Length: {len(body)}")
        self.send("\r\n".join(lines) + "\r\n\r\n" + body)

    def send(self, text: str) -> None:
        """Send a datagram."""
        self.socket.sendto(text.encode(), self.source)

    def _serve(self) -> None:
        while True:
            data, self.source = self.socket.recvfrom(65535)
            text = data.decode()
            self.heard.append(text)
            if text.startswith(("REGISTER ", "BYE ")):
                self.answer(text, 200)
            elif text.startswith("INVITE "):
                self.invite = text
                for code in self.answers:
                    self.answer(text, code, body=SDP if code == 200 else "")
                    time.sleep(0.2)


def header(text: str, name: str) -> str:
    """Return a header of a message that stock wrote."""
    lines = text.split("\r\n")
    return next((line.partition(": ")[2] for line in lines if line.startswith(name + ":")), "")


def calling(*answers: int, wait: float = PATIENCE) -> tuple[Peer, Any, list[Any]]:
    """Let stock call a phone that answers so; returns phone, stock, and what call() returned."""
    peer = Peer(*answers)
    stock = VoIPPhone(
        "127.0.0.51", peer.port, "gw", "x", myIP="127.0.0.1", sipPort=0,
        rtpPortLow=21000, rtpPortHigh=21100,
    )  # fmt: skip
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        stock.sip.myPort = probe.getsockname()[1]
    stock.start()
    time.sleep(1.3)  # stock begins to receive one second after its start
    made: list[Any] = []
    threading.Thread(target=lambda: made.append(stock.call("21")), daemon=True).start()
    time.sleep(wait)
    return peer, stock, made


def wrong_ack() -> dict[str, Any]:
    """Answered after ringing: whose tag do the ACKs carry?"""
    peer, _, _ = calling(180, 200)
    return {"acks": len(peer.acks()), "right": peer.acks().count("phone")}


def blocked_by_an_answer() -> dict[str, Any]:
    """Answered at once: does call() return?"""
    return {"returned": bool(calling(200)[2])}


def blocked_by_silence() -> dict[str, Any]:
    """A silent phone: does call() return, and is the INVITE repeated?"""
    peer, _, made = calling()
    return {"returned": bool(made), "invites": peer.count("INVITE")}


def busy() -> dict[str, Any]:
    """Busy: what is the call's state, and is the refusal acknowledged?"""
    peer, _, made = calling(180, 486)
    return {"state": made[0].state.value, "acks": peer.count("ACK")}


def no_cancel() -> dict[str, Any]:
    """A phone that rings: can it be stopped?"""
    peer, _, made = calling(180)
    try:
        made[0].hangup()
        error = ""
    except Exception as caught:  # noqa: BLE001 - whatever it is, it is what is looked for
        error = type(caught).__name__
    time.sleep(0.5)
    return {"error": error, "cancels": peer.count("CANCEL")}


def forged_bye() -> dict[str, Any]:
    """A BYE without any tag of the call: does the call live?"""
    peer, _, made = calling(180, 200)
    before = made[0].state.value
    call_id = header(peer.invite, "Call-ID")
    peer.send(
        f"BYE sip:x SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.51:{peer.port};branch=z9hG4bKforged\r\n"
        f"From: <sip:evil@x>;tag=e\r\nTo: <sip:y@x>;tag=f\r\nCall-ID: {call_id}\r\n"
        "CSeq: 9 BYE\r\nContent-Length: 0\r\n\r\n"
    )
    time.sleep(1)
    return {"before": before, "after": made[0].state.value}


def mangled_bye() -> dict[str, Any]:
    """Our BYE: is its URI the phone's Contact?"""
    peer, _, made = calling(180, 200)
    made[0].hangup()
    time.sleep(1)
    line = next(text for text in peer.heard if text.startswith("BYE ")).split("\r\n")[0]
    return {"uri": line.split(" ", 1)[1], "right": f"sip:21@127.0.0.51:{peer.port} SIP/2.0"}


def predictable_call_id() -> dict[str, Any]:
    """Two starts: do their Call-IDs differ?"""
    made = [VoIPPhone("127.0.0.1", 5060, "gw", "x", myIP="127.0.0.1").sip for _ in range(2)]
    return {"differ": made[0].gen_call_id() != made[1].gen_call_id()}


def lost_headers() -> dict[str, Any]:
    """Compact, lower-case and unspaced headers: which fields does stock find?"""
    spellings = {
        "compact": "INVITE sip:x SIP/2.0\r\nf: <sip:a@b>;tag=1\r\n\r\n",
        "lower": "INVITE sip:x SIP/2.0\r\nfrom: <sip:a@b>;tag=1\r\n\r\n",
        "unspaced": "INVITE sip:x SIP/2.0\r\nFrom:<sip:a@b>;tag=1\r\n\r\n",
        "canonical": "INVITE sip:x SIP/2.0\r\nFrom: <sip:a@b>;tag=1\r\n\r\n",
    }
    found = {}
    for name, text in spellings.items():
        found[name] = False
        with contextlib.suppress(Exception):
            found[name] = "From" in SIP.SIPMessage(text.encode()).headers
    return found


def client(port: int, kind: RTP.PayloadType = RTP.PayloadType.PCMU) -> tuple[Any, threading.Thread]:
    """Return an RTP client of stock's and its receiving thread."""
    codecs = {int(kind): kind, 101: RTP.PayloadType.EVENT}
    made = RTP.RTPClient(
        codecs, "127.0.0.1", port, "127.0.0.1", port + 1, RTP.TransmitType.SENDRECV,
        dtmf=lambda _: None,
    )  # fmt: skip
    made.start()
    time.sleep(0.3)
    threads = [t for t in threading.enumerate() if "Receiver" in t.name]
    return made, threads[-1]


def dead_by_the_r_key() -> dict[str, Any]:
    """Event 16, the R key: does the receiving thread live?"""
    threading.excepthook = lambda _: None
    _, thread = client(22000)
    before = thread.is_alive()
    event = struct.pack("!BBHII", 0x80, 0x80 | 101, 1, 1, 1) + struct.pack("!BBH", 16, 10, 160)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        sender.sendto(event, ("127.0.0.1", 22000))
    time.sleep(1)
    return {"before": before, "after": thread.is_alive()}


def pcma_is_mulaw() -> dict[str, Any]:
    """A tone sent as PCMA: how good is it when decoded as what it says it is?"""
    made, _ = client(22010, RTP.PayloadType.PCMA)
    made.preference = RTP.PayloadType.PCMA
    tone = bytes(128 + round(40 * math.sin(math.tau * 440 * n / 8000)) for n in range(160))
    sent = audioop.lin2lin(audioop.bias(tone, 1, -128), 1, 2)
    heard = audioop.alaw2lin(made.encode_packet(tone), 2)
    noise = audioop.rms(audioop.add(heard, audioop.mul(sent, 2, -1), 2), 2)
    return {"snr_db": round(20 * math.log10(audioop.rms(sent, 2) / noise), 1)}


def memory_by_one_packet() -> dict[str, Any]:
    """A timestamp that jumps by 20 million samples: how much is kept for it?"""
    buffer = RTP.RTPPacketManager()
    buffer.write(0, b"\x80" * 160)
    buffer.write(20_000_000, b"\x80" * 160)
    return {"bytes": len(buffer.buffer.getvalue())}


def drift() -> dict[str, Any]:
    """Packets sent in ten seconds: how far from the clock?"""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as ear:
        ear.bind(("127.0.0.1", 22021))
        ear.settimeout(2)
        client(22020)
        for _ in range(40):  # what waits from before, and then some
            ear.recv(2048)
        began = time.monotonic()
        for _ in range(500):
            ear.recv(2048)
        return {"late_ms": round((time.monotonic() - began - 10.0) * 1000)}


CASES: dict[str, Callable[[], dict[str, Any]]] = {
    case.__name__: case
    for case in (
        wrong_ack, blocked_by_an_answer, blocked_by_silence, busy, no_cancel, forged_bye,
        mangled_bye, predictable_call_id, lost_headers, dead_by_the_r_key, pcma_is_mulaw,
        memory_by_one_packet, drift,
    )
}  # fmt: skip


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    sys.stdout.write("\n" + json.dumps(CASES[sys.argv[1]]()) + "\n")
    sys.stdout.flush()
    os._exit(0)
