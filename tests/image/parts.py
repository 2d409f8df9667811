"""Count of the parts that the package and the image add to Debian.

Units, drop-ins, shell helpers, programmes that systemd or udev starts as root;
`python -m tests.image.parts [-v] [FOLDER]` prints them for a checkout.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[2]
OVERLAY: Final = "image/overlay"
SYSTEM: Final = f"{OVERLAY}/etc/systemd/system"
KINDS: Final = {".service", ".path", ".timer", ".socket", ".mount", ".target"}
STARTS: Final = re.compile(r"^Exec(?:Start|StartPre|StartPost|Stop|StopPost)=(.+)$", re.MULTILINE)
DEBIANS: Final = {"/usr/sbin/sshd -t"}
"""Commands of Debian's own units that a drop-in repeats, to put one of ours before them."""
BY_UDEV: Final = re.compile(r'(?:PROGRAM|RUN)\+?="([^"]+)"')


@dataclass(frozen=True)
class Parts:
    """Names of the parts, sorted."""

    units: tuple[str, ...]
    dropins: tuple[str, ...]
    helpers: tuple[str, ...]
    as_root: tuple[str, ...]


def counted(root: Path = ROOT) -> Parts:
    """Count the parts of a checkout."""
    with tempfile.TemporaryDirectory() as name:
        package = Path(name)
        subprocess.run(("sh", root / "systemd/install.sh", package), check=True)
        folders = (package, root / SYSTEM)
        units = [path for folder in folders for path in folder.iterdir() if is_unit(path)]
        dropins = [path for folder in folders for path in folder.glob("*.d/*.conf")]
        shells = [path for path in (root / OVERLAY / "usr/lib/centralino-image").iterdir()
                  if path.read_bytes().startswith(b"#!")]  # fmt: skip
        started = [each for path in (*units, *dropins) for each in started_as_root(path)]
        rules = root.glob("systemd/*.rules"), (root / OVERLAY).rglob("*.rules")
        by_udev = [each for some in rules for path in some
                   for each in BY_UDEV.findall(path.read_text("utf-8"))]  # fmt: skip
        return Parts(
            units=named(path.name for path in units),
            dropins=named(f"{path.parent.name}/{path.name}" for path in dropins),
            helpers=named(path.name for path in shells),
            as_root=named((*started, *by_udev)),
        )


def is_unit(path: Path) -> bool:
    """Say whether a file is a unit of its own; links mask Debian's."""
    return path.suffix in KINDS and path.is_file() and not path.is_symlink()


def started_as_root(path: Path) -> list[str]:
    """List the programmes that a service, or what is laid over one, starts as root."""
    text = path.read_text("utf-8") if path.exists() else ""
    # what is laid over call control runs with its account
    is_ours = path.parent.name in {"centralino.service.d", "centralino-media.service.d"}
    found = [] if "\nUser=" in text or is_ours else STARTS.findall(text)
    return [words for words in found if words and words not in DEBIANS]


def named(names: Iterable[str]) -> tuple[str, ...]:
    """Return names, sorted."""
    return tuple(sorted(names))


def main() -> None:
    """Print the figures, with -v the names."""
    words = sys.argv[1:]
    is_verbose = "-v" in words
    root = next((Path(word) for word in words if not word.startswith("-")), ROOT)
    parts = counted(root)
    for each in fields(parts):
        names = getattr(parts, each.name)
        print(  # noqa: T201 - the figures
            f"{len(names):3} {each.name}", *(names if is_verbose else ()), sep="\n      "
        )


if __name__ == "__main__":
    main()
