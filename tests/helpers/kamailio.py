"""Debian's kamailio as an office's telephone system: registrar and proxy, with digest and routes.

    with Kamailio(tmp_path) as system:
        ...             # phones and the box have accounts at system.address:system.port

The password of an account NAME is "secret-NAME"; numbers that are no account's go to the account
"box". Every request is challenged until it has proven itself, those within a call too where
`challenges_all` is set; calls stay on its path (Record-Route). No disk, no name server.
"""

from __future__ import annotations

import contextlib
import shutil
import socket
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.helpers.ports import free_port

PACKAGE = "kamailio"
REALM = "office"

CONFIG = """\
debug=2
log_stderror=yes
fork=yes
children=2
disable_tcp=yes
dns=no
rev_dns=no
use_dns_cache=off
auto_aliases=no
listen=udp:{address}:{port}
loadmodule "tm.so"
loadmodule "sl.so"
loadmodule "rr.so"
loadmodule "pv.so"
loadmodule "maxfwd.so"
loadmodule "usrloc.so"
loadmodule "registrar.so"
loadmodule "textops.so"
loadmodule "siputils.so"
loadmodule "auth.so"
modparam("usrloc", "db_mode", 0)
modparam("registrar", "min_expires", 10)
modparam("registrar", "max_expires", 120)
modparam("registrar", "gruu_enabled", 0)
modparam("auth", "nonce_expire", 60)
request_route {{
    if (!mf_process_maxfwd_header("10")) {{
        sl_send_reply("483", "Too Many Hops");
        exit;
    }}
    if (is_method("CANCEL")) {{
        if (t_check_trans()) t_relay();
        exit;
    }}
    if (is_method("REGISTER")) {{
        if (!pv_www_authenticate("{realm}", "secret-$tU", "0")) {{
            www_challenge("{realm}", "1");
            exit;
        }}
        save("location");
        exit;
    }}
    if (has_totag()) {{
        if ({challenges_all} && !is_method("ACK")) route(PROVEN);
        if (loose_route() || t_check_trans()) t_relay();
        exit;
    }}
    route(PROVEN);
    record_route();
    if ($rU =~ "^[*0-9]" && $rU != $fU && !reg_fetch_contacts("location", "$ru", "callee")) {{
        $var(dialled) = $rU;
        if (lookup("location", "sip:box@{address}")) {{
            $rU = $var(dialled);
            t_relay();
            exit;
        }}
    }}
    if (!lookup("location")) {{
        sl_send_reply("404", "Not Found");
        exit;
    }}
    t_relay();
}}
route[PROVEN] {{
    if (!pv_proxy_authenticate("{realm}", "secret-$fU", "0")) {{
        if (!pv_proxy_authenticate("{realm}", "secret-$au", "0")) {{
            proxy_challenge("{realm}", "1");
            exit;
        }}
    }}
    consume_credentials();
}}
"""


def is_installed() -> bool:
    """Tell whether kamailio is here."""
    return shutil.which("kamailio") is not None


@dataclass
class Kamailio:
    """One telephone system."""

    folder: Path
    address: str = "127.0.0.51"
    port: int = 0
    challenges_all: bool = False
    _process: subprocess.Popen[bytes] | None = None

    def start(self) -> Kamailio:
        """Write the configuration, start, and wait until it answers."""
        self.folder.mkdir(parents=True, exist_ok=True)
        self.port = self.port or free_port(self.address)
        file = self.folder / "kamailio.cfg"
        defined = self._write(file)
        command = ["kamailio", "-f", str(file), "-DD", "-E", "-m", "16", "-M", "4", *defined]
        command += ["-Y", str(self.folder), "-w", str(self.folder)]
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT
            )
        self._wait_for_answer(time.monotonic() + 30)
        return self

    def _write(self, file: Path) -> list[str]:
        """Write the configuration; returns options of kamailio's that belong to it."""
        challenges = int(self.challenges_all)
        file.write_text(
            CONFIG.format(
                address=self.address, port=self.port, realm=REALM, challenges_all=challenges
            )
        )
        return []

    @property
    def log(self) -> str:
        """What kamailio wrote."""
        return (self.folder / "log").read_text(errors="replace")

    def stop(self) -> None:
        """End it and its children."""
        if self._process and self._process.poll() is None:
            self._process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(5)
            if self._process.poll() is None:
                self._process.kill()
                self._process.wait()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def _wait_for_answer(self, limit: float) -> None:
        """Ask until it answers: any answer says that its workers are there."""
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as own:
            own.bind((self.address, 0))
            own.settimeout(0.1)
            where = f"{self.address}:{own.getsockname()[1]}"
            text = (
                f"OPTIONS sip:{self.address}:{self.port} SIP/2.0\r\n"
                f"Via: SIP/2.0/UDP {where};branch=z9hG4bKready\r\n"
                f"From: <sip:ready@{where}>;tag=r\r\nTo: <sip:{self.address}>\r\n"
                "Call-ID: ready\r\nCSeq: 1 OPTIONS\r\nMax-Forwards: 5\r\nContent-Length: 0\r\n\r\n"
            )
            while True:
                assert self._process
                if self._process.poll() is not None or time.monotonic() > limit:
                    raise RuntimeError(f"kamailio does not start:\n{self.log}")
                with contextlib.suppress(OSError):
                    own.sendto(text.encode(), (self.address, self.port))
                    own.recvfrom(4096)
                    return
