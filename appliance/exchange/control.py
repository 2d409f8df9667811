"""What travels over DIR/control: one JSON object a line, both ways.

To the exchange, by `do`: `clip` (base64 mu-law, `new` starts another), `call` (the fields of
`CallPlan` and `line`), `say`, `press`, `hang-up`, `status`, `set` (`line`, `knobs`). From it, by
`event`: `placed ringing answered released heard ended status done error`.
"""

from __future__ import annotations

import base64
import json
import re
from dataclasses import fields
from typing import TYPE_CHECKING

from appliance.errors import ConfigurationError
from appliance.exchange.call import RELEASES, CallPlan
from appliance.exchange.dtmf import check
from appliance.exchange.fsk import FAULTS

if TYPE_CHECKING:
    from collections.abc import Mapping

NUMBER = re.compile(r"\+?[0-9]{1,20}|withheld|unavailable|none")
LONGEST_MS = 3_600_000
LONGEST_TEXT = 64
Message = dict[str, object]
_PLAN_FIELDS = {field.name: field.default for field in fields(CallPlan) if field.name != "clips"}


def encode(message: Message) -> bytes:
    """Write one message as a line."""
    return json.dumps(message, separators=(",", ":")).encode() + b"\n"


def decode(line: bytes) -> Message:
    """Read one line; raises ConfigurationError when it is no JSON object."""
    try:
        message = json.loads(line)
    except (ValueError, RecursionError):  # RecursionError: brackets in brackets without end
        raise ConfigurationError("a message is not JSON: send one object a line") from None
    if not isinstance(message, dict):
        raise ConfigurationError("a message is not a JSON object")
    return message


def text_of(message: Message, name: str, default: str | None = None) -> str:
    """Give a text field; raises ConfigurationError when it is missing or no text."""
    value = message.get(name, default)
    if not isinstance(value, str):
        raise ConfigurationError(f"{name} is {value!r}: give a text")
    return value


def number_of(message: Message, name: str) -> int:
    """Give a whole-number field; raises ConfigurationError when it is missing or no number."""
    value = message.get(name)
    if isinstance(value, bool) or not isinstance(value, int):
        raise ConfigurationError(f"{name} is {value!r}: give a whole number")
    return value


def sound_of(message: Message) -> bytes:
    """Give the mu-law bytes of `data`; raises ConfigurationError when it is not base64."""
    text = text_of(message, "data")
    try:
        return base64.b64decode(text, validate=True)
    except ValueError:  # binascii.Error is one; a character beyond ASCII is another
        raise ConfigurationError("data is not base64") from None


def _checked(name: str, value: object) -> object:
    default = _PLAN_FIELDS[name]
    kind = int if name == "hang_up_after_ms" else type(default)
    if value is None and default is None:
        return None
    if type(value) is not kind:
        raise ConfigurationError(f"{name} is {value!r}: give a value of type {kind.__name__}")
    return value


def plan_of(message: Message, clips: tuple[bytes, ...]) -> CallPlan:
    """Build a call's plan; raises ConfigurationError in words for what cannot be."""
    given = {name: value for name, value in message.items() if name not in {"do", "line"}}
    unknown = sorted(set(given) - set(_PLAN_FIELDS))
    if unknown:
        raise ConfigurationError(f"{unknown[0]!r} is no field of a call")
    checked = {name: _checked(name, value) for name, value in given.items()}
    plan = CallPlan(clips=clips, **checked)  # type: ignore[arg-type]  # each was checked above
    if not NUMBER.fullmatch(plan.caller):
        raise ConfigurationError(
            f"caller {plan.caller!r}: give a number, withheld, unavailable or none"
        )
    if plan.release not in RELEASES:
        raise ConfigurationError(f"release {plan.release!r}: use {', '.join(RELEASES)}")
    if plan.id_order not in {"", "before", "after"}:
        raise ConfigurationError(f"id_order {plan.id_order!r}: use before or after")
    if plan.id_fault not in {"", *FAULTS}:
        raise ConfigurationError(f"id_fault {plan.id_fault!r}: use {', '.join(FAULTS)}")
    if plan.rings < 1 or plan.digit_ms < 1:
        raise ConfigurationError("rings and digit_ms must be at least 1")
    _check_bounds(checked)
    check(plan.digits)
    return plan


def _check_bounds(given: Mapping[str, object]) -> None:
    """Refuse what no line could bear: sound without end, a name longer than its length byte."""
    for name, value in given.items():
        if isinstance(value, int) and not 0 <= value <= LONGEST_MS:
            raise ConfigurationError(f"{name} is {value}: give 0 to {LONGEST_MS}")
        if isinstance(value, str) and not (value.isprintable() and len(value) <= LONGEST_TEXT):
            raise ConfigurationError(f"{name}: give at most {LONGEST_TEXT} printable characters")
