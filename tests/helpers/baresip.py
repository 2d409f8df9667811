"""Debian's baresip as a desk phone: its own configuration folder, driven over ctrl_tcp.

    with Baresip(tmp_path, "21", server=("127.0.0.1", 5060), secret=...) as phone:
        phone.wait_for("CALL_INCOMING")
        phone.do("accept")

Commands are baresip's own (`accept`, `hangup`, `hold`, `resume`, `dial`, `sndcode`); events are
the `type` of what ctrl_tcp pushes (CALL_INCOMING, CALL_ESTABLISHED, CALL_CLOSED ...). A first
registration is over before ctrl_tcp can be heard: look for it at the registrar.
"""

from __future__ import annotations

import contextlib
import json
import shutil
import socket
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

from tests.helpers.ports import free_port, free_ports
from tests.helpers.real_time import HURRIED
from tests.helpers.softphone import SoftPhone, tone

MODULES = Path("/usr/lib/baresip/modules")
PACKAGE = "baresip-core"
RTP_PORTS = 20
"""Two for each of four calls, which choose by chance."""

CONFIG = """\
poll_method epoll
sip_listen {address}:{port}
net_interface {address}
call_local_timeout 120
call_max_calls 4
audio_path /nonexistent
audio_player {player}
audio_source aufile,{says}
ausrc_srate 8000
auplay_srate 8000
ausrc_channels 1
auplay_channels 1
audio_level no
rtp_tos 184
rtp_ports {rtp_low}-{rtp_high}
rtcp_mux no
jitter_buffer_type fixed
jitter_buffer_delay 5-10
rtp_timeout {rtp_timeout}
ctrl_tcp_listen {address}:{control}
module_path {modules}
module g711.so
module aufile.so
module aubridge.so
module_tmp account.so
module_app menu.so
module_app ctrl_tcp.so
{more}
"""


def is_installed() -> bool:
    """Tell whether baresip and its modules are here."""
    return shutil.which("baresip") is not None and (MODULES / "ctrl_tcp.so").exists()


