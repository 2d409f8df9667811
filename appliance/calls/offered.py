"""What the front desk may offer a caller now: every office and need, open ones and later ones (P5).

The same answer that a transfer would get, asked of all at once.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from appliance.calls import transfer
from appliance.calls.desk import Desk
from appliance.calls.transfer_call import Wish
from appliance.policy.clock import Now
from appliance.policy.directory import ReturnRule, Unit
from appliance.policy.text import NOTHING, Words
from appliance.policy.transfers import Allowed, in_words, unanswered_in_words


@dataclass(frozen=True, slots=True)
class Offered:
    """One need of one unit; no number is in it (P7).

    `open`: a transfer would be carried out; `until` when the band ends, `resumes_at` when the next
    one opens (None: not known). `words` say why not, or that nobody there has answered of late
    (`unanswered`, E8). `need` and `need_name` are "" for a unit that has declared none.
    """

    unit: Unit
    need: str
    need_name: str
    open: bool
    rules: tuple[ReturnRule, ...]
    words: Words = NOTHING
    until: datetime | None = None
    resumes_at: datetime | None = None
    unanswered: bool = False


def offered(desk: Desk, now: Now) -> tuple[Offered, ...]:
    """List them, the open ones first, else in the register's order."""
    every = [
        _offered(desk, unit, code, name, now)
        for unit in desk.register.units
        for code, name in _needs(desk, unit, now)
    ]
    return tuple(sorted(every, key=lambda one: not one.open))


def _needs(desk: Desk, unit: Unit, now: Now) -> Iterator[tuple[str, str]]:
    """Yield code and name of what a unit has last declared, in force or not."""
    held = desk.register.declaration(unit, desk.office.today(now.wall))
    if held is None or not held.needs:
        yield "", ""
    else:
        yield from ((need.code, need.name) for need in held.needs)


def _offered(desk: Desk, unit: Unit, need: str, name: str, now: Now) -> Offered:
    answer = transfer.decide(desk, Wish(unit.code, need, ""), now)
    if not isinstance(answer, Allowed):
        words = in_words(answer, desk.office.local(now.wall))
        return Offered(unit, need, name, False, answer.rules, words, resumes_at=answer.resumes_at)
    ends = answer.band_ends
    if not desk.unanswered.tells(unit.code, need, ends):
        return Offered(unit, need, name, True, answer.rules, until=ends)
    words = unanswered_in_words(answer, desk.unanswered.count(unit.code, need, ends))
    return Offered(unit, need, name, True, answer.rules, words, ends, unanswered=True)
