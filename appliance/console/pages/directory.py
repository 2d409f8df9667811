"""Directory of offices: how each stands, what it declared, its history; forms that change it."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from datetime import date, datetime
from email import message_from_bytes
from email.errors import MessageError
from email.message import EmailMessage
from email.policy import default
from typing import Any, Final
from urllib.parse import quote

import anyio.to_thread
from starlette.datastructures import FormData
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from appliance.console.accounts import (
    NotAllowed,
    ask_as_user,
    may,
    needs,
    with_permission,
)
from appliance.console.control_client import NotDone, ask
from appliance.console.directory_forms import (
    ATTACHMENT_FIELD,
    ChangeOutcome,
    NestedForm,
    as_command,
    as_fields,
    as_form,
    ask_change,
    authorisation_states,
    blank_need,
    blank_number,
    declaration_of,
    draft_place,
    fetch_attachment,
    filled_form,
    forget_draft,
    keep_draft,
    read_directory,
    read_directory_state,
    read_draft,
    read_drafted_form,
    services,
    unit_of,
    variations_from,
)
from appliance.console.say import N_
from appliance.console.templates import PageLink, download, page, render
from appliance.policy.directory import Directory, EntryStamp, Reach, ReturnRule, Unit
from appliance.policy.directory_changes import of_known_units
from appliance.policy.directory_review import entered_words, week_words
from appliance.policy.text import Words
from appliance.policy.transfers import RETURN_RULE_WORDS, WEEKDAY_WORDS
from appliance.policy.users import Permission, permission_refusal
from appliance.store import managed_config


@dataclass(frozen=True, slots=True)
class HeadOfficeEntries:
    """The codes of the head office's units, the numbers of the directory's entries it brought."""

    units: frozenset[str] = frozenset()
    entries: frozenset[int] = frozenset()


async def head_office_entries(request: Request) -> HeadOfficeEntries:
    """Read what of the directory is the head office's; raises StoreError."""
    found: HeadOfficeEntries = await request.app.state.store.read(_head_office_entries)
    return found


def _head_office_entries(connection: sqlite3.Connection) -> HeadOfficeEntries:
    return HeadOfficeEntries(managed_config.units(connection), managed_config.brought(connection))


# An office's e-mail as its reader sees it: who wrote when, and the text; nothing of it is run.

EMAIL_FIELDS: Final = {
    "From": N_("Sender"),
    "To": N_("Recipient"),
    "Date": N_("Date"),
    "Subject": N_("Subject"),
}
"""The header fields that are shown, in this order."""
LONGEST_EMAIL: Final = 100_000
LONGEST_EMAIL_FIELD: Final = 500
MOST_EMAIL_FILES: Final = 50
UNREADABLE_EMAIL: Final = (
    MessageError, ValueError, LookupError, AttributeError, TypeError, AssertionError,
    RecursionError,
)  # fmt: skip
"""What the library raises for letters that nobody sends, and somebody makes."""


@dataclass(frozen=True, slots=True)
class EmailText:
    """What is shown of an e-mail: `fields` by their sentence, `files` the names of attachments."""

    fields: tuple[tuple[str, str], ...]
    text: str
    files: tuple[str, ...]


def parse_email(data: bytes) -> EmailText:
    """Read an e-mail; blocking: for threads. What cannot be read of it is left out."""
    try:
        message = message_from_bytes(data, _class=EmailMessage, policy=default)
    except UNREADABLE_EMAIL:
        return EmailText((), "", ())
    fields = ((said, _email_field(message, name)) for name, said in EMAIL_FIELDS.items())
    return EmailText(
        tuple(each for each in fields if each[1]), _email_text(message), _email_files(message)
    )


def _email_field(message: EmailMessage, name: str) -> str:
    try:
        return " ".join(str(message[name] or "").split())[:LONGEST_EMAIL_FIELD]
    except UNREADABLE_EMAIL:
        return ""


def _email_text(message: EmailMessage) -> str:
    """Return the plain text; a letter of markup alone is for the mail programme."""
    try:
        body = message.get_body(("plain",))
        return str(body.get_content())[:LONGEST_EMAIL].strip() if body is not None else ""
    except UNREADABLE_EMAIL:
        return ""


def _email_files(message: EmailMessage) -> tuple[str, ...]:
    try:
        names = [part.get_filename() or "" for part in message.iter_attachments()]
    except UNREADABLE_EMAIL:
        return ()
    return tuple(name[:LONGEST_EMAIL_FIELD] for name in names if name)[:MOST_EMAIL_FILES]


