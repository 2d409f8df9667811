"""Local wall-clock times as moments, also on the two nights a year when the clock is changed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo


def local_moment(naive: datetime, zone: ZoneInfo) -> datetime:
    """Return the aware moment of a naive local time in `zone`.

    A time that comes twice is the first one; one that is skipped is the moment after the gap.
    """
    moment = naive.replace(tzinfo=zone)
    if moment.astimezone(UTC).astimezone(zone).replace(tzinfo=None) == naive:
        return moment
    return _end_of_gap(naive, zone)


def _end_of_gap(naive: datetime, zone: ZoneInfo) -> datetime:
    """Find by halving, to the second, when the clock was put forward over `naive`."""
    late = naive.replace(tzinfo=zone).astimezone(UTC)
    early = naive.replace(tzinfo=zone, fold=1).astimezone(UTC)
    before = early.astimezone(zone).utcoffset()
    while late - early > timedelta(seconds=1):
        middle = early + (late - early) // 2
        if middle.astimezone(zone).utcoffset() == before:
            early = middle
        else:
            late = middle
    return late.replace(microsecond=0).astimezone(zone)
