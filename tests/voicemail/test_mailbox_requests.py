"""A request that was taken by voice (P6): told as stored only when words, row and mail are."""

from __future__ import annotations

import hashlib
import shutil
from contextlib import closing
from pathlib import Path

import pytest

from appliance.calls.events import MessagesWaiting, RequestStored
from appliance.policy.requests import spoken_request
from appliance.store import requests
from appliance.store.database import open_reader
from appliance.store.requests import StoredRequest
from tests.policy.small_directory import APPOINTMENT
from tests.store.samples import TEN, a_call
from tests.voicemail.box import Box, speech

ASKED = spoken_request(
    APPOINTMENT, "anagrafe", "aire", "Italiani all'estero", "", "a-1", TEN, "op1"
)


def kept(box: Box) -> tuple[StoredRequest, ...]:
    """Read the requests as a command would."""
    with closing(open_reader(box.folder / "centralino.db")) as reader:
        return requests.list_requests(reader)


def take(box: Box, sound: bytes) -> None:
    """Record a caller's words for a request."""
    box.mailbox.begin("a-1", "ulaw", a_call("a-1"))
    box.mailbox.append("a-1", sound)
    assert box.mailbox.finish_request("a-1", 100, ASKED)


@pytest.fixture
def box(tmp_path: Path) -> Box:
    """Start a mailbox."""
    return Box(tmp_path).start()


def test_words_and_request_are_stored_together(box: Box) -> None:
    """The number is told once; no message waits for the front desk; the sound is the caller's."""
    sound = speech(1, 3000)
    take(box, sound)
    assert box.settle()[1:] == [RequestStored("a-1", 1)]
    (found,) = kept(box)
    assert found.request == ASKED.numbered(1)
    contents = (box.folder / found.sound.path).read_bytes()
    assert contents.endswith(sound[:-800])
    assert hashlib.sha256(contents).hexdigest() == found.sound.sha256
    assert box.listed() == ()
    box.stop()


def test_words_without_a_recording_are_refused(box: Box) -> None:
    """A recording that never began holds nobody's words."""
    assert not box.mailbox.finish_request("a-7", 0, ASKED)
    box.stop()


def test_power_goes_between_the_words_and_the_row(box: Box) -> None:
    """The next start makes the request of what lies on the disk, once, and no message of it."""
    take(box, speech(1, 3000))
    box.settle()
    box.stop()
    shutil.rmtree(box.folder / "corrupt", ignore_errors=True)
    for path in box.folder.glob("centralino.db*"):
        path.unlink()
    for _ in range(2):
        box.start()
        assert box.settle() == [MessagesWaiting(0)]
        assert [k.request for k in kept(box)] == [ASKED.numbered(1)]
        assert box.listed() == ()
        box.stop()
