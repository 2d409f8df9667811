"""Puts unpacked pieces in their places by renames: all of them, also when it is killed midway.

The plan is one small file beside the state folder. Before it is there the box is as it was; from
then on every step may be done again, the desk does not start, and `centralino restore --finish`
goes on to the end. What stood is kept beside, under a name with the time. A folder that is a mount
point (an SSD, say) cannot be renamed: what is in it is moved, entry by entry, within it.
"""

from __future__ import annotations

import json
import os
import re
import socket
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, Final

from appliance.daemon.backup_places import APART, BEFORE, PLACING, STAGED, Piece
from appliance.files import atomic_write, fsync_directory
from appliance.policy.text import Refused


def at_no_point(_: str) -> None:
    """Do nothing at a step that is done."""


MOUNTS: Final = Path("/proc/self/mountinfo")
OF_THE_DISK: Final = "lost+found"
"""What ext4 has in the root of every disk."""


def is_mount(path: Path) -> bool:
    """Tell whether something is mounted at a path: another disk, or a folder bound over it."""
    lines = MOUNTS.read_text(encoding="utf-8", errors="surrogateescape").splitlines()
    points = (line.split(" ")[4] for line in lines)
    unescaped = {re.sub(r"\\(\d{3})", lambda m: chr(int(m[1], 8)), point) for point in points}
    return os.path.realpath(path) in unescaped


def staged(path: Path) -> Path:
    """Say where a piece waits: beside its place, or within it where that is a mount point."""
    return path / STAGED if is_mount(path) else path.with_name(f".{path.name}.restore")


def aside(path: Path, stamp: str, *, inside: bool = False) -> Path:
    """Say where what stood is kept."""
    return path / f"{BEFORE}{stamp}" if inside else path.with_name(f"{path.name}.before-{stamp}")


def workplace(state: Path) -> Path:
    """Say in which folder a backup is unpacked: on the disk on which it is to stand."""
    return state if is_mount(state) else state.parent


def check_places(found: Iterable[Piece]) -> None:
    """Raise Refused for a file that something is mounted over: it cannot be replaced."""
    for piece in found:
        if not piece.is_folder and is_mount(piece.path):
            raise Refused(
                f"{piece.path} è un punto di mount e non si può sostituire: smontarlo (umount), "
                "ripristinare, poi rimontarlo",
                f"{piece.path} is a mount point and cannot be replaced: unmount it, restore, mount "
                "it again",
            )


def plan_path(state: Path) -> Path:
    """Say where the plan lies: beside the state folder."""
    return state.with_name(f".{state.name}.restore-plan")


def write_plan(found: Iterable[Piece], stamp: str) -> Path:
    """Write the plan, durably: from now on there is no way but forward. Raises OSError.

    The configuration, the last piece, goes first: it says where the plan lies.
    """
    moved = tuple(found)
    path = plan_path(moved[0].path)
    places = [
        {
            "path": str(piece.path),
            "folder": piece.is_folder,
            "inside": piece.is_folder and is_mount(piece.path),
        }
        for piece in reversed(moved)
    ]
    atomic_write(path, json.dumps({"stamp": stamp, "pieces": places}))
    return path


def finish(plan: Path, at_point: Callable[[str], None] = at_no_point) -> tuple[Path, ...]:
    """Do what the plan says and is not done yet; returns where what stood is. Raises OSError."""
    told: dict[str, Any] = json.loads(plan.read_text(encoding="utf-8"))
    kept: list[Path] = []
    for piece in told["pieces"]:
        path, inside = Path(piece["path"]), bool(piece.get("inside"))
        put = _put_inside if inside else _put_folder if piece["folder"] else _put_file
        kept.append(aside(path, told["stamp"], inside=inside))
        put(path, kept[-1], at_point)
        fsync_directory(path.parent)
        at_point(f"put {path.name}")
    plan.unlink()
    fsync_directory(plan.parent)
    return tuple(path for path in kept if path.exists())


def check_idle(run: Path) -> None:
    """Raise Refused while a desk answers at its door."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as visitor:
        try:
            visitor.connect(str(run / "desk.sock"))
        except OSError:
            return
    raise Refused(
        "il centralino è in funzione: fermarlo prima "
        "(systemctl stop centralino-console centralino)",
        "the switchboard is running: stop it first (systemctl stop centralino-console centralino)",
    )


def check_finished(state: Path) -> None:
    """Raise Refused where a restore was interrupted midway."""
    if plan_path(state).exists():
        raise Refused(
            "un ripristino è stato interrotto: concluderlo con `centralino restore --finish`",
            "a restore was interrupted: finish it with `centralino restore --finish`",
        )


def _put_folder(path: Path, kept: Path, at_point: Callable[[str], None]) -> None:
    new = path.with_name(f".{path.name}.restore")
    if not new.exists():
        return  # done before
    if path.exists():
        path.rename(kept)
        at_point(f"set aside {path.name}")
    new.rename(path)


def _put_inside(path: Path, kept: Path, at_point: Callable[[str], None]) -> None:
    """Exchange what is in a mount point; it says by a name how far that is."""
    if not is_mount(path):
        raise Refused(
            f"il disco di {path} non è montato: montarlo, poi `centralino restore --finish`",
            f"the disk of {path} is not mounted: mount it, then `centralino restore --finish`",
        )
    new, placing = path / STAGED, path / PLACING
    if new.exists():
        kept.mkdir(mode=0o700, exist_ok=True)
        for old in _own(path):
            old.rename(kept / old.name)
            at_point(f"set aside {old.name}")
        fsync_directory(kept)
        new.rename(placing)
        fsync_directory(path)
    if not placing.exists():
        return  # done before
    for one in sorted(placing.iterdir()):
        one.rename(path / one.name)
        at_point(f"placed {one.name}")
    like = placing.stat()
    path.chmod(like.st_mode & 0o777)
    if os.geteuid() == 0:
        os.chown(path, like.st_uid, like.st_gid)
    fsync_directory(path)
    placing.rmdir()


def _own(path: Path) -> list[Path]:
    """List what is in a mount point, but what belongs to a restore or to the disk."""
    return sorted(
        one for one in path.iterdir() if not one.name.startswith(APART) and one.name != OF_THE_DISK
    )


def _put_file(path: Path, kept: Path, at_point: Callable[[str], None]) -> None:
    """Put a file in place of another, which is never missing meanwhile."""
    new = path.with_name(f".{path.name}.restore")
    if not new.exists():
        return
    if path.exists() and not kept.exists():
        os.link(path, kept)
        at_point(f"set aside {path.name}")
    new.replace(path)
