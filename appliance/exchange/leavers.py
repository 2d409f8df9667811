"""Callers whose call was ended by the host: they hear the busy tone for a while, then they go."""

from __future__ import annotations

from typing import TYPE_CHECKING

from appliance.exchange.sound import samples
from appliance.exchange.tones import loop

if TYPE_CHECKING:
    from appliance.exchange.call import Call
    from appliance.exchange.country import Tone
    from appliance.exchange.sound import Loop

LINGER = samples(2000)
"""A caller whose call was ended by the host listens to the busy tone for this long."""


class Leavers:
    """Those who listen to it at the moment; true while there are any."""

    def __init__(self) -> None:
        self._leaving: list[tuple[Call, Loop, int]] = []

    def __bool__(self) -> bool:
        """Tell whether anybody is left."""
        return bool(self._leaving)

    def add(self, call: Call, tone: Tone) -> None:
        """Let a caller hear the tone."""
        self._leaving.append((call, loop(tone), LINGER))

    def pass_time(self, n: int) -> None:
        """Let n samples go by."""
        for call, tone, left in self._leaving:
            call.pass_time(n)
            call.hear(tone.take(n))
            call.done = left <= n
        self._leaving = [(call, tone, left - n) for call, tone, left in self._leaving if left > n]
