"""The image as a disk file: its partitions, what lies in them, and what a power cut leaves.

Nothing is mounted: mtools for the FAT partition, debugfs and e2fsck for the others.
"""

from __future__ import annotations

import hashlib
import json
import random
import shutil
import subprocess
from pathlib import Path

from tests.image import blocklog

FAT, SLOT_A, SLOT_B, DATA = 1, 2, 3, 4
SECTOR = 512
VARIABLES_AT, VARIABLES_LONG, CRC_LONG = 0x100000, 0x4000, 4
SIZE = 2 << 30
"""A card of 2 GB: larger than the image, so that the data partition grows; a power of two, as
QEMU's SD card must be."""


class Disk:
    """A copy of the image that a test may write to."""

    def __init__(self, image: Path, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.path = folder / "disk.img"
        self._log, self._layer = folder / "log", folder / "layer.qcow2"
        subprocess.run(("cp", "--sparse=always", str(image), str(self.path)), check=True)
        with self.path.open("r+b") as file:
            file.truncate(SIZE)

    # --- for QEMU --------------------------------------------------------------------------------

    @property
    def drive(self) -> str:
        """Options of a drive that the guest writes to."""
        return f"file={self.path},format=raw,cache=unsafe,discard=unmap"

    def drive_logged(self) -> str:
        """Options of a drive whose writes are kept in their order, until `lose_power`."""
        self._layer.unlink(missing_ok=True)
        self._log.write_bytes(b"")
        subprocess.run(
            ("qemu-img", "create", "-q", "-f", "qcow2", "-F", "raw", "-b", str(self.path),
             str(self._layer)), check=True,
        )  # fmt: skip
        return (
            f"driver=blklogwrites,file.driver=qcow2,file.file.driver=file"
            f",file.file.filename={self._layer},log.driver=file,log.filename={self._log}"
        )

    def lose_power(self, rng: random.Random) -> blocklog.Loss:
        """Make the disk what a cut leaves: all up to the last flush, of the rest any part."""
        with self._log.open("rb") as log, self.path.open("r+b") as disk:
            loss = blocklog.replay(log, disk, rng)
        self._layer.unlink()
        self._log.unlink()
        return loss

    # --- partitions ------------------------------------------------------------------------------

    def place(self, number: int) -> tuple[int, int]:
        """Return a partition's first byte and its length in bytes."""
        told = subprocess.run(
            ("sfdisk", "--json", str(self.path)), check=True, capture_output=True
        ).stdout
        found = json.loads(told)["partitiontable"]["partitions"][number - 1]
        return found["start"] * SECTOR, found["size"] * SECTOR

    def _name(self, number: int) -> str:
        return f"{self.path}?offset={self.place(number)[0]}"

    def put_on_fat(self, name: str, text: str) -> None:
        """Write a file into the FAT partition, as a technician does on a computer."""
        self._mtools(("mcopy", "-o"), "-", f"::{name}", stdin=text.encode())

    def read_fat(self, name: str) -> str:
        """Return a text file of the FAT partition."""
        return self._mtools(("mtype",), f"::{name}").decode()

    def checked_fat(self) -> str:
        """Have the FAT partition checked; returns what is wrong with it, "" for nothing."""
        start, length = self.place(FAT)
        copy = self.path.with_name("fat.img")
        with self.path.open("rb") as disk, copy.open("wb") as file:
            disk.seek(start)
            file.write(disk.read(length))
        done = subprocess.run(
            ("fsck.fat", "-n", str(copy)), check=False, capture_output=True, text=True
        )
        copy.unlink()
        return done.stdout if done.returncode else ""

    def _mtools(self, command: tuple[str, ...], *words: str, stdin: bytes = b"") -> bytes:
        where = f"{self.path}@@{self.place(FAT)[0]}"
        return subprocess.run(
            (*command, "-i", where, *words), input=stdin, capture_output=True, check=True
        ).stdout

    def files(self, folder: str, number: int = DATA) -> list[str]:
        """List the names in a folder of a partition at rest."""
        told = self._debugfs(number, f"ls -p {folder}").decode().splitlines()
        names = [line.split("/")[5] for line in told if line.startswith("/")]
        return [name for name in names if name not in {".", "..", ""}]

    def read(self, path: str, number: int = DATA) -> bytes:
        """Return a file of a partition at rest, empty when there is none."""
        return self._debugfs(number, f"cat {path}")

    def _debugfs(self, number: int, request: str) -> bytes:
        words = ("debugfs", "-R", request, self._name(number))
        return subprocess.run(words, check=True, capture_output=True).stdout

    def signature(self, number: int) -> str:
        """Hash a partition."""
        start, length = self.place(number)
        whole = hashlib.sha256()
        with self.path.open("rb") as file:
            file.seek(start)
            while length > 0:
                block = file.read(min(1 << 20, length))
                whole.update(block)
                length -= len(block)
        return whole.hexdigest()

    def variables(self) -> dict[str, str]:
        """Return U-Boot's variables, also while the box writes through to the card's file."""
        with self.path.open("rb") as file:
            file.seek(VARIABLES_AT)
            content = file.read(VARIABLES_LONG)[CRC_LONG:].partition(b"\0\0")[0]
        return dict(one.decode().split("=", 1) for one in content.split(b"\0"))

    def spoil(self, number: int, rng: random.Random, length: int = 32 << 20) -> None:
        """Write rubbish over a partition's beginning: superblock, tables and all."""
        with self.path.open("r+b") as disk:
            disk.seek(self.place(number)[0])
            disk.write(rng.randbytes(min(length, self.place(number)[1])))

    def remove(self) -> None:
        """Give its room back."""
        shutil.rmtree(self.path.parent, ignore_errors=True)
