"""B9: two branches, their exchanges and the proxy, each on its own LAN, and links that break.

The proxy runs the very files of docs/fleet/kamailio, at the addresses that stand there.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import closing

import pytest

from appliance.calls.events import Evidence
from appliance.calls.orders import Result
from appliance.policy.routing import Destination
from appliance.simulator.exchange.process import RunningCall
from appliance.simulator.phone.process import TestPhone
from tests.helpers.figures import Figures
from tests.helpers.lans import Seen
from tests.helpers.proxy import PASSWORDS
from tests.system.branches import Branch, meet
from tests.system.calls import IDLE_S, in_call, record_of
from tests.system.test_branches import (
    ANSWERS,
    LOST_S,
    heard_by,
    hears,
    into_voicemail,
    over_there,
    states,
    tone,
)
from tests.system.test_proxy import Caller
from tests.system.town import ALL, SITES, Town, town

pytestmark = pytest.mark.system

SAYS = 800
"""Hertz: on the line it is no tone that any exchange has for one who has hung up."""
MISSED_S = 60.0
"""Presence is asked every 30 s, and an answer waited for."""
BACK_S = 90.0
"""The box tries again within half a minute, and then asks whether the others are there."""


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    """The town, once for all that happens in it."""
    with town(tmp_path_factory.mktemp("town")) as made:
        meet(made.porto)
        yield made


@pytest.fixture(scope="module")
def op1(here: Town) -> TestPhone:
    """The position of Porto."""
    return here.porto.phone("op1")


@pytest.fixture(scope="module")
def op2(here: Town) -> TestPhone:
    """The position of Savena."""
    return here.savena.phone("op2")


def ways(seen: list[Seen]) -> set[tuple[str, str]]:
    """Say from which site to which INVITEs have gone."""
    names = {address: name for name, address in SITES.items()}
    return {(names[one.source], names[one.target]) for one in seen}


def talk(porto: Branch, caller: RunningCall, op2: TestPhone) -> None:
    """Have a caller of Porto and the position of Savena hear each other's tone."""
    op2.say(tone(ANSWERS), repeat=True)
    caller.say(tone(SAYS) * 30)
    porto.wait_until(lambda: hears(op2.received().data, SAYS), 20.0, "the position hears nothing")
    porto.wait_until(lambda: hears(heard_by(caller), ANSWERS), 20.0, "the caller hears nothing")


def is_free(box: Branch, phone: str) -> bool:
    """Tell whether a position can be rung."""
    return phone in box.status()["switchboard"]["free"]


def handed_over(here: Town, op2: TestPhone, number: str) -> None:
    """Have one caller more be handed over from Porto to Savena, who both hear, and hang up."""
    caller, call = over_there(here.porto, 1, op2, caller=number)
    talk(here.porto, caller, op2)
    caller.hang_up()
    record = record_of(here.porto, call)
    assert (record.way, record.result, record.phone) == (
        Destination.BRANCH,
        Result.ANSWERED,
        "savena",
    )
    here.porto.wait_until(here.porto.is_idle, IDLE_S, "the line did not become idle")


def seen_again(porto: Branch) -> float:
    """Wait until Porto is registered and sees Savena; returns after how many seconds."""
    began = time.monotonic()
    porto.wait_until(lambda: porto.reaches("savena"), BACK_S, "savena was not seen again")
    return time.monotonic() - began


def test_from_lan_to_lan(here: Town, op1: TestPhone, op2: TestPhone) -> None:
    """Porto's only operator talks: the next caller talks with Savena's, both ways; both branches
    have it in their records, and one INVITE went to the proxy and on to Savena, none anywhere else.
    """
    first, name = in_call(here.porto, 1, op1)
    with here.lans.watched() as seen:
        caller, call = over_there(here.porto, 2, op2, caller="0512222222")
        talk(here.porto, caller, op2)
        caller.hang_up()
        record = record_of(here.porto, call)
        taken = here.savena.last_record(1)
    assert ways(seen) == {("porto", "proxy"), ("proxy", "savena")}
    assert (record.way, record.result, record.phone) == (
        Destination.BRANCH,
        Result.ANSWERED,
        "savena",
    )
    assert "branch.busy.anagrafe.residenza" in record.trail
    assert (taken.line, taken.caller.number, taken.phone) == ("porto", "0512222222", "op2")
    assert (taken.way, taken.result) == (Destination.SWITCHBOARD, Result.ANSWERED)
    first.hang_up()
    record_of(here.porto, name)


def test_nobody_goes_round(here: Town, op1: TestPhone, op2: TestPhone) -> None:
    """Porto hands over to Savena and Savena to all, Porto and itself among them; all are busy.
    Savena's caller ends at Savena's voicemail: Porto, which is asked, asks nobody, and Savena
    refuses what the proxy sends there next.
    """
    op1.answer_mode("busy")
    op2.answer_mode("busy")
    known = len(here.savena.records())
    meet(here.savena)
    with here.lans.watched() as seen:
        record = into_voicemail(here.savena)
    assert record.way is Destination.VOICEMAIL
    assert record.trail.index(f"ring.{ALL}") < record.trail.index(f"unreachable.{ALL}")
    asked = {("savena", "proxy"), ("proxy", "porto"), ("proxy", "savena")}
    assert asked <= ways(seen) <= asked | {("proxy", "pbx")}
    assert len(here.savena.records()) == known + 1, "what is refused at once is no call"
    taken = here.porto.records()[0]
    assert (taken.line, taken.result, taken.phone) == ("savena", Result.NOT_REACHED, "")
    assert not [code for code in taken.trail if code.startswith("branch.busy")]


