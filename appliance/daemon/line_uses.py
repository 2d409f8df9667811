"""Watches the lines in the status and tells when each was engaged; and says it in words (P8)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from appliance.calls.model import LineState
from appliance.calls.status import Status
from appliance.policy.reports import Peak
from appliance.policy.text import Words
from appliance.store.reports import LineUse

ENGAGED = {LineState.RINGING, LineState.IN_USE, LineState.IN_USE_OUTSIDE, LineState.CLEARING}
"""A caller who dials the line now does not reach it."""


class LineUses:
    """Remembers since when each line has been engaged."""

    def __init__(self) -> None:
        self._since: dict[str, datetime] = {}

    def see(self, status: Status) -> Iterator[LineUse]:
        """Look at a status; yield each use that is over."""
        for line in status.lines:
            if line.state in ENGAGED:
                self._since.setdefault(line.name, status.at)
            elif line.name in self._since:
                yield LineUse(line.name, self._since.pop(line.name), status.at)


def peak_words(today: Peak, month: Peak) -> Words:
    """Say how many lines were engaged at once, and what it means that all of them were."""
    it = f"oggi al massimo {today.lines} di {today.of}, questo mese {month.lines} di {month.of}"
    en = f"today {today.lines} of {today.of} at most, this month {month.lines} of {month.of}"
    minutes = -(-month.all_ms // 60_000)
    if minutes:
        it += (
            f". Questo mese tutte le linee sono state impegnate per {minutes} min: chi ha chiamato "
            "in quel tempo non è arrivato alla scatola e lo prende solo la deviazione su occupato "
            "dell'operatore telefonico"
        )
        en += (
            f". This month all lines were engaged for {minutes} min: callers in that time never "
            "reached the box, only the carrier's divert-on-busy can catch them"
        )
    return Words(f"Linee impegnate insieme: {it}.", f"Lines engaged at once: {en}.")
