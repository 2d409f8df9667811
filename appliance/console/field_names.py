"""Names of form fields, by which the list of a form's mistakes says where each one is."""

from __future__ import annotations

import itertools
from typing import Final

from appliance.console.say import N_, Speaker
from appliance.policy.transfers import WEEKDAY_WORDS
from appliance.text import Words

FIELD_NAMES: Final = {
    "address": N_("Address"),
    "authorised_by": N_("Authorised by"),
    "check_by": N_("To be checked again by"),
    "code_keys": N_("Code on the phones (1 to 4 digits)"),
    "declared_by": N_("Declared by"),
    "email": N_("E-mail"),
    "first": N_("First day"),
    "greeting": N_("Announcement while closed"),
    "hours": N_("Hours"),
    "keywords": N_("Words by which callers ask for it"),
    "label": N_("Whose, or for what"),
    "last": N_("Last day"),
    "minutes": N_("Minutes each"),
    "name": N_("Name"),
    "need": N_("Need"),
    "needs": N_("Needs"),
    "note": N_("Note for the operator"),
    "notice": N_("Notice that operators read"),
    "number": N_("Number"),
    "numbers": N_("Numbers"),
    "places": N_("At a time"),
    "reach": N_("How it is reached"),
    "reason": N_("Reason"),
    "reason_en": N_("Reason in English"),
    "reference": N_("Reference"),
    "rules": N_("If the call comes back"),
    "say": N_("Sentence for the caller"),
    "since": N_("From which day"),
    "tell": N_("Number"),
    "unit": N_("Office"),
    "website": N_("Website"),
    "week": N_("Hours"),
    "whose": N_("For whom"),
}
"""Names of fields, in English, by the last word of their places."""
COMMAND_FIELDS: Final = {
    "asked": N_("What is asked"),
    "code": N_("Code"),
    "form": N_("How"),
    "language": N_("Language of the pages"),
    "name": N_("User name"),
    "number": N_("Number"),
    "phone": N_("Telephone"),
    "position": N_("Position"),
    "roles": N_("Roles"),
    "said_by": N_("Who said so"),
    "shown": N_("Name and surname"),
    "starts": N_("When"),
    "subject": N_("Subject"),
    "unit": N_("Office"),
}
"""Names of a command's fields on its form, in English, by the field."""
ROWS: Final = {"needs": N_("Need {place}"), "numbers": N_("Number {place}")}
"""Names of a form's rows."""


def with_field_name(words: Words) -> Words:
    """Return a refusal of a command's field that names it as its form does."""
    name = COMMAND_FIELDS.get(str(words.named.get("field", "")))
    return words.filled(field=Words(name)) if name else words


def field_name(say: Speaker, place: str) -> str:
    """Return the name of the field at a place, such as "needs.1.numbers.2.label"; "" if unknown."""
    parts = place.split(".")
    if parts[-2:-1] == ["week"] and parts[-1] in tuple("1234567"):
        return say.words(WEEKDAY_WORDS[int(parts[-1]) - 1])
    pairs = itertools.pairwise(parts)
    named = [say(ROWS[row], place=number) for row, number in pairs if row in ROWS]
    # A number's row is named by itself.
    if parts[-1] in FIELD_NAMES and not (named and parts[-1] == "number"):
        named.append(say(FIELD_NAMES[parts[-1]]))
    return ", ".join(named)
