"""Replies as a reader of the control socket gets them."""

from __future__ import annotations

import json
from typing import Any

from appliance.api import codec, replies
from appliance.api.codec import command_of
from appliance.api.commands import COMMANDS


def wire(told: Any) -> Any:
    """Return a reply as JSON makes it; an error, or anything else, unchanged."""
    known = isinstance(told, replies.Reply)
    return json.loads(json.dumps(codec.to_json(told))) if known else told


def raw(fields: Any) -> Any:
    """Return what a stand-in answers with: JSON, which passes the socket as it is."""
    return fields


def wish(question: dict[str, Any], ask: str = "") -> Any:
    """Read a question as the control socket's handlers are given it."""
    return command_of(COMMANDS[ask or question["ask"]], question)
