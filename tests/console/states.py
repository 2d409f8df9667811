"""States of a desk as a watcher is told them, made by the real Switchboard."""

from __future__ import annotations

import dataclasses
import json
from typing import Any

from appliance.calls.switchboard import Switchboard
from appliance.policy.clock import Now
from appliance.service.command_table import _plain
from appliance.store.alerts import NOTHING_OPEN
from tests.calls.desk import TEN


def told(switchboard: Switchboard, now: Now = TEN) -> dict[str, Any]:
    """Return the status as JSON, as the door tells it."""
    shown = _plain(switchboard.status(now)) | {"care": dataclasses.asdict(NOTHING_OPEN)}
    found: dict[str, Any] = json.loads(json.dumps(shown))
    return found
