"""What must hold of a disk after a power cut or a kill, before and after the next start."""

from __future__ import annotations

import hashlib
import json
import sqlite3
import struct
from collections import Counter
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from appliance.dsp.wav import WavError
from appliance.store import outbox, requests
from appliance.store.database import open_reader
from appliance.store.voicemail import Message
from tests.faults.workload import LIMITS, sound_of
from tests.voicemail.box import Box

Violations = Counter[str]


@dataclass(frozen=True, slots=True)
class Told:
    """One acknowledgement: what was told, of which call, where in the log, which id or size."""

    kind: str
    call: str
    position: int
    what: str | int


def read_acks(path: Path) -> list[Told]:
    """Read the acknowledgements of a workload, without a torn last one."""
    lines = path.read_text().split("\n")[:-1] if path.exists() else []
    return [Told(*json.loads(line)) for line in lines]


def violations(root: Path, told: list[Told]) -> Violations:
    """Look at the disk as it was left, start upon it (twice), and look again."""
    found = half_files(root / "voicemail" / "new")
    box = Box(root, LIMITS, boot=100).start()
    box.settle()
    box.stop()
    first = [m.id for m in box.listed()]
    box.start().settle()
    box.stop()
    if [m.id for m in box.listed()] != first:
        found["the second start changed the messages"] += 1
    found.update(broken_promises(box, told))
    found.update(unsound(box))
    return found


def half_files(new: Path) -> Violations:
    """Count sounds in new/ that are not whole: whoever looks there sees whole messages only."""
    found = Violations()
    for path in new.glob("*.wav") if new.is_dir() else ():
        contents = path.read_bytes()
        if len(contents) < 58 or struct.unpack_from("<I", contents, 4)[0] + 8 != len(contents):
            found["a half message visible in new/"] += 1
    return found


def broken_promises(box: Box, told: list[Told]) -> Violations:
    """Count what callers were told and is not so."""
    found = Violations()
    listed: dict[str, Message] = {m.call: m for m in box.listed()}
    with closing(open_reader(box.folder / "centralino.db")) as reader:
        taken = {kept.request.call for kept in requests.list_requests(reader)}
    for promise in told:
        message = listed.get(promise.call)
        if promise.kind == "stored":
            if message is None or message.id != promise.what:
                found["a stored message has no row"] += 1
            elif heard(box, message) != sound_of(promise.call):
                found["a stored message has another sound"] += 1
            elif message.interrupted:
                found["a stored message is flagged as interrupted"] += 1
        elif promise.kind == "requested":
            found.update(broken_request(box, promise))
        elif promise.kind == "closed" and (message is None or message.outcome is None):
            found["a closed message is open again"] += 1
        elif promise.call in taken:
            continue  # its words are a request's: whole, or it was never told
        elif promise.kind == "synced" and is_lost(int(promise.what), message):
            found["sound that had reached the disk is lost"] += 1
    return found


def broken_request(box: Box, promise: Told) -> Violations:
    """Count what a caller whose request was taken was told and is not so (P6)."""
    found = Violations()
    with closing(open_reader(box.folder / "centralino.db")) as reader:
        kept = [k for k in requests.list_requests(reader) if k.request.call == promise.call]
        keys = {mail.mail.key for mail in outbox.list_mails(reader)}
    if [k.request.number for k in kept] != [promise.what]:
        found["a request that was taken has no row, or two"] += 1
        return found
    path = box.folder / kept[0].sound.path
    if f"request-{promise.what}" not in keys:
        found["a request that was taken has no mail"] += 1
    if not path.exists() or not path.read_bytes().endswith(sound_of(promise.call)):
        found["a request that was taken has other words"] += 1
    if promise.call in {message.call for message in box.listed()}:
        found["a request's words are a message as well"] += 1
    return found


def is_lost(synced: int, message: Message | None) -> bool:
    """Tell whether bytes that had reached the disk are gone; less than 2 s need not be kept."""
    return synced >= 16_000 and (message is None or message.length_ms * 8 < synced - 16)


def heard(box: Box, message: Message) -> bytes | None:
    """Return a message's sound, None when there is no such sound to be heard."""
    try:
        return box.sound(message)
    except (WavError, OSError):
        return None


def unsound(box: Box) -> Violations:
    """Count what must never be, acknowledged or not."""
    found = Violations()
    if len({m.call for m in box.listed()}) < len(box.listed()):
        found["a call has two messages"] += 1
    for message in box.listed():
        path = box.home / message.path
        if not path.exists() or hashlib.sha256(path.read_bytes()).hexdigest() != message.sha256:
            found["a row points to a missing or damaged sound"] += 1
        elif not sound_of(message.call).startswith(heard(box, message) or b"?"):
            found["a message holds sound that was never spoken"] += 1
        if message.caller.number != "051234567":
            found["a message lost its caller"] += 1
    if box.names("corrupt"):
        found["files had to be set aside"] += 1
    if box.troubles:
        found[f"trouble {box.troubles[-1]}"] += 1
    with closing(sqlite3.connect(box.folder / "centralino.db")) as db:
        if db.execute("PRAGMA integrity_check").fetchone()[0] != "ok":
            found["the database is damaged"] += 1
    return found
