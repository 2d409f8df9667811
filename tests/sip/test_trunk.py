"""B9: what an INVITE says of a caller who is handed over, and whose INVITE is taken over."""

from __future__ import annotations

import random
from dataclasses import replace
from typing import Any

import pytest

from appliance.calls import events
from appliance.calls.events import Caller, Passed, Presentation
from appliance.sip import trunk
from appliance.sip.endpoint import MOST_TRUNK_CALLS, Endpoint
from appliance.sip.message import SipMessage
from appliance.sip.phones import RingRequest
from appliance.sip.pyvoip import parse
from appliance.sip.registrar import PhoneAccount, PhonesSettings, RegistrarAccount, RingTarget
from appliance.sip.rtp import Address
from tests.sip.world import BOX, MEDIA, PHONE, SDP, Bench, request, response

PROXY: Address = ("192.0.2.5", 5060)
ACCOUNT = RegistrarAccount(PROXY, "porto", "secret", ("savena", "borgo"), takes=True)
OURS = "sip:centralino@192.0.2.1:5060"
NUMBER = "3331234567"
USUAL = {"uri": OURS, "from_": f"<sip:{NUMBER}@sedi>;tag=p", "to": "<sip:porto@sedi>"}
"""What the proxy says of a caller whom nobody has handed over before."""


def bench(account: RegistrarAccount = ACCOUNT) -> Bench:
    """A box with an account at the proxy, and a phone of its own."""
    phone = PhoneAccount("21", fixed_address=PHONE)
    settings = PhonesSettings(*BOX, (phone,), qualify_s=0.0, registrar=account)
    box = Endpoint(settings, parse, lambda _: BOX, random.Random(1).randbytes)
    box.start(0.0)
    made = Bench(box)
    made.sent()
    return made


def handed(passed: Passed | None = None, number: str = NUMBER) -> SipMessage:
    """Hand a caller over to Savena; returns the INVITE."""
    table = bench()
    wish = RingRequest("leg", "savena", MEDIA, "Porto 051 598 111", number, passed=passed)
    table.box.legs.ring(wish, table.box.target("savena"), 0.0)
    ((invite, where),) = table.posted()
    assert where == PROXY
    return invite


def invited(
    table: Bench, extra: str = "", *, source: Address = PROXY, number: int = 1, **more: str
) -> list[SipMessage]:
    """Let a caller be handed over to the box; returns its answers."""
    said: dict[str, Any] = USUAL | {"branch": f"z9hG4bK{number}"} | more
    call_id = f"their-{number}"
    data = request("INVITE", source=source, call_id=call_id, body=SDP, extra=extra, **said)
    return table.receive(data, source)


def told(table: Bench) -> events.BranchCalled:
    """Return the one caller that call control was told of."""
    (event,) = [e for e in table.events() if isinstance(e, events.BranchCalled)]
    return event


def test_an_invite_to_a_branch_says_who_calls_and_why() -> None:
    """RFC 3325, 5806, 7044: the caller's number, whom the call was for, why it goes on, how often
    it did; nothing that a phone's screen shows, and nobody's internal number (P7).
    """
    invite = handed(Passed("user-busy"))
    assert invite.uri == "sip:savena@192.0.2.5:5060"
    assert invite.get("From").startswith(f'"{NUMBER}" <sip:{NUMBER}@192.0.2.5:5060>;tag=')
    assert invite.get("P-Asserted-Identity") == f"<sip:{NUMBER}@192.0.2.5:5060>"
    assert invite.get("Diversion") == "<sip:porto@192.0.2.5:5060>;reason=user-busy;counter=1"
    assert invite.all("History-Info") == (
        "<sip:porto@192.0.2.5:5060?Reason=SIP%3Bcause%3D486>;index=1",
        "<sip:savena@192.0.2.5:5060>;index=1.1;mp=1",
    )
    assert invite.get(trunk.HOPS) == "1"
    assert not invite.get("Privacy")
    assert "598" not in "".join(value for _, value in invite.headers)


