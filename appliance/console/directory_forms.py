"""Forms of the directory: attachments, drafts, nested fields, changes; and its state for pages."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from typing import Any, Final

from starlette.datastructures import FormData, UploadFile
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from appliance.api.commands import (
    DirectoryForm,
    FetchAttachment,
    FormCommand,
    KeepDraft,
    ListUnits,
    SendAttachment,
)
from appliance.api.replies import DeclinedError, FormTaken, UnitReport
from appliance.console.accounts import ask_as_user, send_as_user, signed_in_user
from appliance.console.control_client import (
    ControlUnreachable,
    NotDone,
    StoreReader,
    away_said,
    control_of,
)
from appliance.console.say import N_
from appliance.errors import OfficeError, StoreError
from appliance.policy.directory import Authorisation, Declaration, Directory, Need, Unit, Variation
from appliance.policy.directory_changes import of_known_units
from appliance.policy.hours import Bands, Week
from appliance.store import directory as store
from appliance.store import users
from appliance.store.directory import ATTACHMENT_LIMIT
from appliance.text import Words

# The e-mail that documents an entry (P4) is sent to call control and fetched from it in parts.

ATTACHMENT_FIELD: Final = "email"
"""Form field of the attached file."""
# Three quarters of what a command may hold: base64 makes four bytes of three.
PART_BYTES: Final = 9_000
"""Bytes of a file in one command."""
TOO_LONG: Final = N_("This file is too long: 5 MB at most.")
LONGEST_NAME: Final = 200


async def send_attachment(request: Request, sent: FormData) -> str:
    """Send the file of a form to call control; returns its name, "" for none. Raises NotDone."""
    file = sent.get(ATTACHMENT_FIELD)
    if not isinstance(file, UploadFile) or not file.filename:
        return ""
    # One byte more than allowed tells a file that is too long.
    data = await file.read(ATTACHMENT_LIMIT + 1)
    if not data:
        return ""
    if len(data) > ATTACHMENT_LIMIT:
        raise NotDone(413, request.state.speaker(TOO_LONG))
    for at in range(0, len(data), PART_BYTES):
        await ask_as_user(request, SendAttachment(at=at, data=data[at : at + PART_BYTES]))
    return file.filename[:LONGEST_NAME]


async def fetch_attachment(request: Request, entry: int) -> bytes:
    """Fetch the file of an entry from call control, which audits it; raises NotDone."""
    data, is_last = b"", False
    while not is_last:
        reply = await send_as_user(request, FetchAttachment(entry=entry, at=len(data)))
        data += base64.b64decode(reply.data)
        is_last = reply.last
    return data


# Drafts are forms that a user has not finished; call control keeps them in the database, so that
# they outlive the browser and the appliance (E18).


async def read_draft(request: Request, place: str) -> str:
    """Return the user's draft in a place, as JSON; "" for none."""
    name, now = signed_in_user(request).name, datetime.now(UTC)
    reading: StoreReader = request.app.state.store
    try:
        return await reading.read(lambda c: users.find_draft(c, name, place, now))
    # The form itself can be used without its draft.
    except StoreError:
        return ""


async def keep_draft(request: Request, place: str, body: str) -> bool:
    """Store a draft with call control, or delete it where it is empty; False if that fails."""
    try:
        await ask_as_user(request, KeepDraft(place=place, body=body))
    except NotDone:
        return False
    return True


@dataclass(frozen=True, slots=True)
class ChangeOutcome:
    """Call control's reply to a form: `changes`, or what is `wrong` and `problems` by field."""

    is_good: bool
    changes: tuple[str, ...] = ()
    wrong: str = ""
    problems: Mapping[str, str] = field(default_factory=dict)
    status: int = 200
    reply: FormTaken | None = None


async def ask_change(
    request: Request,
    kind: type[FormCommand[FormTaken]],
    form: dict[str, Any],
    *,
    preview: bool = False,
    sent: FormData | None = None,
) -> ChangeOutcome:
    """Send a change, or ask for its preview; `sent` may hold the e-mail that documents it."""
    say = request.state.speaker
    # The file first: call control keeps its parts until the change that names it.
    try:
        name = await send_attachment(request, sent) if sent else ""
    except NotDone as error:
        problems = {ATTACHMENT_FIELD: str(error)}
        return ChangeOutcome(
            False, wrong=say(N_("Not saved.")), problems=problems, status=error.status
        )
    command = kind(by=signed_in_user(request).name, form=form, preview=preview)
    if isinstance(command, DirectoryForm):
        command = replace(command, attached=name)
    try:
        reply = await control_of(request).send(command)
    except ControlUnreachable as away:
        return ChangeOutcome(False, wrong=away_said(request, away), status=503)
    except DeclinedError as declined:
        found = {one.place: say.words(one.words) for one in declined.problems}
        said = say.words(declined.words)
        # A problem of no field is said above the form.
        rest = found.pop("", "")
        # Problems at fields are the form's content (422, RFC 9110, 15.5.21); anything else is a
        # refusal.
        return ChangeOutcome(False, (), f"{said} {rest}".strip(), found, 422 if found else 409)
    except OfficeError as refused:
        return ChangeOutcome(False, wrong=say(N_("Not done: {why}"), why=refused), status=409)
    return ChangeOutcome(True, tuple(map(say.words, reply.changes)), reply=reply)


