"""A box, a neighbour on its LAN and a stranger beyond the router: three networks of the kernel's.

On the box somebody listens at every port that is asked about, so that silence is the filter's.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.image.card import HELPERS, run

ROOT: Final = Path(__file__).parents[2]
BOX, NEIGHBOUR, STRANGER = "192.168.77.1", "192.168.77.2", "203.0.113.2"
BOX6: Final = "fd00:77::1"
WAIT_S: Final = 1.0
"""Within a machine an answer takes less than a millisecond."""
LISTENER: Final = """
import selectors, socket, sys
selector = selectors.DefaultSelector()
for word in sys.argv[1:]:
    kind, port = word.split(":")
    is_udp = kind == "udp"
    one = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM if is_udp else socket.SOCK_STREAM)
    one.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 22)
    one.bind(("::", int(port)))
    is_udp or one.listen(64)
    selector.register(one, selectors.EVENT_READ, is_udp)
print("ready", flush=True)
while True:
    for key, _ in selector.select():
        if key.data:
            key.fileobj.sendto(*key.fileobj.recvfrom(2048))
        else:
            key.fileobj.accept()[0].close()
"""
PROBE: Final = f"""
import concurrent.futures, socket, sys
def reached(word):
    host, (kind, port) = sys.argv[1], word.split(":")
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM if kind == "udp" else socket.SOCK_STREAM) as one:
        one.settimeout({WAIT_S})
        try:
            one.connect((host, int(port)))
            if kind == "udp":
                one.send(b"hello")
                return one.recv(16) == b"hello"
            return True
        except TimeoutError:
            return False
words = sys.argv[2:]
with concurrent.futures.ThreadPoolExecutor(len(words)) as pool:
    print(*(word for word, well in zip(words, pool.map(reached, words)) if well))
"""


def missing() -> str:
    """Say what such a LAN lacks on this machine, "" for nothing."""
    if os.geteuid() != 0:
        return "root"
    tools = {"nft": "nftables", "ip": "iproute2"}
    packages = [package for name, package in tools.items() if shutil.which(name) is None]
    return f"the Debian packages {' '.join(packages)}" if packages else ""


@dataclass(frozen=True, slots=True)
class Lan:
    """`name` begins those of the three networks; `folder` is the box's data partition."""

    name: str
    folder: Path

    def inside(self, where: str, *command: str | Path, **environment: str) -> str:
        """Run a command in one of box, neighbour, stranger."""
        return run("ip", "netns", "exec", f"{self.name}-{where}", *command, **environment)

    def end(self, where: str, other: str) -> str:
        """Name the end of the cable from one to another, as `cable` does."""
        return f"to{f'{self.name}-{other}'[-8:]}"

    def helper(self, *words: str) -> str:
        """Run the image's own helper on the box, with the programme of this repository."""
        programme = self.folder / "bin" / "centralino"
        programme.parent.mkdir(exist_ok=True)
        config = self.folder / "centralino.toml"
        programme.write_text(
            f'#!/bin/sh\nexec {sys.executable} -m appliance "$@" --config {config}\n',
            encoding="ascii",
        )
        programme.chmod(0o755)
        return self.inside(
            "box", HELPERS / "firewall", *words, CENTRALINO_DATA=str(self.folder),
            PYTHONPATH=str(ROOT), PATH=f"{programme.parent}:{os.environ['PATH']}",
        )  # fmt: skip

    def reached(self, where: str, host: str, *ports: str) -> set[str]:
        """Return the ports of a host that answer somebody."""
        return set(self.inside(where, sys.executable, "-c", PROBE, host, *ports).split())

    @contextlib.contextmanager
    def listening(self, *ports: str) -> Iterator[None]:
        """Have somebody at these ports of the box."""
        command = ["ip", "netns", "exec", f"{self.name}-box", sys.executable, "-c", LISTENER]
        with subprocess.Popen([*command, *ports], stdout=subprocess.PIPE) as listener:
            assert listener.stdout
            assert listener.stdout.readline() == b"ready\n"
            try:
                yield
            finally:
                listener.kill()


@contextlib.contextmanager
def laid(folder: Path) -> Iterator[Lan]:
    """Lay the cables: box and neighbour, who is the router too, and the stranger behind it."""
    lan = Lan(f"centralino-{os.getpid()}", folder)
    places = [f"{lan.name}-{where}" for where in ("box", "neighbour", "stranger")]
    box, neighbour, stranger = places
    try:
        for place in places:
            run("ip", "netns", "add", place)
            run("ip", "-n", place, "link", "set", "lo", "up")
        cable(box, neighbour, (f"{BOX}/24", f"{BOX6}/64"), (f"{NEIGHBOUR}/24", "fd00:77::2/64"))
        cable(neighbour, stranger, ("203.0.113.1/24",), (f"{STRANGER}/24",))
        lan.inside("neighbour", "sysctl", "-qw", "net.ipv4.ip_forward=1")
        run("ip", "-n", box, "route", "add", "default", "via", NEIGHBOUR)
        run("ip", "-n", stranger, "route", "add", "default", "via", "203.0.113.1")
        yield lan
    finally:
        for place in places:
            subprocess.run(["ip", "netns", "delete", place], check=False, capture_output=True)


def cable(one: str, other: str, ones: tuple[str, ...], others: tuple[str, ...]) -> None:
    """Join two networks by a cable, its ends named after who is at the other one."""
    near, far = f"to{other[-8:]}", f"to{one[-8:]}"
    run("ip", "-n", one, "link", "add", near, "type", "veth", "peer", far, "netns", other)
    for place, end, addresses in ((one, near, ones), (other, far, others)):
        for address in addresses:
            run("ip", "-n", place, "address", "add", address, "dev", end, *no_wait(address))
        run("ip", "-n", place, "link", "set", end, "up")


def no_wait(address: str) -> tuple[str, ...]:
    """Return what lets an IPv6 address be used at once: nobody else can have it."""
    return ("nodad",) if ":" in address else ()
