"""When which notice of the outbox is tried again, and when it is given up (reliability.md 4).

Running time alone counts: a clock that was wrong at boot neither kills a notice nor delays it.
"""

from __future__ import annotations

import enum
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from appliance.policy.mail import Mail

FIRST_MS = 60_000
MOST_MS = 4 * 3_600_000
"""A notice that the server puts off is tried after 1, 2, 4 … minutes, at last every 4 hours."""
AWAY_MOST_MS = 15 * 60_000
"""A mail server that cannot be reached is tried at least so often: the attempt costs it nothing,
and a network that is back should not keep an office waiting."""
PATIENCE_MS = 5 * 86_400_000
"""After five days of trying somebody must see to it (RFC 5321, 4.5.4.1: at least 4 to 5 days)."""


class MailState(enum.StrEnum):
    """What became of a notice."""

    QUEUED = "queued"
    SENT = "sent"  # the mail server has taken it
    DEAD = "dead"  # refused, or tried for days: somebody must see to it
    DROPPED = "dropped"  # by a person, for a reason


class Verdict(enum.StrEnum):
    """What one try came to."""

    SENT = "sent"
    LATER = "later"  # the server puts this notice off, or broke off in the middle of it
    REFUSED = "refused"  # for good: this notice, or its recipient
    AWAY = "away"  # the server cannot be reached, or does not serve now
    MISSET = "misset"  # the server refuses the box: password, TLS, sender; the technician's move


@dataclass(frozen=True, slots=True)
class Reply:
    """A verdict and what was said, by the server or of it; never a password."""

    verdict: Verdict
    said: str


@dataclass(frozen=True, slots=True)
class Waiting:
    """A notice in the queue: how often and for how long it has been tried."""

    number: int
    tries: int = 0
    tried_ms: int = 0


@dataclass(frozen=True, slots=True)
class Letter:
    """A notice as it leaves: `references` are the Message-IDs it follows up, oldest first."""

    mail: Mail
    message_id: str
    references: tuple[str, ...]
    queued_at: datetime


@dataclass(frozen=True, slots=True)
class Health:
    """How the outbox is: what waits, what was given up, and why nothing leaves ("" where it does).

    `misset`: the mail server can be reached and refuses the box.
    """

    waiting: int = 0
    dead: int = 0
    why: str = ""
    misset: bool = False


def wait_ms(tries: int) -> int:
    """Return how long a notice waits after so many tries (one or more)."""
    return min(FIRST_MS << min(tries - 1, 10), MOST_MS)


class Round:
    """Whose turn it is. Times are monotonic seconds; notices are known by their numbers.

    One new and one deferred notice take turns, so that neither waits for the other kind.
    """

    def __init__(self) -> None:
        self._waiting: dict[int, Waiting] = {}
        self._due: dict[int, float] = {}
        self._since: dict[int, float] = {}
        self._put_off: dict[int, int] = {}
        self._server_due = 0.0
        self._server_failures = 0
        self._last_was_new = False

    def learn(self, waiting: Iterable[Waiting], now: float) -> None:
        """Take what is in the queue: what is new is due at once, what has gone is forgotten."""
        found = {each.number: each for each in waiting}
        for number in self._due.keys() - found.keys():
            self._forget(number)
        for number in found.keys() - self._due.keys():
            self._due[number] = self._since[number] = now
        self._waiting = found

    def hurry(self, now: float) -> None:
        """Somebody asks for another try: everything is due, and the server too."""
        self._server_due = now
        self._due = dict.fromkeys(self._due, now)

    def next(self, now: float) -> int | None:
        """Return the notice to be tried now, if any."""
        due = [number for number, at in self._due.items() if at <= now]
        if not due or now < self._server_due:
            return None
        new = [number for number in due if not self._waiting[number].tries]
        old = sorted((n for n in due if self._waiting[n].tries), key=lambda n: self._due[n])
        take_new = bool(new) and not (self._last_was_new and old)
        self._last_was_new = take_new
        return min(new) if take_new else old[0]

    def wait_s(self, now: float) -> float | None:
        """Return in how many seconds `next` has something; None: nothing waits."""
        if not self._due:
            return None
        return max(0.0, min(self._due.values()) - now, self._server_due - now)

    def heard(self, number: int, verdict: Verdict, now: float) -> tuple[MailState, Waiting]:
        """Take a verdict; returns what the notice is now, and its count and time of trying."""
        before = self._waiting[number]
        tried_ms = before.tried_ms + round((now - self._since[number]) * 1000)
        after = Waiting(number, before.tries + 1, tried_ms)
        self._waiting[number] = after
        self._since[number] = now
        self._heed_server(verdict, now)
        if verdict is Verdict.SENT or verdict is Verdict.REFUSED or tried_ms >= PATIENCE_MS:
            self._forget(number)
            return MailState.SENT if verdict is Verdict.SENT else MailState.DEAD, after
        own = 0
        if verdict is Verdict.LATER:  # what the server's absence cost is not this notice's fault
            self._put_off[number] = self._put_off.get(number, 0) + 1
            own = wait_ms(self._put_off[number])
        self._due[number] = max(now + own / 1000, self._server_due)
        return MailState.QUEUED, after

    def _forget(self, number: int) -> None:
        del self._due[number], self._since[number]
        self._put_off.pop(number, None)

    def _heed_server(self, verdict: Verdict, now: float) -> None:
        if verdict not in {Verdict.AWAY, Verdict.MISSET}:
            self._server_failures = 0
            self._server_due = now
            return
        self._server_failures += 1
        wait = min(wait_ms(self._server_failures), AWAY_MOST_MS)
        self._server_due = now + wait / 1000
