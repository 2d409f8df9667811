"""The daemon's processes, as the kernel knows them."""

from __future__ import annotations

from pathlib import Path

from tests.helpers.box import Box


def command_of(pid: int) -> str:
    """Return a process's command line, "" when it has ended."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode().strip()
    except OSError:
        return ""


def children_of(pid: int) -> list[int]:
    """Return a process's children."""
    try:
        return [int(n) for n in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except OSError:
        return []


def is_running(pid: int) -> bool:
    """Tell whether a process is there and no zombie."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False
    return stat.rpartition(")")[2].split()[0] not in {"Z", "X"}


def media_gateway_of(box: Box) -> int:
    """Return the process id of the daemon's media gateway."""
    assert box.daemon is not None
    found = [pid for pid in children_of(box.daemon.pid) if "appliance.media" in command_of(pid)]
    assert len(found) == 1, found
    return found[0]


def fork_server_of(box: Box) -> int:
    """Return the process id of the fork server."""
    (found,) = children_of(media_gateway_of(box))
    return found


def port_server_of(box: Box, line: int) -> int:
    """Return the process id of the port server that holds a line's port."""
    port = (box.folder / "lines" / f"line{line}").resolve()
    return next(pid for pid in children_of(fork_server_of(box)) if _holds(pid, port))


def _holds(pid: int, port: Path) -> bool:
    files = Path(f"/proc/{pid}/fd").iterdir()
    return any(file.exists() and file.resolve() == port for file in files)
