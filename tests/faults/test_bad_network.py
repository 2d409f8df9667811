"""F14: a network that loses a fifth of all datagrams and hands the others on late, in any order."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest

from appliance.calls.orders import Result
from appliance.simulator.exchange.process import RunningCall
from tests.bench.office import noise
from tests.helpers.baresip import PACKAGE, Baresip, is_installed
from tests.helpers.figures import Figures
from tests.helpers.troubled import Troubled
from tests.stories.baresip_phones import BaresipPhone, sayable
from tests.system.calls import in_state, place
from tests.system.test_transfer import OfficeBox, over

pytestmark = pytest.mark.system
LOSS, JITTER_S = 0.2, 0.2
SHORT = "[calls]\ntransfer = 10\n"
"""An office is rung for so long; nobody lifts there."""
SOUND_BYTES = 4000
"""Half a second of sound that is not silence: the voice comes through, as well as it can."""


@dataclass
class Far:
    """Two phones behind bad networks, and the box."""

    box: OfficeBox
    op1: BaresipPhone
    ana1: BaresipPhone
    nets: tuple[Troubled, ...]


@pytest.fixture
def far(tmp_path: Path) -> Iterator[Far]:
    """A box with a declared office; its operator and its clerk register over a bad network."""
    if not is_installed():
        pytest.skip(f"needs the Debian package {PACKAGE}")
    with ExitStack() as stack:
        box = OfficeBox(
            tmp_path / "box", lines=1, ring=20, laws=("ulaw",), extra=SHORT,
            line='caller_id = "none"\n',
        )  # fmt: skip
        stack.enter_context(box)
        box.declare()
        nets = [
            stack.enter_context(Troubled((box.address, box.port), LOSS, JITTER_S, seed=n))
            for n in (1, 2)
        ]
        phones = [
            stack.enter_context(_phone(tmp_path, name, net))
            for name, net in zip(("op1", "ana1"), nets, strict=True)
        ]
        box.wait_until(lambda: _free(box) == ["op1"], 30.0, "op1 did not register")
        voice = sayable(noise(3.0, 1))
        op1, ana1 = (BaresipPhone(phone, voice) for phone in phones)
        yield Far(box, op1, ana1, tuple(nets))


def _phone(folder: Path, name: str, net: Troubled) -> Baresip:
    return Baresip(
        folder / name, name, server=net.where, secret=f"secret-{name}",
        says=folder / f"{name}.wav", hears=False, traces=True,
    )  # fmt: skip


def _free(box: OfficeBox) -> list[str]:
    free: list[str] = box.status()["switchboard"]["free"]
    return free


def hears(box: OfficeBox, call: RunningCall) -> None:
    """Wait until the caller has heard more than silence from now on."""
    call.heard.clear()

    def sounds() -> bool:
        listen(call)
        return len(call.heard) - call.heard.count(0xFF) > SOUND_BYTES

    box.wait_until(sounds, 15.0, "the caller hears nothing")


def listen(call: RunningCall) -> None:
    """Take what the caller hears meanwhile."""
    try:
        call.wait_for("nothing of the kind", 0.3)
    except TimeoutError:
        return


def test_an_office_at_the_far_end_of_a_bad_network(far: Far, figures: Figures) -> None:
    """20 % lost, up to 200 ms late, out of order, signalling and sound: both phones register, the
    operator answers and is heard; an office that does not lift gives the caller back to the
    operator, whose phone says so, and who is heard again. Nothing is left behind.
    """
    box, op1 = far.box, far.op1
    call = place(box, 1, caller="0511234567", hang_up_after_ms=600_000)
    op1.wait_event("ringing", 20.0)
    op1.answer()
    in_state(box, "talking")
    name = box.status()["calls"][0]["call"]
    hears(box, call)
    asked = {"call": "op1", "unit": "anagrafe", "need": "residenza", "reason": "topic", "by": "t"}
    assert box.ask("TransferCall", **asked, attended=False)["done"]
    far.ana1.wait_event("ringing", 20.0)
    shown = op1.wait_event("ringing", 40.0).details["display"]
    op1.answer()
    in_state(box, "talking")
    hears(box, call)
    record = over(box, call, name)
    lost, passed = (sum(getattr(n.counts, what) for n in far.nets) for what in ("lost", "passed"))
    figures.say(
        f"F14 {lost} of {lost + passed} datagrams lost, the others up to {1000 * JITTER_S:.0f} ms "
        "late: registered, answered, not answered by the office, returned, answered"
    )
    assert lost / (lost + passed) > LOSS / 2
    assert shown == "Ritorno: Anagrafe"
    assert (record.result, record.phone, record.returned) == (Result.ANSWERED, "op1", "no_answer")
    assert "return.answered.op1" in record.trail
    assert "Traceback" not in box.log()