TYPISTS: Final = (Permission.SEE_DESK, Permission.EDIT_REGISTER)
"""Who has a form that is kept; which, call control looks at."""
LONGEST_DRAFT: Final = 8_000


async def show(request: Request) -> Response:
    """Answer with what the user had typed there, null for nothing."""
    _check(request)
    body = await read_draft(request, request.path_params["place"])
    return Response(body or "null", media_type="application/json")


async def keep(request: Request) -> Response:
    """Keep what was typed; what cannot be kept is no matter of whoever types, but for its length.

    The page says so at its head already.
    """
    _check(request)
    form = await request.form()
    body, place = str(form.get("body", "")), request.path_params["place"]
    if len(body) > LONGEST_DRAFT:
        return JSONResponse({"kept": False}, 413)
    is_kept = await keep_draft(request, place, body)
    return JSONResponse({"kept": is_kept}, 200 if is_kept else 409)


def _check(request: Request) -> None:
    if not any(may(request, each) for each in TYPISTS):
        raise NotAllowed(request.state.speaker.words(permission_refusal(Permission.SEE_DESK)))


LONGEST_SEARCH: Final = 60
TYPES: Final = {"eml": "message/rfc822", "pdf": "application/pdf"}
OTHER: Final = "application/octet-stream"
"""Media types of what is attached, by the ending of its name."""
REACHES: Final = {
    Reach.PHONE: N_("phone of the house"),
    Reach.PBX: N_("extension of the house's exchange"),
    Reach.OUTSIDE: N_("number dialled outside"),
}


def today(request: Request) -> date:
    """Return the office's own day."""
    return datetime.now(request.app.state.zone).date()


def page_of(unit: str) -> str:
    """Return the address of a unit's page."""
    return f"/register/office/{quote(unit)}"


def shared(request: Request) -> dict[str, Any]:
    """Return what every page of the directory names: rights, words of rules, days and reaches."""
    rights = {
        "can_edit": may(request, Permission.EDIT_REGISTER),
        "can_vary": may(request, Permission.VARY_REGISTER),
        "can_reveal": may(request, Permission.REVEAL_NUMBERS),
        "can_tell": may(request, Permission.TRANSFER),
    }
    return {
        **rights,
        "now": datetime.now(request.app.state.zone),
        "offers": {rule.value: RETURN_RULE_WORDS[rule] for rule in ReturnRule},
        "weekdays": WEEKDAY_WORDS,
        "reaches": {reach.value: said for reach, said in REACHES.items()},
    }


@needs(Permission.SEE_REGISTER)
async def show_all(request: Request) -> Response:
    """List services with their offices, what must be looked after first."""
    search = request.query_params.get("q", "")[:LONGEST_SEARCH]
    register, standing = await read_directory(request), await read_directory_state(request)
    found = services(register, search)
    theirs = await head_office_entries(request)
    values: dict[str, Any] = {
        "services": found, "standing": standing, "search": search, "theirs": theirs,
    }  # fmt: skip
    if "hx-request" in request.headers:
        return HTMLResponse(render(request, "register/rows.html", **values, **shared(request)))
    return page(request, "register/all.html", **values, **shared(request))


@needs(Permission.SEE_REGISTER)
async def show_unit(request: Request) -> Response:
    """Show one unit: what holds, what is ahead, who declared it, its history."""
    return await unit_page(request)


async def unit_page(
    request: Request, status: int = 200, told: dict[tuple[int, str, int], str] | None = None,
    wrong: str = "",
) -> Response:  # fmt: skip
    """Answer with a unit's page; `told` are numbers shown on demand, for this view alone."""
    register, standing = await read_directory(request), await read_directory_state(request)
    unit, day = unit_of(request, register), today(request)
    language = request.state.speaker.language
    history = [
        (each, entered_words(each, language)) for each in reversed(register.history(unit.code))
    ]
    return page(
        request,
        "register/unit.html",
        status,
        unit=unit,
        service=register.unit(unit.service),
        state=standing.units.get(unit.code),
        theirs=await head_office_entries(request),
        declaration=declaration_of(register, unit, day),
        variations=[(v, entered_words(v, language)) for v in variations_from(register, unit, day)],
        leaves=authorisation_states(register, unit, day),
        history=history,
        slots_week=lambda week: week_words(week, language),
        told=told or {},
        saved=request.query_params.get("saved", "") == "1",
        wrong=wrong,
        **shared(request),
    )


@dataclass(frozen=True, slots=True)
class SpecialDay:
    """Something special that lies ahead; `name` is the unit's, "" for the whole switchboard."""

    first: date
    last: date | None
    unit: str
    name: str
    words: Words


