"""Public holidays as frozen values, from the `holidays` library (its ONLY import), and the patron.

4 October (San Francesco) is national in Italy from 2026: the library knows. The town's patron is
nowhere but in the configuration.
"""

from __future__ import annotations

from datetime import date

import holidays

from appliance.daemon.values import MonthDay
from appliance.policy.dates import Holiday
from appliance.policy.words import Words

YEARS_AHEAD = 12
"""Longer than any box runs without a restart, at which they are made anew."""
PATRON = Words("Santo patrono", "Patron saint's day")


def holidays_for(
    country: str, first_year: int, patron: MonthDay, name: str = ""
) -> tuple[Holiday, ...]:
    """Return the holidays of `country` from `first_year` on for some years, patron included."""
    years = range(first_year, first_year + YEARS_AHEAD)
    found: dict[date, Words] = {}
    code = country.upper()
    english = holidays.country_holidays(code, years=years, language="en_US")
    # said outright: left to itself the library follows the environment's language
    home = english.default_language
    local = holidays.country_holidays(code, years=years, language=home)
    for day, text in english.items():
        found[day] = Words(local.get(day, text), text)
    for year in years:
        found[patron.in_year(year)] = Words(name, name) if name else PATRON
    return tuple(Holiday(day, words) for day, words in sorted(found.items()))
