"""Transactions by the clock of RFC 3261 section 17 (table 4) with T1 0.5 s, T2 4 s, T4 5 s."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest

from appliance.sip.message import SipMessage, read
from appliance.sip.pyvoip import parse
from appliance.sip.transactions import (
    Transaction,
    TransactionAction,
    TransactionInput,
    TransactionKind,
    Transactions,
    TransactionState,
)
from tests.sip.world import PHONE, request, response


@dataclass
class Clocked:
    """All transactions, a clock, and an owner that takes notes."""

    all: Transactions = field(default_factory=Transactions)
    now: float = 0.0
    told: list[TransactionAction] = field(default_factory=list)

    def owner(self, what: TransactionAction, _: SipMessage | None, __: float) -> None:
        """Take a note."""
        self.told.append(what)

    def client(self, method: str) -> SipMessage:
        """Begin a client transaction."""
        data = request(method, branch="z9hG4bKours")
        key = ("z9hG4bKours", method)
        self.all.request(key, data, PHONE, self.owner, 0.0, lambda _: b"an ACK")
        return got(data)

    def server(self, method: str) -> tuple[SipMessage, Transaction]:
        """Begin a server transaction."""
        message = got(request(method))
        transaction = self.all.serve(message, PHONE, self.owner, 0.0)
        assert transaction
        return message, transaction

    def say(self, transaction: Transaction, code: int) -> None:
        """Answer."""
        self.all.say(transaction, code, f"SIP/2.0 {code} X\r\n\r\n".encode(), self.now)

    def times(self, until: float) -> list[float]:
        """Let time pass; returns when something was sent, the first time included."""
        sent = [self.now] * len(self.all.outbox)
        self.all.outbox.clear()
        while (at := self.all.next_deadline()) is not None and at <= until:
            self.now = at
            self.all.advance(at)
            sent += [at] * len(self.all.outbox)
            self.all.outbox.clear()
        self.now = until
        return sent


def got(data: bytes) -> SipMessage:
    """Read a datagram."""
    message = read(data, parse)
    assert message
    return message


def test_an_invite_that_nobody_answers() -> None:
    """Timer A doubles from T1; ours gives up at 4 s and listens for 32 s more."""
    clock = Clocked()
    clock.client("INVITE")
    assert clock.times(4.0) == [0.0, 0.5, 1.5, 3.5]
    assert clock.told == [TransactionAction.TIMED_OUT]
    assert clock.times(35.9) == []
    assert clock.all.clients
    clock.times(36.0)
    assert (clock.told, clock.all.clients) == (
        [TransactionAction.TIMED_OUT, TransactionAction.OVER],
        {},
    )


@pytest.mark.parametrize("method", ["BYE", "OPTIONS", "CANCEL"])
def test_another_request_that_nobody_answers(method: str) -> None:
    """Timer E doubles to T2; timer F gives up at 64*T1: 11 requests."""
    clock = Clocked()
    clock.client(method)
    assert clock.times(100.0) == [0.0, 0.5, 1.5, 3.5, 7.5, 11.5, 15.5, 19.5, 23.5, 27.5, 31.5]
    assert clock.told == [TransactionAction.TIMED_OUT, TransactionAction.OVER]


def test_a_request_that_is_being_worked_on() -> None:
    """After a 1xx a non-INVITE request is repeated at T2 only (17.1.2.2)."""
    clock = Clocked()
    sent = clock.client("BYE")
    clock.all.response(got(response(sent, 100)), 0.0)
    assert clock.times(9.0) == [0.0, 4.0, 8.0]
    clock.all.response(got(response(sent, 200)), clock.now)
    assert clock.times(50.0) == []
    assert clock.told == [TransactionAction.PASS, TransactionAction.OVER]


def test_a_provisional_response_ends_the_repeats_of_an_invite() -> None:
    """17.1.1.2: in Proceeding nothing is sent, for as long as the phone rings."""
    clock = Clocked()
    sent = clock.client("INVITE")
    clock.all.response(got(response(sent, 180)), 0.1)
    assert clock.times(600.0) == [0.0]
    assert clock.told == [TransactionAction.PASS]
    assert clock.all.is_waiting


def test_a_refusal_is_acknowledged_each_time_it_comes_and_told_once() -> None:
    """17.1.1.2: in Completed each repeated refusal gets its ACK; timer D ends it after 32 s."""
    clock = Clocked()
    sent = clock.client("INVITE")
    for _ in range(3):
        clock.all.response(got(response(sent, 486)), 0.0)
    assert [data for data, _ in clock.all.outbox[1:]] == [b"an ACK"] * 3
    assert clock.told == [TransactionAction.PASS]
    assert not clock.all.is_waiting
    clock.times(31.9)
    assert clock.all.clients
    clock.times(32.0)
    assert clock.all.clients == {}


def test_each_repeated_2xx_is_told() -> None:
    """RFC 6026: the dialog must acknowledge every one."""
    clock = Clocked()
    sent = clock.client("INVITE")
    for _ in range(3):
        assert clock.all.response(got(response(sent, 200)), 0.0)
    assert clock.told == [TransactionAction.PASS] * 3


def test_a_response_of_another_method_is_no_answer() -> None:
    """17.1.3: branch and method both count: a 200 to CANCEL answers no INVITE."""
    clock = Clocked()
    sent = clock.client("INVITE")
    other = response(sent, 200).replace(b"1 INVITE", b"1 CANCEL")
    assert not clock.all.response(got(other), 0.0)
    assert clock.told == []


@pytest.mark.parametrize("code", [200, 486])
def test_a_final_answer_is_repeated_until_its_ack(code: int) -> None:
    """Timer G doubles to T2, timer H ends it at 64*T1; only a lost ACK of a 2xx is told."""
    clock = Clocked()
    _, transaction = clock.server("INVITE")
    clock.say(transaction, code)
    assert clock.times(100.0) == [0.0, 0.5, 1.5, 3.5, 7.5, 11.5, 15.5, 19.5, 23.5, 27.5, 31.5]
    assert clock.told == (
        [TransactionAction.TIMED_OUT, TransactionAction.OVER]
        if code == 200
        else [TransactionAction.OVER]
    )


def test_the_ack_of_a_refusal() -> None:
    """It ends the repeats; timer I forgets the transaction after T4."""
    clock = Clocked()
    _, transaction = clock.server("INVITE")
    clock.say(transaction, 486)
    assert clock.all.repeated(got(request("ACK")), 0.0)
    assert transaction.state is TransactionState.CONFIRMED
    assert clock.times(5.0) == [0.0]
    assert clock.all.servers == {}


def test_a_request_that_comes_again() -> None:
    """Before an answer there is nothing to repeat; after it the answer is, for 32 s (timer J)."""
    clock = Clocked()
    message, transaction = clock.server("OPTIONS")
    assert clock.all.repeated(message, 0.0)
    assert clock.times(0.0) == []
    clock.say(transaction, 200)
    assert clock.all.repeated(message, 0.0)
    assert clock.times(31.0) == [0.0, 0.0]
    assert clock.all.repeated(message, 31.0)
    clock.times(32.0)
    assert not clock.all.repeated(message, 32.0)


def test_an_invite_that_comes_again_before_any_answer() -> None:
    """Nothing can be sent yet, and nothing is."""
    clock = Clocked()
    message, _ = clock.server("INVITE")
    assert clock.all.repeated(message, 0.0)
    assert clock.times(0.0) == []


def test_only_one_final_answer_is_sent() -> None:
    """A second final answer is a mistake that reaches nobody and changes no repeat."""
    clock = Clocked()
    _, transaction = clock.server("INVITE")
    clock.say(transaction, 486)
    clock.say(transaction, 200)
    assert [data[:11] for data, _ in clock.all.outbox] == [b"SIP/2.0 486"]
    assert transaction.data.startswith(b"SIP/2.0 486")


def test_the_same_branch_from_two_senders() -> None:
    """17.2.3: sent-by counts, too."""
    clock = Clocked()
    clock.server("OPTIONS")
    other = got(request("OPTIONS", source=("192.0.2.99", 5060)))
    assert not clock.all.repeated(other, 0.0)


def test_a_long_pause_makes_no_burst() -> None:
    """A machine that slept sends what is due once, not once for every missed turn."""
    clock = Clocked()
    clock.client("BYE")
    clock.all.outbox.clear()
    clock.all.advance(20.0)
    assert len(clock.all.outbox) <= 2
    assert TransactionKind.CLIENT is next(iter(clock.all.clients.values())).kind
    assert clock.all.next_deadline()
    assert TransactionInput.RESEND in {
        r.timer.fires for t in clock.all.clients.values() for r in t.timers
    }
