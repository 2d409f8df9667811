"""States of call control as a watcher is told them, made by the real Switchboard."""

from __future__ import annotations

import json
from typing import Any

from appliance.api import codec
from appliance.api.replies import FullStatus
from appliance.calls.switchboard import Switchboard
from appliance.policy.clock import Now
from tests.calls.examples import TEN


def told(switchboard: Switchboard, now: Now = TEN) -> dict[str, Any]:
    """Return the status as JSON, as the control socket tells it."""
    found: dict[str, Any] = json.loads(json.dumps(codec.to_json(seen(switchboard, now))))
    return found


def seen(switchboard: Switchboard, now: Now = TEN) -> FullStatus:
    """Return the status as a page gets it."""
    return FullStatus.extended(switchboard.status(now))
