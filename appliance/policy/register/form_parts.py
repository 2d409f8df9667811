"""Parts of a declaration's form: needs, their numbers, the slots that are offered."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from functools import partial

from appliance.policy.register.declarations import Need, Slots
from appliance.policy.register.fields import Fields
from appliance.policy.register.register import Register
from appliance.policy.register.targets import Reach, Target, relabelled, target

MOST_NEEDS, MOST_NUMBERS = 40, 10
_NO_CODE = re.compile(r"[^a-z0-9]+")


def code_of(name: str) -> str:
    """Make a code of a name: "Italiani all'estero" is italiani-all-estero; "" of signs alone."""
    plain = unicodedata.normalize("NFKD", name.casefold()).encode("ascii", "ignore").decode()
    return _NO_CODE.sub("-", plain).strip("-")[:32].strip("-")


def free_code(code: str, taken: set[str]) -> str:
    """Return a code, or with 2, 3 and so on where it is taken."""
    number, found = 1, code
    while found in taken:
        number += 1
        found = f"{code}-{number}"
    return found


def slots(fields: Fields) -> Slots | None:
    """Read when appointments are offered; None for never."""
    part = fields.part("slots")
    if part is None:
        return None
    week = part.week("week")
    minutes, places = part.number("minutes", 20), part.number("places", 1)
    if not week.ever_opens:
        return None
    return part.attempt("minutes", lambda: Slots(week, minutes, places))


def needs(stored: Register, fields: Fields) -> Iterator[Need]:
    """Read the needs; one without a code gets one of its name."""
    parts = list(fields.parts("needs", MOST_NEEDS))
    taken = {part.text("code") for part in parts}
    for part in parts:
        name, code = part.text("name", is_needed=True), part.text("code")
        if not code:
            code = free_code(code_of(name) or "necessita", taken)
            taken.add(code)
        targets = tuple(_targets(stored, part))
        rules, keys = part.rules("rules"), part.text("code_keys")
        made = part.attempt("numbers", partial(Need, code, name, targets, rules, keys))
        if made is not None:
            yield made


def declared_number(stored: Register, number: int, need: str, which: int) -> Target | None:
    """Return the `which`th (from 1) number of a need of the declaration entered as `number`."""
    declaration = next((d for d in stored.declarations if d.entry.number == number), None)
    found = declaration.need(need) if declaration else None
    targets = found.targets if found else ()
    return targets[which - 1] if 0 < which <= len(targets) else None


def _targets(stored: Register, fields: Fields) -> Iterator[Target]:
    for part in fields.parts("numbers", MOST_NUMBERS):
        kept = part.part("kept")
        made = _written(part) if kept is None else _kept(stored, part, kept)
        if made is not None:
            yield made


def _kept(stored: Register, fields: Fields, kept: Fields) -> Target | None:
    """Take a number over from an earlier declaration: whoever fills in the form need not see it."""
    number, which = kept.number("declaration", 0), kept.number("which", 0)
    found = declared_number(stored, number, kept.text("need"), which)
    if found is None:
        fields.wrong(
            "number",
            "il numero di prima non c'è: scriverlo di nuovo",
            "the earlier number is not there: write it again",
        )
        return None
    return fields.attempt("label", partial(relabelled, found, fields.text("label")))


def _written(fields: Fields) -> Target | None:
    text, label = fields.text("number", is_needed=True), fields.text("label")
    reach, mobile = fields.text("reach"), fields.flag("service_mobile")
    if reach not in tuple(Reach):
        fields.wrong("reach", "scegliere come si raggiunge", "choose how it is reached")
        return None
    if not text:
        return None
    return fields.attempt(
        "number", lambda: target(Reach(reach), text, label, service_mobile=mobile)
    )
