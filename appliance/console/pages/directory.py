"""Directory of offices: state, declaration and history of each; forms that change it."""

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

from appliance.api.commands import (
    Authorise,
    Declare,
    DirectoryForm,
    EditUnit,
    ListTimesAhead,
    RevealNumber,
    Revoke,
    TellNumber,
    UserCommand,
    Vary,
)
from appliance.api.replies import DirectoryAhead, HoursOfUnit, RevealedNumber
from appliance.console.accounts import (
    NotAllowed,
    may,
    needs,
    send_as_user,
    with_permission,
)
from appliance.console.control_client import NotDone, known_people, send
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
from appliance.console.say import N_, Speaker
from appliance.console.templates import PageLink, download, page, render
from appliance.policy.directory import Directory, EntryStamp, Reach, ReturnRule, Unit
from appliance.policy.directory_changes import of_known_units
from appliance.policy.directory_review import entered_words, week_words
from appliance.policy.transfers import RETURN_RULE_WORDS, WEEKDAY_WORDS
from appliance.policy.users import Permission, permission_refusal
from appliance.store import managed_config


@dataclass(frozen=True, slots=True)
class HeadOfficeEntries:
    """Codes of the units, and numbers of the entries, that come from the head office."""

    units: frozenset[str] = frozenset()
    entries: frozenset[int] = frozenset()


async def head_office_entries(request: Request) -> HeadOfficeEntries:
    """Read which parts of the directory come from the head office; raises StoreError."""
    found: HeadOfficeEntries = await request.app.state.store.read(_head_office_entries)
    return found


def _head_office_entries(connection: sqlite3.Connection) -> HeadOfficeEntries:
    return HeadOfficeEntries(managed_config.units(connection), managed_config.brought(connection))


# Of an office's e-mail the page shows sender, date and plain text; nothing in it is run.

