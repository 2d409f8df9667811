"""What the Switchboard orders of the stores about requests and notices, and what they answer."""

from __future__ import annotations

import queue
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from appliance.calls import events, orders
from appliance.media.messages import RecordingStarted
from appliance.policy.mail import TO_HEAD, Mail
from appliance.policy.requests import spoken_request
from appliance.service.stores import Stores
from appliance.store import outbox, requests
from tests.policy.small_directory import EMAIL
from tests.store.samples import TEN, a_call

ASKED = spoken_request(EMAIL, "anagrafe", "aire", "Italiani all'estero", "0511", "a-1", TEN, "op1")
LIMIT_S = 20.0
Facts = queue.SimpleQueue[events.Event]


@pytest.fixture
def facts() -> Facts:
    """Collect what the stores tell."""
    return queue.SimpleQueue()


@pytest.fixture
def stores(tmp_path: Path, facts: Facts) -> Iterator[Stores]:
    """Start the stores."""
    made = Stores(tmp_path, "b", facts.put, lambda *_: None)
    made.start()
    yield made
    made.stop(lambda: None)


def told(facts: Facts) -> events.Event:
    """Wait for what a request comes to."""
    while True:
        fact = facts.get(timeout=LIMIT_S)
        if isinstance(fact, events.RequestStored | events.StoreFailed):
            return fact


def test_a_request_is_stored_and_answered_by_its_number(stores: Stores, facts: Facts) -> None:
    """StoreRequest without a recording: RequestStored of the same call."""
    stores.order(orders.StoreRequest("a-1", ASKED))
    assert told(facts) == events.RequestStored("a-1", 1)
    assert stores.records.ask(lambda c: requests.required_request(c, 1)).request == ASKED.numbered(
        1
    )


def test_with_the_callers_words(stores: Stores, facts: Facts, tmp_path: Path) -> None:
    """StoreRequest with a recording: told once the words are on the disk, and only then."""
    stores.order(orders.WriteCall(a_call("a-1")))
    stores.begin(RecordingStarted("a-1", "ulaw"))
    stores.mailbox.append("a-1", bytes(24_000))
    stores.order(orders.StoreRequest("a-1", ASKED, "a-1", trim_ms=500))
    assert told(facts) == events.RequestStored("a-1", 1)
    kept = stores.records.ask(lambda c: requests.required_request(c, 1))
    assert (tmp_path / kept.sound.path).stat().st_size == 58 + 24_000 - 4_000


def test_words_that_were_never_recorded_are_said_to_be_none(stores: Stores, facts: Facts) -> None:
    """Nobody is told that something is stored which never was."""
    stores.order(orders.StoreRequest("a-1", ASKED, "a-1"))
    assert told(facts) == events.StoreFailed("a-1", "the caller's words were never recorded")


def test_a_notice_is_kept(stores: Stores) -> None:
    """QueueMail: in the outbox, once; not where the head has no address to read it at."""
    for _ in range(2):
        stores.order(orders.QueueMail(Mail("k1", TO_HEAD, "Oggetto", "Testo")))
    stores.records.letters = replace(stores.records.letters, head=False)
    stores.order(orders.QueueMail(Mail("k2", TO_HEAD, "Nessuno lo legge", "Testo")))
    (kept,) = stores.records.ask(outbox.list_mails)
    assert kept.mail == Mail("k1", TO_HEAD, "Oggetto", "Testo")