@needs(Permission.SEE_REGISTER)
async def show_year(request: Request) -> Response:
    """Show what is special in the year ahead, month by month (E14)."""
    answer: dict[str, Any] = {"today": f"{today(request)}", "ahead": []}
    wrong = ""
    try:
        answer = await ask(request, {"ask": "register_ahead"})
    except NotDone as error:
        wrong = str(error)
    day, months = date.fromisoformat(answer["today"]), dict[tuple[int, int], list[SpecialDay]]()
    for each in map(_special, answer["ahead"]):
        at = max(each.first, day)
        months.setdefault((at.year, at.month), []).append(each)
    values: dict[str, Any] = {"months": list(months.values()), "wrong": wrong, "today": day}
    return page(request, "register/year.html", **values, **shared(request))


def _special(each: dict[str, Any]) -> SpecialDay:
    last = date.fromisoformat(each["last"]) if each["last"] else None
    words = Words(each["words"]["it"], each["words"]["en"])
    return SpecialDay(date.fromisoformat(each["first"]), last, each["unit"], each["name"], words)


@needs(Permission.REVEAL_NUMBERS)
async def show_number(request: Request) -> Response:
    """Show one number, audited first: in its place, or on a page of its own without scripts."""
    form = await request.form()
    entry, which = (_whole(str(form.get(name, ""))) for name in ("entry", "which"))
    need = str(form.get("need", ""))[:64]
    command = {"ask": "register_number", "entry": entry, "need": need, "which": which}
    return await _told(request, command, (entry, need, which))


@needs(Permission.TRANSFER)
async def tell_number(request: Request) -> Response:
    """Show a number that may be told, which call control notes first."""
    form = await request.form()
    entry = _whole(str(form.get("entry", "")))
    return await _told(request, {"ask": "register_tell", "entry": entry}, (entry, "", 0))


@needs(Permission.REVEAL_NUMBERS)
async def attached(request: Request) -> Response:
    """Send the e-mail that an entry rests on as a file, which call control audits first (P4)."""
    _, entry = await _with_email(request)
    try:
        data = await fetch_attachment(request, entry.number)
    except NotDone as error:
        return await unit_page(request, error.status, wrong=str(error))
    return download(data, entry.attachment, TYPES.get(entry.attachment.rpartition(".")[2], OTHER))


@needs(Permission.REVEAL_NUMBERS)
async def show_email(request: Request) -> Response:
    """Show the text of the e-mail that an entry rests on; audited in the same way."""
    unit, entry = await _with_email(request)
    if not entry.attachment.endswith(".eml"):
        raise HTTPException(404)
    try:
        data = await fetch_attachment(request, entry.number)
    except NotDone as error:
        return await unit_page(request, error.status, wrong=str(error))
    shown = await anyio.to_thread.run_sync(parse_email, data)
    return page(request, "register/email.html", unit=unit, entry=entry, shown=shown)


async def _with_email(request: Request) -> tuple[Unit, EntryStamp]:
    """Return the unit and the entry that the address names; raises HTTPException for none."""
    register = await read_directory(request)
    unit, number = unit_of(request, register), int(request.path_params["entry"])
    for each in register.history(unit.code):
        if each.entry.number == number and each.entry.attachment:
            return unit, each.entry
    raise HTTPException(404)


async def _told(request: Request, command: dict[str, Any], place: tuple[int, str, int]) -> Response:
    """Answer with a number in its place, or on the whole page for a browser without scripts."""
    by_script = "hx-request" in request.headers
    number, wrong, status = "", "", 200
    try:
        number = (await ask_as_user(request, command))["number"]
    except NotDone as error:
        wrong, status = str(error), error.status
    if by_script:  # which would not show what comes with an error's status
        return HTMLResponse(render(request, "register/number.html", number=number, wrong=wrong))
    return await unit_page(request, status, told={place: number} if number else {}, wrong=wrong)


def _whole(written: str) -> int:
    return int(written) if written.isascii() and written.isdigit() and len(written) < 10 else 0


links = (
    PageLink("/register", N_("Register of offices"), with_permission(Permission.SEE_REGISTER), 40),
)


# A new declaration by a guided form: what it would change is read before it is saved (P4).

NOTHING_YET: Final = ChangeOutcome(True)


@needs(Permission.EDIT_REGISTER)
async def declaration(request: Request) -> Response:
    """Show the form, filled from the declaration that holds."""
    register = await read_directory(request)
    unit = unit_of(request, register)
    held = of_known_units(register).own_declaration(unit.code, today(request))
    if typed := await read_drafted_form(request, draft_place(unit.code)):
        return _form(request, unit, typed | {"unit": unit.code}, NOTHING_YET, is_draft=True)
    return _form(request, unit, filled_form(unit.code, held), NOTHING_YET)


