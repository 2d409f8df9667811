"""E10 with real telephones: the operator's key brings the head in, and three talk."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pytest

from appliance.calls.orders import Result
from appliance.dsp import g711, wav
from appliance.dsp.dtmf import pcm16
from appliance.dsp.wav import Law
from appliance.simulator.exchange.process import RunningCall
from tests.helpers.baresip import PACKAGE, Baresip, is_installed
from tests.helpers.box import Box
from tests.helpers.softphone import tone
from tests.system.calls import end, in_state, place
from tests.system.rulers import share_of_tone

pytestmark = pytest.mark.system

CALLER_HZ, OPERATOR_HZ, HEAD_HZ = 700, 500, 1300
"""Three voices that can be told from each other in a sum; none is a tone of the exchange."""
SECOND = 16_000
"""Bytes of a second of 16-bit sound."""


@dataclass
class HeadBox(Box):
    """A box on whose LAN stands the head's phone, which is of no group."""

    extra: str = '[head]\nphones = ["capo1"]\n'

    @property
    def phones(self) -> tuple[str, ...]:
        """All phones, the head's too."""
        return (*self.operators, "capo1")


@dataclass
class Tables:
    """The operator's phone and the head's."""

    op1: Baresip
    capo1: Baresip


@pytest.fixture(scope="module")
def box(tmp_path_factory: pytest.TempPathFactory) -> Iterator[HeadBox]:
    """A box with one line."""
    if not is_installed():
        pytest.skip(f"needs the Debian package {PACKAGE}")
    with HeadBox(tmp_path_factory.mktemp("head"), lines=1, counters=()) as made:
        yield made


@pytest.fixture
def tables(box: HeadBox, tmp_path: Path) -> Iterator[Tables]:
    """Both phones, registered, each with a voice of its own."""
    with ExitStack() as stack:
        phones = {}
        for name, hertz in (("op1", OPERATOR_HZ), ("capo1", HEAD_HZ)):
            phone = Baresip(
                tmp_path / name, name, server=(box.address, box.port), secret=f"secret-{name}",
                says=tone(tmp_path / f"{name}.wav", 90, hertz), traces=True,
            )  # fmt: skip
            stack.enter_context(phone)
            box.wait_until(partial(_is_registered, phone), 10.0, f"no {name}")
            phones[name] = phone
        yield Tables(**phones)


def _is_registered(phone: Baresip) -> bool:
    return "200 OK" in phone.log  # it has sent nothing else so far


def voice(hertz: int) -> bytes:
    """Return a second of the caller's voice in mu-law."""
    sine = [4000 * math.sin(math.tau * hertz * n / 8000) for n in range(8000)]
    return g711.encode(pcm16(sine), Law.ULAW)


def talking(box: HeadBox, tables: Tables) -> RunningCall:
    """Have a caller speak with the operator."""
    said = (voice(CALLER_HZ),)
    call = place(box, 1, caller="0511234567", clips=said, repeat_say=True, hang_up_after_ms=600_000)
    tables.op1.wait_for("CALL_INCOMING", 20.0)
    box.wait_until(lambda: is_known(box), 10.0, "who calls is not known")
    tables.op1.do("accept")
    tables.op1.wait_for("CALL_ESTABLISHED")
    in_state(box, "talking")
    return call


def is_known(box: HeadBox) -> bool:
    """Tell whether the caller's number has come, after the first ring."""
    return bool(box.status()["calls"][0]["caller"]["number"])


def with_head(box: HeadBox) -> bool:
    """Tell whether status shows the head in the call."""
    (call,) = box.status()["calls"]
    return call["head"] is not None and call["head"]["talks"] is True


def hears(call: RunningCall, *voices: int, seconds: float = 1.0) -> bool:
    """Tell whether a caller hears these voices and no other, in what comes from now on."""
    call.heard.clear()
    with pytest.raises(TimeoutError):
        call.wait_for("nothing of the kind", seconds + 0.5)
    return are_in(g711.decode(bytes(call.heard), Law.ULAW)[-round(seconds * SECOND) :], *voices)


def are_in(pcm: bytes, *voices: int) -> bool:
    """Tell whether sound is made of these voices, all of them, in equal shares."""
    shares = {hertz: share_of_tone(pcm, hertz) for hertz in (CALLER_HZ, OPERATOR_HZ, HEAD_HZ)}
    expected = 1 / len(voices)
    heard = {hertz for hertz, share in shares.items() if share > expected * 0.7}
    return heard == set(voices) and sum(shares[hertz] for hertz in voices) > 0.9


def heard_by(phone: Baresip, *voices: int) -> bool:
    """Tell whether some second of what a phone heard is made of these voices."""
    found = wav.read(phone.heard)
    pcm = g711.decode(found.data, found.law)
    return any(are_in(pcm[at : at + SECOND], *voices) for at in range(0, len(pcm), SECOND // 2))


def test_three_talk_and_the_operator_leaves_the_two(box: HeadBox, tables: Tables) -> None:
    """`***` at a real phone: the head's rings and shows why; the caller hears both, both hear the
    caller and each other, nobody itself; the operator hangs up, caller and head talk on.
    """
    call = talking(box, tables)
    box.wait_until(lambda: hears(call, OPERATOR_HZ), 15.0, "the caller does not hear the operator")
    for _ in range(3):
        tables.op1.do("sndcode", "*")
    shown = tables.capo1.wait_for("CALL_INCOMING", 15.0)
    assert shown["peerdisplayname"] == "Chiede aiuto op1: 0511234567"
    box.wait_until(lambda: hears(call, OPERATOR_HZ), 10.0, "the caller does not hear the operator")
    tables.capo1.do("accept")
    tables.capo1.wait_for("CALL_ESTABLISHED")
    box.wait_until(lambda: with_head(box), 10.0, "the head is not in the call")
    box.wait_until(lambda: hears(call, OPERATOR_HZ, HEAD_HZ), 15.0, "the caller does not hear both")
    tables.op1.do("hangup")
    tables.op1.wait_for("CALL_CLOSED")
    box.wait_until(lambda: hears(call, HEAD_HZ), 15.0, "the caller does not hear the head alone")
    assert box.status()["calls"][0]["state"] == "talking"
    record = end(box, call)
    tables.capo1.wait_for("CALL_CLOSED")
    assert (record.result, record.phone) == (Result.ANSWERED, "op1")
    assert {"head.answered.capo1", "head.takes_over.capo1"} <= set(record.trail)
    assert heard_by(tables.op1, CALLER_HZ, HEAD_HZ)
    assert heard_by(tables.capo1, CALLER_HZ, OPERATOR_HZ)
    assert heard_by(tables.capo1, CALLER_HZ)
    assert not heard_by(tables.capo1, HEAD_HZ)


def test_the_head_turns_it_down_and_the_two_talk_on(box: HeadBox, tables: Tables) -> None:
    """By command, and with the head's reject key: the caller hears the operator all the time."""
    call = talking(box, tables)
    asked = box.ask("BringHead", call="op1", by="anna")
    assert asked["done"] is True
    tables.capo1.wait_for("CALL_INCOMING", 15.0)
    tables.capo1.do("hangup")
    box.wait_until(lambda: box.status()["calls"][0]["head"] is None, 10.0, "the head is still rung")
    box.wait_until(lambda: hears(call, OPERATOR_HZ), 10.0, "the caller does not hear the operator")
    record = end(box, call)
    assert {"head.ring.capo1", "head.busy.capo1"} <= set(record.trail)