@pytest.mark.parametrize("number", ["", NUMBER])
def test_a_withheld_number_stays_withheld(number: str) -> None:
    """RFC 3323: nobody's number anywhere in the INVITE, and the wish that it be so."""
    invite = handed(Passed("time-of-day", withheld=True), number)
    assert invite.get("Privacy") == "id"
    assert invite.get("From").startswith('"Anonymous" <sip:anonymous@anonymous.invalid>')
    assert NUMBER not in "".join(value for _, value in invite.headers)
    assert not invite.get("P-Asserted-Identity")


def test_a_number_that_is_not_known_is_not_called_withheld() -> None:
    """Nobody has asked for it to be kept back."""
    invite = handed(None, "")
    assert "anonymous" in invite.get("From")
    assert not invite.get("Privacy")


def test_a_challenged_invite_says_the_same_again() -> None:
    """RFC 3261 22.2: with the password, and with everything of the caller."""
    table = bench()
    table.box.legs.ring(
        RingRequest("leg", "savena", MEDIA, "", NUMBER), table.box.target("savena"), 0.0
    )
    (first,) = table.sent()
    challenge = 'Proxy-Authenticate: Digest realm="sedi", nonce="n", qop="auth"'
    data = response(first, 407, tag="x", extra=challenge)
    _ack, again = table.receive(data, PROXY)
    assert again.get("Proxy-Authorization").startswith('Digest username="porto"')
    assert again.get("Diversion") == first.get("Diversion")
    assert again.get(trunk.HOPS) == "1"


def test_a_caller_is_taken_over_from_the_proxy_alone() -> None:
    """A stranger's INVITE, one from the proxy's host by another port, and any where nobody takes
    callers over, are refused, and call control hears nothing.
    """
    table = bench()
    for source in (("192.0.2.99", 5060), (PROXY[0], 5099)):
        (answer,) = invited(table, source=source)
        assert answer.code == 403
    assert [each.code for each in invited(bench(replace(ACCOUNT, takes=False)))] == [403]
    assert [each.code for each in invited(table, uri="sip:*811@192.0.2.1")] == [403]
    assert table.events() == []
    assert [each.code for each in invited(table, number=2)] == [180]
    assert told(table) == events.BranchCalled(
        told_leg(table), "", Caller(Presentation.SHOWN, NUMBER)
    )


def test_no_key_code_comes_from_the_proxy() -> None:
    """P5: neither an unknown user's nor one who bears the name of a phone of ours dials a code,
    another phone or a number through it: only callers are handed over.
    """
    for dialled in ("*851", "*85", "12", "112"):
        for user in ("savena", "21"):
            table = bench()
            uri, from_ = f"sip:{dialled}@192.0.2.1", f"<sip:{user}@sedi>;tag=p"
            assert [each.code for each in invited(table, uri=uri, from_=from_)] == [403]
            assert table.events() == []


def told_leg(table: Bench) -> str:
    """Name the only leg that is up."""
    (leg,) = table.box.legs.calls
    return leg


def test_a_caller_who_is_taken_over_has_a_number_and_an_origin() -> None:
    """Asserted goes before From; Diversion names the branch; what is kept back is not read."""
    cases = {
        "Diversion: <sip:savena@sedi>;reason=user-busy": ("savena", Presentation.SHOWN, NUMBER),
        "P-Asserted-Identity: <sip:+39051598@sedi>": ("", Presentation.SHOWN, "+39051598"),
        "P-Asserted-Identity: <sip:051598@sedi>\nPrivacy: id": ("", Presentation.WITHHELD, ""),
        "Privacy: Header;ID": ("", Presentation.WITHHELD, ""),
        "Privacy: none": ("", Presentation.SHOWN, NUMBER),
        'Diversion: <sip:"x y"@sedi>': ("", Presentation.SHOWN, NUMBER),
    }
    for number, (extra, wanted) in enumerate(cases.items(), 1):
        table = bench()
        assert [each.code for each in invited(table, extra, number=number)] == [180]
        event = told(table)
        assert (event.origin, event.caller.presentation, event.caller.number) == wanted, extra


