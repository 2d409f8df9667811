"""The month's sheets of all units, put into the outbox by the box itself: each unit and month once.

The key of a sheet is that of `centralino report --mail`: whichever comes first, the unit reads one.
"""

from __future__ import annotations

from datetime import date, datetime, time
from typing import TYPE_CHECKING

from appliance.policy.due import months_end
from appliance.policy.local_time import local_moment, month_words
from appliance.policy.mail import Mail
from appliance.policy.report import UnitFigures, unit_figures
from appliance.records import outbox, report_rows, report_words
from appliance.records.database import transaction

if TYPE_CHECKING:
    import sqlite3

    from appliance.policy.hours import Schedule
    from appliance.policy.register.register import Register, Unit


def sheet_key(unit: str, month: str) -> str:
    """Return the key under which a unit's sheet of a month (2026-10) is kept in the outbox."""
    return f"report:{unit}:{month}"


def queue_sheets(
    connection: sqlite3.Connection,
    register: Register,
    calendar: Schedule,
    month: date,
    language: str,
    now: datetime,
    domain: str = outbox.NO_DOMAIN,
) -> int:
    """Queue the sheets of the month that begins on a day, durably; return how many there were.

    None for a unit that nothing concerned, or that has its sheet already. Raises sqlite3.Error.
    """
    named = f"{month:%Y-%m}"
    with transaction(connection):
        units = [u for u in register.units if not _has_it(connection, u, named)]
        start = local_moment(datetime.combine(month, time()), calendar.zone)
        end = local_moment(datetime.combine(months_end(month), time()), calendar.zone)
        calls = report_rows.call_rows(connection, start, end, calendar.zone)
        taken = report_rows.request_rows(connection, start, end, calendar, now)
        told = [(unit, unit_figures(calls, taken, unit.code)) for unit in units]
        concerned = [(unit, figures) for unit, figures in told if figures != UnitFigures()]
        for unit, figures in concerned:
            subject, body = report_words.unit_sheet(
                figures, unit.name, month_words(month, language), language
            )
            mail = Mail(sheet_key(unit.code, named), unit.email, subject, body)
            outbox.put(connection, mail, now, domain)
    return len(concerned)


def _has_it(connection: sqlite3.Connection, unit: Unit, month: str) -> bool:
    return outbox.is_known(connection, sheet_key(unit.code, month))
