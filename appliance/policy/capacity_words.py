"""How many lines and positions a house needs, as a table in both languages."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

from appliance.policy.erlang import engaged, lines_for, positions_for, service
from appliance.policy.words import Words


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is wanted: at most this share of callers hears engaged, at least this share is answered
    within so many seconds.
    """

    engaged: float = 0.01
    within: float = 0.8
    within_s: float = 20.0


def table(traffic: float, length_s: float, wanted: Wanted, lines: int = 0) -> Iterator[Words]:
    """Yield the two tables for a traffic (erlang) of calls of `length_s`, then what is enough.

    `lines` is how many the house has, 0 for not known: its row is marked.
    """
    enough = lines_for(traffic, wanted.engaged)
    persons = positions_for(traffic, length_s, wanted.within_s, wanted.within)
    yield Words("linee   trovano occupato", "lines   hear engaged")
    for number in range(1, max(enough, lines) + 2):
        mark = Words(" oggi", " today") if number == lines else Words("", "")
        share = f"{number:5d} {engaged(traffic, number) * 100:13.2f} %"
        yield Words(share + mark.it, share + mark.en)
    within = f"{wanted.within_s:.0f} s"
    yield Words(
        f"postazioni   attendono   risposta entro {within}   attesa media",
        f"positions    wait        answered within {within}  mean wait",
    )
    for number in range(max(1, math.ceil(traffic)), persons + 2):
        yield _row(number, traffic, length_s, wanted)
    yield Words(
        f"Linee: {enough} (al massimo {_percent(wanted.engaged)} trova occupato). "
        f"Postazioni: {persons} (almeno {_percent(wanted.within)} ha risposta entro {within}).",
        f"Lines: {enough} (at most {_percent(wanted.engaged)} hear engaged). "
        f"Positions: {persons} (at least {_percent(wanted.within)} answered within {within}).",
    )


def _row(number: int, traffic: float, length_s: float, wanted: Wanted) -> Words:
    served = service(traffic, number, length_s, wanted.within_s)
    shares = f"{number:5d} {served.wait * 100:15.1f} % {served.within * 100:17.1f} %"
    if math.isinf(served.mean_s):
        return Words(f"{shares}     senza fine", f"{shares}     without end")
    return Words(f"{shares} {served.mean_s:11.1f} s", f"{shares} {served.mean_s:11.1f} s")


def _percent(share: float) -> str:
    return f"{share * 100:g} %"
