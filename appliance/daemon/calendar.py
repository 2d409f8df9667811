"""Public holidays as frozen values, from the `holidays` library (its ONLY import), and the patron.

4 October (San Francesco) is national in Italy from 2026: the library knows. The town's patron is
nowhere but in the configuration.
"""

from __future__ import annotations

from datetime import date

import holidays

from appliance.daemon.values import MonthDay
from appliance.policy.hours import Holiday
from appliance.policy.text import Refused, Words

YEARS_AHEAD = 12
"""Longer than any box runs without a restart, at which they are made anew."""
OBSERVED_ON_A_SUNDAY = {"IT": frozenset({"Giorno dell'unità nazionale", "National Unity Day"})}
"""Days that the library knows and that close nothing: Italy keeps 4 November on the month's first
Sunday since law 54 of 1977, which is a Sunday like any other."""
PATRON = Words("Santo patrono", "Patron saint's day")


def holidays_for(
    country: str, first_year: int, patron: MonthDay, name: str = ""
) -> tuple[Holiday, ...]:
    """Return the holidays of `country` from `first_year` on for some years, patron included.

    Raises Refused for a country whose holidays nobody knows.
    """
    years = range(first_year, first_year + YEARS_AHEAD)
    found: dict[date, Words] = {}
    code = country.upper()
    try:
        english = holidays.country_holidays(code, years=years, language="en_US")
    except NotImplementedError as error:
        raise Refused(
            f"di «{country}» non si conoscono le feste: scrivere ad esempio it",
            f"the holidays of {country!r} are not known: write e.g. it",
        ) from error
    # said outright: left to itself the library follows the environment's language
    home = english.default_language
    local = holidays.country_holidays(code, years=years, language=home)
    for day, text in english.items():
        named = [_without_observances(name, code) for name in (local.get(day, text), text)]
        if all(named):
            found[day] = Words(*named)
    for year in years:
        found[patron.in_year(year)] = Words(name, name) if name else PATRON
    return tuple(Holiday(day, words) for day, words in sorted(found.items()))


def _without_observances(name: str, code: str) -> str:
    """Name a holiday without what is only kept on that day; "" where nothing is left of it."""
    observed = OBSERVED_ON_A_SUNDAY.get(code, frozenset())
    return "; ".join(each for each in name.split("; ") if each not in observed)
