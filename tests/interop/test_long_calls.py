"""Calls of more than 40 s through the whole box: callers at the exchange, real phones on the LAN.

Two at once, so that it takes one minute and not two: linphone at the box itself, and baresip behind
a telephone system where the box has an account ([sip.registrar]).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from appliance.calls.orders import Result
from appliance.dsp import g711
from appliance.dsp.dtmf import chord
from appliance.dsp.wav import Law
from appliance.simulator.exchange.process import RunningCall
from tests.helpers import baresip, kamailio, linphone
from tests.helpers.baresip import Baresip
from tests.helpers.box import Box
from tests.helpers.kamailio import Kamailio
from tests.helpers.linphone import Linphone
from tests.helpers.softphone import tone
from tests.interop.offices import needed
from tests.interop.voice import OURS, THEIRS, WINDOW, has_tone, written
from tests.system.calls import record_of

pytestmark = pytest.mark.system

REGISTRAR = """\
[sip.registrar]
address = "{host}:{port}"
user = "box"
"""
LONG_S = 42.0
EARLY, LATE = slice(2 * WINDOW, 14 * WINDOW), slice(34 * WINDOW, 41 * WINDOW)
"""Of the sound of a call: its third to sixth second, and four after the thirty-sixth."""


@contextmanager
def office(folder: Path) -> Iterator[tuple[Box, Linphone, Baresip]]:
    """A box, a telephone system, and the two operators' phones."""
    says = tone(folder / "tone.wav", 120, THEIRS)
    with Kamailio(folder / "kamailio") as system:
        host, port = system.address, system.port
        with (
            Box(
                folder / "box",
                operators=("linphone", "baresip"),
                counters=(),
                addresses={"baresip": f"{host}:{port}"},
                extra=REGISTRAR.format(host=host, port=port),
                secrets={"sip.registrar": "secret-box"},
            ) as box,
            Linphone(
                folder / "linphone", "linphone", server=(box.address, box.port),
                secret="secret-linphone", says=says,
            ) as first,
            Baresip(
                folder / "baresip", "baresip", server=(host, port), secret="secret-baresip",
                says=says,
            ) as second,
        ):  # fmt: skip
            box.wait_until(lambda: is_free(box), 45.0, "the phones did not come")
            yield box, first, second


def is_free(box: Box) -> bool:
    """Tell whether both phones can be rung."""
    free: list[str] = box.status()["switchboard"]["free"]
    return sorted(free) == ["baresip", "linphone"]


def heard(call: RunningCall) -> bytes:
    """Return what a caller has heard, as 16-bit sound."""
    return g711.decode(bytes(call.heard), Law.ULAW)


def test_two_calls_of_more_than_40_s(tmp_path: Path) -> None:
    """Both are heard at both ends from the beginning to the end; one operator hangs up, the other
    is hung up on; each record says who talked.
    """
    for module in (baresip, linphone, kamailio):
        needed(module.PACKAGE, is_here=module.is_installed())
    clip = g711.encode(chord((OURS,), 1000, -20.0), Law.ULAW)
    with office(tmp_path) as (box, first, second):
        one = box.place(1, caller="0511234567", clips=(clip,), repeat_say=True)
        first.wait_for("Receiving new incoming call")
        first.do("answer")
        first.wait_for("Media streams established")
        first.speak()
        second.wait_for("CALL_CLOSED")  # answered elsewhere
        two = box.place(2, caller="0517654321", clips=(clip,), repeat_say=True)
        second.wait_for("CALL_INCOMING")
        second.do("accept")
        second.wait_for("CALL_ESTABLISHED")
        for call in (one, two):
            call.wait_for("answered", 10.0)
        names = {each["line"]: each["call"] for each in box.status()["calls"]}
        with pytest.raises(TimeoutError):
            one.wait_for("released", LONG_S)
        first.do("terminate")
        two.hang_up()
        second.wait_for("CALL_CLOSED")
        for call in (one, two):
            call.wait(20.0)
        records = [record_of(box, names[line]) for line in ("line1", "line2")]
    assert [record.phone for record in records] == ["linphone", "baresip"]
    assert {record.result for record in records} == {Result.ANSWERED}
    for sound, hertz, share in (
        (heard(one), THEIRS, 0.9),
        (heard(two), THEIRS, 0.9),
        (written(first.heard), OURS, 0.8),
        (written(second.heard), OURS, 0.8),
    ):
        assert len(sound) > (LONG_S - 2) * WINDOW
        assert has_tone(sound[EARLY], hertz, share)
        assert has_tone(sound[LATE], hertz, share)
