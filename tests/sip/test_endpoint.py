"""The SIP package in its thread, on real UDP: nothing blocks, stock pyVoIP is out of reach."""

from __future__ import annotations

import errno
import io
import logging
import queue
import socket
import time
import warnings
from collections.abc import Iterator
from typing import Any

import pytest
import pyVoIP

# pyVoIP.VoIP first: to import pyVoIP.SIP alone is a circular import (pyvoip.md 1).
from pyVoIP.VoIP import CallState, VoIPCall, VoIPPhone  # isort: skip
from pyVoIP import RTP, SIP  # isort: skip
from pyVoIP.VoIP.status import PhoneStatus  # isort: skip

from appliance.calls import events
from appliance.errors import Bug
from appliance.sip import pyvoip
from appliance.sip import transport as loop_module
from appliance.sip.dialog import Dialog, OpenCall, open_calls_to_json
from appliance.sip.endpoint import Endpoint
from appliance.sip.phones import LegState, PhoneState
from appliance.sip.pyvoip import parse
from appliance.sip.registrar import PhoneAccount, PhonesSettings, bindings_from_json
from appliance.sip.service import Phones
from appliance.sip.transport import SipThread
from tests.sip.office import HandPhone, Office, office
from tests.sip.world import PHONE, SDP, request, ring, within

NEVER = {
    SIP.SIPClient: [
        "invite", "register", "recv", "gen_ack", "gen_bye", "bye", "deregister", "stop",
        "start", "recv_loop", "parse_message",
    ],
    VoIPCall: [
        "__init__", "answer", "renegotiate", "deny", "__del__", "hangup", "bye",
    ],
    VoIPPhone: ["request_port", "release_ports", "start", "stop", "call", "callback"],
    RTP.RTPClient: ["__init__", "start", "recv", "trans"],
    RTP.RTPPacketManager: ["__init__", "read", "write"],
}  # fmt: skip
"""pyvoip.md 5, "Never call", and what leads there."""
SHIPPED_LONGEST_WAIT = loop_module.LONGEST_WAIT


@pytest.fixture(autouse=True)
def _in_no_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """Try an address again at once, and wait a moment for phones that will not answer."""
    monkeypatch.setattr(loop_module, "RETRY", 0.05)
    monkeypatch.setattr(loop_module, "LINGER", 0.1)


