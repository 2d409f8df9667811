"""Messages to bytes and back: a tagged JSON object a message, no pickle (ARCHITECTURE.md, link)."""

from __future__ import annotations

import json
import typing

import cattrs
from cattrs.errors import BaseValidationError

from appliance.calls import events, orders
from appliance.carrier import messages
from appliance.errors import PeerError

Message = typing.Any  # one of TYPES; the union is too wide for mypy to be of help

TYPES: dict[str, type] = {
    cls.__name__: cls
    for union in (events.Event, orders.CarrierOrder, messages.LinkMessage)
    for cls in typing.get_args(union)
}
"""Every type that may cross the link, by name."""

_converter = cattrs.Converter(forbid_extra_keys=True)


def encode(message: Message) -> bytes:
    """Code one message; raises PeerError for a type that may not cross the link."""
    name = type(message).__name__
    if TYPES.get(name) is not type(message):
        raise PeerError(f"{name} may not cross the link; send one of calls.events or calls.orders")
    fields = _converter.unstructure(message)
    return json.dumps({"t": name, **fields}, separators=(",", ":")).encode()


def decode(data: bytes) -> Message:
    """Read one message; raises PeerError when it is no known message or its fields are wrong."""
    try:
        fields = json.loads(data)
        cls = TYPES[fields.pop("t")]
        return _converter.structure(fields, cls)
    except (
        ValueError,
        KeyError,
        TypeError,
        AttributeError,
        BaseValidationError,
        RecursionError,  # brackets in brackets without end
    ) as error:
        raise PeerError(f"the link carried something that is no message: {error!r}") from error
