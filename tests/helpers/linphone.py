"""Debian's linphonec as a desk phone: its own configuration folder, orders by its command line.

    with Linphone(tmp_path, "21", server=("127.0.0.1", 5060), secret=...) as phone:
        phone.wait_for("incoming call")
        phone.do("answer")

Orders are linphonec's own (`answer`, `terminate`, `pause`, `resume`, `transfer URI`); what it says
of itself is text on its output.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from tests.helpers.ports import free_port, free_ports
from tests.helpers.real_time import HURRIED
from tests.helpers.softphone import SoftPhone, tone

PACKAGE = "linphone-cli"

CONFIG = """\
[sip]
sip_port={udp_port}
sip_tcp_port={tcp_port}
sip_tls_port=0
bind_address={address}
use_ipv6=0
guess_hostname=1
use_rfc2833={rfc4733}
use_info={info}
default_proxy=0
register_only_when_network_is_up=0
inc_timeout=120
{sip}

[net]
firewall_policy=0

[rtp]
audio_rtp_port={rtp}

[sound]
echocancellation=0

[misc]
log_collection=0

[proxy_0]
reg_proxy=<sip:{host}:{server_port};transport={transport}>
reg_identity="Phone" <sip:{name}@{host}>
reg_expires=60
reg_sendregister={registers}
publish=0

[auth_info_0]
username={name}
passwd={secret}
realm={realm}
"""


def is_installed() -> bool:
    """Tell whether linphonec is here."""
    return shutil.which("linphonec") is not None


@dataclass
class Linphone(SoftPhone):
    """One phone, without a sound card: it says `says` (a WAV; None for two minutes of 440 Hz) and
    writes what it hears to `heard`, anew after each hold. `sip` adds lines to its [sip] section.
    `info` makes it send its keys by SIP INFO and not by RFC 4733.
    """

    folder: Path
    name: str
    address: str = "127.0.0.1"
    server: tuple[str, int] = ("127.0.0.1", 5060)
    secret: str = ""
    realm: str = "centralino"
    says: Path | None = None
    sip: str = ""
    info: bool = False
    auto: bool = False
    port: int = 0
    transport: str = "udp"
    _seen: int = 0

    @property
    def heard(self) -> Path:
        """The WAV file of what this phone has heard since it was last connected."""
        return self.folder / "heard.wav"

    @property
    def log(self) -> str:
        """What linphonec has said."""
        return (self.folder / "out").read_text(errors="replace")

    def start(self) -> Self:
        """Write the configuration and start; it registers by itself."""
        (self.folder / ".local/share/linphone").mkdir(parents=True, exist_ok=True)
        self.port = self.port or free_port(self.address)
        self.says = self.says or tone(self.folder / "tone.wav")
        (self.folder / "rc").write_text(self._config())
        command = [*HURRIED, "linphonec", "-S", "-c", str(self.folder / "rc")]
        command += ["-d", "5", "-l", str(self.folder / "log")]
        command += ["-a"] if self.auto else []
        with (self.folder / "out").open("wb") as out:
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=out,
                stderr=subprocess.STDOUT,
                env={**os.environ, "HOME": str(self.folder)},
            )
        self.do("soundcard use files")
        self.do(f"record {self.heard}")
        return self

    def do(self, order: str) -> None:
        """Order something; what comes of it is seen at the box, or by `wait_for`."""
        assert self._process
        assert self._process.stdin
        self._process.stdin.write(f"{order}\n".encode())
        self._process.stdin.flush()

    def speak(self) -> None:
        """Begin to say what it has to say: linphonec plays to a call that is up."""
        self.do(f"play {self.says}")

    def wait_for(self, words: str, limit: float = 20.0) -> None:
        """Wait until linphonec says these words, and forget all that came before."""
        end = time.monotonic() + limit
        while (at := self.log.find(words, self._seen)) < 0:
            if not self.is_running or time.monotonic() > end:
                raise TimeoutError(f"linphone never said {words!r}:\n{self.log[-2000:]}")
            time.sleep(0.02)
        self._seen = at + len(words)

    def stop(self) -> None:
        """End politely: it says BYE and signs off."""
        if self._process and self.is_running:
            with contextlib.suppress(OSError, subprocess.TimeoutExpired):
                self.do("quit")
                self._process.wait(1.5)  # signed off by then; it may linger
        self.kill()

    def kill(self) -> None:
        """Take its power away: nothing is said to anybody."""
        super().kill()
        if self._process and self._process.stdin:
            with contextlib.suppress(OSError):
                self._process.stdin.close()

    def _config(self) -> str:
        host, server_port = self.server
        return CONFIG.format(
            udp_port=self.port if self.transport == "udp" else 0,
            tcp_port=-1 if self.transport == "tcp" else 0,  # any, to connect from
            transport=self.transport,
            address=self.address,
            rfc4733=int(not self.info),
            info=int(self.info),
            sip=self.sip,
            rtp=free_ports(self.address, 4),
            host=host,
            server_port=server_port,
            name=self.name,
            registers=int(bool(self.secret)),
            secret=self.secret,
            realm=self.realm,
        )
