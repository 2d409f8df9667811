"""The report of calls and requests on paper, across the sheet: what the command shows as text."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

from appliance.paper.document import Document, Part
from appliance.store.reports import Teller


def document(
    house: str, contacts: tuple[str, ...], told: Teller, first: date, last: date
) -> Document:
    """Lay a report out."""
    subject = told.title(first, last)
    return Document(
        language=told.language,
        house=house,
        title=f"{house} – {subject}",
        subject=subject,
        contacts=contacts,
        opening=told.headline(),
        parts=tuple(_parts(told)),
        is_wide=True,
    )


def _parts(told: Teller) -> Iterator[Part]:
    yield Part("", tuple(told.totals()), told.requests())
    for heading, (header, *rows) in told.tables():
        yield Part(heading, header=tuple(header), rows=tuple(tuple(row) for row in rows))
