"""Forms of the register's pages: from fields named by their place to what the desk is asked.

A field is named as the desk names a problem's place ("needs.1.numbers.2.label"), so that each
mistake is said beside its field. A stored declaration fills the form without its numbers: those
left empty are taken over by the desk (P7).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from appliance.policy.directory import Declaration, Need
from appliance.policy.hours import Bands, Week

Nested = dict[str, Any]

MOST: Final = 40
"""Parts of a kind that a form may have."""
OURS: Final = ("csrf", "do")
"""Fields that are the page's own business."""
TEXTS: Final = ("unit", "declared_by", "reference", "first", "last")
LONGEST: Final = 400
_PLAIN: Final = re.compile(r"0?(\d+)(?::00|(:\d\d))")


def nested(items: Iterable[tuple[str, object]]) -> Nested:
    """Gather fields into what the desk reads; needs that are to go and empty rows are left out."""
    flat = [(name, value[:LONGEST]) for name, value in items if isinstance(value, str)]
    texts = dict(flat)
    form: Nested = dict.fromkeys(TEXTS, "")
    form |= {n: value for n, value in flat if "." not in n and n not in OURS}
    form["rules"] = [value for name, value in flat if name == "rules"]
    form["week"] = _week(texts, "week")
    form["withdraw"] = texts.get("withdraw") == "1"
    form["slots"] = {
        "week": _week(texts, "slots.week"),
        "minutes": texts.get("slots.minutes") or "20",
        "places": texts.get("slots.places") or "1",
    }
    form["needs"] = [need for number in range(1, MOST + 1) if (need := _need(flat, number))]
    return form


def _week(texts: Mapping[str, str], name: str) -> list[str]:
    return [texts.get(f"{name}.{day}", "") for day in range(1, 8)]


def _need(flat: list[tuple[str, str]], number: int) -> Nested | None:
    prefix = f"needs.{number}."
    own = [(n.removeprefix(prefix), value) for n, value in flat if n.startswith(prefix)]
    texts = dict(own)
    if not own or texts.get("gone") == "1":
        return None
    numbers = [row for n in range(1, MOST + 1) if (row := _number(texts, n))]
    if not texts.get("name") and not numbers:
        return None
    return {
        "code": texts.get("code", ""),
        "name": texts.get("name", ""),
        "code_keys": texts.get("code_keys", ""),
        "rules": [value for name, value in own if name == "rules"],
        "numbers": numbers,
    }


def _number(texts: Mapping[str, str], number: int) -> Nested | None:
    """Read a row; one that is left as it was is the earlier number."""
    prefix = f"numbers.{number}."
    own = {n.removeprefix(prefix): v for n, v in texts.items() if n.startswith(prefix)}
    if own.get("gone") == "1" or not any(own.get(n) for n in ("number", "label", "declaration")):
        return None
    row: Nested = {"label": own.get("label", ""), "reach": own.get("reach", ""), "earlier": {}}
    row["number"] = own.get("number", "")
    row["service_mobile"] = own.get("service_mobile") == "1"
    if own.get("declaration"):
        kept = {"declaration": own["declaration"], "need": own.get("need", "")}
        row["earlier"] = kept | {"which": own.get("which", "")}
    return row


def asked(form: Nested) -> Nested:
    """Return a form as the desk is asked: an earlier number unless another is written."""
    needs = [
        need | {"numbers": [_asked_number(r) for r in need["numbers"]]} for need in form["needs"]
    ]
    return form | {"needs": needs}


def _asked_number(row: Nested) -> Nested:
    plain = {name: value for name, value in row.items() if name != "earlier"}
    if row["earlier"] and not row["number"]:
        return plain | {"kept": row["earlier"]}
    return plain


def flat(form: Nested) -> Iterator[tuple[str, str]]:
    """Spread a form over its fields again, for a page that only carries it on."""
    for name, value in form.items():
        if isinstance(value, str):
            yield name, value
    yield from (("rules", rule) for rule in form["rules"])
    yield "withdraw", "1" if form["withdraw"] else ""
    yield from ((f"week.{n}", text) for n, text in enumerate(form["week"], 1))
    slots = form["slots"]
    yield from ((f"slots.week.{n}", text) for n, text in enumerate(slots["week"], 1))
    yield from ((f"slots.{name}", str(slots[name])) for name in ("minutes", "places"))
    for number, need in enumerate(form["needs"], 1):
        yield from _flat_need(f"needs.{number}.", need)


def _flat_need(prefix: str, need: Nested) -> Iterator[tuple[str, str]]:
    yield from ((f"{prefix}{name}", need[name]) for name in ("code", "name", "code_keys"))
    yield from ((f"{prefix}rules", rule) for rule in need["rules"])
    for number, row in enumerate(need["numbers"], 1):
        at = f"{prefix}numbers.{number}."
        yield from ((f"{at}{name}", row[name]) for name in ("label", "reach", "number"))
        yield f"{at}service_mobile", "1" if row["service_mobile"] else ""
        yield from ((f"{at}{name}", str(v)) for name, v in row["earlier"].items())


def filled(unit: str, declaration: Declaration | None) -> Nested:
    """Return the form filled from the declaration that a new one would take the place of."""
    form = nested([("unit", unit)])
    if declaration is None:
        return form | {"needs": [blank_need()]}
    slots, number = declaration.slots, declaration.entry.number
    form |= {
        "declared_by": declaration.declared_by,
        "week": texts_of(declaration.week),
        "rules": [rule.value for rule in declaration.rules],
        "needs": [_need_of(need, number) for need in declaration.needs] or [blank_need()],
    }
    if slots:
        minutes, places = str(slots.minutes), str(slots.places)
        form["slots"] = {"week": texts_of(slots.week), "minutes": minutes, "places": places}
    return form


def blank_need() -> Nested:
    """Return an empty need."""
    return {"code": "", "name": "", "code_keys": "", "rules": [], "numbers": [blank_number()]}


def blank_number() -> Nested:
    """Return an empty row for a number."""
    return {"label": "", "reach": "", "number": "", "service_mobile": False, "earlier": {}}


def _need_of(need: Need, declaration: int) -> Nested:
    rows = [
        {
            "label": target.label,
            "reach": target.reach.value,
            "number": "",
            "service_mobile": target.service_mobile,
            "earlier": {"declaration": declaration, "need": need.code, "which": which},
        }
        for which, target in enumerate(need.targets, 1)
    ]
    rules = [rule.value for rule in need.rules]
    return {
        "code": need.code, "name": need.name, "code_keys": need.code_keys, "rules": rules,
        "numbers": rows,
    }  # fmt: skip


def texts_of(week: Week) -> list[str]:
    """Return the bands of each day as people write them."""
    return [bands_text(bands) for bands in week.days]


def bands_text(bands: Bands) -> str:
    """Write the bands of a day as short as people do: 9-12:30 15-17."""
    return " ".join(_PLAIN.sub(lambda found: found[1] + (found[2] or ""), str(b)) for b in bands)
