"""What offices hear of an erasure (E20): that an appointment is off, and nothing of the person."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from datetime import datetime
from zoneinfo import ZoneInfo

from appliance.mail.letter import cancellation
from appliance.policy import privacy as words
from appliance.policy.hours import moment_words
from appliance.policy.requests import Mail
from appliance.policy.text import Words
from appliance.store.privacy import Invited

log = logging.getLogger(__name__)


def cancellations(
    invited: tuple[Invited, ...], now: datetime, zone: ZoneInfo, language: str
) -> Iterator[Mail]:
    """Write to each office whose appointment is to come that it is off.

    The request's number, the day and the calendar's own UID are all it needs to find it.
    """
    for each in invited:
        subject = _said(words.filled(words.LETTER_SUBJECT, each.request), language)
        try:
            off = cancellation(each.calendar, subject, now)
        except (ValueError, KeyError, IndexError) as error:
            log.error("the invitation of request %s cannot be taken back: %s", each.request, error)
            continue
        if off.start <= now:
            continue
        at = moment_words(off.start.astimezone(zone), language)
        body = words.filled(words.LETTER, number=each.request, at=at)
        key = f"erased-{each.request}"
        yield Mail(key, each.to, subject, _said(body, language), calendar=off.text)


def _said(text: Words, language: str) -> str:
    return text.it if language == "it" else text.en