@needs(Permission.EDIT_REGISTER)
async def declare(request: Request) -> Response:
    """Add rows, say what would change, or save: whichever button was pressed."""
    unit = unit_of(request, await read_directory(request))
    sent = await request.form()
    form = as_form(sent.multi_items()) | {"unit": unit.code}
    do = str(sent.get("do", ""))
    if do == "anew":
        return await forget_draft(request, draft_place(unit.code), f"{page_of(unit.code)}/declare")
    if do.startswith("add_"):
        return _form(request, unit, _with_row(form, do), NOTHING_YET)
    if do == "edit":
        return _form(request, unit, form, NOTHING_YET)
    if do == "save":
        saved = await ask_change(request, "register_declare", as_command(form), sent=sent)
        if saved.is_good:
            return await forget_draft(
                request, draft_place(unit.code), f"{page_of(unit.code)}?saved=1"
            )
        if ATTACHMENT_FIELD not in saved.problems:
            return _form(request, unit, form, saved)
        return await _preview(request, unit, form, saved)  # only another file is to be chosen
    return await _preview(request, unit, form, NOTHING_YET)


async def _preview(
    request: Request, unit: Unit, form: NestedForm, outcome: ChangeOutcome
) -> Response:
    """Show what a form would change, or the form again where it needs mending."""
    seen = await ask_change(request, "register_declare", as_command(form), preview=True)
    if not seen.is_good:
        return _form(request, unit, form, seen)
    fields = [(name, value) for name, value in as_fields(form) if value]
    values: dict[str, Any] = {"unit": unit, "changes": seen.changes, "fields": fields}
    values["outcome"] = outcome
    return page(request, "register/preview.html", outcome.status, **values, **shared(request))


def _form(
    request: Request,
    unit: Unit,
    form: NestedForm,
    outcome: ChangeOutcome,
    *,
    is_draft: bool = False,
) -> Response:
    values: dict[str, Any] = {"unit": unit, "form": form, "outcome": outcome, "is_draft": is_draft}
    values |= {"place": draft_place(unit.code), "is_typed": request.method == "POST"}
    return page(
        request, "register/declare.html", outcome.status, **values, **shared(request),
        today=today(request),
    )  # fmt: skip


def _with_row(form: NestedForm, do: str) -> NestedForm:
    """Return the form with one need more, or one number more of a need: add_need, add_number.2."""
    what, _, number = do.partition(".")
    if what == "add_need":
        return form | {"needs": [*form["needs"], blank_need()]}
    return form | {
        "needs": [
            need | {"numbers": [*need["numbers"], blank_number()]} if str(n) == number else need
            for n, need in enumerate(form["needs"], 1)
        ]
    }


VARIED: Final = ("unit", "kind", "hours", "reference", "first", "last", "notice")
LEAVE: Final = ("declared", "number", "authorised_by", "reference", "last")
NEW: Final = ("name", "email", "service", "say")
"""Fields of the smaller forms."""
LONGEST_FORM_FIELD: Final = 400


# Variations, in three fields (E12).


@needs(Permission.VARY_REGISTER)
async def variation(request: Request) -> Response:
    """Show the form: the unit, the hours, the reference; today unless said otherwise."""
    chosen = {"unit": request.query_params.get("unit", "")[:64], "kind": "bands"}
    return await _variation(request, _blank(VARIED) | chosen, NOTHING_YET)


@needs(Permission.VARY_REGISTER)
async def vary(request: Request) -> Response:
    """Save it, in force at once."""
    sent = await request.form()
    form = {name: _text(sent, name) for name in VARIED}
    hours = form["hours"] if form["kind"] == "bands" else form["kind"]
    outcome = await ask_change(request, "register_vary", {**form, "hours": hours}, sent=sent)
    if not outcome.is_good:
        return await _variation(request, form, outcome)
    return _saved(form["unit"])


async def _variation(request: Request, form: dict[str, str], outcome: ChangeOutcome) -> Response:
    register = of_known_units(await read_directory(request))
    day = today(request)
    known = [unit for unit in register.units if register.valid_declaration(unit, day)]
    return page(
        request,
        "register/vary.html",
        outcome.status,
        units=known,
        form=form,
        outcome=outcome,
        today=day,
        **shared(request),
    )


# Authorisations (P7), the sentence to say (E10), new units.


