"""Protocols that are wrong in one place, so that each rig can be shown to see what it is for."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from appliance.store import database
from appliance.voicemail import storage
from appliance.voicemail.recording import RecordingWriter

if TYPE_CHECKING:
    from tests.faults.workload import Acks


def system_stub(bug: str, acks: Acks) -> None:
    """Break the protocol as `bug` says, in this process; "none" breaks nothing."""
    if bug != "none":
        PLANTED[bug](acks)


def no_fsync(_: Acks) -> None:
    """Nothing of voicemail's is brought to the disk."""
    for name in ("fsync", "fdatasync"):
        setattr(os, name, lambda _fd: None)


def errors_ignored(_: Acks) -> None:
    """What the disk refuses counts as done."""
    for name in ("fsync", "fdatasync", "pwrite", "rename", "replace"):
        setattr(os, name, _ignoring(getattr(os, name)))


def acknowledge_early(acks: Acks) -> None:
    """The caller of a message is told before it is stored."""
    _before_finishing(lambda writer, name: _say_stored(acks, writer, name))


def request_early(acks: Acks) -> None:
    """The caller of a request is told before it is taken."""

    def say(_: RecordingWriter, recording: str) -> None:
        if recording.startswith("r"):
            acks.say("requested", recording, int(recording[1:]))

    _before_finishing(say)


def write_in_place(_: Acks) -> None:
    """A recording grows where whole messages lie."""
    storage.MailboxFolders.part = storage.MailboxFolders.wav  # type: ignore[method-assign] # the planted bug


def wal_normal(_: Acks) -> None:
    """SQLite's own advice for WAL, which gives up the last transactions at a power cut."""
    settings = {name: (name, value, expected) for name, value, expected in database._PRAGMAS}
    settings["synchronous"] = ("synchronous", "NORMAL", 1)
    database._PRAGMAS = tuple(settings.values())  # type: ignore[misc, assignment] # the planted bug


PLANTED: dict[str, Callable[[Acks], None]] = {
    made.__name__: made
    for made in (
        no_fsync,
        errors_ignored,
        acknowledge_early,
        request_early,
        write_in_place,
        wal_normal,
    )
}


def _say_stored(acks: Acks, writer: RecordingWriter, recording: str) -> None:
    handle = writer._open[recording]
    acks.say("stored", handle.record.call, handle.id)


def _before_finishing(say: Callable[[RecordingWriter, str], None]) -> None:
    real = RecordingWriter.finish

    def finish(self: RecordingWriter, recording: str, *arguments: Any) -> None:
        say(self, recording)
        real(self, recording, *arguments)

    RecordingWriter.finish = finish  # type: ignore[method-assign, assignment] # the planted bug


def _ignoring(real: Callable[..., Any]) -> Callable[..., Any]:
    """Wrap a system call: an error is success, of a write all of it."""

    def call(*arguments: Any) -> Any:
        try:
            return real(*arguments)
        except OSError:
            return len(arguments[1]) if real.__name__ == "pwrite" else None

    return call
