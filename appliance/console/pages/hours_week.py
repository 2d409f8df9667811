"""Orari: the ordinary week from a day on: written, what changes drawn, saved, taken back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final

from starlette.datastructures import FormData
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from appliance.console.accounts.rights import needs
from appliance.console.asking import NotDone, ask
from appliance.console.head_office import WEEKS, of_hours
from appliance.console.pages.hours_entering import LONGEST, NOTHING_YET, WEEK, WHOSE
from appliance.console.register_changes import Outcome, ask_change
from appliance.console.templates import page
from appliance.policy.text import Words
from appliance.policy.transfers import WEEKDAY_WORDS
from appliance.policy.users import Permission

TEXTS: Final = ("since", "whose", "kind", "reference", "ask_day", "ask_time")
"""Fields of the form beside the days'."""
FIRST_HOUR, LAST_HOUR = 7, 20
"""What a drawing shows at least."""
Form = dict[str, str]


@dataclass(frozen=True, slots=True)
class Drawing:
    """The hours that a drawing shows, its marks, in minutes of the day."""

    start: int
    end: int

    @property
    def hours(self) -> list[tuple[int, int]]:
        """Return every second hour and its minute."""
        return [(minute // 60, minute) for minute in range(self.start, self.end + 1, 120)]


@needs(Permission.SCHEDULE)
async def week(request: Request) -> Response:
    """Show the form, filled in with the hours that hold today."""
    try:
        told = await ask(request, {"ask": "weeks"})
    except NotDone as error:
        return page(request, "hours/away.html", error.status, wrong=str(error))
    filled = _filled(told, request.query_params.get("whose", ""))
    return await _form(request, filled, told, NOTHING_YET)


@needs(Permission.SCHEDULE)
async def enter(request: Request) -> Response:
    """Draw what would change, go back to the form, or save: whichever button was pressed."""
    sent = await request.form()
    form = {name: _text(sent, name) for name in (*TEXTS, *WEEK)}
    do, outcome = _text(sent, "do"), NOTHING_YET
    if do != "edit":
        asked = {**form, "week": [form[name] for name in WEEK], "asked": _asked(request, form)}
        outcome = await ask_change(request, "week_enter", asked, preview=do != "save")
    if do == "save" and outcome.is_good:
        return RedirectResponse("/hours?saved=week#weeks", 303)
    if do == "edit" or not outcome.is_good:
        return await _again(request, form, outcome)
    return _preview(request, "/hours/week", form, outcome, is_new=True)


@needs(Permission.SCHEDULE)
async def revoke(request: Request) -> Response:
    """Draw what would change without an entry that has not begun, or take it back."""
    sent = await request.form()
    form = {name: _text(sent, name) for name in ("number", "reference", "ask_day", "ask_time")}
    number, is_saving = form["number"], _text(sent, "do") == "save"
    if not (number.isascii() and number.isdigit() and len(number) < 10):
        raise HTTPException(404)
    asked = {**form, "number": int(number), "asked": _asked(request, form)}
    outcome = await ask_change(request, "week_revoke", asked, preview=not is_saving)
    if not outcome.is_good:
        return page(request, "hours/away.html", outcome.status, wrong=outcome.wrong)
    if is_saving:
        return RedirectResponse("/hours?saved=week#weeks", 303)
    return _preview(request, "/hours/week/revoke", form, outcome, is_new=False)


async def _again(request: Request, form: Form, outcome: Outcome) -> Response:
    try:
        told = await ask(request, {"ask": "weeks"})
    except NotDone as error:
        return page(request, "hours/away.html", error.status, wrong=str(error))
    return await _form(request, form, told, outcome)


async def _form(
    request: Request, form: Form, told: Mapping[str, Any], outcome: Outcome
) -> Response:
    values: dict[str, Any] = {"form": form, "outcome": outcome, "today": told["today"]}
    values["whose"] = WHOSE if len(told["groups"]) > 1 else {}
    values["rows"] = list(zip(WEEK, WEEKDAY_WORDS, strict=True))
    theirs, whose = (await of_hours(request)).weeks, form["whose"]
    values["is_central"] = whose in theirs or (whose not in WEEKS and bool(theirs))
    return page(request, "hours/week.html", outcome.status, **values)


def _filled(told: Mapping[str, Any], whose: str) -> Form:
    """Return the form with a group's hours of today; without a choice, for whom they are alike."""
    groups = told["groups"]
    alike = all(group["week"] == groups[0]["week"] for group in groups)
    whose = whose if whose in WHOSE else "house" if alike else "switchboard"
    held = next((group for group in groups if group["whose"] == whose), groups[0])
    form = dict.fromkeys(TEXTS, "") | {"whose": whose, "kind": "hours"}
    return form | dict(zip(WEEK, held["week"], strict=True))


def _preview(
    request: Request, action: str, form: Form, outcome: Outcome, *, is_new: bool
) -> Response:
    told = outcome.answer
    kept = [(name, value) for name, value in form.items() if value and not name.startswith("ask_")]
    values: dict[str, Any] = {"action": action, "fields": kept, "form": form, "is_new": is_new}
    values |= {"groups": [_group(each) for each in told["groups"]], "weekdays": WEEKDAY_WORDS}
    values |= {"since": date.fromisoformat(told["since"]), "until": _day(told["until"])}
    values |= {"heard": [_heard(each) for each in told["heard"]], "drawing": _drawing(told)}
    return page(request, "hours/week_preview.html", **values)


def _group(told: Mapping[str, Any]) -> dict[str, Any]:
    return {"label": Words(**told["label"]), "days": told["days"]}


def _heard(told: Mapping[str, Any]) -> dict[str, Any]:
    said = {key: [Words(**words) for words in told[key]] for key in ("before", "after")}
    return {"at": datetime.fromisoformat(told["at"]), **said}


def _drawing(told: Mapping[str, Any]) -> Drawing:
    """Return whole hours around everything that is drawn."""
    bands = [
        band["minutes"]
        for group in told["groups"]
        for day in group["days"]
        for band in (*day["before"], *day["after"])
    ]
    start = min([FIRST_HOUR * 60, *(start for start, _ in bands)])
    end = max([LAST_HOUR * 60, *(end for _, end in bands)])
    return Drawing(start - start % 60, end + -end % 60)


def _asked(request: Request, form: Form) -> str:
    """Return the moment at which an example calls, "" for none or one that is none."""
    try:
        written = datetime.fromisoformat(f"{form['ask_day']}T{form['ask_time']}")
    except ValueError:
        return ""
    return written.replace(tzinfo=request.app.state.zone).isoformat()


def _day(text: str) -> date | None:
    return date.fromisoformat(text) if text else None


def _text(sent: FormData, name: str) -> str:
    value = sent.get(name, "")
    return value[:LONGEST] if isinstance(value, str) else ""


def weeks_told(told: Mapping[str, Any]) -> dict[str, Any]:
    """Return for a page which weeks hold today, and what was entered of them, as values."""
    return {
        "held": [
            {**each, "label": Words(**each["label"]), "since": _day(each["since"])}
            for each in told["groups"]
        ],
        "weeks": [
            {
                **each,
                "since": _day(each["since"]),
                "at": datetime.fromisoformat(each["at"]),
                "bands": [(WEEKDAY_WORDS[n], text) for n, text in enumerate(each["week"]) if text],
            }
            for each in told["entries"]
        ],
    }


routes: list[BaseRoute] = [
    Route("/hours/week", week),
    Route("/hours/week", enter, methods=["POST"]),
    Route("/hours/week/revoke", revoke, methods=["POST"]),
]
