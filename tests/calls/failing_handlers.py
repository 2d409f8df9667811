"""Handlers that fail by a fault of ours where a test wants them to."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, MutableMapping
from contextlib import contextmanager
from typing import Any, cast

from appliance.calls import (
    conference,
    dictation,
    internal,
    manual_states,
    outgoing,
    outside_call,
    switchboard,
)
from appliance.calls.orders import Order

TABLES = (
    switchboard.HANDLERS,
    switchboard.OWN,
    outgoing.DIALLED_ACTIONS,
    dictation.DICTATION_ACTIONS,
    manual_states.NOTICE_ACTIONS,
    outside_call.OUTSIDE_ACTIONS,
    conference.SUPERVISOR_ACTIONS,
    internal.INTERCOM_ACTIONS,
    internal.KEY_CALL_ACTIONS,
    internal.LISTENING_ACTIONS,
)
"""Every table by which an event finds its function."""
Chooser = Callable[[object], int | None]


class PlantedFault(RuntimeError):  # noqa: N818 - a fault, not an error of anybody
    """Raised by a handler that fails."""


@contextmanager
def planted(choose: Chooser) -> Iterator[None]:
    """Let handlers fail: `choose`, given what one does, says after how many orders (None: never).

    What it has ordered and changed by then holds, as it would.
    """
    before = [dict(cast("dict[Any, Any]", table)) for table in TABLES]
    for table in cast("tuple[object, ...]", TABLES):
        changed = cast("MutableMapping[Any, Any]", table)
        for does, handler in list(changed.items()):
            changed[does] = _failing(does, handler, choose)
    try:
        yield
    finally:
        for table, was in zip(TABLES, before, strict=True):
            cast("MutableMapping[Any, Any]", table).update(was)


def _failing(does: object, handler: Callable[..., Iterator[Order]], choose: Chooser) -> Any:
    def fails(*given: Any) -> Iterator[Order]:
        after = choose(does)
        orders = handler(*given)
        if after is None:
            yield from orders
            return
        yield from itertools.islice(orders, after)  # it stops before it goes on
        raise PlantedFault(str(does))

    return fails
