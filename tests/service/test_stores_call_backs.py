"""A wish to be called back is stored before it is promised."""

from __future__ import annotations

import queue
from contextlib import closing
from dataclasses import replace
from pathlib import Path

from appliance.calls import events, orders
from appliance.calls.orders import Result
from appliance.service.stores import Stores
from appliance.store.database import database_path, open_reader
from appliance.store.voicemail import missed_calls
from tests.store.samples import TEN, a_call

LIMIT = 20.0


def stores(folder: Path, told: queue.SimpleQueue[events.Event]) -> Stores:
    """Make the stores of call control."""

    def post(event: events.Event) -> None:
        if isinstance(event, events.CallBackStored | events.StoreFailed):
            told.put(event)

    return Stores(folder, "boot1", post, lambda _what, _trouble: None)


def wish() -> orders.StoreCallBack:
    """Return the order for a caller who pressed the key."""
    record = a_call("c1", Result.NO_MESSAGE)
    return orders.StoreCallBack(replace(record, trail=("rang", "callback_wanted")))


def test_it_stands_among_the_missed_calls_once_it_is_told(tmp_path: Path) -> None:
    """E5, P8: told as stored it is on the disk, and says that a call back is wanted."""
    told: queue.SimpleQueue[events.Event] = queue.SimpleQueue()
    control = stores(tmp_path, told)
    control.start()
    control.order(wish())
    assert told.get(timeout=LIMIT) == events.CallBackStored("c1")
    with closing(open_reader(database_path(tmp_path))) as reader:
        assert [(one.record.call, one.wanted) for one in missed_calls(reader, TEN)] == [
            ("c1", True)
        ]
    control.stop(lambda: None)


def test_a_disk_that_does_not_take_it_is_told(tmp_path: Path) -> None:
    """B5: nothing is promised that is not kept."""
    told: queue.SimpleQueue[events.Event] = queue.SimpleQueue()
    control = stores(tmp_path, told)
    control.start()
    control.records.ask(lambda c: c.execute("DROP TABLE calls").connection)
    control.order(wish())
    failed = told.get(timeout=LIMIT)
    assert isinstance(failed, events.StoreFailed)
    assert "check the disk" in failed.reason
    control.stop(lambda: None)
