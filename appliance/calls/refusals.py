"""Why a call out is not placed, as names of recorded prompts: what the phone hears (E17)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from appliance.policy.dialling import Denied

Keys = tuple[str, ...]

NOT_HERE: Final[Keys] = ("cannot_dial",)
"""This phone may not call this number, at no hour."""
NOT_NOW: Final[Keys] = ("cannot_dial", "try_later")
NO_LINE: Final[Keys] = ("no_line", "try_later")
NO_LINE_FOR_HELP: Final[Keys] = ("no_line", "use_mobile")
"""Whoever calls for help is told at once what else to do."""
TWICE: Final[Keys] = ("message_held",)
ASK_REASON: Final[Keys] = ("off_hours", "dial_urgent")
SAID: Mapping[Denied, Keys] = {
    Denied.NO_NUMBER: NOT_HERE,
    Denied.CLASS: NOT_HERE,
    Denied.NOT_KNOWN: ("dial_not_known",),
    Denied.NIGHT: ("off_hours", "dial_not_known"),
    Denied.NOT_READY: NOT_NOW,
    Denied.CALLS: ("dial_limit", "try_later"),
    Denied.MINUTES: ("dial_limit",),
}
"""What is heard where policy.dialling.SENTENCES is read."""


def no_line(*, emergency: bool) -> Keys:
    """Say that no line can be had."""
    return NO_LINE_FOR_HELP if emergency else NO_LINE
