"""Debian's sipp as a phone that does exactly what a scenario says, and checks what it is told.

    with Sipp(tmp_path, refuses(486), address="127.0.0.31") as phone:
        ...                      # ring sip:x@phone.address:phone.port
    assert phone.finish() == 0   # 0: every message came as the scenario wants it

A scenario is the text between <scenario> and </scenario>, the functions below write the usual ones;
or a whole XML file's text.
"""

from __future__ import annotations

import shutil
import socket
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.helpers.ports import free_port, free_ports
from tests.helpers.real_time import HURRIED

PACKAGE = "sip-tester"

_ANSWER = """\
<send><![CDATA[
SIP/2.0 {code} {phrase}
[last_Via:]
[last_From:]
[last_To:];tag=[pid]sipp[call_number]
[last_Call-ID:]
[last_CSeq:]
Contact: <sip:sipp@[local_ip]:[local_port]>
Content-Length: 0

]]></send>
"""
_OK = """\
<send retrans="500"><![CDATA[
SIP/2.0 200 OK
[last_Via:]
[last_From:]
[last_To:];tag=[pid]sipp[call_number]
[last_Call-ID:]
[last_CSeq:]
Contact: <sip:sipp@[local_ip]:[local_port];transport=UDP>
Content-Type: application/sdp
Content-Length: [len]

v=0
o=sipp 1 1 IN IP4 [local_ip]
s=-
c=IN IP4 [media_ip]
t=0 0
m=audio [media_port] RTP/AVP {payloads} 101
a=rtpmap:101 telephone-event/8000

]]></send>
<recv request="ACK" crlf="true"/>
"""
_PLAIN_OK = """\
<send><![CDATA[
SIP/2.0 200 OK
[last_Via:]
[last_From:]
[last_To:]
[last_Call-ID:]
[last_CSeq:]
Content-Length: 0

]]></send>
"""
_TERMINATED = """\
<send retrans="500"><![CDATA[
SIP/2.0 487 Request Terminated
[last_Via:]
[last_From:]
[last_To:];tag=[pid]sipp[call_number]
[last_Call-ID:]
CSeq: [$number] INVITE
Content-Length: 0

]]></send>
"""
_INVITE = '<recv request="INVITE" rrs="true" crlf="true">{actions}</recv>\n'
_NUMBER = (
    '<action><ereg regexp="[0-9]+" search_in="hdr" header="CSeq:" assign_to="number"/></action>'
)
_BYE = """\
<send retrans="500"><![CDATA[
BYE [next_url] SIP/2.0
Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]
From[$us]
To[$them]
Call-ID: [call_id]
CSeq: 1 BYE
Max-Forwards: 70
Contact: <sip:sipp@[local_ip]:[local_port]>
Content-Length: 0

]]></send>
<recv response="200"/>
"""
_PARTIES = (
    "<action>"
    '<ereg regexp=".*" search_in="hdr" header="From" assign_to="them"/>'
    '<ereg regexp=".*" search_in="hdr" header="To" assign_to="us"/>'
    "</action>"
)


def refuses(code: int, phrase: str = "No", *, rings: bool = False) -> str:
    """Return a scenario: refused with `code`, and the ACK of it checked."""
    ringing = _ANSWER.format(code=180, phrase="Ringing") if rings else ""
    refusal = _ANSWER.format(code=code, phrase=phrase).replace("<send>", '<send retrans="500">')
    return _INVITE.format(actions="") + ringing + refusal + '<recv request="ACK"/>\n'


def answers(*, payloads: str = "8 0", rings: bool = True) -> str:
    """Return a scenario: answered, acknowledged, hung up by the other side."""
    ringing = _ANSWER.format(code=180, phrase="Ringing") if rings else ""
    end = '<recv request="BYE" crlf="true"/>\n' + _PLAIN_OK
    return _INVITE.format(actions="") + ringing + _OK.format(payloads=payloads) + end


def rings_until_cancelled() -> str:
    """Return a scenario: rings, takes the CANCEL, says 487 and wants its ACK."""
    return (
        _INVITE.format(actions=_NUMBER)
        + _ANSWER.format(code=180, phrase="Ringing")
        + '<recv request="CANCEL" crlf="true"/>\n'
        + _PLAIN_OK
        + _TERMINATED
        + '<recv request="ACK"/>\n'
    )


def silent(invites: int = 4) -> str:
    """Return a scenario: the phone takes `invites` INVITEs and says nothing."""
    return _INVITE.format(actions="") + f'<timewait milliseconds="{invites * 1000}"/>\n'


@dataclass
class Sipp:
    """One run of sipp with one scenario, `calls` times; `echoes` sends back the RTP it gets.

    Where the scenario begins with a call of sipp's own, `target` is called, `a_minute` times a
    minute.
    """

    folder: Path
    scenario: str
    address: str = "127.0.0.31"
    echoes: bool = True
    seconds: int = 60
    port: int = 0
    calls: int = 1
    target: tuple[str, int] | None = None
    a_minute: int = 600
    _process: subprocess.Popen[bytes] | None = None

    def start(self) -> Sipp:
        """Write the scenario and start; returns once the port is taken."""
        self.folder.mkdir(parents=True, exist_ok=True)
        self.port = self.port or free_port(self.address)
        file = self.folder / "scenario.xml"
        head = '<?xml version="1.0" encoding="us-ascii"?>\n<scenario name="phone">\n'
        is_whole = self.scenario.startswith("<?xml")
        file.write_text(self.scenario if is_whole else f"{head}{self.scenario}</scenario>\n")
        media = free_ports(self.address, 4)  # for sound and pictures, each with its RTCP
        command = [*HURRIED, "sipp", "-sf", str(file), "-i", self.address, "-p", str(self.port)]
        command += ["-mi", self.address, "-mp", str(media), "-m", str(self.calls)]
        command += ["-nostdin", "-trace_err"]
        command += ["-timeout", f"{self.seconds}s", "-timeout_error"]
        command += ["-rtp_echo"] if self.echoes else []
        if self.target:
            command += ["-r", str(self.a_minute), "-rp", "60000"]
            command += [f"{self.target[0]}:{self.target[1]}"]
        with (self.folder / "log").open("wb") as log:
            self._process = subprocess.Popen(
                command,
                cwd=self.folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        self._wait_for_port()
        return self

    def finish(self, limit: float = 30.0) -> int:
        """Wait for the scenario's end and return sipp's status: 0 when all went as written."""
        assert self._process
        return self._process.wait(limit)

    def kill(self) -> None:
        """End it at once."""
        if self._process and self._process.poll() is None:
            self._process.kill()
            self._process.wait()

    @property
    def log(self) -> str:
        """What sipp wrote, its errors included."""
        files = [self.folder / "log", *self.folder.glob("*errors.log")]
        return "\n".join(file.read_text(errors="replace") for file in files)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.kill()

    def _wait_for_port(self) -> None:
        """Look until the port is taken: sipp has no other way to say that it is ready."""
        assert self._process
        while not is_taken(self.address, self.port):
            if self._process.poll() is not None:
                raise RuntimeError(f"sipp does not start:\n{self.log}")
            time.sleep(0.01)


def is_taken(address: str, port: int) -> bool:
    """Tell whether a UDP socket is bound here, without touching the port (Linux, little-endian)."""
    local = f"{socket.inet_aton(address)[::-1].hex().upper()}:{port:04X}"
    rows = Path("/proc/net/udp").read_text().splitlines()[1:]
    return any(row.split()[1] == local for row in rows)


def is_installed() -> bool:
    """Tell whether sipp is here."""
    return shutil.which("sipp") is not None
