"""Debian's baresip at the daemon: registered by digest, rung, talking, hanging up, switched off."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from appliance.calls.orders import Result
from appliance.dsp import g711, wav
from appliance.dsp.wav import Law
from appliance.policy.routing import Destination
from appliance.prompts import OURS
from appliance.simulator.exchange.process import read_clip
from appliance.simulator.phone.process import TestPhone
from tests.helpers import sound
from tests.helpers.baresip import PACKAGE, Baresip, is_installed
from tests.helpers.box import Box
from tests.helpers.softphone import tone
from tests.system.calls import end, place
from tests.system.rulers import black_hole, share_of_tone

pytestmark = pytest.mark.system

SPEECH = OURS / "it" / "leave_message.wav"
HERTZ = 440
GONE = frozenset({"unreachable.baresip", "route.overflow.unreachable"})
"""A phone without power is rung in vain, or was missed already when the call came."""


@pytest.fixture(scope="module")
def box(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Box]:
    """A box whose operator has baresip on the table, and a test phone at the counter."""
    if not is_installed():
        pytest.skip(f"needs the Debian package {PACKAGE}")
    with Box(tmp_path_factory.mktemp("box"), operators=("baresip",), laws=("alaw", "ulaw")) as made:
        yield made


@pytest.fixture(scope="module")
def counter(box: Box) -> TestPhone:
    """The phone at the citizens' counter, which answers at once."""
    phone = box.phone("desk1")
    phone.answer_mode("auto", 100)
    return phone


@contextmanager
def at_the_desk(box: Box, folder: Path, answer: str = "manual") -> Iterator[Baresip]:
    """Switch the operator's baresip on and wait until the box knows where it is."""
    says = tone(folder / "tone.wav", 90, HERTZ)
    server = (box.address, box.port)
    with Baresip(
        folder / "baresip", "baresip", server=server, secret="secret-baresip", answer=answer,
        says=says, rtp_timeout=5,
    ) as phone:  # fmt: skip
        box.wait_until(lambda: is_free(box), 10.0, f"baresip did not register: {phone.log}")
        yield phone


def is_free(box: Box) -> bool:
    """Tell whether the operator's phone could be rung now."""
    found: list[str] = box.status()["switchboard"]["free"]
    return found == ["baresip"]


@pytest.mark.long  # interop/test_long_calls.py; baresip at the box: stories/test_baresip.py
def test_a_call_of_more_than_40_s_with_sound_both_ways_to_the_end(
    box: Box, counter: TestPhone, tmp_path: Path
) -> None:
    """baresip registers by digest, is rung, answers; both are heard over 40 s; it hangs up, and
    the caller is let go. (Phones of old let go after 32 s when their 200 is not acknowledged.)
    """
    with at_the_desk(box, tmp_path) as phone:
        said = read_clip(SPEECH)
        call = place(box, 1, caller="0511234567", clips=(said,), repeat_say=True)
        phone.wait_for("CALL_INCOMING", 10.0)
        phone.do("accept")
        phone.wait_for("CALL_ESTABLISHED")
        call.wait_for("answered")
        with pytest.raises(TimeoutError):
            call.wait_for("released", 42.0)
        phone.do("hangup")
        record = end(box, call, by_caller=False)
    heard = wav.read(phone.heard)

    assert call.report.talked_s > 40
    assert (record.result, record.phone) == (Result.ANSWERED, "baresip")
    spoken = g711.decode(said, Law.ULAW)
    for start_s in (2, 32):
        piece = g711.decode(heard.data, heard.law)[start_s * 16_000 :][: 10 * 16_000]
        assert best_snr(spoken, piece) > 20
    told = g711.decode(bytes(call.heard), Law.ULAW)
    for start_s in (2, 38):
        assert is_toned(told[start_s * 16_000 :][:16_000])


def is_toned(second: bytes) -> bool:
    """Tell whether a second is the tone: in tenths, for a phone on a busy machine may leave out a
    frame, and what is put in its place turns the phase of all that follows.
    """
    tenths = [second[at : at + 1600] for at in range(0, len(second), 1600)]
    return sum(share_of_tone(one, HERTZ) > 0.95 for one in tenths) >= 8


def best_snr(reference: bytes, heard: bytes) -> float:
    """SNR (dB) of the loudest half second of `reference`, wherever in `heard` it is."""
    at = max(
        range(0, len(reference) - 8000, 800),
        key=lambda n: wav.level_dbm0(reference[n : n + 8000]),
    )
    piece = reference[at : at + 8000]
    lag = sound.align(piece, heard, len(heard) // 2)
    return sound.segmental_snr(piece, heard[2 * lag : 2 * lag + 8000])


def test_the_caller_hangs_up_and_the_phone_is_told(
    box: Box, counter: TestPhone, tmp_path: Path
) -> None:
    """The far end's release ends the phone's call with BYE."""
    with at_the_desk(box, tmp_path, answer="auto") as phone:
        call = place(box, 2, caller="withheld")
        phone.wait_for("CALL_ESTABLISHED", 10.0)
        record = end(box, call)
        phone.wait_for("CALL_CLOSED", 5.0)
    assert (record.result, record.phone) == (Result.ANSWERED, "baresip")
    assert record.evidence is not None


@pytest.mark.promise("B2")
def test_an_operator_who_declines_sends_the_call_on_at_once(
    box: Box, counter: TestPhone, tmp_path: Path
) -> None:
    """Declined on the phone: the counter rings without waiting for the ring time."""
    with at_the_desk(box, tmp_path) as phone:
        call = place(box, 1, caller="withheld")
        phone.wait_for("CALL_INCOMING", 10.0)
        phone.do("hangup")
        counter.wait_event("answered", 5.0)
        record = end(box, call)
    assert (record.way, record.phone) == (Destination.CITIZENS_DESK, "desk1")
    assert {"declined.baresip", "busy.baresip"} & set(record.trail)


def test_a_phone_that_says_nothing_does_not_keep_the_caller(
    box: Box, counter: TestPhone, tmp_path: Path
) -> None:
    """A phone that hangs (takes the INVITE and is silent) is given up after 4 s, not after 25."""
    with at_the_desk(box, tmp_path) as phone:
        assert phone._process is not None
        os.kill(phone._process.pid, signal.SIGSTOP)
        try:
            call = place(box, 1, caller="withheld")
            counter.wait_event("answered", 15.0)
            record = end(box, call)
        finally:
            os.kill(phone._process.pid, signal.SIGCONT)
    assert (record.way, record.phone) == (Destination.CITIZENS_DESK, "desk1")
    assert GONE & set(record.trail)


@pytest.mark.parametrize("icmp", [True, False], ids=["unplugged-at-once", "no-word-from-the-lan"])
def test_a_phone_switched_off(box: Box, counter: TestPhone, tmp_path: Path, icmp: bool) -> None:
    """Registered, then without power: where the LAN says so the next stage rings at once, where
    nothing is said in about 4 s; the operator's place is not waited for until its ring time.
    """
    with at_the_desk(box, tmp_path) as phone:
        phone.kill()
        with black_hole("127.0.0.1", phone.port, really=not icmp):
            call = place(box, 2, caller="withheld")
            counter.wait_event("answered", 15.0)
            record = end(box, call)
    assert (record.way, record.phone) == (Destination.CITIZENS_DESK, "desk1")
    assert GONE & set(record.trail)
