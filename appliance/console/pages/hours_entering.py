"""Orari: special hours entered in three steps (days, what holds, what changes), revoked (E14)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Any, Final

from starlette.datastructures import FormData
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from appliance.console.accounts.rights import needs
from appliance.console.asking import NotDone, ask
from appliance.console.register_changes import Outcome, ask_change
from appliance.console.say import N_
from appliance.console.templates import page
from appliance.policy.text import Words
from appliance.policy.transfers import WEEKDAY_WORDS
from appliance.policy.users import Permission

WHOSE: Final = {
    "house": N_("switchboard and counter"),
    "switchboard": N_("the switchboard alone"),
    "citizens_desk": N_("the counter alone"),
}
TEXTS: Final = (
    "first", "last", "whose", "kind", "reason", "reason_en", "greeting", "reference", "ends",
)  # fmt: skip
WEEK: Final = tuple(f"week.{number}" for number in range(1, 8))
"""Fields of the form."""
LONGEST: Final = 400
NOTHING_YET: Final = Outcome(True)
Form = dict[str, str]


@needs(Permission.SCHEDULE)
async def new(request: Request) -> Response:
    """Show the days to choose, or, once they are, what holds on them; a correction is filled in."""
    query = request.query_params
    given = {name: query.get(name, "")[:LONGEST] for name in ("first", "last", "whose")}
    try:
        told = await ask(request, {"ask": "hours_ahead"})
        form = _filled(told, query.get("ends", ""))
        form |= {name: value for name, value in given.items() if value}
        if query.get("step") == "what" and (days := _days(form)):
            form = await _with_week(request, form, days[0])
            return _what(request, form, told, NOTHING_YET)
    except NotDone as error:
        return page(request, "hours/away.html", error.status, wrong=str(error))
    wrong = query.get("step") == "what"
    today = told["today"]
    return page(request, "hours/days.html", form=form, whose=WHOSE, today=today, wrong=wrong)


@needs(Permission.SCHEDULE)
async def enter(request: Request) -> Response:
    """Say what would change, go back to the form, or save: whichever button was pressed."""
    sent = await request.form()
    form = {name: _text(sent, name) for name in (*TEXTS, *WEEK)}
    do, asked = _text(sent, "do"), {**form, "week": [form[name] for name in WEEK]}
    outcome = NOTHING_YET
    if do != "edit":
        outcome = await ask_change(request, "hours_enter", asked, preview=do != "save")
    if do == "save" and outcome.is_good:
        return RedirectResponse("/hours?saved=1#entered", 303)
    if do == "edit" or not outcome.is_good:
        return await _again(request, form, outcome)
    return _preview(request, "/hours/new", form, outcome, is_new=True)


@needs(Permission.SCHEDULE)
async def revoke(request: Request) -> Response:
    """Say what would change without an entry, or end it."""
    sent = await request.form()
    number, reference = _text(sent, "number"), _text(sent, "reference")
    if not (number.isascii() and number.isdigit() and len(number) < 10):
        raise HTTPException(404)
    is_saving = _text(sent, "do") == "save"
    form = {"number": int(number), "reference": reference}
    outcome = await ask_change(request, "hours_revoke", form, preview=not is_saving)
    if not outcome.is_good:
        return page(request, "hours/away.html", outcome.status, wrong=outcome.wrong)
    if is_saving:
        return RedirectResponse("/hours?saved=1#entered", 303)
    kept = {"number": number, "reference": reference}
    return _preview(request, "/hours/revoke", kept, outcome, is_new=False)


async def _again(request: Request, form: Form, outcome: Outcome) -> Response:
    try:
        told = await ask(request, {"ask": "hours_ahead"})
    except NotDone as error:
        return page(request, "hours/away.html", error.status, wrong=str(error))
    return _what(request, form, told, outcome)


def _what(request: Request, form: Form, told: dict[str, Any], outcome: Outcome) -> Response:
    days = _days(form)
    met = _weekdays(*days) if days else range(7)
    rows = [(f"week.{number + 1}", WEEKDAY_WORDS[number]) for number in met]
    values: dict[str, Any] = {
        "form": form,
        "rows": rows,
        "whose": WHOSE,
        "greetings": told["greetings"],
    }
    values |= {"outcome": outcome, "days": days}
    is_asked_again = days is None or not {"first", "last", "whose"}.isdisjoint(outcome.problems)
    return page(request, "hours/what.html", outcome.status, **values, is_asked_again=is_asked_again)


def _preview(
    request: Request, action: str, form: Form, outcome: Outcome, *, is_new: bool
) -> Response:
    fields = [(name, value) for name, value in form.items() if value]
    values: dict[str, Any] = {"action": action, "fields": fields, "changes": outcome.changes}
    return page(request, "hours/preview.html", **values, is_new=is_new)


async def _with_week(request: Request, form: Form, first: date) -> Form:
    """Fill in the ordinary hours of the days, where nothing else is written."""
    if any(form[name] for name in WEEK) or form["kind"] == "closed":
        return form
    told = await ask(request, {"ask": "calendar"})
    if told["first"] < first.year <= told["last"]:
        told = await ask(request, {"ask": "calendar", "year": first.year})
    weeks = told["groups"][-1 if form["whose"] == "citizens_desk" else 0]["weeks"]
    week = [each["days"] for each in weeks if each["since"] <= first.isoformat()][-1:]
    week = week[0] if week else weeks[0]["days"]
    return form | {name: " ".join(bands) for name, bands in zip(WEEK, week, strict=True)}


def _filled(told: Mapping[str, Any], ends: str) -> Form:
    """Return the form, empty or as the entry that is corrected; raises HTTPException for none."""
    form = dict.fromkeys((*TEXTS, *WEEK), "") | {"kind": "hours", "whose": "house"}
    if not ends:
        return form
    found = next((e for e in told["entries"] if str(e["number"]) == ends and e["holds"]), None)
    if found is None:
        raise HTTPException(404)
    form |= {name: str(found[name]) for name in ("first", "last", "whose", "greeting")}
    form |= {"ends": ends, "kind": "closed" if found["closed"] else "hours"}
    form |= {"reason": found["reason"]["it"], "reason_en": found["reason"]["en"]}
    return form | dict(zip(WEEK, found["week"], strict=True))


def _days(form: Form) -> tuple[date, date] | None:
    """Return the days that were chosen, None where they are none."""
    try:
        first = date.fromisoformat(form["first"])
        last = date.fromisoformat(form["last"] or form["first"])
    except ValueError:
        return None
    return (first, last) if first <= last else None


def _weekdays(first: date, last: date) -> list[int]:
    """Return the weekdays among some days, Monday first."""
    count = min(7, (last - first).days + 1)
    return sorted((first + timedelta(n)).weekday() for n in range(count))


def _text(sent: FormData, name: str) -> str:
    value = sent.get(name, "")
    return value[:LONGEST] if isinstance(value, str) else ""


def entries_told(told: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return entries that were told, their days, times and words as values."""
    return [
        {
            **each,
            "first": date.fromisoformat(each["first"]) if each["first"] else None,
            "last": date.fromisoformat(each["last"]) if each["last"] else None,
            "at": datetime.fromisoformat(each["at"]),
            "reason": Words(**each["reason"]),
            "bands": [(WEEKDAY_WORDS[n], text) for n, text in enumerate(each["week"]) if text],
        }
        for each in told["entries"]
    ]


routes: list[BaseRoute] = [
    Route("/hours/new", new),
    Route("/hours/new", enter, methods=["POST"]),
    Route("/hours/revoke", revoke, methods=["POST"]),
]
