"""Messages to bytes and back: a tagged JSON object a message (architecture.md, The link)."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import typing
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import cattrs
from cattrs.errors import ForbiddenExtraKeysError, StructureHandlerNotFoundError

from appliance.calls import events, orders
from appliance.carrier import messages
from appliance.errors import PeerError

Message = Any  # one of TYPES; the union is too wide for mypy to be of help

LINK = typing.get_args(messages.LinkMessage)
ORDERS = (*typing.get_args(orders.CarrierOrder), events.MediaAgreed, *LINK)
"""What the desk says to the carrier."""
FACTS = (*typing.get_args(events.Event), *LINK)
"""What the carrier may say to the desk."""

TYPES: dict[str, type] = {cls.__name__: cls for cls in (*FACTS, *ORDERS)}
"""Every type that may cross the link, by name."""

# The first mistake is enough for a peer that makes one; telling all takes twice the code.
_converter = cattrs.Converter(forbid_extra_keys=True, detailed_validation=False)


def prepare(reads: Iterable[type], writes: Iterable[type]) -> None:
    """Make now what codes these types, which else is made as the first of each is met.

    Each takes milliseconds of a slow board, a good part of a frame of sound, and some KiB that
    stay: a rare fault's would look like a leak. What only the desk says to itself is left out.
    """
    _make(_converter.get_structure_hook, reads)
    _make(_converter.get_unstructure_hook, writes)


def _make(make: Callable[[type], object], types: Iterable[type]) -> None:
    """Make it for all; once more, because cattrs forgets the rest at a type of tuples it meets."""
    parts = list(dict.fromkeys(part for cls in types for part in _parts(cls)))
    for cls in (*parts, *parts):
        with contextlib.suppress(StructureHandlerNotFoundError):
            make(cls)


def _parts(kind: Any) -> Iterator[type]:
    """Yield the dataclasses that a type is made of: itself, its fields', what their tuples hold."""
    inner: Iterable[Any] = typing.get_args(kind)
    if dataclasses.is_dataclass(kind):
        yield typing.cast("type", kind)
        inner = typing.get_type_hints(kind).values()
    for each in inner:
        yield from _parts(each)


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
        ForbiddenExtraKeysError,
        StructureHandlerNotFoundError,
        RecursionError,  # brackets in brackets without end
    ) as error:
        raise PeerError(f"the link carried something that is no message: {error!r}") from error
