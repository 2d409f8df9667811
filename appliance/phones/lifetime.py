"""How long a call lives: session timers (RFC 4028), and when its phone is asked for life.

Pure values: what was agreed, and the moments that follow from it; upkeep.py acts on them.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from appliance.phones.canonical import Headers
from appliance.phones.message import Message

WANTED = 1800
"""Seconds a session lasts without renewal, as we ask for it (RFC 4028 4.2 recommends it)."""
LEAST = 90
"""Seconds: what may be asked for at the least (RFC 4028 4.2)."""
HELD_ASK = 15.0
"""Seconds between questions to a phone whose sound is no sign of life: it holds, or is held."""
ANSWER_LIMIT = 5.0
"""Seconds a phone has for its answer: four questions, at 0, 0.5, 1.5 and 3.5 s."""
DESK_LIMIT = 10.0
"""Seconds the desk has to say what becomes of a transfer; then it is refused."""
TRANSFER_LIMIT = 300.0
"""Seconds a transfer that is under way may take until the phone is told how it ended."""

_SESSION_EXPIRES = re.compile(
    r"\s*(\d{1,9})\s*(?:;.*?\brefresher\s*=\s*(uac|uas))?.*", re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class SessionTimer:
    """A session of `interval` seconds since `renewed_at`; `we_refresh` says whose duty it is."""

    interval: int
    we_refresh: bool
    renewed_at: float

    @property
    def refresh_at(self) -> float | None:
        """When we renew it: half way (RFC 4028 10); None when the phone does."""
        return self.renewed_at + self.interval / 2 if self.we_refresh else None

    @property
    def ends_at(self) -> float:
        """When it is over unless renewed (10: "the minimum of 32 seconds and one third" before)."""
        return self.renewed_at + self.interval - min(32.0, self.interval / 3)


@dataclass(slots=True)
class Life:
    """One call's timers (monotonic s, None for none).

    `answer_by`: asked for life, and lost if silent until then. `transfer`: the number of the REFER
    that waits for the desk.
    """

    timer: SessionTimer | None = None
    refresh_at: float | None = None
    knows_update: bool = False
    refreshing: bool = False
    ask_at: float | None = None
    answer_by: float | None = None
    transfer: int | None = None
    transfer_by: float | None = None

    def next_deadline(self) -> float | None:
        """Return when something is due."""
        times = (self.refresh_at, self.ask_at, self.answer_by, self.transfer_by)
        ends_at = self.timer.ends_at if self.timer else None
        return min((at for at in (*times, ends_at) if at is not None), default=None)

    def renewed(self, timer: SessionTimer | None) -> None:
        """Take what the last INVITE or UPDATE has settled; None switches the timer off (9)."""
        self.timer = timer
        self.refresh_at = timer.refresh_at if timer else None

    def learn_methods(self, message: Message) -> None:
        """Keep whether the phone knows UPDATE, which spares a refresh the offer and the ACK."""
        allowed = ",".join(message.all("Allow")).upper()
        self.knows_update = "UPDATE" in re.split(r"[\s,]+", allowed)

    def watch(self, *, is_silent: bool, now: float) -> None:
        """Begin, or stop, to ask a phone whose sound is no sign of life."""
        self.ask_at = now + HELD_ASK if is_silent else None


def asked(message: Message) -> tuple[int, str]:
    """Return the seconds and the refresher ("uac", "uas", "") of Session-Expires; 0 for none."""
    found = _SESSION_EXPIRES.fullmatch(message.get("Session-Expires"))
    return (int(found[1]), (found[2] or "").lower()) if found else (0, "")


def least_of(refusal: Message) -> int:
    """Return the seconds that a 422 wants at the least, 0 when it does not say."""
    text = refusal.get("Min-SE").partition(";")[0].strip()
    return int(text) if re.fullmatch(r"\d{1,6}", text) else 0


def wish(seconds: int = WANTED, *, we_refresh: bool = False) -> Headers:
    """Return the headers of our INVITE or UPDATE; at first the phone may choose who refreshes."""
    value = f"{seconds};refresher=uac" if we_refresh else f"{seconds}"
    return (("Session-Expires", value), ("Min-SE", str(LEAST)))


def settled(answer: Message, now: float) -> SessionTimer | None:
    """Return the timer of a 2xx to our request, None when the phone knows of none (7.2)."""
    seconds, refresher = asked(answer)
    return SessionTimer(max(seconds, LEAST), refresher != "uas", now) if seconds else None


def is_too_brief(request: Message) -> bool:
    """Tell whether a phone asks for a session shorter than we grant: 422 with Min-SE (8.1)."""
    return 0 < asked(request)[0] < LEAST


def granted(request: Message, now: float) -> tuple[SessionTimer | None, Headers]:
    """Return the timer that a phone's request gets, and the headers of the 2xx that say so (9)."""
    seconds, refresher = asked(request)
    if not seconds:
        return None, ()
    is_able = "timer" in re.split(r"[\s,]+", ",".join(request.all("Supported")).lower())
    refresher = (refresher or "uac") if is_able else "uas"
    headers = [("Session-Expires", f"{seconds};refresher={refresher}")]
    if refresher == "uac":
        headers.append(("Require", "timer"))
    return SessionTimer(seconds, refresher == "uas", now), tuple(headers)