@needs(Permission.EDIT_REGISTER)
async def authorisation(request: Request) -> Response:
    """Show the form for a written leave to tell a number."""
    return await _leave(request, _blank(LEAVE), NOTHING_YET)


@needs(Permission.EDIT_REGISTER)
async def authorise(request: Request) -> Response:
    """Save a written leave: of a declared number, or of one that is written."""
    sent = await request.form()
    form = {name: _text(sent, name) for name in LEAVE}
    need, _, which = form["declared"].partition("/")
    unit = request.path_params["unit"]
    command = {**form, "unit": unit, "need": need, "which": which or "1"}
    outcome = await ask_change(request, "register_authorise", command, sent=sent)
    if not outcome.is_good:
        return await _leave(request, form, outcome)
    return _saved(unit)


async def _leave(request: Request, form: dict[str, str], outcome: ChangeOutcome) -> Response:
    register = await read_directory(request)
    unit = unit_of(request, register)
    held = of_known_units(register).own_declaration(unit.code, today(request))
    values = {"unit": unit, "form": form, "outcome": outcome, "declaration": held}
    return page(request, "register/authorise.html", outcome.status, **values, **shared(request))


@needs(Permission.EDIT_REGISTER)
async def revoke(request: Request) -> Response:
    """End a leave: from now on its number is not told."""
    return await _simple(request, "register_revoke", ("number", "reference"))


@needs(Permission.EDIT_REGISTER)
async def edit(request: Request) -> Response:
    """Change the sentence to say, and the e-mail."""
    return await _simple(request, "register_unit", ("say", "email"))


async def _simple(request: Request, what: str, names: tuple[str, ...]) -> Response:
    """Ask for a change whose form stands on the unit's page."""
    unit = unit_of(request, await read_directory(request))
    sent = await request.form()
    form = {name: _text(sent, name) for name in names if name in sent}
    outcome = await ask_change(request, what, {**form, "unit": unit.code})
    if outcome.is_good:
        return _saved(unit.code)
    wrong = " ".join((outcome.wrong, *outcome.problems.values()))
    return await unit_page(request, outcome.status, wrong=wrong)


@needs(Permission.EDIT_REGISTER)
async def new_unit(request: Request) -> Response:
    """Show the form for a service or office that is not in the directory yet."""
    return await _new(request, _blank(NEW), NOTHING_YET)


@needs(Permission.EDIT_REGISTER)
async def add_unit(request: Request) -> Response:
    """Add a service or office."""
    sent = await request.form()
    form = {name: _text(sent, name) for name in NEW}
    outcome = await ask_change(request, "register_unit", form)
    if not outcome.is_good:
        return await _new(request, form, outcome)
    return RedirectResponse("/register", 303)


async def _new(request: Request, form: dict[str, str], outcome: ChangeOutcome) -> Response:
    register: Directory = await read_directory(request)
    known = [unit for unit in register.units if not unit.service]
    values = {"services": known, "form": form, "outcome": outcome}
    return page(request, "register/new.html", outcome.status, **values, **shared(request))


def _text(sent: FormData, name: str) -> str:
    value = sent.get(name, "")
    return value[:LONGEST_FORM_FIELD] if isinstance(value, str) else ""


def _blank(names: tuple[str, ...]) -> dict[str, str]:
    return dict.fromkeys(names, "")


def _saved(unit: str) -> Response:
    return RedirectResponse(f"{page_of(unit)}?saved=1", 303)


routes: list[BaseRoute] = [
    Route("/drafts/{place}", show),
    Route("/drafts/{place}", keep, methods=["POST"]),
    Route("/register", show_all),
    Route("/register/year", show_year),
    Route("/register/office/{unit}", show_unit),
    Route("/register/office/{unit}/number", show_number, methods=["POST"]),
    Route("/register/office/{unit}/attached/{entry:int}", attached),
    Route("/register/office/{unit}/attached/{entry:int}/read", show_email),
    Route("/register/office/{unit}/tell", tell_number, methods=["POST"]),
    Route("/register/office/{unit}/declare", declaration),
    Route("/register/office/{unit}/declare", declare, methods=["POST"]),
    Route("/register/vary", variation),
    Route("/register/vary", vary, methods=["POST"]),
    Route("/register/office/{unit}/authorise", authorisation),
    Route("/register/office/{unit}/authorise", authorise, methods=["POST"]),
    Route("/register/office/{unit}/revoke", revoke, methods=["POST"]),
    Route("/register/office/{unit}/edit", edit, methods=["POST"]),
    Route("/register/new", new_unit),
    Route("/register/new", add_unit, methods=["POST"]),
]
