"""Uploads in pieces: what a broken connection leaves, who may replace it, when it goes."""

from __future__ import annotations

import os
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import closing
from pathlib import Path

import anyio
import httpx
import pytest
from starlette.requests import ClientDisconnect

from appliance.console import uploads
from appliance.console.guards import UPDATE_UPLOAD
from appliance.console.settings import ConsoleSettings
from appliance.console.uploads import BACKUP_FILE, UPDATE_FILE, Piece, receive_piece
from appliance.policy.text import Refused
from appliance.store.age import MAGIC
from appliance.store.database import connect, migrate
from tests.console import people
from tests.console.visitor import Visitor

PAGE = "/plant/updates"
BUNDLE = b"hsqs" + bytes(range(256)) * 40
HALF = 5000


@pytest.fixture
def technician(console_settings: ConsoleSettings) -> Iterator[Visitor]:
    """Beppe has logged in to a console whose call control is away: uploads do not need it."""
    console_settings.records.parent.mkdir(parents=True)
    with closing(connect(console_settings.records)) as connection:
        migrate(connection)
        people.enter(connection)
    with Visitor(console_settings) as visitor:
        visitor.log_in(people.BEPPE)
        yield visitor


@pytest.fixture
def path(console_settings: ConsoleSettings) -> Path:
    """Where an update has to lie."""
    return uploads.uploaded_update_path(console_settings)


def send(visitor: Visitor, data: bytes, start: int = 0, file: str = "one 1") -> httpx.Response:
    """Send a piece of BUNDLE as the page's script does."""
    headers = {"upload-file": file, "upload-length": str(len(BUNDLE)), "upload-offset": str(start)}
    return visitor.post(UPDATE_UPLOAD, content=data, headers=headers)


def offset(answer: httpx.Response) -> int:
    """Return the bytes that have come, of a file that is not whole."""
    assert answer.status_code == 202, answer.text
    return int(answer.headers["upload-offset"])


def parts(path: Path) -> list[Path]:
    """List what has come of files that are not whole."""
    return [each for each in path.parent.iterdir() if each.name.endswith(".part")]


async def body(*pieces: bytes, is_cut: bool = False) -> AsyncIterator[bytes]:
    """Yield a request's body; a connection that `is_cut` ends as Starlette tells it."""
    for each in pieces:
        yield each
    if is_cut:
        raise ClientDisconnect


def test_a_file_comes_in_pieces(technician: Visitor, path: Path) -> None:
    """The first body asks; the file takes its place with the last piece, byte for byte."""
    assert offset(send(technician, b"")) == 0
    assert offset(send(technician, BUNDLE[:HALF])) == HALF
    assert not path.exists()
    assert send(technician, BUNDLE[HALF:], HALF).status_code == 204
    assert path.read_bytes() == BUNDLE
    assert path.stat().st_mode & 0o777 == 0o640
    assert parts(path) == []


def test_it_goes_on_where_it_broke_off(technician: Visitor, path: Path) -> None:
    """Asked from the beginning or with an old offset, the box says what it has; it stores nothing
    twice.
    """
    send(technician, BUNDLE[:HALF])
    assert offset(send(technician, BUNDLE)) == HALF
    assert offset(send(technician, BUNDLE[10:HALF], 10)) == HALF
    assert send(technician, BUNDLE[HALF:], HALF).status_code == 204
    assert path.read_bytes() == BUNDLE


def test_what_a_cut_connection_has_brought_is_kept(path: Path) -> None:
    """The rest of one piece is lost, and no byte of those that have come."""
    piece = Piece(0, len(BUNDLE), "beppe", "one")
    cut = body(BUNDLE[:3000], BUNDLE[3000:HALF], is_cut=True)
    with pytest.raises(ClientDisconnect):
        anyio.run(receive_piece, cut, piece, path, UPDATE_FILE)
    assert anyio.run(receive_piece, body(), piece, path, UPDATE_FILE) == HALF
    rest = Piece(HALF, len(BUNDLE), "beppe", "one")
    assert anyio.run(receive_piece, body(BUNDLE[HALF:]), rest, path, UPDATE_FILE) == len(BUNDLE)
    assert path.read_bytes() == BUNDLE


