"""The last guard before a number leaves: nobody but a person who asks for help dials one for it.

A demonstration, test or field test (a `rehearsal`) dials no real emergency number at all.
"""

from __future__ import annotations

import re

from appliance.calls import orders
from appliance.carrier.messages import LineSetup

_SERVICE = re.compile(r"[*#]+\d*[*#]+")
"""A code of the exchange before the number, such as *67#."""


def forbids(setup: LineSetup, order: orders.DialLeg | orders.Flash) -> str:
    """Say why an order's digits may not be dialled on a line, "" when they may."""
    if not _asks_for_help(setup, order):
        return ""
    if setup.rehearsal:
        return "an emergency number is never dialled in a rehearsal"
    if isinstance(order, orders.DialLeg) and order.emergency:
        return ""
    return "an emergency number is dialled only where a person asks for help"


def _asks_for_help(setup: LineSetup, order: orders.DialLeg | orders.Flash) -> bool:
    """Look at the digits: an exchange puts through at a short number's end, a PBX does not."""
    digits = _SERVICE.sub("", order.digits, count=1)
    if isinstance(order, orders.Flash):
        return digits in setup.emergency
    return digits.startswith(setup.emergency)
