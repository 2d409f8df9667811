"""An nbdkit plugin: a RAM disk that logs every write and flush, in order.

`nbdkit python logdisk.py size=MB log=FILE [image=FILE]`; `image` is what the disk holds at first,
else nothing. Log records are `<cQI` kind, offset, length: b"W" is
followed by the bytes; b"F" is a flush (also after a write with FUA); a discard is not logged, the
old bytes stay.
"""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any

import nbdkit  # type: ignore[import-not-found] # exists inside nbdkit only

API_VERSION = 2
RECORD = struct.Struct("<cQI")
_settings: dict[str, str] = {}
_disk = bytearray()
_log: Any = None


def config(key: str, value: str) -> None:
    """Take `size`, `log` and `image`."""
    _settings[key] = value


def after_fork() -> None:
    """Make the disk and its log, once nbdkit is the process that stays."""
    global _log
    image = _settings.get("image")
    _disk.extend(Path(image).read_bytes() if image else bytes(int(_settings["size"]) << 20))
    _log = Path(_settings["log"]).open("wb", buffering=0)  # noqa: SIM115 - open as long as nbdkit


def thread_model() -> int:
    """Ask for one request at a time: the log is the order."""
    return int(nbdkit.THREAD_MODEL_SERIALIZE_ALL_REQUESTS)


def open(_readonly: bool) -> int:  # noqa: A001 - nbdkit's name
    """Give any handle."""
    return 1


def get_size(_handle: int) -> int:
    """Return the size in bytes."""
    return len(_disk)


def can_write(_handle: int) -> bool:
    """Allow writes."""
    return True


def can_flush(_handle: int) -> bool:
    """Allow flushes."""
    return True


def can_fua(_handle: int) -> int:
    """Take FUA writes as they are."""
    return int(nbdkit.FUA_NATIVE)


def can_zero(_handle: int) -> bool:
    """Let zeroes come as writes."""
    return False


def pread(_handle: int, buf: memoryview, offset: int, _flags: int) -> None:
    """Read."""
    buf[:] = _disk[offset : offset + len(buf)]


def pwrite(_handle: int, buf: memoryview, offset: int, flags: int) -> None:
    """Write and log it; FUA is a write that is flushed at once."""
    _disk[offset : offset + len(buf)] = buf
    _log.write(RECORD.pack(b"W", offset, len(buf)) + bytes(buf))
    if flags & nbdkit.FLAG_FUA:
        flush(_handle, 0)


def flush(_handle: int, _flags: int) -> None:
    """Log a flush."""
    _log.write(RECORD.pack(b"F", 0, 0))
