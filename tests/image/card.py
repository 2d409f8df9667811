"""A memory card as a file, and the image's own helpers let loose on it, in a mount space apart."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from appliance.service.notices import read_notices

OVERLAY: Final = Path(__file__).parents[2] / "image" / "overlay"
HELPERS: Final = OVERLAY / "usr" / "lib" / "centralino-image"
SIGNATURE: Final = "5445f754"
"""Not the image's own: one of those may be in use on this machine."""
MIB: Final = 1 << 20
LIMIT_S: Final = 120.0


def missing() -> str:
    """Say what such a card lacks on this machine, "" for nothing."""
    if os.geteuid() != 0:
        return "root"
    if not Path("/dev/loop-control").exists():
        return "loop devices"
    tools = {"e2fsck": "e2fsprogs", "sfdisk": "fdisk", "partx": "util-linux"}
    packages = [package for name, package in tools.items() if shutil.which(name) is None]
    return f"the Debian packages {' '.join(packages)}" if packages else ""


def run(*command: str | Path, **environment: str) -> str:
    """Run a command; returns what it wrote; fails with that."""
    done = subprocess.run(
        command,
        capture_output=True,
        check=False,
        text=True,
        timeout=LIMIT_S,
        env={**os.environ, **environment},
    )
    assert done.returncode == 0, f"{command}: {done.stdout}{done.stderr}"
    return done.stdout


@contextlib.contextmanager
def looped(image: Path, *options: str) -> Iterator[str]:
    """Have a file as a block device; another may take the free one first, so it is tried again."""
    for _ in range(20):
        with contextlib.suppress(AssertionError):
            device = run("losetup", "--find", "--show", *options, image).strip()
            break
    try:
        yield device
    finally:
        run("losetup", "--detach", device)


@dataclass(frozen=True, slots=True)
class Card:
    """`image` is the file system, or the disk that it is the fourth partition of."""

    folder: Path
    image: Path

    @property
    def data(self) -> Path:
        """Say where the helpers mount it."""
        return self.folder / "data"

    def boot(self, then: str = "", device: str = "", *options: str, **environment: str) -> str:
        """Have /data mounted, as at a boot; returns what `then` writes, a shell's words, which
        finds its place in $data. The power is cut afterwards: nothing is unmounted in good order.
        """
        shutil.rmtree(self.folder / "run", ignore_errors=True)
        if device:
            return self._boot(device, then, environment)
        with looped(self.image, *options) as looped_device:
            return self._boot(looped_device, then, environment)

    def _boot(self, device: str, then: str, environment: dict[str, str]) -> str:
        cmdline = self.folder / "cmdline"
        cmdline.write_text(f"quiet centralino.data={device} panic=10\n", encoding="ascii")
        script = f"{HELPERS}/data >&2; mountpoint -q $data || exit 9; cd $data; {then}"
        return run(
            "unshare", "--mount", "sh", "-euc", script,
            **self.environment(), CENTRALINO_CMDLINE=str(cmdline), **environment,
        )  # fmt: skip

    def environment(self) -> dict[str, str]:
        """Return what tells the helpers where everything is."""
        places = {"CENTRALINO_DATA": str(self.data), "CENTRALINO_RUN": str(self.folder / "run")}
        places["CENTRALINO_CARD"] = str(self.folder / "fat")
        return {**places, "data": str(self.data), "run": str(self.folder / "run")}

    def told(self) -> tuple[str, ...]:
        """Return the names of what call control would say after the last boot."""
        return tuple(read_notices(self.folder / "run" / "centralino-notices"))


CONTENT: Final = {
    "etc/centralino/centralino.toml": "[site]\n",
    "lib/centralino/messages/one.wav": "one" * 9000,
    "lib/centralino/messages/two.wav": "two" * 9000,
    "log/journal/.keep": "",
}
"""Two messages and a configuration."""


def made(folder: Path, size: int = 160 * MIB, content: dict[str, str] | None = None) -> Card:
    """Make a card with a data partition in use."""
    place = folder / "content"
    place.mkdir(parents=True)
    for name, text in (CONTENT if content is None else content).items():
        path = place / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="ascii")
    card = Card(folder, folder / "card.img")
    with card.image.open("wb") as file:
        file.truncate(size)
    run("mke2fs", "-q", "-t", "ext4", "-b", "4096", "-d", place, card.image)
    return card
