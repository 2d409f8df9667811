"""The published forms, and what fits them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from jsonschema import Draft202012Validator

if TYPE_CHECKING:
    from appliance.fleet.mqtt_messages import MqttMessage


FOLDER: Final = Path(__file__).parents[2] / "docs" / "fleet" / "schema"
EVENT: Final = Draft202012Validator(json.loads((FOLDER / "event.json").read_text()))
STATES: Final[dict[str, Any]] = json.loads((FOLDER / "states.json").read_text())["$defs"]


def wrong_with_event(value: object) -> list[str]:
    """List what keeps an event from fitting its published form."""
    return [error.message for error in EVENT.iter_errors(value)]


def wrong_with_state(message: MqttMessage, prefix: str) -> list[str]:
    """List what keeps a state from fitting the form of its topic."""
    kind = message.topic.removeprefix(f"{prefix}/").partition("/")[0]
    text = message.payload.decode()
    value = text if kind == "availability" else json.loads(text)
    return [error.message for error in Draft202012Validator(STATES[kind]).iter_errors(value)]
