"""A phone that dialled something hears what came of it, and is hung up."""

# ruff: noqa: ARG001 - the handlers of one table share one signature
from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from appliance.calls import announcements, orders, sides
from appliance.calls.desk import Desk
from appliance.calls.events import PhoneDialled
from appliance.calls.orders import Order
from appliance.calls.side_states import KEY_TABLE, SideDo
from appliance.calls.sides import Doings, Side
from appliance.policy.clock import Now


@dataclass(slots=True)
class KeyCall(Side):
    """A phone that dialled a code and hears what was done; `prompts` are keys of announcements."""

    prompts: tuple[str, ...] = ()


def tell(desk: Desk, event: PhoneDialled, prompts: tuple[str, ...], now: Now) -> Iterator[Order]:
    """Answer the phone, to tell it something."""
    side = KeyCall(event.leg, event.phone, KEY_TABLE, DOINGS, prompts=prompts)
    sides.begin(desk, side, now)
    yield orders.AcceptPhone(side.leg)


def _speak(desk: Desk, key: KeyCall, event: Any, now: Now) -> Iterator[Order]:
    words = announcements.staff_words(desk.office, key.prompts)
    yield orders.Play(key.new_play(), words, leg=key.leg)


DOINGS: Doings = {**sides.COMMON, SideDo.SPEAK: _speak}
