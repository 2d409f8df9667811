"""Whoever else is on the LAN: datagrams by hand, floods; a registrar that is wrong on purpose."""

from __future__ import annotations

import contextlib
import hashlib
import json
import re
import socket
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Self

STRANGER = "127.0.0.66"
"""No phone stands there."""


def message(method: str, uri: str, own: str, n: str, **headers: str) -> bytes:
    """Write a request as a phone at `own` would; `headers` replace or add to the usual ones."""
    usual = {
        "Via": f"SIP/2.0/UDP {own};branch=z9hG4bK{n};rport",
        "From": f"<{uri}>;tag=f{n}",
        "To": f"<{uri}>",
        "Call-ID": f"{n}@{own}",
        "CSeq": f"1 {method}",
        "Contact": f"<sip:x@{own}>",
        "Max-Forwards": "70",
        "Content-Length": "0",
    }
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    lines = [f"{method} {uri} SIP/2.0", *(f"{k}: {v}" for k, v in (usual | named).items())]
    return "\r\n".join([*lines, "", ""]).encode()


@dataclass(frozen=True, slots=True)
class Dialogue:
    """A call's dialog as call control has written it down for its successor."""

    call_id: str
    ours: str
    our_tag: str
    phones: str
    phones_tag: str

    @staticmethod
    def of(run: Path) -> Dialogue:
        """Read the only call that is up."""
        (row,) = json.loads((run / "calls.json").read_text())
        kept = row["dialog"]
        return Dialogue(
            kept["call_id"], kept["local"], kept["local_tag"], kept["remote"], kept["remote_tag"]
        )

    def guessed(self) -> tuple[Dialogue, Dialogue]:
        """Return what somebody sends who has learnt the Call-ID and one of the two tags."""
        return replace(self, our_tag="0" * 16), replace(self, phones_tag="00000000")

    def within(self, method: str, uri: str, own: str, n: str) -> bytes:
        """Write a request of the phone's within this dialog."""
        return message(
            method, uri, own, n, From=f"{self.phones};tag={self.phones_tag}",
            To=f"{self.ours};tag={self.our_tag}", Call_ID=self.call_id, CSeq=f"9000 {method}",
        )  # fmt: skip


CONNECTED = 200
"""So many connections a flood over TCP keeps up at a time."""


@contextlib.contextmanager
def tcp_flood(target: tuple[str, int]) -> Iterator[list[int]]:
    """Connect again and again from 40 addresses; yields how many connections were begun.

    A third sends requests without end and reads nothing, a third half a request, a third nothing.
    """
    over, count = threading.Event(), [0]

    def pour() -> None:
        kept: list[tuple[int, socket.socket]] = []
        while not over.is_set():
            number = count[0]
            sock = socket.socket()
            sock.setblocking(False)
            sock.bind((f"127.250.0.{1 + number % 40}", 0))
            sock.connect_ex(target)
            count[0] += 1
            kept.append((number, sock))
            if len(kept) > CONNECTED:
                kept.pop(0)[1].close()
            for kind, each in kept:
                with contextlib.suppress(OSError):
                    each.send((LOUD * 8, b"REGISTER sip:x SIP/2.0", b"")[kind % 3])
            time.sleep(0.002)
        for _, each in kept:
            each.close()

    thread = threading.Thread(target=pour, daemon=True)
    thread.start()
    try:
        yield count
    finally:
        over.set()
        thread.join(10.0)


LOUD = message("REGISTER", "sip:x@127.0.0.1", "127.0.0.1:5060", "loud")


@contextlib.contextmanager
def flood(target: tuple[str, int], rate: int, sources: int) -> Iterator[list[int]]:
    """Send INVITE and REGISTER in turn, `rate` a second, from so many addresses; yields the count.

    Each has a Call-ID, a branch and a user of its own.
    """
    over, count = threading.Event(), [0]
    with contextlib.ExitStack() as stack:
        sockets = [
            stack.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
            for _ in range(sources)
        ]
        for n, each in enumerate(sockets):
            each.bind((f"127.251.{n >> 8}.{(n & 255) or 1}", 0))

        def send() -> None:
            began = time.monotonic()
            while not over.wait(max(0.0, began + count[0] / rate - time.monotonic())):
                each, n = sockets[count[0] % sources], count[0]
                method = ("INVITE", "REGISTER")[n % 2]
                own = "{}:{}".format(*each.getsockname())
                uri = f"sip:{100 + n % 900}@{target[0]}"
                each.sendto(message(method, uri, own, f"flood{n}"), target)
                count[0] += 1

        sender = threading.Thread(target=send)
        sender.start()
        try:
            yield count
        finally:
            over.set()
            sender.join(10.0)


class LeakyRegistrar:
    """Answers as too many do: 404 for a name it does not know, endless guesses for the others."""

    def __init__(self, address: str, secrets: dict[str, str]) -> None:
        self._secrets = secrets
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind((address, 0))
        self.port = int(self._socket.getsockname()[1])
        self._thread = threading.Thread(target=self._serve)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as last:
            last.sendto(b"end", self._socket.getsockname())
        self._thread.join(10.0)
        self._socket.close()

    def _serve(self) -> None:
        while (received := self._socket.recvfrom(65535))[0] != b"end":
            text = received[0].decode(errors="replace")
            kept = re.findall(r"(?m)^(?:Via|From|To|Call-ID|CSeq):.*$", text)
            lines = [f"SIP/2.0 {self._status(text)}", *(line.strip() for line in kept)]
            if "401" in lines[0]:
                lines.append('WWW-Authenticate: Digest realm="r", nonce="n", algorithm=MD5')
            answer = "\r\n".join([*lines, "Content-Length: 0", "", ""])
            self._socket.sendto(answer.encode(), received[1])

    def _status(self, text: str) -> str:
        found = re.search(r"(?m)^To:.*?sip:([^@>]+)@", text)
        secret = self._secrets.get(found[1]) if found else None
        if secret is None:
            return "404 Not found"
        given = dict(re.findall(r'(\w+)="([^"]*)"', text))
        if "response" not in given:
            return "401 Unauthorized"
        user = _md5(f"{given['username']}:r:{secret}")
        asked = _md5(f"REGISTER:{given['uri']}")
        return "200 OK" if given["response"] == _md5(f"{user}:n:{asked}") else "401 Unauthorized"


def _md5(text: str) -> str:
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()