# A field is named as call control names a problem's place ("needs.1.numbers.2.label"), so that
# each mistake is shown beside its field. A stored declaration fills the form without its numbers:
# those left empty are taken over by call control (P7).

NestedForm = dict[str, Any]

# Needs of a form, and numbers of a need, at most.
MOST: Final = 40
OURS: Final = ("csrf", "do")
"""Fields that are not sent to call control."""
TEXTS: Final = ("unit", "declared_by", "reference", "first", "last")
LONGEST: Final = 400
_PLAIN: Final = re.compile(r"0?(\d+)(?::00|(:\d\d))")


def as_form(items: Iterable[tuple[str, object]]) -> NestedForm:
    """Collect fields into a nested form, without deleted needs and empty rows."""
    # Files are not among them: they go to call control by themselves.
    flat = [(name, value[:LONGEST]) for name, value in items if isinstance(value, str)]
    texts = dict(flat)
    form: NestedForm = dict.fromkeys(TEXTS, "")
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


def _need(flat: list[tuple[str, str]], number: int) -> NestedForm | None:
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


def _number(texts: Mapping[str, str], number: int) -> NestedForm | None:
    """Collect a number's row; `earlier` names the stored number where the row comes from one."""
    prefix = f"numbers.{number}."
    own = {n.removeprefix(prefix): v for n, v in texts.items() if n.startswith(prefix)}
    # The form has an empty row to fill in; it is no number.
    if own.get("gone") == "1" or not any(own.get(n) for n in ("number", "label", "declaration")):
        return None
    row: NestedForm = {"label": own.get("label", ""), "reach": own.get("reach", ""), "earlier": {}}
    row["number"] = own.get("number", "")
    row["service_mobile"] = own.get("service_mobile") == "1"
    # A stored number is named by its place, never by its digits (P7).
    if own.get("declaration"):
        kept = {"declaration": own["declaration"], "need": own.get("need", "")}
        row["earlier"] = kept | {"which": own.get("which", "")}
    return row


def as_command(form: NestedForm) -> NestedForm:
    """Return the form for call control: a row without a new number names the stored one."""
    needs = [
        need | {"numbers": [_asked_number(r) for r in need["numbers"]]} for need in form["needs"]
    ]
    return form | {"needs": needs}


def _asked_number(row: NestedForm) -> NestedForm:
    plain = {name: value for name, value in row.items() if name != "earlier"}
    if row["earlier"] and not row["number"]:
        return plain | {"kept": row["earlier"]}
    return plain


def as_fields(form: NestedForm) -> Iterator[tuple[str, str]]:
    """Yield the fields of a form again, for a page that carries them hidden."""
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


def _flat_need(prefix: str, need: NestedForm) -> Iterator[tuple[str, str]]:
    yield from ((f"{prefix}{name}", need[name]) for name in ("code", "name", "code_keys"))
    yield from ((f"{prefix}rules", rule) for rule in need["rules"])
    for number, row in enumerate(need["numbers"], 1):
        at = f"{prefix}numbers.{number}."
        yield from ((f"{at}{name}", row[name]) for name in ("label", "reach", "number"))
        yield f"{at}service_mobile", "1" if row["service_mobile"] else ""
        yield from ((f"{at}{name}", str(v)) for name, v in row["earlier"].items())


def filled_form(unit: str, declaration: Declaration | None) -> NestedForm:
    """Return the form filled from the declaration that a new one would replace."""
    form = as_form([("unit", unit)])
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


def blank_need() -> NestedForm:
    """Return an empty need."""
    return {"code": "", "name": "", "code_keys": "", "rules": [], "numbers": [blank_number()]}


def blank_number() -> NestedForm:
    """Return an empty row for a number."""
    return {"label": "", "reach": "", "number": "", "service_mobile": False, "earlier": {}}


