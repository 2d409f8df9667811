"""An announcement is dictated at a real phone; the next caller hears it, and goes before it."""

from __future__ import annotations

import getpass
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from appliance.calls.status import SAID, Went
from appliance.dsp import g711, wav
from appliance.dsp.wav import Law
from appliance.prompts import OURS
from tests.helpers import sound
from tests.helpers.baresip import PACKAGE, Baresip, is_installed
from tests.helpers.box import Box
from tests.system.calls import end, place
from tests.system.test_real_phones import best_snr

pytestmark = pytest.mark.system

KEY = "greeting_closed"
SAID_S = 4.0
HEADER_BYTES, BYTES_A_S = 44, 16_000
ASK = sum(
    wav.read(OURS / "it" / f"{key}.wav").duration_ms for key in ("dictation_ask", "tone_record")
)


@pytest.fixture
def box(tmp_path: Path) -> Iterator[Box]:
    """A box with one operator, who has baresip on the table."""
    if not is_installed():
        pytest.skip(f"needs the Debian package {PACKAGE}")
    with Box(tmp_path / "box", lines=1, operators=("baresip",), counters=()) as made:
        yield made


@pytest.fixture
def phone(box: Box, tmp_path: Path) -> Iterator[Baresip]:
    """The operator's phone, into which somebody speaks without end."""
    says = tmp_path / "says.wav"
    wav.write(says, wav.Sound(sound.babble(60.0, dbm0=-25.0, seed=5), Law.LINEAR16))
    server = (box.address, box.port)
    with Baresip(
        tmp_path / "baresip", "baresip", server=server, secret="secret-baresip", says=says
    ) as made:
        box.wait_until(lambda: box.status()["switchboard"]["free"] == ["baresip"], 10.0, "no phone")
        yield made


def record(box: Box) -> subprocess.Popen[str]:
    """Begin to dictate by the command line."""
    command = [sys.executable, "-m", "appliance", "prompts", "--config", str(box.config_path)]
    more = ["record", KEY, "--phone", "baresip", "--yes"]
    return subprocess.Popen(
        [*command, *more], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )


def went(box: Box) -> str:
    """Say how far the dictation is."""
    which = {"language": "it", "key": KEY, "by": getpass.getuser()}
    return str(box.ask("announcement_dictation", **which)["went"])


def until(box: Box, step: Went) -> None:
    """Wait until the dictation is so far."""
    box.wait_until(lambda: went(box) == step, 20.0, f"the dictation did not come to {step}")


def heard_for(box: Box, phone: Baresip, seconds: float) -> None:
    """Wait until the phone has heard so much since it was lifted."""
    bytes_ = HEADER_BYTES + int(seconds * BYTES_A_S)
    box.wait_until(
        lambda: phone.heard.exists() and phone.heard.stat().st_size >= bytes_, 20.0, "no sound"
    )


def lift(box: Box, phone: Baresip) -> None:
    """Lift the phone that rings for a dictation, and dictate for a while."""
    phone.wait_for("CALL_INCOMING", 10.0)
    phone.do("accept")
    until(box, Went.SPEAKS)
    heard_for(box, phone, ASK / 1000 + SAID_S)


def test_what_is_dictated_is_what_callers_hear(box: Box, phone: Baresip) -> None:
    """From the command to the caller's ear: by the hash and 1, at our recordings' level."""
    command = record(box)
    lift(box, phone)
    assert not list(box.state.glob("drafts/*/*"))  # nothing is on the disk before it is kept
    phone.do("sndcode", "#")
    until(box, Went.REVIEWS)
    phone.do("sndcode", "1")
    output, _ = command.communicate(timeout=20)
    assert command.returncode == 0, output
    assert SAID[Went.REVIEWS].text("it") in output
    phone.wait_for("CALL_CLOSED", 10.0)
    kept = wav.read(box.state / "spoken" / "it" / f"{KEY}.wav").data
    assert len(kept) / BYTES_A_S == pytest.approx(SAID_S, abs=1.5)
    assert wav.active_dbm0(kept) == pytest.approx(-15.0, abs=1.0)
    box.ask("SetClosed", on=True, by="test", until=None)
    # the house is named before, and the key for English
    call = place(box, 1, caller="0511234567", hang_up_after_ms=len(kept) // 16 + 8000)
    call.wait(40.0)
    assert best_snr(kept, g711.decode(bytes(call.heard), Law.ULAW)) > 20


def test_a_caller_goes_before(box: Box, phone: Baresip) -> None:
    """The only operator dictates: the caller rings that phone all the same, nothing is kept."""
    command = record(box)
    lift(box, phone)
    call = place(box, 1, caller="0511234567")
    phone.wait_for("CALL_CLOSED", 20.0)
    phone.wait_for("CALL_INCOMING", 10.0)
    phone.do("accept")
    call.wait_for("answered", 20.0)
    output, _ = command.communicate(timeout=20)
    assert command.returncode == 1
    assert SAID[Went.NEEDED].text("it") in output
    assert end(box, call).phone == "baresip"
    assert not list(box.state.glob("drafts/*/*"))
