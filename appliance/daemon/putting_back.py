"""Puts unpacked pieces in their places by renames: all of them, also when it is killed midway.

The plan is one small file beside the state folder. Before it is there the box is as it was; from
then on every step may be done again, the desk does not start, and `centralino restore --finish`
goes on to the end. What stood is kept beside, under a name with the time.
"""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from appliance.daemon.backup_places import Piece
from appliance.files import atomic_write, fsync_directory
from appliance.policy.refused import Refused


def at_no_point(_: str) -> None:
    """Do nothing at a step that is done."""


def staged(path: Path) -> Path:
    """Say where a piece waits beside its place."""
    return path.with_name(f".{path.name}.restore")


def aside(path: Path, stamp: str) -> Path:
    """Say where what stood is kept."""
    return path.with_name(f"{path.name}.before-{stamp}")


def plan_path(state: Path) -> Path:
    """Say where the plan lies: beside the state folder."""
    return state.with_name(f".{state.name}.restore-plan")


def write_plan(found: Iterable[Piece], stamp: str) -> Path:
    """Write the plan, durably: from now on there is no way but forward. Raises OSError.

    The configuration, the last piece, goes first: it says where the plan lies.
    """
    moved = tuple(found)
    path = plan_path(moved[0].path)
    places = [{"path": str(piece.path), "folder": piece.is_folder} for piece in reversed(moved)]
    atomic_write(path, json.dumps({"stamp": stamp, "pieces": places}))
    return path


def finish(plan: Path, at_point: Callable[[str], None] = at_no_point) -> tuple[Path, ...]:
    """Do what the plan says and is not done yet; returns where what stood is. Raises OSError."""
    told: dict[str, Any] = json.loads(plan.read_text(encoding="utf-8"))
    for piece in told["pieces"]:
        path = Path(piece["path"])
        put = _put_folder if piece["folder"] else _put_file
        put(path, aside(path, told["stamp"]), at_point)
        fsync_directory(path.parent)
        at_point(f"put {path.name}")
    plan.unlink()
    fsync_directory(plan.parent)
    kept = (aside(Path(piece["path"]), told["stamp"]) for piece in told["pieces"])
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
    if not staged(path).exists():
        return  # done before
    if path.exists():
        path.rename(kept)
        at_point(f"set aside {path.name}")
    staged(path).rename(path)


def _put_file(path: Path, kept: Path, at_point: Callable[[str], None]) -> None:
    """Put a file in place of another, which is never missing meanwhile."""
    if not staged(path).exists():
        return
    if path.exists() and not kept.exists():
        os.link(path, kept)
        at_point(f"set aside {path.name}")
    staged(path).replace(path)
