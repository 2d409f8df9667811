"""A unit's monthly sheet on its way to the unit: the desk knows its address, and keeps the mail."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from appliance.api.protocol import DeferredReply, SendReply
from appliance.errors import CentralinoError
from appliance.policy.requests import Mail
from appliance.policy.text import SaidError, Words
from appliance.store import requests
from appliance.store.reports import sheet_key

if TYPE_CHECKING:
    from appliance.policy.directory import Register
    from appliance.service.loop import Stores

_MONTH = re.compile(r"\d{4}-\d{2}")


def mail_sheet(stores: Stores, register: Register, question: dict[str, Any]) -> DeferredReply:
    """Queue a sheet for a unit's address; the same unit and month is sent once."""
    code, month = str(question.get("unit", "")), str(question.get("month", ""))
    subject, body = str(question.get("subject", "")), str(question.get("body", ""))
    unit = register.unit(code)
    if unit is None or not unit.email:
        raise SaidError(
            Words(
                f"la rubrica non ha un'unità {code!r} con un indirizzo e-mail",
                f"the register has no unit {code!r} with an e-mail address",
            )
        )
    if not _MONTH.fullmatch(month) or not subject or not body:
        raise SaidError(
            Words(
                "a un foglio servono il mese (2026-10), l'oggetto e il testo",
                "a sheet needs its month (2026-10), a subject and a text",
            )
        )
    mail = Mail(sheet_key(code, month), unit.email, subject.replace("\n", " "), body)
    it = f"La scheda di {unit.name} per {month} parte appena il server di posta la prende."
    en = f"The sheet of {unit.name} for {month} leaves as soon as the mail server takes it."

    def later(tell: SendReply) -> None:
        def kept(error: CentralinoError | None) -> None:
            tell(error if error is not None else {"said": {"it": it, "en": en}})

        at, domain = datetime.now(UTC), stores.records.letters.domain
        stores.records.do(lambda c: requests.queue(c, mail, at, domain), kept)

    return later
