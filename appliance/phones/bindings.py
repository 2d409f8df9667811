"""Bindings: where each phone was last registered, and how they outlive a restart."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from appliance.phones.rtp import Address
from appliance.phones.settings import address_of
from appliance.phones.uri import Stream, read_uri

UNPROVEN_S = 30
"""Seconds granted to a phone that has not answered an OPTIONS yet: its silence says nothing, and
its registration alone tells that it has gone (RFC 3261 10.2.1.1: a registrar may choose)."""


@dataclass(frozen=True, slots=True)
class Binding:
    """One phone's registration: where its REGISTER came from, what it calls itself, how long.

    `expires_at` is monotonic seconds. `call_id` and `cseq` order its REGISTERs (RFC 3261 10.3).
    `proven`: it had answered an OPTIONS when it last registered, so its silence means something.
    """

    phone: str
    source: Address
    contact: str
    expires_at: float
    call_id: str = ""
    cseq: int = 0
    proven: bool = False


def bindings_to_json(bindings: tuple[Binding, ...]) -> str:
    """Write bindings for a file; those of connections end with the process."""
    rows = [
        {
            "phone": binding.phone,
            "source": f"{binding.source[0]}:{binding.source[1]}",
            "contact": binding.contact,
            "answers": binding.proven,
        }
        for binding in bindings
        if not isinstance(binding.source, Stream)
    ]
    return json.dumps(rows, indent=1)


def bindings_from_json(text: str, now: float, longest: float) -> tuple[Binding, ...]:
    """Read the bindings that were in force when their desk ended, each for one more period.

    A period is `longest` seconds, 30 of a phone that has never answered an OPTIONS: within it every
    phone renews by itself. When they would have run out is not kept, nor every renewal (a write to
    the card each): a desk that had been up for hours would forget all its phones with its death.
    What cannot be read is left out (phones come back). `now` is monotonic seconds.
    """
    try:
        rows = json.loads(text)
    except ValueError:
        return ()
    found = (_binding(row, now, longest) for row in (rows if isinstance(rows, list) else ()))
    return tuple(binding for binding in found if binding is not None)


def _binding(row: Any, now: float, longest: float) -> Binding | None:
    try:
        source, contact, phone = address_of(row["source"]), row["contact"], row["phone"]
        proven = row.get("answers") is True
        if read_uri(contact) is None or not isinstance(phone, str):
            return None
    except (KeyError, TypeError, ValueError, AttributeError):
        return None
    return Binding(phone, source, contact, now + (longest if proven else UNPROVEN_S), proven=proven)
