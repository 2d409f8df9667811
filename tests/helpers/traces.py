"""What a box has written: who can read it, and whether it names what nobody is told (P7)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

GROUP, OTHERS = 0o070, 0o007


def below(folder: Path) -> Iterator[Path]:
    """Yield a folder and all that lies in it, links aside: they have no rights of their own."""
    yield folder
    for path in sorted(folder.rglob("*")):
        if not path.is_symlink():
            yield path


def open_to_others(folder: Path, but: Iterable[Path] = ()) -> list[str]:
    """List what somebody else on the machine could read or enter; `but` is the group's, too."""
    allowed = set(but)
    return [
        f"{path.lstat().st_mode & 0o777:o} {path}"
        for path in below(folder)
        if path.lstat().st_mode & (OTHERS if path in allowed else GROUP | OTHERS)
    ]


def naming(folders: Iterable[Path], words: Iterable[str]) -> list[str]:
    """List the files in which one of the words stands, however it is coded: UTF-8 or UTF-16."""
    wanted = [(w, (w.encode(), w.encode("utf-16-le"))) for w in words]
    return [
        f"{word} in {path}"
        for folder in folders
        for path in below(folder)
        if path.is_file()
        for word, codings in wanted
        if any(coding in path.read_bytes() for coding in codings)
    ]