def test_what_was_handed_over_is_not_taken_again(here: Town) -> None:
    """Whoever has an account may send an INVITE on: one that says that it was handed over twice,
    or once by this very box, is refused (482), and so is one that has gone too far (483).
    """
    known = len(here.savena.records())
    secret, savena = PASSWORDS["pbx"], SITES["savena"]
    own = here.lans.at("pbx", lambda: Caller(here.proxy, "pbx", SITES["pbx"]))
    with closing(own.socket):
        assert own.proven(secret, "X-Centralino-Hops: 2\n").code == 482
        past = f"<sip:savena@{savena}>;index=1, <sip:savena@{savena}>;index=1.1"
        assert own.proven(secret, f"History-Info: {past}\n").code == 482
        assert own.ask("INVITE", forwards=0).code == 483
    assert len(here.savena.records()) == known


def test_the_other_branchs_link_goes_in_a_conversation(
    here: Town, op1: TestPhone, op2: TestPhone, figures: Figures
) -> None:
    """The caller is with the next destination, a telephone system, within seconds; Savena's
    position is free again; with the link back the next caller is Savena's.
    """
    pbx = here.telephone_system()
    try:
        pbx.answer_mode("auto", 100)
        op1.answer_mode("busy")
        porto, savena = here.porto, here.savena
        porto.wait_until(lambda: porto.reaches("savena", "pbx"), MISSED_S, "somebody was not seen")
        known = len(savena.records())
        caller, call = over_there(porto, 1, op2, caller="0513333333")
        talk(porto, caller, op2)
        with here.lans.pulled("savena"):
            began = time.monotonic()
            pbx.wait_event("ack", LOST_S)
            lost_s = time.monotonic() - began
            pbx.say(tone(SAYS), repeat=True)
            porto.wait_until(lambda: hears(heard_by(caller)[-8000:], SAYS), 20.0, "no sound")
            taken = savena.last_record(known + 1)
            savena.wait_until(lambda: is_free(savena, "op2"), 5.0, "the position is not free")
        caller.hang_up()
        record = record_of(porto, call)
    finally:
        pbx.stop()
    assert (record.way, record.result, record.phone) == (Destination.BRANCH, Result.ANSWERED, "pbx")
    assert record.trail.index("operator_lost") < record.trail.index("ring.pbx")
    assert (taken.phone, taken.evidence) == ("op2", Evidence.LOST)
    seen_again(porto)
    handed_over(here, op2, "0513333334")
    figures.say(
        f"B9 savena's link cut in a conversation: {lost_s:.1f} s until the next destination had "
        "the caller; link back: the next caller was savena's"
    )


@pytest.mark.long
def test_the_own_link_goes_in_a_conversation(
    here: Town, op1: TestPhone, op2: TestPhone, figures: Figures
) -> None:
    """Porto is cut off: its caller leaves a message within seconds; Savena's position is free;
    with the link back the box is registered and handing over by itself.
    """
    op1.answer_mode("busy")
    porto, savena = here.porto, here.savena
    meet(porto)
    known = len(savena.records())
    caller, call = over_there(porto, 1, op2, caller="0514444444")
    with here.lans.pulled("porto"):
        porto.wait_until(lambda: "greeting" in states(porto), LOST_S, "the caller heard nothing")
        taken = savena.last_record(known + 1)
        savena.wait_until(lambda: is_free(savena, "op2"), 5.0, "the position is not free")
        caller.hang_up()
        record = record_of(porto, call)
        porto.wait_until(lambda: not porto.reaches("savena"), MISSED_S, "nothing was missed")
        assert into_voicemail(porto).way is Destination.VOICEMAIL
    assert record.way is Destination.VOICEMAIL
    assert (taken.phone, taken.evidence) == ("op2", Evidence.LOST)
    back_s = seen_again(porto)
    handed_over(here, op2, "0514444445")
    figures.say(f"B9 a branch's own link back: {back_s:.0f} s until it hands over again")


@pytest.mark.long
def test_the_proxys_link_goes_in_a_conversation(
    here: Town, op1: TestPhone, op2: TestPhone, figures: Figures
) -> None:
    """The conversation goes on; the next caller is served as without other branches; with the link
    back the one after that is Savena's.
    """
    op1.answer_mode("busy")
    porto, savena = here.porto, here.savena
    meet(porto)
    known = len(savena.records())
    caller, call = over_there(porto, 1, op2, caller="0515555555")
    with here.lans.pulled("proxy"):
        talk(porto, caller, op2)
        caller.hang_up()
        assert record_of(porto, call).result is Result.ANSWERED
        assert savena.last_record(known + 1).result is Result.ANSWERED
        savena.wait_until(lambda: is_free(savena, "op2"), 5.0, "the position is not free")
        assert into_voicemail(porto).way is Destination.VOICEMAIL
        porto.wait_until(lambda: not porto.reaches("savena"), MISSED_S, "nothing was missed")
    back_s = seen_again(porto)
    handed_over(here, op2, "0515555556")
    figures.say(f"B9 the proxy's link back: {back_s:.0f} s until callers are handed over again")