def test_a_connection_that_is_silent_is_given_up(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A link that is gone without a word does not keep the next try waiting for an hour."""
    monkeypatch.setattr(uploads, "SILENCE_S", 0.05)

    async def silent() -> AsyncIterator[bytes]:
        yield BUNDLE[:HALF]
        await anyio.sleep_forever()

    piece = Piece(0, len(BUNDLE), "beppe", "one")
    assert anyio.run(receive_piece, silent(), piece, path, UPDATE_FILE) == HALF
    assert parts(path)[0].read_bytes() == BUNDLE[:HALF]


def test_another_user_waits(technician: Visitor, path: Path) -> None:
    """Two at once would begin anew for ever; a file that was left may be replaced."""
    begun = Piece(0, len(BUNDLE), "bruna", "hers")
    anyio.run(receive_piece, body(BUNDLE[:HALF]), begun, path, UPDATE_FILE)
    answer = send(technician, b"")
    assert (answer.status_code, "altro caricamento" in answer.text) == (409, True)
    long_ago = time.time() - uploads.BUSY_S - 1
    os.utime(parts(path)[0], (long_ago, long_ago))
    assert offset(send(technician, b"")) == 0
    assert len(parts(path)) == 1


def test_a_late_piece_replaces_nothing(technician: Visitor, path: Path) -> None:
    """Who has chosen another file since is not thrown back by the one before."""
    send(technician, BUNDLE[:HALF], file="one 1")
    assert offset(send(technician, BUNDLE[:10], file="two 2")) == 10
    answer = send(technician, BUNDLE[HALF:], HALF, file="one 1")
    assert (answer.status_code, "riprovare" in answer.text) == (409, True)
    assert offset(send(technician, b"", file="two 2")) == 10


def test_what_is_wrong_is_not_kept(technician: Visitor, path: Path) -> None:
    """Another kind of file, more bytes than were said, no bytes at all."""
    assert ".raucb" in send(technician, b"GIF89a").text
    assert "intero" in send(technician, BUNDLE + b"x").text
    none = {"upload-file": "x", "upload-length": "0", "upload-offset": "0"}
    assert technician.post(UPDATE_UPLOAD, content=b"", headers=none).status_code == 409
    odd = {"upload-file": "x", "upload-length": "many", "upload-offset": "-1"}
    assert technician.post(UPDATE_UPLOAD, content=b"", headers=odd).status_code == 409
    assert list(path.parent.iterdir()) == []


def test_a_whole_file_that_is_cut_is_not_kept(tmp_path: Path) -> None:
    """Nobody can go on with a body that came without a place in its file."""
    path = tmp_path / "restore" / "uploaded.backup"
    piece = Piece(0, 5000, "beppe", "x", is_whole=True)
    with pytest.raises(Refused, match="whole"):
        anyio.run(receive_piece, body(MAGIC + b"x"), piece, path, BACKUP_FILE)
    with pytest.raises(ClientDisconnect):
        anyio.run(receive_piece, body(MAGIC, is_cut=True), piece, path, BACKUP_FILE)
    assert list(path.parent.iterdir()) == []


@pytest.mark.parametrize(("spare", "is_taken"), [(2 * 5000 - 1, False), (2 * 5000, True)])
def test_there_must_be_room_for_it_twice(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, spare: int, is_taken: bool
) -> None:
    """Whoever looks through it unpacks it beside: half the room would end in a full disk."""
    monkeypatch.setattr(uploads, "spare_bytes", lambda _: spare)
    path = tmp_path / "restore" / "uploaded.backup"
    piece = Piece(0, 5000, "beppe", "x")
    whole = body(MAGIC + b"x" * (5000 - len(MAGIC)))
    if is_taken:
        assert anyio.run(receive_piece, whole, piece, path, BACKUP_FILE) == 5000
    else:
        with pytest.raises(Refused, match="free space"):
            anyio.run(receive_piece, whole, piece, path, BACKUP_FILE)
    assert path.exists() is is_taken
    assert parts(path) == []


def test_a_broken_upload_is_deleted_by_hand_and_by_itself(technician: Visitor, path: Path) -> None:
    """Its room is the messages': the key deletes it, and the console a day later."""
    send(technician, BUNDLE[:HALF])
    technician.post(f"{PAGE}/forget")
    assert parts(path) == []
    send(technician, BUNDLE[:HALF])
    settings = technician.app.state.settings
    uploads._sweep(settings)
    assert len(parts(path)) == 1
    long_ago = time.time() - uploads.KEPT_S - 1
    os.utime(parts(path)[0], (long_ago, long_ago))
    uploads._sweep(settings)
    assert parts(path) == []
