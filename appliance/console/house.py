"""The state of the whole house as every page shows it: open or not, set by hand, who rings.

Pure: made of the desk's status. Ways to end a state and what an operator may set are the page's.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from appliance.console.live import CallView, Mark, live, mark_of
from appliance.policy.office import Manual
from appliance.policy.text import Words

SET: Final[Mapping[Manual, Words]] = {
    Manual.UNATTENDED: Words("Non presidiato", "Unattended"),
    Manual.CLOSED: Words("Chiuso – segreteria", "Closed – voicemail"),
    Manual.ABSENT: Words("Tutti assenti", "All absent"),
    Manual.OPENED: Words("Aperto fuori orario", "Open outside the hours"),
}
"""The states that are set by hand, in the order of the page."""
MEANS: Final[Mapping[Manual, Words]] = {
    Manual.UNATTENDED: Words(
        "le chiamate vanno allo Sportello Cittadini", "calls go to the citizens' counter"
    ),
    Manual.CLOSED: Words("risponde la segreteria", "voicemail answers"),
    Manual.ABSENT: Words(
        "nessun telefono squilla, risponde la segreteria", "no phone rings, voicemail answers"
    ),
    Manual.OPENED: Words("le chiamate squillano", "calls ring"),
}
"""What each does to calls."""


@dataclass(frozen=True, slots=True)
class Banner:
    """One state in force; its mark's `until` is None where it lasts until somebody ends it."""

    what: Manual
    words: Words
    means: Words
    mark: Mark


@dataclass(frozen=True, slots=True)
class House:
    """`changes_at` is when the house next opens or closes, None where that is not known.

    `ringing` are the calls that wait for an operator; `messages` and `missed` calls are to be
    dealt with.
    """

    at: datetime
    is_open: bool
    changes_at: datetime | None
    banners: tuple[Banner, ...]
    ringing: tuple[CallView, ...]
    messages: int
    missed: int


def house(status: Mapping[str, Any]) -> House:
    """Make it of the desk's status."""
    seen = live(status, "")
    banners = (
        Banner(what, words, MEANS[what], mark)
        for what, words in SET.items()
        if (mark := mark_of(status["service"].get(what))) is not None
    )
    waiting = tuple(call for call in seen.calls if call.waits)
    return House(
        seen.at, seen.open, seen.changes_at, tuple(banners), waiting, seen.messages, seen.missed
    )
