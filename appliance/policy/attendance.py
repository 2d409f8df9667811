"""Is anybody there: what decides instead of the hours while the clock cannot be trusted (E5).

The rule must not feed itself: were no phone rung because nobody answers, nobody could answer, and
a morning would go to voicemail. So a call rings at first, and once more whenever half an hour has
gone by since one rang in vain.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from appliance.policy.clock import ClockState, Doubt, WithoutTime

WINDOW_S = 1800.0
"""So long somebody is taken to be there still, or nobody (reliability.md 6)."""


@dataclass(frozen=True, slots=True)
class Attendance:
    """When (monotonic s) a person last did something at a phone or a screen, and when a call last
    rang until voicemail had to answer; None for not since the start.
    """

    seen: float | None = None
    in_vain: float | None = None

    def see(self, at: float) -> Attendance:
        """Return it after somebody has lifted, dialled, or asked for something."""
        return replace(self, seen=at, in_vain=None)

    def ring_in_vain(self, at: float) -> Attendance:
        """Return it after a call that nobody took."""
        return replace(self, in_vain=at)

    def is_staffed(self, at: float) -> bool:
        """Tell whether a call is to ring: somebody was there, or it was not tried, of late."""
        return _within(self.seen, at) or not _within(self.in_vain, at)


def doubt(rule: WithoutTime, state: ClockState, attendance: Attendance, at: float) -> Doubt:
    """Say what holds instead of the hours; `at` is monotonic. An unset clock keeps none."""
    if rule is WithoutTime.HOURS and state is not ClockState.UNSET:
        return Doubt.HOURS
    is_open = rule is WithoutTime.OPEN or attendance.is_staffed(at)
    return Doubt.OPEN if is_open else Doubt.CLOSED


def _within(moment: float | None, at: float) -> bool:
    return moment is not None and at - moment < WINDOW_S
