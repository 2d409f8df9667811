"""What a start finds on the disk, and what becomes of it."""

from __future__ import annotations

import errno
import json
import shutil
from pathlib import Path

import pytest

from appliance.calls.events import MessageStored, MessagesWaiting
from appliance.calls.orders import Result
from appliance.errors import StoreError
from appliance.voicemail import recording, storage
from appliance.voicemail.storage import (
    Header,
    MailboxFolders,
    Sidecar,
    decode_sidecar,
    encode_sidecar,
)
from tests.store.samples import a_call, a_message
from tests.voicemail.box import Box, header, speech


def recorded(box: Box, sound: bytes, call: str = "a-1", *, finish: bool = True) -> str:
    """Bring a message, or leave it unfinished; return its id."""
    box.records.write_call(a_call(call))
    box.mailbox.begin(call, "ulaw", a_call(call))
    box.mailbox.append(call, sound)
    box.settle()
    ident = box.mailbox._writer._open[call].id
    if finish:
        box.mailbox.finish(call)
        box.settle()
    return ident


def restarted(box: Box) -> list[object]:
    """Stop and start again; return the facts of the start."""
    box.stop()
    box.drain()
    box.start()
    return list(box.settle())


@pytest.mark.parametrize("ms", [2000, 2001, 60_000])
def test_a_recording_cut_off_is_finished_and_flagged(box: Box, ms: int) -> None:
    """F4: two seconds or more that reached the disk become an interrupted message of its caller."""
    sound = speech(1, ms)
    ident = recorded(box, sound, finish=False)
    assert restarted(box) == [MessagesWaiting(1)] * 2
    (message,) = box.listed()
    assert (message.id, message.interrupted, message.caller) == (ident, True, a_call().caller)
    assert box.sound(message) == sound
    assert box.names("rec") == set()
    call = box.records.ask(lambda c: c.execute("SELECT result, message FROM calls").fetchone())
    assert tuple(call) == (Result.INTERRUPTED, ident)


def test_what_the_power_cut_left_behind_the_sound_is_no_sound(box: Box) -> None:
    """Zeros that ext4 may leave at the end of a growing file are cut off, a hole is a told gap."""
    ident = recorded(box, speech(1, 3000) + b"a", finish=False)
    box.stop()
    with (box.home / "rec" / f"{ident}.part").open("ab") as part:
        part.write(bytes(800) + b"b" + bytes(3000))
    box.start().settle()
    (message,) = box.listed()
    assert box.sound(message) == speech(1, 3000) + b"a" + b"\xff" * 800 + b"b"
    assert message.gap_ms == 100


def test_less_than_two_seconds_are_no_message(box: Box) -> None:
    """Too short to understand: the call record stays, the sound does not."""
    recorded(box, speech(1, 1999), finish=False)
    restarted(box)
    assert (box.listed(), box.names("rec"), box.names("new"), box.names("corrupt")) == (
        (),
        set(),
        set(),
        set(),
    )
    assert (
        box.records.ask(lambda c: c.execute("SELECT result FROM calls").fetchone())[0]
        == "interrupted"
    )


