"""A story's words about a call record, compared with a record that real processes wrote."""

from __future__ import annotations

from datetime import datetime

from appliance.calls.events import Caller
from appliance.calls.orders import CallRecord

BY_PRESENCE = {"message", "release_ms"}
"""Names and spans that the real day makes: that they are there is what can be compared."""


def complaints(record: CallRecord | None, fields: list[str]) -> list[str]:
    """List what differs: `name=value` pairs as stories write them; times only by their presence."""
    if record is None:
        return ["there is no record"]
    pairs = (field.partition("=") for field in fields)
    return [f"{name}={value}" for name, _, value in pairs if not _fits(record, name, value)]


def _fits(record: CallRecord, name: str, value: str) -> bool:
    met = getattr(record, name) if hasattr(record, name) else getattr(record, f"{name}_at")
    if isinstance(met, datetime) or name in BY_PRESENCE:
        return bool(value) == (met not in (None, ""))
    if isinstance(met, Caller):
        met = met.number or met.presentation
    if isinstance(met, tuple):
        met = ",".join(met)
    return ("" if met is None else str(met)) == value
