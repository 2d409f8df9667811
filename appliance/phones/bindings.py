"""Bindings: where each phone was last registered, and how they outlive a restart."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from appliance.phones.rtp import Address
from appliance.phones.settings import address_of
from appliance.phones.uri import read_uri


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


def bindings_to_json(bindings: tuple[Binding, ...], now: float, wall: float) -> str:
    """Write bindings for a file; `wall` is the UNIX time at the monotonic time `now`."""
    rows = [
        {
            "phone": binding.phone,
            "source": f"{binding.source[0]}:{binding.source[1]}",
            "contact": binding.contact,
            "expires": round(wall + binding.expires_at - now, 3),
            "answers": binding.proven,
        }
        for binding in bindings
    ]
    return json.dumps(rows, indent=1)


def bindings_from_json(text: str, now: float, wall: float, longest: float) -> tuple[Binding, ...]:
    """Read bindings that have not expired; what cannot be read is left out (phones come back).

    `longest` seconds is the most that is believed: the clock may have been set meanwhile.
    """
    try:
        rows = json.loads(text)
    except ValueError:
        return ()
    found = (_binding(row, now, wall, longest) for row in (rows if isinstance(rows, list) else ()))
    return tuple(binding for binding in found if binding is not None)


def _binding(row: Any, now: float, wall: float, longest: float) -> Binding | None:
    try:
        remaining = min(float(row["expires"]) - wall, longest)
        source, contact, phone = address_of(row["source"]), row["contact"], row["phone"]
        proven = row.get("answers") is True
        if not remaining > 0 or read_uri(contact) is None or not isinstance(phone, str):
            return None
    except (KeyError, TypeError, ValueError, AttributeError):
        return None
    return Binding(phone, source, contact, now + remaining, proven=proven)