EMAIL_FIELDS: Final = {
    "From": N_("Sender"),
    "To": N_("Recipient"),
    "Date": N_("Date"),
    "Subject": N_("Subject"),
}
"""Header fields that are shown, in this order."""
LONGEST_EMAIL: Final = 100_000
"""Longest text that is shown, in characters."""
LONGEST_EMAIL_FIELD: Final = 500
MOST_EMAIL_FILES: Final = 50
# Python's email library raises all of these for malformed messages, which attackers make.
# Errors for an e-mail that cannot be parsed.
UNREADABLE_EMAIL: Final = (
    MessageError, ValueError, LookupError, AttributeError, TypeError, AssertionError,
    RecursionError,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class EmailText:
    """Shown parts of an e-mail: `fields` by their titles, text, names of attached `files`."""

    fields: tuple[tuple[str, str], ...]
    text: str
    files: tuple[str, ...]


def parse_email(data: bytes) -> EmailText:
    """Parse an e-mail, without the parts that cannot be parsed; blocks, so call it in a thread."""
    try:
        message = message_from_bytes(data, _class=EmailMessage, policy=default)
    except UNREADABLE_EMAIL:
        return EmailText((), "", ())
    fields = ((said, _email_field(message, name)) for name, said in EMAIL_FIELDS.items())
    return EmailText(
        tuple(each for each in fields if each[1]), _email_text(message), _email_files(message)
    )


def _email_field(message: EmailMessage, name: str) -> str:
    # Each part by itself: the library parses headers and bodies only when they are read.
    try:
        return " ".join(str(message[name] or "").split())[:LONGEST_EMAIL_FIELD]
    except UNREADABLE_EMAIL:
        return ""


def _email_text(message: EmailMessage) -> str:
    """Return the plain text, "" where there is none."""
    # HTML is never shown: a message of HTML alone is left to the reader's mail programme.
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


# The draft's own form may need one of the two: call control checks which.
TYPISTS: Final = (Permission.SEE_DESK, Permission.EDIT_DIRECTORY)
"""Permissions of which a user needs one to keep drafts."""
LONGEST_DRAFT: Final = 8_000
"""Longest draft, in characters."""


async def show(request: Request) -> Response:
    """Answer with the user's draft in a place as JSON, null for none."""
    _check(request)
    body = await read_draft(request, request.path_params["place"])
    return Response(body or "null", media_type="application/json")


async def keep(request: Request) -> Response:
    """Keep a draft; 413 for one that is too long, 409 while call control cannot keep it."""
    _check(request)
    form = await request.form()
    body, place = str(form.get("body", "")), request.path_params["place"]
    if len(body) > LONGEST_DRAFT:
        return JSONResponse({"kept": False}, 413)
    is_kept = await keep_draft(request, place, body)
    # No words for the user: the page says at its head that call control is unreachable.
    return JSONResponse({"kept": is_kept}, 200 if is_kept else 409)


def _check(request: Request) -> None:
    if not any(may(request, each) for each in TYPISTS):
        raise NotAllowed(request.state.speaker.words(permission_refusal(Permission.SEE_DESK)))


LONGEST_SEARCH: Final = 60
TYPES: Final = {"eml": "message/rfc822", "pdf": "application/pdf"}
"""Media types of attachments, by the ending of the name."""
OTHER: Final = "application/octet-stream"
"""Media type of other attachments."""
REACHES: Final = {
    Reach.PHONE: N_("phone of the house"),
    Reach.PBX: N_("extension of the house's exchange"),
    Reach.OUTSIDE: N_("number dialled outside"),
}


def today(request: Request) -> date:
    """Return today's date in the office's time zone."""
    return datetime.now(request.app.state.zone).date()


def page_of(unit: str) -> str:
    """Return the address of a unit's page."""
    return f"/register/office/{quote(unit)}"


def shared(request: Request) -> dict[str, Any]:
    """Return the values of every page of the directory: rights, words of rules, days, reaches."""
    rights = {
        "can_edit": may(request, Permission.EDIT_DIRECTORY),
        "can_vary": may(request, Permission.VARY_DIRECTORY),
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


@needs(Permission.SEE_DIRECTORY)
async def show_all(request: Request) -> Response:
    """List services with their offices, or the rows that a search finds."""
    search = request.query_params.get("q", "")[:LONGEST_SEARCH]
    register, standing = await read_directory(request), await read_directory_state(request)
    found = services(register, search)
    # What the head office has brought is marked, and has no form here.
    theirs = await head_office_entries(request)
    values: dict[str, Any] = {
        "services": found, "standing": standing, "search": search, "theirs": theirs,
    }  # fmt: skip
    # A search, repeated at every letter typed, replaces the rows alone.
    if "hx-request" in request.headers:
        return HTMLResponse(render(request, "directory/rows.html", **values, **shared(request)))
    return page(request, "directory/all.html", **values, **shared(request))


@needs(Permission.SEE_DIRECTORY)
async def show_unit(request: Request) -> Response:
    """Show one unit: its declaration, what lies ahead, its history."""
    return await unit_page(request)


async def unit_page(
    request: Request, status: int = 200, told: dict[tuple[int, str, int], str] | None = None,
    wrong: str = "",
) -> Response:  # fmt: skip
    """Answer with a unit's page; `told` are numbers shown on demand, in this answer alone."""
    register, standing = await read_directory(request), await read_directory_state(request)
    unit, day = unit_of(request, register), today(request)
    language = request.state.speaker.language
    # Nothing is overwritten: every entry is kept with author and reference (P4).
    history = [
        (each, entered_words(each, language)) for each in reversed(register.history(unit.code))
    ]
    return page(
        request,
        "directory/unit.html",
        status,
        unit=unit,
        service=register.unit(unit.service),
        state=standing.units.get(unit.code),
        theirs=await head_office_entries(request),
        names=await known_people(request),
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


@needs(Permission.SEE_DIRECTORY)
async def show_year(request: Request) -> Response:
    """Show the special hours of the year ahead, month by month (E14)."""
    reply, wrong = DirectoryAhead(today(request), ()), ""
    try:
        reply = await send(request, ListTimesAhead())
    except NotDone as error:
        wrong = str(error)
    day, months = reply.today, dict[tuple[int, int], list[HoursOfUnit]]()
    for each in reply.ahead:
        # One that has begun already is shown in this month.
        at = max(each.first, day)
        months.setdefault((at.year, at.month), []).append(each)
    values: dict[str, Any] = {"months": list(months.values()), "wrong": wrong, "today": day}
    return page(request, "directory/year.html", **values, **shared(request))


@needs(Permission.REVEAL_NUMBERS)
async def show_number(request: Request) -> Response:
    """Show one number, which call control audits first (P7)."""
    form = await request.form()
    entry, which = (_whole(str(form.get(name, ""))) for name in ("entry", "which"))
    need = str(form.get("need", ""))[:64]
    # Screens show office and need; a number is shown on demand and audited (P7).
    command = RevealNumber(entry=entry, need=need, which=which)
    return await _told(request, command, (entry, need, which))


@needs(Permission.TRANSFER)
async def tell_number(request: Request) -> Response:
    """Show a number that may be told to the caller, which call control audits first (P7)."""
    form = await request.form()
    entry = _whole(str(form.get("entry", "")))
    return await _told(request, TellNumber(entry=entry), (entry, "", 0))


@needs(Permission.REVEAL_NUMBERS)
async def attached(request: Request) -> Response:
    """Download the e-mail that documents an entry, which call control audits first (P4)."""
    _, entry = await _with_email(request)
    try:
        data = await fetch_attachment(request, entry.number)
    except NotDone as error:
        return await unit_page(request, error.status, wrong=str(error))
    # A file that no browser shows: nothing in it is run.
    return download(data, entry.attachment, TYPES.get(entry.attachment.rpartition(".")[2], OTHER))


@needs(Permission.REVEAL_NUMBERS)
async def show_email(request: Request) -> Response:
    """Show the text of the e-mail that documents an entry; audited like a download."""
    unit, entry = await _with_email(request)
    if not entry.attachment.endswith(".eml"):
        raise HTTPException(404)
    try:
        data = await fetch_attachment(request, entry.number)
    except NotDone as error:
        return await unit_page(request, error.status, wrong=str(error))
    # Up to 5 MB to parse: not in the event loop.
    shown = await anyio.to_thread.run_sync(parse_email, data)
    return page(request, "directory/email.html", unit=unit, entry=entry, shown=shown)


async def _with_email(request: Request) -> tuple[Unit, EntryStamp]:
    """Return the unit and the entry that the address names; raises HTTPException for none."""
    register = await read_directory(request)
    unit, number = unit_of(request, register), int(request.path_params["entry"])
    for each in register.history(unit.code):
        # Of this unit's own history: an address of another office's entry finds nothing.
        if each.entry.number == number and each.entry.attachment:
            return unit, each.entry
    raise HTTPException(404)


async def _told(
    request: Request, command: UserCommand[RevealedNumber], place: tuple[int, str, int]
) -> Response:
    """Answer with a number for its place, or with the whole page to a browser without scripts."""
    by_script = "hx-request" in request.headers
    number, wrong, status = "", "", 200
    try:
        # The audit says who had a number shown, and not the number.
        number = (await send_as_user(request, command)).number
    except NotDone as error:
        wrong, status = str(error), error.status
    # Status 200 in any case: the script would not show an answer with an error's status.
    if by_script:
        return HTMLResponse(render(request, "directory/number.html", number=number, wrong=wrong))
    return await unit_page(request, status, told={place: number} if number else {}, wrong=wrong)


def _whole(written: str) -> int:
    # 0 is no entry: call control refuses it in words.
    return int(written) if written.isascii() and written.isdigit() and len(written) < 10 else 0


links = (
    PageLink("/register", N_("Register of offices"), with_permission(Permission.SEE_DIRECTORY), 40),
)


# A new declaration is entered in a guided form; its changes are shown before it is saved (P4).

NOTHING_YET: Final = ChangeOutcome(True)


@needs(Permission.EDIT_DIRECTORY)
async def declaration(request: Request) -> Response:
    """Show the form, filled from the user's draft or the declaration in force."""
    register = await read_directory(request)
    unit = unit_of(request, register)
    held = of_known_units(register).own_declaration(unit.code, today(request))
    # The unit of the address: a draft names none that the page could trust.
    if typed := await read_drafted_form(request, draft_place(unit.code)):
        return _form(request, unit, typed | {"unit": unit.code}, NOTHING_YET, is_draft=True)
    return _form(request, unit, filled_form(unit.code, held), NOTHING_YET)


@needs(Permission.EDIT_DIRECTORY)
async def declare(request: Request) -> Response:
    """Add rows, preview, or save, by the button that was pressed."""
    unit = unit_of(request, await read_directory(request))
    sent = await request.form()
    # The unit of the address, whatever the form says.
    form = as_form(sent.multi_items()) | {"unit": unit.code}
    do = str(sent.get("do", ""))
    # The draft is dropped, and the form begins again from the declaration in force.
    if do == "anew":
        return await forget_draft(request, draft_place(unit.code), f"{page_of(unit.code)}/declare")
    if do.startswith("add_"):
        return _form(request, unit, _with_row(form, do), NOTHING_YET)
    if do == "edit":
        return _form(request, unit, form, NOTHING_YET)
    if do == "save":
        saved = await ask_change(request, Declare, as_command(form), sent=sent)
        if saved.is_good:
            return await forget_draft(
                request, draft_place(unit.code), f"{page_of(unit.code)}?saved=1"
            )
        if ATTACHMENT_FIELD not in saved.problems:
            return _form(request, unit, form, saved)
        # Only another file is to be chosen, which the preview's page does.
        return await _preview(request, unit, form, saved)
    return await _preview(request, unit, form, NOTHING_YET)


async def _preview(
    request: Request, unit: Unit, form: NestedForm, outcome: ChangeOutcome
) -> Response:
    """Show the changes of a form, or the form again where call control finds mistakes."""
    # Numbers that were not touched are taken over by call control, unseen (P7).
    seen = await ask_change(request, Declare, as_command(form), preview=True)
    if not seen.is_good:
        return _form(request, unit, form, seen)
    fields = [(name, value) for name, value in as_fields(form) if value]
    values: dict[str, Any] = {"unit": unit, "changes": seen.changes, "fields": fields}
    values["outcome"] = outcome
    return page(request, "directory/preview.html", outcome.status, **values, **shared(request))


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
        request, "directory/declare.html", outcome.status, **values, **shared(request),
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


@needs(Permission.VARY_DIRECTORY)
async def variation(request: Request) -> Response:
    """Show the form of a variation, in three fields: unit, hours, reference (E12)."""
    chosen = {"unit": request.query_params.get("unit", "")[:64], "kind": "bands"}
    return await _variation(request, _blank(VARIED) | chosen, NOTHING_YET)


@needs(Permission.VARY_DIRECTORY)
async def vary(request: Request) -> Response:
    """Save a variation, in force at once."""
    sent = await request.form()
    form = {name: _text(sent, name) for name in VARIED}
    hours = form["hours"] if form["kind"] == "bands" else form["kind"]
    outcome = await ask_change(request, Vary, {**form, "hours": hours}, sent=sent)
    if not outcome.is_good:
        return await _variation(request, form, outcome)
    return _saved(form["unit"])


async def _variation(request: Request, form: dict[str, str], outcome: ChangeOutcome) -> Response:
    register = of_known_units(await read_directory(request))
    day = today(request)
    # A variation lies over a declaration, so only units with a valid one are offered (P4).
    known = [unit for unit in register.units if register.valid_declaration(unit, day)]
    return page(
        request,
        "directory/vary.html",
        outcome.status,
        units=known,
        form=form,
        outcome=outcome,
        today=day,
        **shared(request),
    )


@needs(Permission.EDIT_DIRECTORY)
async def authorisation(request: Request) -> Response:
    """Show the form for a written authorisation to tell a number (P7)."""
    return await _leave(request, _blank(LEAVE), NOTHING_YET)


@needs(Permission.EDIT_DIRECTORY)
async def authorise(request: Request) -> Response:
    """Save an authorisation, for a declared number or for one typed in the form."""
    sent = await request.form()
    form = {name: _text(sent, name) for name in LEAVE}
    need, _, which = form["declared"].partition("/")
    unit = request.path_params["unit"]
    command = {**form, "unit": unit, "need": need, "which": which or "1"}
    outcome = await ask_change(request, Authorise, command, sent=sent)
    if not outcome.is_good:
        return await _leave(request, form, outcome)
    return _saved(unit)


async def _leave(request: Request, form: dict[str, str], outcome: ChangeOutcome) -> Response:
    register = await read_directory(request)
    unit = unit_of(request, register)
    held = of_known_units(register).own_declaration(unit.code, today(request))
    values = {"unit": unit, "form": form, "outcome": outcome, "declaration": held}
    return page(request, "directory/authorise.html", outcome.status, **values, **shared(request))


@needs(Permission.EDIT_DIRECTORY)
async def revoke(request: Request) -> Response:
    """Revoke an authorisation: from now on its number may not be told."""
    return await _simple(request, Revoke, ("number", "reference"))


@needs(Permission.EDIT_DIRECTORY)
async def edit(request: Request) -> Response:
    """Change a unit's name, its sentence to say to callers (E10), and its e-mail address."""
    return await _simple(request, EditUnit, ("name", "say", "email"))


async def _simple(request: Request, what: type[DirectoryForm], names: tuple[str, ...]) -> Response:
    """Send a change from a form on the unit's page."""
    unit = unit_of(request, await read_directory(request))
    sent = await request.form()
    # A field that was not sent stays as it is; an empty one empties it.
    form = {name: _text(sent, name) for name in names if name in sent}
    outcome = await ask_change(request, what, {**form, "unit": unit.code})
    if outcome.is_good:
        return _saved(unit.code)
    wrong = await _already_revoked(request, form) if what is Revoke else ""
    wrong = wrong or " ".join((outcome.wrong, *outcome.problems.values()))
    return await unit_page(request, outcome.status, wrong=wrong)


async def _already_revoked(request: Request, form: dict[str, str]) -> str:
    """Return who has revoked an authorisation and when, "" for one that is not revoked."""
    found = (await read_directory(request)).authorisations
    number = form.get("number", "")
    ended = next((each.revoked for each in found if str(each.entry.number) == number), None)
    if ended is None:
        return ""
    names = await known_people(request)
    say: Speaker = request.state.speaker
    return say(
        N_("This authorisation is revoked already, by {who}, {at}."),
        who=names.get(ended.by, ended.by),
        at=say.moment(ended.at),
    )


@needs(Permission.EDIT_DIRECTORY)
async def new_unit(request: Request) -> Response:
    """Show the form for a service or office that is not in the directory yet."""
    return await _new(request, _blank(NEW), NOTHING_YET)


@needs(Permission.EDIT_DIRECTORY)
async def add_unit(request: Request) -> Response:
    """Add a service or office."""
    sent = await request.form()
    form = {name: _text(sent, name) for name in NEW}
    outcome = await ask_change(request, EditUnit, form)
    if not outcome.is_good:
        return await _new(request, form, outcome)
    return RedirectResponse("/register", 303)


async def _new(request: Request, form: dict[str, str], outcome: ChangeOutcome) -> Response:
    register: Directory = await read_directory(request)
    known = [unit for unit in register.units if not unit.service]
    values = {"services": known, "form": form, "outcome": outcome}
    return page(request, "directory/new.html", outcome.status, **values, **shared(request))


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
