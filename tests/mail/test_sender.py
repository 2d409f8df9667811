"""The mail thread alone: what the store or the server may do, it goes on."""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from appliance.errors import StoreError
from appliance.mail import MailSender
from appliance.policy.mail import (
    DeliveryReply,
    DeliveryVerdict,
    Mail,
    MailState,
    OutboxHealth,
    OutgoingMail,
    QueuedMail,
)
from appliance.workers import faults

AT = datetime(2026, 11, 25, 9, 0, tzinfo=UTC)
LIMIT_S = 20.0


class Shelf:
    """An outbox in memory that fails as often as it is told to."""

    def __init__(self) -> None:
        self.queued = {1: QueuedMail(1), 2: QueuedMail(2)}
        self.gone: dict[int, MailState] = {}
        self.failures = 0

    def waiting(self) -> tuple[QueuedMail, ...]:
        """Return what is queued, or fail."""
        if self.failures:
            self.failures -= 1
            raise StoreError("the records gave no answer: check the disk")
        return tuple(self.queued.values())

    def dead(self) -> int:
        """Count what was given up."""
        return list(self.gone.values()).count(MailState.DEAD)

    def load(self, number: int) -> OutgoingMail:
        """Return a notice."""
        return OutgoingMail(Mail(f"k{number}", "a@b.example", "S", "B"), f"<{number}@b>", (), AT)

    def settle(self, now: MailState, after: QueuedMail, said: str) -> None:
        """Keep what a try came to."""
        self.queued[after.number] = after
        if now is not MailState.QUEUED:
            self.gone[after.number] = now
            del self.queued[after.number]


class MailBench:
    """A mail thread whose server answers what a test has put into `answers`."""

    def __init__(self) -> None:
        self.shelf = Shelf()
        self.answers: queue.SimpleQueue[DeliveryReply] = queue.SimpleQueue()
        self.healths: queue.SimpleQueue[OutboxHealth] = queue.SimpleQueue()
        self.given_up = threading.Event()
        self.ended: queue.SimpleQueue[BaseException] = queue.SimpleQueue()
        self.sender = MailSender(
            self.shelf, self._deliver, self.given_up.set, self.healths.put, self.ended.put
        )

    def _deliver(self, letter: OutgoingMail) -> DeliveryReply:
        answer = self.answers.get(timeout=LIMIT_S)
        if answer.said == "fault":
            raise RuntimeError("a fault of ours")
        return answer

    def health(self) -> OutboxHealth:
        """Wait for the next change of health."""
        return self.healths.get(timeout=LIMIT_S)

    def until(self, wanted: OutboxHealth) -> None:
        """Wait until the outbox is so."""
        while self.health() != wanted:
            pass


@pytest.fixture
def bench() -> Iterator[MailBench]:
    """Make a room; it is stopped after the test."""
    made = MailBench()
    yield made
    made.sender.stop(LIMIT_S)


def test_it_says_how_the_outbox_is(bench: MailBench) -> None:
    """One was refused for good, the other left: somebody must see to the first."""
    bench.answers.put(DeliveryReply(DeliveryVerdict.REFUSED, "550 nobody"))
    bench.answers.put(DeliveryReply(DeliveryVerdict.SENT, "250 OK"))
    bench.sender.start()
    bench.until(OutboxHealth(0, 1))
    assert bench.shelf.gone == {1: MailState.DEAD, 2: MailState.SENT}


def test_why_nothing_leaves_is_told_until_something_does(bench: MailBench) -> None:
    """The server is away, then refuses the box, then takes everything."""
    bench.answers.put(DeliveryReply(DeliveryVerdict.AWAY, "refused"))
    bench.sender.start()
    bench.until(OutboxHealth(2, 0, "refused"))
    bench.answers.put(DeliveryReply(DeliveryVerdict.MISSET, "535 wrong"))
    bench.sender.wake(hurry=True)
    bench.until(OutboxHealth(2, 0, "535 wrong", misset=True))
    for _ in range(2):
        bench.answers.put(DeliveryReply(DeliveryVerdict.SENT, "250 OK"))
    bench.sender.wake(hurry=True)
    bench.until(OutboxHealth())


def test_a_disk_that_fails_ends_nothing(bench: MailBench) -> None:
    """The records do not answer: asked again later, or as soon as something is queued."""
    bench.shelf.failures = 1
    bench.answers.put(DeliveryReply(DeliveryVerdict.SENT, "250 OK"))
    bench.answers.put(DeliveryReply(DeliveryVerdict.SENT, "250 OK"))
    bench.sender.start()
    bench.sender.wake()
    bench.until(OutboxHealth(1))
    bench.until(OutboxHealth())


def test_a_notice_that_our_fault_keeps_back_keeps_no_other_back(bench: MailBench) -> None:
    """It is put off as one that the server puts off; the next one leaves, and the thread lives."""
    before = faults.by_thread().get("mail", 0)
    bench.answers.put(DeliveryReply(DeliveryVerdict.SENT, "fault"))
    bench.answers.put(DeliveryReply(DeliveryVerdict.SENT, "250 OK"))
    bench.sender.start()
    bench.until(OutboxHealth(1))
    assert bench.shelf.gone == {2: MailState.SENT}
    assert bench.shelf.queued[1].tries == 1
    assert faults.by_thread()["mail"] == before + 1
    assert bench.ended.empty()


def test_a_fault_that_keeps_all_mail_back_is_told(
    bench: MailBench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing leaves any more: mail that waits for ever is worse than a restart."""

    def waiting() -> tuple[QueuedMail, ...]:
        raise ValueError("a state of a newer version")

    monkeypatch.setattr(bench.shelf, "waiting", waiting)
    bench.sender.start()
    assert "newer version" in str(bench.ended.get(timeout=LIMIT_S))


def test_a_try_that_a_stop_breaks_off_is_held_against_nobody(bench: MailBench) -> None:
    """The server did nothing wrong, and the notice is tried at the next start."""
    bench.sender.start()
    stopping = threading.Thread(target=bench.sender.stop, args=(LIMIT_S,))
    stopping.start()
    assert bench.given_up.wait(LIMIT_S)
    bench.answers.put(DeliveryReply(DeliveryVerdict.AWAY, "broken off"))
    stopping.join(LIMIT_S)
    assert bench.shelf.queued == {1: QueuedMail(1), 2: QueuedMail(2)}


def test_neither_journal_nor_trouble_names_an_address(
    bench: MailBench, caplog: pytest.LogCaptureFixture
) -> None:
    """Whom a server names is not for who reads a journal; the store alone keeps what was said."""
    with caplog.at_level("INFO"):
        bench.answers.put(
            DeliveryReply(DeliveryVerdict.REFUSED, "recipient urp@comune.it: 550 no such user")
        )
        bench.answers.put(
            DeliveryReply(DeliveryVerdict.AWAY, "mx.comune.it: <urp@comune.it> later")
        )
        bench.sender.start()
        while not (health := bench.health()).why:
            pass
    assert "recipient •••: 550 no such user" in caplog.text
    assert "urp" not in caplog.text + health.why
