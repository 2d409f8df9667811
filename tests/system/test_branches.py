"""B9: callers handed over from branch to branch, over Debian's kamailio by our example of it."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Iterator

import pytest

from appliance.calls.events import Evidence, Presentation
from appliance.calls.orders import CallRecord, Result
from appliance.dsp import g711
from appliance.dsp.dtmf import chord
from appliance.dsp.wav import Law
from appliance.policy.routing import Destination
from appliance.simulator.exchange.process import RunningCall
from appliance.simulator.phone.process import TestPhone
from tests.faults.needs import require
from tests.helpers.cut_link import cut
from tests.helpers.proxy import Proxy
from tests.sip.world import SDP, request
from tests.system.branches import Branch, meet, talks, two_branches
from tests.system.calls import IDLE_S, in_call, in_state, place, record_of
from tests.system.rulers import share_of_tone

pytestmark = pytest.mark.system

Town = tuple[Proxy, Branch, Branch]
QUARTER = 2000
"""A quarter of a second of G.711."""
LOST_S = 20.0
"""Silence for 3 s, a question for 5 s, and what a machine takes that others use."""
SAYS, ANSWERS = 440, 1000
"""Hertz: what the caller says and what the position over there does."""


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    """Porto and Savena, each with one position, and the proxy."""
    with two_branches(tmp_path_factory.mktemp("town"), lines=2) as made:
        yield made


@pytest.fixture(scope="module")
def op1(town: Town) -> TestPhone:
    """The position of Porto."""
    return town[1].phone("op1")


@pytest.fixture(scope="module")
def op2(town: Town) -> TestPhone:
    """The position of Savena."""
    return town[2].phone("op2")


def tone(hertz: int) -> bytes:
    """Return two seconds of a tone, mu-law."""
    return g711.encode(chord((hertz,), 2000, -16.0), Law.ULAW)


def hears(heard: bytes, hertz: int) -> bool:
    """Tell whether a quarter of a second of mu-law sound is a tone."""
    pieces = (heard[at : at + QUARTER] for at in range(0, len(heard) - QUARTER, QUARTER // 4))
    return any(share_of_tone(g711.decode(each, Law.ULAW), hertz) > 0.8 for each in pieces)


def heard_by(call: RunningCall) -> bytes:
    """Return what a caller has heard until now; raises PeerError when the call is over."""
    with contextlib.suppress(TimeoutError):
        call.wait_for("nothing of the kind", 0.2)
    return bytes(call.heard)


def is_idle(box: Branch, line: int) -> bool:
    """Tell whether one line is idle: others may be in use."""
    return bool(box.status()["lines"][line - 1]["state"] == "idle")


def over_there(
    porto: Branch, line: int, phone: TestPhone, caller: str, branch: str = "savena"
) -> tuple[RunningCall, str]:
    """Have a caller of Porto talk with a position of a branch; returns caller and call's name."""
    phone.answer_mode("auto", 100)
    porto.wait_until(lambda: is_idle(porto, line), IDLE_S, "the line did not become idle")
    call = porto.place(line, caller=caller, hang_up_after_ms=120_000)
    phone.wait_event("ack", 40.0)
    porto.wait_until(lambda: talks(porto, branch), 30.0, "nobody talked")
    calls = porto.status()["calls"]
    return call, str(next(one["call"] for one in calls if one["phone"] == branch))


def states(box: Branch) -> list[str]:
    """List the states of the calls of a box."""
    return [str(call["state"]) for call in box.status()["calls"]]


def into_voicemail(porto: Branch) -> CallRecord:
    """Have a caller of Porto, where all are busy, be answered by voicemail, and hang up."""
    caller = place(porto, 1, caller="0513333333", hang_up_after_ms=120_000)
    in_state(porto, "greeting")
    name = str(porto.status()["calls"][0]["call"])
    caller.hang_up()
    return record_of(porto, name)