def _need_of(need: Need, declaration: int) -> NestedForm:
    rows = [
        {
            "label": target.label,
            "reach": target.reach.value,
            # Never in a page: a number is shown on demand alone, and audited (P7).
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
    """Format the time windows of each day as people write them."""
    return [bands_text(bands) for bands in week.days]


def bands_text(bands: Bands) -> str:
    """Format the time windows of a day as short as people do: 9-12:30 15-17."""
    return " ".join(_PLAIN.sub(lambda found: found[1] + (found[2] or ""), str(b)) for b in bands)


def draft_place(unit: str) -> str:
    """Return the name under which the draft of a unit's declaration is kept."""
    return f"declare:{unit}"


async def read_drafted_form(request: Request, place: str) -> NestedForm | None:
    """Return the user's draft as a form, None for none."""
    body = await read_draft(request, place)
    fields = json.loads(body).get("fields") if body else None
    # Checked: the page's script wrote it, so anything may stand in it.
    if not isinstance(fields, list):
        return None
    pairs = [each for each in fields if isinstance(each, list) and len(each) == 2]
    return as_form((str(name), value) for name, value in pairs) if pairs else None


async def forget_draft(request: Request, place: str, to: str) -> Response:
    """Delete a draft and redirect."""
    # One that cannot be deleted now goes by its age.
    await keep_draft(request, place, "")
    return RedirectResponse(to, 303)


@dataclass(frozen=True, slots=True)
class DirectoryState:
    """State of all units, and what needs attention; `known`: call control could be reached."""

    known: bool
    units: Mapping[str, UnitReport]
    attention: tuple[Words, ...] = ()


async def read_directory(request: Request) -> Directory:
    """Read the directory with its history, every number masked (P7); raises StoreError."""
    found: Directory = await request.app.state.store.read(store.load_masked)
    return found


def unit_of(request: Request, directory: Directory) -> Unit:
    """Return the unit that the address names; raises HTTPException for none."""
    unit = directory.unit(request.path_params["unit"])
    if unit is None:
        raise HTTPException(404)
    return unit


async def read_directory_state(request: Request) -> DirectoryState:
    """Ask call control for the state of all units."""
    # Without it the page shows what the database has.
    try:
        reply = await control_of(request).send(ListUnits())
    except (ControlUnreachable, OfficeError):
        return DirectoryState(False, {})
    return DirectoryState(True, {each.unit: each for each in reply.units}, reply.attention)


@dataclass(frozen=True, slots=True)
class ServiceUnits:
    """Service with those of its offices that are shown."""

    unit: Unit
    offices: tuple[Unit, ...]


def services(directory: Directory, search: str = "") -> tuple[ServiceUnits, ...]:
    """Group units by service; a search keeps those with its words in name, code or needs."""
    held = of_known_units(directory)
    kept = {u.code for u in held.units if _has(held, u, search.casefold().split())}
    return tuple(
        ServiceUnits(unit, offices)
        for unit in held.units
        if not unit.service and ((offices := _offices(held, unit, kept)) or unit.code in kept)
    )


def _offices(directory: Directory, service: Unit, kept: set[str]) -> tuple[Unit, ...]:
    return tuple(u for u in directory.units if u.service == service.code and u.code in kept)


def _has(directory: Directory, unit: Unit, words: Iterable[str]) -> bool:
    needs = (n.name for d in directory.declarations if d.unit == unit.code for n in d.needs)
    text = " ".join((unit.name, unit.code, *needs)).casefold()
    return all(word in text for word in words)


def declaration_of(directory: Directory, unit: Unit, day: date) -> Declaration | None:
    """Return the declaration in force for a unit."""
    return of_known_units(directory).valid_declaration(unit, day)


def variations_from(directory: Directory, unit: Unit, day: date) -> tuple[Variation, ...]:
    """List a unit's variations of today and later, its service's among them."""
    # A service's variation holds for its offices, too (E13).
    codes = {unit.code, unit.service}
    found = (v for v in directory.variations if v.unit in codes and v.last >= day)
    return tuple(sorted(found, key=lambda v: (v.first, v.entry.number)))


@dataclass(frozen=True, slots=True)
class AuthorisationState:
    """Authorisation with its state: "valid", "over" or "revoked"."""

    authorisation: Authorisation
    state: str


def authorisation_states(
    directory: Directory, unit: Unit, day: date
) -> tuple[AuthorisationState, ...]:
    """List a unit's authorisations, the last one first."""
    found = [a for a in directory.authorisations if a.unit == unit.code]
    return tuple(AuthorisationState(a, _state(a, day)) for a in reversed(found))


def _state(authorisation: Authorisation, day: date) -> str:
    if authorisation.revoked:
        return "revoked"
    is_over = authorisation.last is not None and authorisation.last < day
    return "over" if is_over else "valid"