@pytest.fixture
def turns_often(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the thread turn many times a second though nothing happens."""
    monkeypatch.setattr(loop_module, "LONGEST_WAIT", 0.05)


@pytest.fixture
def phone() -> Iterator[HandPhone]:
    """Return a phone played by hand."""
    made = HandPhone()
    yield made
    made.close()


@pytest.fixture
def box(phone: HandPhone, monkeypatch: pytest.MonkeyPatch) -> Iterator[Office]:
    """Return a box that knows the phone."""
    with office(phone.account) as made:
        yield made
        monkeypatch.setattr(loop_module, "LONGEST_WAIT", 0.05)  # a stop is seen at the next turn


def whole_calls(box: Office, phone: HandPhone) -> None:
    """Make a call of each kind: answered with keys and hold, refused, cancelled, dialled."""
    box.ring("one", "21")
    ack = phone.take()
    assert box.next() == events.LegProgressed("one", 180)
    assert isinstance(box.next(), events.MediaAgreed)
    assert box.next() == events.OperatorAnswered("one", "21")
    phone.say(within(ack, "INFO", 1, body="5", extra="Content-Type: application/dtmf"))
    assert phone.hear().code == 200
    assert box.next() == events.DigitPressed("5", events.DigitSource.SIP_INFO, leg="one")
    phone.say(
        within(ack, "INVITE", 2, source=phone.where, body=SDP.replace("sendrecv", "sendonly"))
    )
    assert phone.hear().code == 200
    phone.say(within(ack, "ACK", 2))
    assert isinstance(box.next(), events.MediaAgreed)
    box.phones.hang_up("one")
    phone.answer(phone.hear(), 200)
    box.ring("two", "21")
    phone.answer(phone.hear(), 486)
    assert phone.hear().method == "ACK"
    assert box.next() == events.PhoneBusy("two")
    box.ring("three", "21")
    invite = phone.hear()
    phone.answer(invite, 180)
    box.next(events.LegProgressed)
    box.phones.stop_ringing("three", answered_elsewhere=True)
    cancel = phone.hear()
    phone.answer(cancel, 200)
    phone.answer(invite, 487)
    assert phone.hear().method == "ACK"
    dialled(box, phone)


def dialled(box: Office, phone: HandPhone) -> None:
    """Let the phone dial, be accepted, and hang up; then be refused."""
    for number, wish in enumerate(("accept", "refuse")):
        invite = request(
            "INVITE", source=phone.where, call_id=wish, branch=f"z9hG4bK{wish}", body=SDP
        )
        phone.say(invite, box.address)
        ringing = phone.hear()
        assert ringing.code == 180
        told = box.next(events.PhoneDialled)
        assert (told.phone, told.digits) == ("21", "*811")
        to, branch = ringing.get("To"), f"z9hG4bKnext{number}"
        if wish == "refuse":
            box.phones.refuse(told.leg, 404)
            assert phone.hear().code == 404
            phone.say(
                request("ACK", source=phone.where, call_id=wish, to=to, branch=f"z9hG4bK{wish}")
            )
            return
        box.phones.accept(told.leg, "127.0.0.1", 16000)
        assert phone.hear().code == 200
        phone.say(request("ACK", source=phone.where, call_id=wish, to=to, branch=branch))
        box.next(events.OperatorAnswered)
        phone.say(request("BYE", 2, source=phone.where, call_id=wish, to=to, branch=branch + "b"))
        assert phone.hear().code == 200
        box.next(events.PhoneHungUp)


def test_whole_calls(box: Office, phone: HandPhone) -> None:
    """Everything a call needs works on real sockets."""
    whole_calls(box, phone)


def test_stock_pyvoip_is_never_called(phone: HandPhone, monkeypatch: pytest.MonkeyPatch) -> None:
    """With each method that must never run replaced by a raise, whole calls go through."""
    called: list[str] = []

    def trap(name: str) -> Any:
        def raiser(*_: object, **__: object) -> None:
            called.append(name)
            raise AssertionError(f"stock {name} was called")

        return raiser

    for owner, names in NEVER.items():
        for name in names:
            monkeypatch.setattr(owner, name, trap(f"{owner.__name__}.{name}"))
    with office(phone.account) as box:
        whole_calls(box, phone)
    assert called == []


def test_the_traps_are_traps() -> None:
    """Every name of the list is a method of stock pyVoIP (a misspelt trap would catch nothing)."""
    for owner, names in NEVER.items():
        assert [name for name in names if not callable(getattr(owner, name, None))] == []


@pytest.mark.parametrize(
    ("shell", "name"),
    [
        (shell, name)
        for shell, stock in (
            (pyvoip.PhoneClient, SIP.SIPClient),
            (pyvoip.PhoneCall, VoIPCall),
            (pyvoip.DeskPhone, VoIPPhone),
        )
        for name in NEVER[stock]
        if name not in {"__init__", "__del__"}
    ],
)
def test_the_shells_refuse_what_is_unsound(shell: type, name: str) -> None:
    """What stock does wrong cannot be called on our shells either."""
    with pytest.raises(Bug):
        getattr(shell, name)(None)


def test_pyvoips_view_of_a_call(box: Office, phone: HandPhone) -> None:
    """The shells say in pyVoIP's words what is going on: calls, state, keys, coding, status."""
    stock_phone = box.phones._phone
    assert isinstance(stock_phone, VoIPPhone)
    assert isinstance(stock_phone.sip, SIP.SIPClient)
    assert stock_phone.get_status() is PhoneStatus.REGISTERED
    assert stock_phone.sip.NSD
    box.ring("one", "21")
    invite = phone.hear()
    phone.answer(invite, 180)
    box.next(events.LegProgressed)
    (call,) = stock_phone.calls.values()
    assert isinstance(call, VoIPCall)
    assert call.call_id == invite.call_id
    assert (call.state, call.coding) == (CallState.DIALING, None)
    phone.answer(invite, 200, body=SDP)
    ack = phone.hear()
    box.next(events.OperatorAnswered)
    assert (call.state, call.coding) == (CallState.ANSWERED, RTP.PayloadType.PCMA)
    phone.say(within(ack, "INFO", 1, body="#", extra="Content-Type: application/dtmf"))
    box.next(events.DigitPressed)
    assert call.get_dtmf() == "#"
    phone.say(within(ack, "BYE", 2))
    box.next(events.PhoneHungUp)
    assert (call.state, stock_phone.calls) == (CallState.ENDED, {})


def test_the_header_parser_is_pyvoips() -> None:
    """What the dialogs live on is read by pyVoIP's SIPMessage."""
    assert "REGISTER" in pyVoIP.SIPCompatibleMethods
    head = (
        b"SIP/2.0 499 X\r\nVia: SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bKq\r\n"
        b"From: <sip:a%40b@h>;tag=1\r\nTo: <sip:c@h>\r\nCall-ID: x\r\nCSeq: 3 BYE\r\n\r\n"
    )
    fields = parse(head)
    assert (fields.branch, fields.sent_by) == ("z9hG4bKq", ("192.0.2.1", 5060))
    assert (fields.from_user, fields.from_tag, fields.to_user, fields.to_tag) == (
        "a@b",
        "1",
        "c",
        "",
    )
    assert (fields.cseq, fields.cseq_method) == (3, "BYE")
    with pytest.raises(ValueError, match="decipher"):
        parse(b"DANCE sip:x SIP/2.0\r\n\r\n")


def test_status(box: Office, phone: HandPhone) -> None:
    """Status is a frozen value of the last turn."""
    box.ring("one", "21")
    phone.take()
    box.next(events.OperatorAnswered)
    status = box.phones.status()
    assert status.phones == (PhoneState("21", "", phone.where),)
    assert status.legs == (LegState("one", "21", "confirmed"),)
    assert (status.listening, status.trouble, status.nonsense) == (True, "", 0)


def test_a_phone_that_never_registered_answers_nothing() -> None:
    """Nobody may take it for one that is there."""
    account = PhoneAccount("22", "a-secret")
    phones = Phones(PhonesSettings("127.0.0.1", 0, (account,), qualify_s=0), lambda _: None)
    phones.start()
    assert phones._loop.listening.wait(5)
    assert phones.status().phones == (PhoneState("22", "", None, answers=False),)
    phones.stop()


def test_stopping_hangs_up(phone: HandPhone) -> None:
    """Stop says BYE, waits for its answer, and leaves no thread."""
    with office(phone.account) as box:
        box.ring("one", "21")
        phone.take()
        box.next(events.OperatorAnswered)
        began = time.monotonic()
        box.phones.stop()
        assert phone.hear().method == "BYE"
        assert time.monotonic() - began < 4
        assert not box.phones.is_alive
        assert not box.phones.status().listening


def test_no_call_blocks_its_caller(box: Office) -> None:
    """Ringing, stopping and hanging up return at once, whatever the phone does."""
    began = time.monotonic()
    for number in range(100):
        box.phones.ring(f"leg{number}", "21", "127.0.0.1", 16000, "x")
        box.phones.stop_ringing(f"leg{number}")
        box.phones.hang_up(f"leg{number}")
        box.phones.accept("none", "127.0.0.1", 16000)
        box.phones.refuse("none")
    assert time.monotonic() - began < 0.5


def test_a_port_that_nobody_has(box: Office, phone: HandPhone) -> None:
    """A phone that was switched off answers with ICMP: unreachable within a second."""
    phone.close()
    began = time.monotonic()
    box.ring("one", "21")
    assert isinstance(box.next(), events.PhoneUnreachable)
    assert time.monotonic() - began < 1


def test_icmp_about_one_phone_leaves_the_others_alone(phone: HandPhone) -> None:
    """The error queue says whose port is closed; the other phone's call goes on."""
    gone = HandPhone("127.0.0.42")
    there = PhoneAccount("22", fixed_address=gone.where)
    gone.close()
    with office(phone.account, there) as box:
        for number in range(10):
            box.ring(f"gone{number}", "22")
        box.ring("here", "21")
        phone.take()
        legs = {box.next().leg for _ in range(13)}
        assert legs == {"here", *(f"gone{number}" for number in range(10))}


def test_a_network_that_is_not_there() -> None:
    """A datagram that the kernel will not send: told at once, the thread lives."""
    account = PhoneAccount("21", fixed_address=("255.255.255.255", 5060))
    with office(account) as box:
        box.ring("one", "21")
        assert isinstance(box.next(limit=1.0), events.PhoneUnreachable)
        assert box.phones.is_alive


@pytest.mark.usefixtures("turns_often")
@pytest.mark.parametrize(
    ("address", "why"),
    [("192.0.2.77", "does not have this address"), ("127.0.0.1", "another program")],
)
def test_an_address_that_cannot_be_bound(address: str, why: str) -> None:
    """start() returns at once; status says what to do; it is tried again until it works."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
        other.bind(("127.0.0.1", 0))
        settings = PhonesSettings(address, other.getsockname()[1], qualify_s=0)
        phones = Phones(settings, lambda _: None)
        began = time.monotonic()
        phones.start()
        assert time.monotonic() - began < 0.2
        assert not phones._loop.listening.wait(0.3)
        assert why in phones.status().trouble
        assert phones._phone.get_status() is PhoneStatus.FAILED
    can_be_bound = address == "127.0.0.1"
    assert phones._loop.listening.wait(5 if can_be_bound else 0.3) == can_be_bound
    phones.stop()


def test_ringing_without_a_socket() -> None:
    """While the address cannot be bound, a ring is told as unreachable instead of hanging."""
    told: queue.SimpleQueue[events.Event] = queue.SimpleQueue()
    account = PhoneAccount("21", fixed_address=PHONE)
    phones = Phones(PhonesSettings("192.0.2.77", 5060, (account,), qualify_s=0), told.put)
    phones.start()
    assert told.get(timeout=5) == events.PhoneRegistered("21")
    phones.ring("one", "21", "127.0.0.1", 16000, "x")
    assert isinstance(told.get(timeout=5), events.PhoneUnreachable)
    phones.stop()


def test_every_address_of_the_box(phone: HandPhone) -> None:
    """Bound to 0.0.0.0 the box names to each phone the address that it is reached at."""
    told: queue.SimpleQueue[events.Event] = queue.SimpleQueue()
    phones = Phones(PhonesSettings("0.0.0.0", 0, (phone.account,), qualify_s=0), told.put)
    phones.start()
    assert phones._loop.listening.wait(5)
    phones.ring("one", "21", "127.0.0.1", 16000, "x")
    invite = phone.hear()
    assert f"127.0.0.1:{phones.status().address[1]}" in invite.get("Contact")
    phone.answer(invite, 486)
    assert phone.hear().method == "ACK"
    phones.stop()


def test_the_address_for_an_unreachable_peer() -> None:
    """Where no route leads anything may be named, since nothing arrives."""
    assert loop_module._route_to(("255.255.255.255", 5060)) == "127.0.0.1"


def test_nonsense_does_no_harm(box: Office, phone: HandPhone) -> None:
    """Nonsense is counted, and the next call works; a bug would be logged and survived."""
    for data in (
        b"",
        b"\0" * 9,
        b"nonsense",
        b"INVITE",
        bytes(range(256)) * 4,
        b"SIP/2.0 200\r\n\r\n",
    ):
        phone.say(data, box.address)
    phone.say(request("OPTIONS", source=phone.where), box.address)
    assert phone.hear().code == 200
    box.ring("one", "21")
    phone.take()
    box.next(events.OperatorAnswered)
    assert box.phones.status().nonsense == 4


def test_an_error_is_confined(
    box: Office, phone: HandPhone, caplog: pytest.LogCaptureFixture
) -> None:
    """An order that is our mistake is logged; other calls, and the thread, go on."""
    box.ring("one", "21")
    ack = phone.take()
    box.next(events.OperatorAnswered)
    wish, target = ring("one"), box.phones._endpoint.registrar.target("21")
    with caplog.at_level(logging.ERROR):
        box.phones._loop._jobs.put(lambda now: box.phones._endpoint.legs.ring(wish, target, now))
        began = time.monotonic()
        box.ring("two", "21")
        assert phone.hear().method == "INVITE"
    assert "rung twice" in caplog.text
    assert time.monotonic() - began < 0.5, "what the error held up is done at once"
    phone.say(within(ack, "BYE"))
    assert phone.hear().code == 200
    box.next(events.PhoneHungUp)
    assert box.phones.is_alive


@pytest.mark.usefixtures("turns_often")
def test_the_heartbeat(box: Office) -> None:
    """The thread turns once in LONGEST_WAIT, so that a watchdog can tell it lives."""
    assert SHIPPED_LONGEST_WAIT <= 1.0
    box.next(events.PhoneRegistered)
    for _ in range(3):
        last, end = box.phones.last_turn, time.monotonic() + 10
        while box.phones.last_turn == last:
            assert time.monotonic() < end
            assert box.is_quiet(0.01)


def test_bindings_go_through_a_restart(phone: HandPhone) -> None:
    """What one start kept the next one knows, and rings."""
    account = PhoneAccount("21", "secret")
    kept = (
        f'[{{"phone": "21", "source": "{phone.where[0]}:{phone.where[1]}", '
        f'"contact": "sip:21@{phone.where[0]}:{phone.where[1]}"}}]'
    )
    told: queue.SimpleQueue[events.Event] = queue.SimpleQueue()
    settings = PhonesSettings("127.0.0.1", 0, (account,), qualify_s=0)
    phones = Phones(settings, told.put, kept)
    phones.start()
    assert told.get(timeout=5) == events.PhoneRegistered("21")
    again = bindings_from_json(phones.bindings_to_json(), 0.0, 120)
    assert again[0].source == phone.where
    phones.ring("one", "21", "127.0.0.1", 16000, "x")
    assert phone.hear().method == "INVITE"
    phones.stop()


@pytest.mark.usefixtures("turns_often")
def test_a_killed_desks_call_is_ended_once_there_is_a_socket(phone: HandPhone) -> None:
    """What a predecessor left is kept until it can be said, then said: the phone is set free."""
    uri = f"sip:21@{phone.where[0]}:{phone.where[1]}"
    dialog = Dialog("call", "<sip:box@127.0.0.1>", "ours", f"<{uri}>", uri, phone.where, "theirs")
    told: queue.SimpleQueue[events.Event] = queue.SimpleQueue()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
        other.bind(("127.0.0.1", 0))
        port = other.getsockname()[1]
        settings = PhonesSettings("127.0.0.1", port, (phone.account,), qualify_s=0)
        left = open_calls_to_json((OpenCall("21", dialog, 7),))
        phones = Phones(settings, told.put, left=left)
        phones.start()
        assert not phones._loop.listening.wait(0.3)
        assert phones.left_to_json() == left
    bye = phone.hear()
    assert (bye.method, bye.call_id, bye.fields.to_tag) == ("BYE", "call", "theirs")
    phone.answer(bye, 200)
    phones.stop()
    assert phones.left_to_json() == "[]"


def test_no_side_effects(phone: HandPhone, capsys: pytest.CaptureFixture[str]) -> None:
    """No prints, and the process's warnings filter stays as it was (pyvoip.md 3)."""
    before = list(warnings.filters)
    with office(phone.account) as box:
        whole_calls(box, phone)
    assert warnings.filters == before
    assert capsys.readouterr() == ("", "")


def test_laws_by_call(box: Office, phone: HandPhone) -> None:
    """Call control may ask for another order of codings call by call."""
    box.ring("one", "21", laws=("ulaw", "alaw"))
    invite = phone.hear()
    assert "RTP/AVP 0 8 101" in invite.body
    phone.answer(invite, 486)
    assert phone.hear().method == "ACK"


# --- corners of the loop ------------------------------------------------------------------------


class FullSocket:
    """A socket whose every sending fails with a given error."""

    def __init__(self, number: int) -> None:
        self.number = number

    def sendto(self, *_: object) -> int:
        """Fail."""
        raise OSError(self.number, "no")

    def recvmsg(self, *_: object) -> None:
        """Have nothing in the error queue."""
        raise BlockingIOError

    def close(self) -> None:
        """Be closed."""


@pytest.mark.parametrize("number", [errno.ENOBUFS, errno.EHOSTUNREACH])
def test_sending_may_fail(number: int) -> None:
    """A full buffer is left to the repeats; an unreachable network is told."""
    told: list[events.Event] = []
    account = PhoneAccount("21", fixed_address=PHONE)
    phones = Phones(PhonesSettings("127.0.0.1", 0, (account,), qualify_s=0), told.append)
    made: SipThread = phones._loop
    made._socket = FullSocket(number)  # type: ignore[assignment]  # all that is used of it
    phones.ring("one", "21", "127.0.0.1", 16000, "x")
    made._flush(phones._endpoint, 0.0)
    while job := made._next_job():
        job(0.0)
    made._flush(phones._endpoint, 0.0)
    unreachable = [
        e for e in phones._endpoint.take_events() if isinstance(e, events.PhoneUnreachable)
    ]
    assert bool(unreachable) == (number == errno.EHOSTUNREACH)
    made._close()
    phones.hang_up("one")  # after the end nobody is woken, and nobody is hurt


def test_the_shell_leaves_without_a_lock() -> None:
    """Stock dead-locks when a call is collected; ours takes no lock."""
    assert VoIPCall.__del__ is not pyvoip.PhoneCall.__del__
    assert pyvoip.PhoneCall.__del__(io.StringIO()) is None  # type: ignore[func-returns-value, arg-type]  # any object will do


def test_an_error_that_stays_does_not_spin(
    box: Office, phone: HandPhone, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A deadline that fails each time it is due: tried a few times a second, phones are answered.

    Without a pause a turn that fails follows the other, hundreds of thousands in a second.
    """
    turns: list[float] = []

    def advance(now: float) -> None:
        turns.append(now)
        raise KeyError("a fault of ours")

    monkeypatch.setattr(Endpoint, "next_deadline", lambda _: 0.0)
    monkeypatch.setattr(Endpoint, "advance", lambda _, now: advance(now))
    box.phones._loop.post(lambda _now: None)
    end = time.monotonic() + 2.0
    while time.monotonic() < end:
        box.is_quiet(0.1)
    assert 3 < len(turns) < 60
    assert box.phones.is_alive
    assert time.monotonic() - box.phones.last_turn < 1.0