def test_all_busy_here_a_position_of_the_other_branch_has_the_caller(
    town: Town, op1: TestPhone, op2: TestPhone
) -> None:
    """Porto's only operator talks: the next caller talks with Savena's; both records say so, and
    nothing of it is recorded in sound (E21).
    """
    _, porto, savena = town
    first, name = in_call(porto, 1, op1)
    op2.say(tone(ANSWERS), repeat=True)
    caller, call = over_there(porto, 2, op2, caller="0512222222")
    caller.say(tone(SAYS) * 30)
    porto.wait_until(lambda: hears(op2.received().data, SAYS), 20.0, "the position hears nothing")
    porto.wait_until(lambda: hears(heard_by(caller), ANSWERS), 20.0, "the caller hears nothing")
    caller.hang_up()
    record = record_of(porto, call)
    assert (record.way, record.result, record.phone) == (
        Destination.BRANCH,
        Result.ANSWERED,
        "savena",
    )
    assert "branch.busy.anagrafe.residenza" in record.trail
    taken = savena.last_record(1)
    assert (taken.line, taken.caller.number, taken.phone) == ("porto", "0512222222", "op2")
    assert (taken.way, taken.result) == (Destination.SWITCHBOARD, Result.ANSWERED)
    assert not list((savena.state / "voicemail").rglob("*.wav"))
    assert "savena" in porto.output("calls", "--last", "2")
    assert "porto" in savena.output("calls", "--last", "1")
    first.hang_up()
    record_of(porto, name)


def test_a_withheld_number_stays_withheld(town: Town, op1: TestPhone, op2: TestPhone) -> None:
    """P7: over there nobody sees more of the caller than here."""
    _, porto, savena = town
    known = len(savena.records())
    op1.answer_mode("busy")
    caller, call = over_there(porto, 1, op2, caller="withheld")
    caller.hang_up()
    assert record_of(porto, call).caller.presentation is Presentation.WITHHELD
    taken = savena.last_record(known + 1)
    assert taken.caller.presentation is Presentation.WITHHELD
    assert taken.caller.number == ""


def test_closed_there_too_the_caller_is_back_here(town: Town, op1: TestPhone) -> None:
    """Savena is closed by hand: it refuses, and Porto's voicemail takes the message."""
    _, porto, savena = town
    op1.answer_mode("busy")
    known = len(savena.records())
    savena.run("closed", "on")
    record = into_voicemail(porto)
    savena.run("closed", "off")
    assert record.way is Destination.VOICEMAIL
    assert record.trail.index("ring.savena") < record.trail.index("unreachable.savena")
    assert len(savena.records()) == known, "a caller who is refused at once is no call there"


def test_a_strangers_invite_is_refused(town: Town) -> None:
    """Whoever is not the proxy hands nobody over, whatever the INVITE says of itself."""
    _, porto, _ = town
    known = len(porto.records())
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger:
        stranger.bind(("127.0.0.78", 0))
        stranger.settimeout(5.0)
        invite = request(
            "INVITE",
            uri=f"sip:centralino@{porto.address}:{porto.port}",
            source=stranger.getsockname(),
            from_="<sip:savena@127.0.0.51>;tag=p",
            to="<sip:porto@127.0.0.51>",
            body=SDP,
        )
        stranger.sendto(invite, (porto.address, porto.port))
        assert stranger.recv(4096).startswith(b"SIP/2.0 403 ")
    assert len(porto.records()) == known


def test_the_link_is_cut_in_a_conversation(town: Town, op1: TestPhone, op2: TestPhone) -> None:
    """Within seconds the caller hears why and leaves a message here; over there the position is
    free again, and both records say that the other end was lost.
    """
    require("nft", root=True)  # before a call is up, which a skip would leave to the next test
    proxy, porto, savena = town
    known = len(savena.records())
    op1.answer_mode("busy")
    caller, call = over_there(porto, 1, op2, caller="0515555555")
    with cut(savena.address, porto.address, proxy.address):
        porto.wait_until(lambda: "greeting" in states(porto), LOST_S, "the caller heard nothing")
        taken = savena.last_record(known + 1)
    caller.hang_up()
    record = record_of(porto, call)
    assert record.way is Destination.VOICEMAIL
    assert record.trail.index("talking") < record.trail.index("operator_lost")
    assert (taken.phone, taken.evidence) == ("op2", Evidence.LOST)
    porto.wait_until(lambda: is_idle(porto, 1), IDLE_S, "the line did not become idle")


def test_the_proxy_is_gone_and_nobody_notices(town: Town, op1: TestPhone, op2: TestPhone) -> None:
    """In a conversation nothing happens, for the sound goes from box to box; the next caller is
    served as without it.
    """
    proxy, porto, savena = town
    known = len(savena.records())
    op1.answer_mode("busy")
    meet(porto)
    caller, call = over_there(porto, 1, op2, caller="0514444444")
    proxy.stop()
    caller.say(tone(SAYS) * 30)
    porto.wait_until(lambda: hears(op2.received().data, SAYS), 20.0, "the position hears nothing")
    caller.hang_up()
    assert record_of(porto, call).result is Result.ANSWERED
    assert savena.last_record(known + 1).result is Result.ANSWERED
    assert into_voicemail(porto).way is Destination.VOICEMAIL