@dataclass
class Baresip(SoftPhone):
    """One phone. Without `secret` it does not register; `server` is where it does, or dials.

    Leave `address` as it is where RTP matters: baresip sends it from whatever address the kernel
    prefers, which on loopback is 127.0.0.1, and whoever checks the source drops other ones.

    `says` is a WAV file (8 kHz, mono, 16 bit) longer than the call; None for two minutes of 440 Hz.
    What it hears is written to `heard` (WAV), unless `hears` is False: needed for `hold`, at which
    baresip 1.1.0 with a file player dies (pyvoip.md 7). `answer` is "manual" or "auto".
    With `mwi` it subscribes to its message lamp. `account` is a whole line for its `accounts`.
    `transport` is "tcp" for a phone that registers over TCP. `obeys`: it answers by itself a call
    that asks for it.
    With `traces` every SIP message is in `log` before the event that it leads to is told.
    """

    folder: Path
    name: str
    address: str = "127.0.0.1"
    server: tuple[str, int] = ("127.0.0.1", 5060)
    secret: str = ""
    answer: str = "manual"
    says: Path | None = None
    hears: bool = True
    register_s: int = 60
    rtp_timeout: int = 0
    mwi: bool = False
    account: str = ""
    traces: bool = False
    transport: str = "udp"
    obeys: bool = False
    port: int = 0
    control: int = 0
    events: list[dict[str, Any]] = field(default_factory=list)
    _link: socket.socket | None = None
    _buffer: bytes = b""
    _replies: list[dict[str, Any]] = field(default_factory=list)

    @property
    def heard(self) -> Path:
        """The WAV file of what this phone has heard; complete once the call is over."""
        return self.folder / "heard.wav"

    def start(self) -> Self:
        """Write the configuration, start, and wait until it can be ordered about."""
        self.folder.mkdir(parents=True, exist_ok=True)
        self.port = self.port or free_ports(self.address, 2)  # the second one for TLS
        self.control = free_port(self.address)
        (self.folder / "config").write_text(self._config())
        (self.folder / "accounts").write_text("" if self.mwi else self._first_account())
        (self.folder / "contacts").write_text("")
        command = [*HURRIED, "baresip", "-4", "-f", str(self.folder)]
        if self.traces:
            command = ["stdbuf", "-oL", *command, "-s"]
        log = (self.folder / "log").open("wb")
        with log:
            self._process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT
            )
        self._connect(time.monotonic() + 30)
        if self.mwi:
            # mwi.so 1.1.0 subscribes without end when registered within its first millisecond.
            self.do("uanew", self._account())
        return self

    def stop(self) -> None:
        """End politely: it says BYE and signs off."""
        if self._process and self.is_running:
            with contextlib.suppress(OSError, TimeoutError):
                self.do("quit")
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(5)
        self.kill()

    def kill(self) -> None:
        """Take its power away: nothing is said to anybody."""
        super().kill()
        if self._link:
            self._link.close()
            self._link = None

    def do(self, command: str, params: str = "", limit: float = 15.0) -> dict[str, Any]:
        """Order something and return the reply."""
        order = json.dumps({"command": command, "params": params, "token": "t"}).encode()
        assert self._link
        self._link.sendall(b"%d:%s," % (len(order), order))
        self._until(lambda: bool(self._replies), limit, f"a reply to {command}")
        return self._replies.pop(0)

    def wait_for(self, kind: str, limit: float = 20.0) -> dict[str, Any]:
        """Wait for an event of this type, and forget it and all that came before it."""

        def found() -> int | None:
            return next((n for n, e in enumerate(self.events) if e.get("type") == kind), None)

        self._until(lambda: found() is not None, limit, kind)
        at = found()
        assert at is not None
        event = self.events[at]
        del self.events[: at + 1]
        return event

    def listen(self, limit: float) -> None:
        """Read into `events` what it tells next, for `limit` seconds at most."""
        self._read(limit)

    @property
    def log(self) -> str:
        """What baresip wrote."""
        return (self.folder / "log").read_text(errors="replace")

    def _config(self) -> str:
        low = free_ports(self.address, RTP_PORTS)
        return CONFIG.format(
            address=self.address,
            port=self.port,
            control=self.control,
            says=self.says or tone(self.folder / "tone.wav"),
            player=f"aufile,{self.heard}" if self.hears else "aubridge,nobody",
            rtp_low=low,
            rtp_high=low + RTP_PORTS - 1,
            rtp_timeout=self.rtp_timeout,
            modules=MODULES,
            # It has no file for the tone that it would sound before.
            more="module_app mwi.so" if self.mwi else "sip_autoanswer_beep no",
        )

    def _first_account(self) -> str:
        return (self.account or self._account()) + "\n"

    def _account(self) -> str:
        host, port = self.server
        registering = self.register_s if self.secret else 0
        by = ";transport=tcp" if self.transport == "tcp" else ""
        line = f"<sip:{self.name}@{host}:{port}{by}>;regint={registering};answermode={self.answer}"
        line += ";sip_autoanswer=yes" if self.obeys else ""
        line += f";audio_codecs=PCMA,PCMU;sipnat=;mwi={'yes' if self.mwi else 'no'}"
        return line + (f";auth_user={self.name};auth_pass={self.secret}" if self.secret else "")

    def _connect(self, limit: float) -> None:
        while True:
            try:
                self._link = socket.create_connection((self.address, self.control), 1)
            except OSError:
                if not self.is_running or time.monotonic() > limit:
                    raise RuntimeError(f"baresip does not start:\n{self.log}") from None
                time.sleep(0.05)
            else:
                return

    def _until(self, done: Any, limit: float, what: str) -> None:
        end = time.monotonic() + limit
        while not done():
            left = end - time.monotonic()
            if left <= 0:
                kinds = [event.get("type") for event in self.events]
                raise TimeoutError(f"{self.name}: no {what} in {limit} s; there was {kinds}")
            self._read(left)

    def _read(self, limit: float) -> None:
        """Read netstrings: `length:json,`."""
        assert self._link
        self._link.settimeout(limit)
        with contextlib.suppress(TimeoutError):
            data = self._link.recv(65536)
            if not data:
                raise RuntimeError(f"baresip has ended:\n{self.log[-2000:]}")
            self._buffer += data
        while (colon := self._buffer.find(b":")) > 0:
            end = colon + 1 + int(self._buffer[:colon])
            if len(self._buffer) <= end:
                return
            message = json.loads(self._buffer[colon + 1 : end])
            self._buffer = self._buffer[end + 1 :]
            (self.events if message.get("event") else self._replies).append(message)