def test_a_recording_that_cannot_be_read_holds_back_no_other(
    box: Box, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A bad sector under the first: the second is recovered at this start, the first is tried again
    and is there as soon as it can be read.
    """
    first = recorded(box, speech(1, 3000), "a-1", finish=False)
    second = recorded(box, speech(2, 3000), "a-2", finish=False)
    bad, good = sorted((first, second))
    finish = recording.finish_recording

    def fails(folders: MailboxFolders, header: Header, ident: str, minimum_ms: int) -> object:
        if ident == bad:
            raise OSError(errno.EIO, "bad sector")
        return finish(folders, header, ident, minimum_ms)

    with monkeypatch.context() as patch:
        patch.setattr(recording, "finish_recording", fails)
        restarted(box)
        assert [message.id for message in box.listed()] == [good]
    restarted(box)
    assert {message.id for message in box.listed()} == {bad, good}


def test_recovery_again_changes_nothing(box: Box) -> None:
    """F2: starting twice gives the same messages once."""
    recorded(box, speech(1, 3000), finish=False)
    recorded(box, speech(2, 3000), "a-2")
    restarted(box)
    before = box.listed()
    assert restarted(box) == [MessagesWaiting(2)]
    assert box.listed() == before


def test_the_records_are_rebuilt_from_the_files(box: Box) -> None:
    """With the database gone every message is taken up again from its sidecar."""
    idents = {recorded(box, speech(i, 3000), f"a-{i}") for i in range(3)}
    before = {m.id: m for m in box.listed()}
    box.stop()
    for path in box.folder.glob("centralino.db*"):
        path.unlink()
    box.start().settle()
    assert {m.id: m.sha256 for m in box.listed()} == {i: before[i].sha256 for i in idents}
    results = box.records.ask(lambda c: c.execute("SELECT DISTINCT result FROM calls").fetchall())
    assert [row[0] for row in results] == ["message"]


def test_a_message_without_its_row_is_adopted_quietly(box: Box) -> None:
    """Power went between the file and the row: nobody was told, call control finds it."""
    recorded(box, speech(1, 3000))
    box.stop()
    shutil.copytree(box.home, box.folder / "kept")
    for path in box.folder.glob("centralino.db*"):
        path.unlink()
    facts = box.start().settle()
    assert MessagesWaiting(1) in facts
    assert not [f for f in facts if isinstance(f, MessageStored)]


def test_what_is_not_whole_is_set_aside_and_never_deleted(box: Box) -> None:
    """A torn file in new/ is no message; it lies in corrupt/, and that is told."""
    ident = recorded(box, speech(1, 3000))
    box.stop()
    for path in box.folder.glob("centralino.db*"):
        path.unlink()
    wav = box.home / "new" / f"{ident}.wav"
    wav.write_bytes(wav.read_bytes()[:-100])
    box.start().settle()
    assert box.listed() == ()
    assert box.names("corrupt") == {f"{ident}.wav", f"{ident}.meta"}
    assert box.troubles[-1] == storage.SET_ASIDE


def test_a_sidecar_without_its_sound_is_set_aside(box: Box) -> None:
    """A description of nothing is no message; it is kept for whoever looks into it."""
    ident = recorded(box, speech(1, 3000))
    box.stop()
    for path in box.folder.glob("centralino.db*"):
        path.unlink()
    (box.home / "new" / f"{ident}.wav").unlink()
    box.start().settle()
    assert (box.listed(), box.names("corrupt")) == ((), {f"{ident}.meta"})


@pytest.mark.parametrize("meta", [b"", b"{", b'{"version": 1}', b"[]", b"null"])
def test_a_recording_without_a_readable_sidecar_is_set_aside(box: Box, meta: bytes) -> None:
    """Sound that nobody can be asked about is kept, not guessed at; the rest goes on."""
    ident = recorded(box, speech(1, 3000), finish=False)
    recorded(box, speech(2, 3000), "a-2", finish=False)
    box.stop()
    (box.home / "rec" / f"{ident}.meta").write_bytes(meta)
    box.start().settle()
    assert [m.call for m in box.listed()] == ["a-2"]
    assert f"{ident}.part" in box.names("corrupt")


@pytest.mark.parametrize("meta", [None, b"", b"{"])
@pytest.mark.parametrize("left", [0, 44, 58])
def test_a_recording_that_never_got_sound_is_no_damage(
    box: Box, left: int, meta: bytes | None
) -> None:
    """A full disk may cut short the description of a recording that holds nothing yet: it goes,
    and nobody is told of damaged files.
    """
    ident = recorded(box, speech(1, 3000), finish=False)
    box.stop()
    with (box.home / "rec" / f"{ident}.part").open("r+b") as part:
        part.truncate(left)
    described = box.home / "rec" / f"{ident}.meta"
    described.unlink() if meta is None else described.write_bytes(meta)
    box.start().settle()
    assert (box.listed(), box.names("rec"), box.names("corrupt")) == ((), set(), set())


def test_corrupt_files_never_write_over_each_other(box: Box) -> None:
    """Two strangers of one name are both kept."""
    for text in ("one", "two"):
        box.stop()
        (box.home / "new" / "stranger.wav").write_text(text)
        box.start().settle()
    assert {p.read_text() for p in (box.home / "corrupt").iterdir()} == {"one", "two"}


def test_a_sound_that_came_before_its_sidecar_is_taken_back(box: Box) -> None:
    """Where a file system reorders renames the sound may be in new/ alone: it is finished again."""
    sound = speech(1, 3000)
    ident = recorded(box, sound, finish=False)
    box.stop()
    (box.home / "rec" / f"{ident}.part").rename(box.home / "new" / f"{ident}.wav")
    box.start().settle()
    (message,) = box.listed()
    assert (box.sound(message), message.interrupted) == (sound, True)


def test_a_sidecar_that_came_before_its_sound_waits_for_it(box: Box) -> None:
    """Power went between the two renames: the recording is finished, nothing is set aside."""
    sound = speech(1, 3000)
    ident = recorded(box, sound, finish=False)
    box.stop()
    meta = box.home / "new" / f"{ident}.meta"
    meta.write_bytes(encode_sidecar(Sidecar(ident, "ulaw", a_call(), a_message(ident))))
    box.start().settle()
    assert [box.sound(m) for m in box.listed()] == [sound]
    assert box.names("corrupt") == set()
    assert json.loads(meta.read_bytes())["message"]["length_ms"] == 3000


def test_interrupted_steps_leave_nothing_behind(box: Box) -> None:
    """Half copies and sidecars of nothing are swept from rec/."""
    box.stop()
    for name in ("x.copy", "x.done", "x.meta"):
        (box.home / "rec" / name).write_text("half")
    box.start().settle()
    assert box.names("rec") == set()


def test_a_sealed_part_is_finished_once_more(box: Box) -> None:
    """Power went after the header and before the rename: the same message comes out."""
    sound = speech(1, 3000)
    ident = recorded(box, sound, finish=False)
    box.stop()
    (box.home / "rec" / f"{ident}.part").write_bytes(header("ulaw", len(sound)) + sound)
    box.start().settle()
    assert [box.sound(m) for m in box.listed()] == [sound]


def test_a_sidecar_says_all_of_message_and_call() -> None:
    """Nothing is lost between a sidecar and its bytes."""
    for message in (None, a_message()):
        sidecar = Sidecar("m1", "ulaw", a_call(), message)
        assert decode_sidecar(encode_sidecar(sidecar)) == sidecar


def test_a_torn_sidecar_is_an_error_in_words() -> None:
    """Half a sidecar is never half understood: any cut of it is refused."""
    whole = encode_sidecar(Sidecar("m1", "ulaw", a_call(), a_message()))
    for cut in range(0, len(whole) - 2, 7):
        with pytest.raises(StoreError, match="cannot be read"):
            decode_sidecar(whole[:cut])


def test_folders_that_cannot_be_made_are_a_trouble(tmp_path: Path) -> None:
    """Where no folder can be made voicemail says so and tries again; nobody else is hurt."""
    (tmp_path / "voicemail").write_text("in the way")
    box = Box(tmp_path).start()
    box.settle()
    assert box.troubles[-1] == storage.FAILING
    (tmp_path / "voicemail").unlink()
    assert box.wait_for(MessagesWaiting) == MessagesWaiting(0)
    box.stop()