def test_an_anonymous_caller_is_withheld_only_by_asking() -> None:
    """From alone may be anonymous for want of a number; with an asserted one it hides that."""
    anonymous = "<sip:anonymous@anonymous.invalid>;tag=p"
    for extra, wanted in (
        ("", Presentation.UNAVAILABLE),
        ("P-Asserted-Identity: <sip:051598@sedi>", Presentation.WITHHELD),
    ):
        table = bench()
        invited(table, extra, from_=anonymous)
        assert told(table).caller == Caller(wanted)


@pytest.mark.parametrize(
    "extra",
    [
        "X-Centralino-Hops: 2",
        "X-Centralino-Hops: many",
        "Diversion: <sip:porto@sedi>;reason=user-busy",
        "History-Info: <sip:porto@sedi>;index=1\nHistory-Info: <sip:savena@sedi>;index=1.1",
        "History-Info: <sip:porto@sedi>;index=1, <sip:savena@sedi>;index=1.1",
        'Diversion: "a, b" <sip:savena@sedi>;reason=away, <sip:porto@sedi>;reason=user-busy',
    ],
)
def test_a_caller_of_our_own_does_not_come_back(extra: str) -> None:
    """482: whoever was handed over by us, or more than once, has gone in a circle."""
    table = bench()
    assert [each.code for each in invited(table, extra)] == [482]
    assert table.events() == []


def test_the_same_call_by_two_ways_rings_once() -> None:
    """RFC 3261 8.2.2.2: a proxy that asks again by another way hears that it loops."""
    table = bench()
    assert [each.code for each in invited(table)] == [180]
    assert [each.code for each in invited(table, branch="z9hG4bKother")] == [482]


def test_a_flood_of_callers_leaves_the_phones_alone() -> None:
    """No more are taken over than any office has positions; a phone still dials."""
    table = bench()
    for number in range(MOST_TRUNK_CALLS):
        assert [each.code for each in invited(table, number=number)] == [180]
    assert [each.code for each in invited(table, number=99)] == [503]
    dialled = request("INVITE", source=PHONE, body=SDP, call_id="own", branch="z9hG4bKown")
    assert [each.code for each in table.receive(dialled, PHONE)] == [180]


def test_no_sound_in_common_and_a_demand_that_nobody_knows() -> None:
    """488 and 420, as to any phone."""
    table = bench()
    assert [each.code for each in invited(table, "Require: teleport")] == [420]
    data = request(
        "INVITE", source=PROXY, uri=OURS, from_="<sip:1@s>;tag=p", to="<sip:porto@s>",
        body=SDP.replace("RTP/AVP 8 101", "RTP/AVP 31"),
    )  # fmt: skip
    assert [each.code for each in table.receive(data, PROXY)] == [488]


def test_a_refusal_says_why_in_the_telephone_systems_words() -> None:
    """RFC 6432: all busy, or nobody there."""
    for code, cause in ((486, "cause=17"), (480, "cause=18")):
        table = bench()
        invited(table)
        table.box.legs.refuse(told(table).leg, code, 0.0)
        (answer,) = table.sent()
        assert answer.code == code
        assert cause in answer.get("Reason")


def test_a_branch_is_rung_at_the_proxy_and_a_phone_where_it_stands() -> None:
    """Nobody who is no branch has a place there."""
    box = bench().box
    assert box.target("borgo") == RingTarget("sip:borgo@192.0.2.5:5060", PROXY)
    assert box.target("nobody") is None
    assert trunk.branch_target(ACCOUNT, "nobody") is None
    assert box.target("21") is not None
