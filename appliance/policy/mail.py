"""A notice that leaves by e-mail when it can: what is kept of it until then (reliability.md 4).

The outbox keeps it as it is at this moment; what it is sent as is the mail room's business.
"""

from __future__ import annotations

from dataclasses import dataclass

HEAD = "head"
"""The recipient "head of the front desk": the address is the configuration's, `[mail] head`."""
TEST = "test-"
"""The key of a mail that a technician sends to try the mail server begins so."""


@dataclass(frozen=True, slots=True)
class Mail:
    """One notice to one recipient. The same `key` queued twice is one mail (and one Message-ID).

    `thread` is the key of the mail that this one follows up. `attachments` are files below the
    state folder ("voicemail/new/ID.wav"). `calendar` is an iCalendar object (RFC 5545) to go with
    it. `request` is the number of the request that it carries to the office, 0 for none: accepted
    by the mail server, that request is "sent". `token` is the secret of the link in `body` that
    closes that request, "" for none: of it only the hash is kept (policy/done_link.py).
    """

    key: str
    to: str
    subject: str
    body: str
    thread: str = ""
    attachments: tuple[str, ...] = ()
    calendar: str = ""
    request: int = 0
    token: str = ""
