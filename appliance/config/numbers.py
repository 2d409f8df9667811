"""Telephone numbers as people write them: the ONLY phonenumbers import."""

from __future__ import annotations

import phonenumbers

from appliance.policy.text import Refused


def called(number: str, country: str) -> str:
    """Return a public number as it is dialled within `country`: "+39 051 598111" -> "051598111".

    Raises Refused for a number that is not valid there.
    """
    try:
        parsed = phonenumbers.parse(number, country.upper())
    except phonenumbers.NumberParseException as error:
        raise Refused(
            f"{number!r} non è un numero di telefono: scriverlo come si compone, ad esempio "
            '"051 598111"',
            f'{number!r} is no telephone number: write it as it is dialled, e.g. "051 598111"',
        ) from error
    if not phonenumbers.is_possible_number(parsed):
        raise Refused(
            f"{number!r} non ha il numero di cifre giusto per {country}",
            f"{number!r} has the wrong number of digits for {country}",
        )
    return "".join(filter(str.isdigit, shown(number, country)))


def shown(number: str, country: str) -> str:
    """Return a number grouped as people read it; unchanged if it is no ordinary number."""
    try:
        parsed = phonenumbers.parse(number, country.upper())
    except phonenumbers.NumberParseException:
        return number
    if not phonenumbers.is_possible_number(parsed):
        return number
    return phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.NATIONAL)
