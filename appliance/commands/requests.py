"""`centralino requests` and `outbox`: citizens' requests and their e-mails (P6)."""

from __future__ import annotations

import getpass
import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import click

from appliance.api.commands import DropMail, ListFreeSlots, RetryMail, StepRequest, TakeRequest
from appliance.commands.answering import office_in_force
from appliance.commands.options import (
    config_option,
    in_site_language,
    language_of,
    load_settings,
    made_folder,
    reading,
    send,
    send_and_say,
)
from appliance.config.office import build_office
from appliance.config.schema import Settings
from appliance.files import atomic_write
from appliance.paper.document import make_pdf
from appliance.policy.directory import ReturnRule
from appliance.policy.hours import Schedule, moment_words, read_moment
from appliance.policy.mail import MailState
from appliance.policy.numbering import plan_of
from appliance.policy.requests import (
    AppointmentForm,
    Contact,
    Request,
    RequestState,
    RequestStep,
    due_day,
    is_overdue,
)
from appliance.policy.text import Refused
from appliance.service.mailroom import Papers, papers_of
from appliance.store import directory as directory_store
from appliance.store import listings
from appliance.store import outbox as stored_outbox
from appliance.store import requests as stored
from appliance.store.database import database_path
from appliance.store.directory import key_path
from appliance.store.listings import DueOf
from appliance.store.requests import StoredRequest
from appliance.text import LANGUAGES, _


@click.group()
@config_option
@click.pass_context
def outbox(context: click.Context, config_path: Path) -> None:
    """E-mails that wait, left, or could not be sent."""
    context.obj = load_settings(config_path)


@outbox.command("list")
@click.option("--all", "all_", is_flag=True, help="Those that left, or were given up, too.")
@click.option("--json", "as_json", is_flag=True, help="As JSON with stable keys.")
@click.pass_obj
def list_outbox(settings: Settings, *, all_: bool, as_json: bool) -> None:
    """List what waits and what could not be sent, oldest first."""
    states = tuple(MailState) if all_ else (MailState.QUEUED, MailState.DEAD)
    with reading(settings) as connection:
        found = stored_outbox.list_mails(connection, *states)
    if as_json:
        click.echo(listings.mails_as_json(found))
        return
    zone, language = ZoneInfo(settings.site.zone), language_of(settings)
    click.echo(listings.mails_as_text(found, language, zone))


@outbox.command()
@click.argument("number", type=click.IntRange(1))
@click.option("--by", default=getpass.getuser, show_default="the user", help="Who decides it.")
@click.pass_obj
def retry(settings: Settings, number: int, by: str) -> None:
    """Try mail NUMBER again, now; one that could not be sent, too."""
    send_and_say(settings, RetryMail(number=number, by=by))


@outbox.command()
@click.argument("number", type=click.IntRange(1))
@click.option("--by", default=getpass.getuser, show_default="the user", help="Who decides it.")
@click.option("--reason", required=True, help="Why; e.g. the office was told by telephone.")
@click.pass_obj
def drop(settings: Settings, number: int, by: str, reason: str) -> None:
    """Give mail NUMBER up for a reason; it stays listed with --all."""
    send_and_say(settings, DropMail(number=number, by=by, reason=reason))


def request_pdf_papers(settings: Settings) -> Papers:
    """Return the writer of papers for a configuration."""
    return papers_of(settings, build_office(settings, datetime.now(UTC).year))


def write_pdf(settings: Settings, number: int, folder: Path, due: DueOf) -> Path:
    """Write request `number` into a folder and return the file.

    Raises OfficeError if there is none, StoreError without the key of the directory's numbers.
    """
    # Without that key the undisclosed numbers could not be masked.
    key = key_path(database_path(Path(settings.folders.state)))
    with reading(settings) as connection:
        kept = stored.required_request(connection, number)
        directory = directory_store.load(connection, key)
        names = request_pdf_papers(settings).names(connection)
    path = folder / f"request-{number}.pdf"
    document = request_pdf_papers(settings).request_document(kept, due, directory, names)
    atomic_write(path, make_pdf(document))
    return path


NO_SLOTS = _("{} offers no slots: propose a time, the office confirms it")

NUMBER = click.IntRange(1)
BY = click.option("--by", default=getpass.getuser, show_default="the user", help="Who does it.")
AS_JSON = click.option("--json", "as_json", is_flag=True, help="As JSON with stable keys.")


@click.group()
@config_option
@click.pass_context
def requests(context: click.Context, config_path: Path) -> None:
    """Requests taken over for offices: list them, take, remind, close; appointments too."""
    context.obj = load_settings(config_path)


@requests.command("list")
@click.option("--overdue", is_flag=True, help="Only those that should have been answered by now.")
@click.option("--all", "all_", is_flag=True, help="Those that are done, too.")
@click.option("--unit", default="", help="Of this office only.")
@click.option("--citizen", default="", help="Open ones of (part of) a number or name (E9).")
@AS_JSON
@click.pass_obj
def list_requests(
    settings: Settings, *, overdue: bool, all_: bool, unit: str, citizen: str, as_json: bool
) -> None:
    """List what is open, newest first."""
    states = (
        tuple(RequestState) if all_ else (RequestState.OPEN, RequestState.SENT, RequestState.TAKEN)
    )
    with reading(settings) as connection:
        if citizen:
            found = stored.search_open(connection, citizen, plan_of(settings.site.country))
        else:
            found = stored.list_requests(connection, *states, unit=unit)
    late = _late(settings)
    found = tuple(kept for kept in found if late(kept.request) or not overdue)
    _show(settings, found, as_json=as_json)


@requests.command()
@click.argument("number", type=NUMBER)
@AS_JSON
@click.pass_obj
def show(settings: Settings, number: int, *, as_json: bool) -> None:
    """Show request NUMBER with all that became of it."""
    with reading(settings) as connection:
        kept = stored.required_request(connection, number)
    late, by_day = _late(settings), _due(settings)
    if as_json:
        row = listings.request_to_json(kept, by_day(kept.request), late(kept.request))
        click.echo(json.dumps(row, ensure_ascii=False, indent=2))
        return
    zone, language = ZoneInfo(settings.site.zone), language_of(settings)
    click.echo(listings.request_as_text(kept, language, zone, by_day, late))


@requests.command()
@click.option("--rule", required=True, type=click.Choice([each.value for each in ReturnRule]))
@click.option("--unit", required=True, help="The office's code.")
@click.option("--need", required=True, help="The need's code.")
@click.option("--name", required=True, help="The citizen's name.")
@click.option("--phone", default="", help="The citizen's number.")
@click.option("--email", default="", help="The citizen's e-mail.")
@click.option(
    "--prefers",
    type=click.Choice([each.value for each in Contact]),
    help="The contact that was left by default, the phone of both.",
)
@click.option(
    "--language",
    type=click.Choice(LANGUAGES),
    default="it",
    show_default=True,
    help="The citizen's language.",
)
@click.option("--subject", required=True, help="In a few words, what it is about.")
@click.option("--asked", default="", help="What was asked.")
@click.option("--sheet", default="", help="The sheet that did not cover it.")
@click.option("--call", default="", help="The call it came from.")
@click.option("--at", "starts", default="", help="When the appointment starts, local time.")
@click.option(
    "--form", type=click.Choice([each.value for each in AppointmentForm]), default="in_person"
)
@click.option("--anyway", is_flag=True, help="Although the citizen has an open one.")
@BY
@click.pass_obj
def new(settings: Settings, /, starts: str, **values: Any) -> None:
    """Take a request over for an office; open ones of the same citizen are offered first (E9)."""
    at = _local(settings, starts) if starts else None
    only_email = values["email"] and not values["phone"]
    values["prefers"] = Contact(
        values["prefers"] or (Contact.EMAIL if only_email else Contact.PHONE)
    )
    send_and_say(settings, TakeRequest(starts=at, **values))


def _step(name: str, step: RequestStep, help_text: str, *options: Callable[..., Any]) -> None:
    """Add a sub-command for one step of a request."""

    @click.pass_obj
    def command(settings: Settings, /, number: int, **values: Any) -> None:
        starts = values.pop("starts", None)
        at = _local(settings, starts) if starts else None
        send_and_say(settings, StepRequest(step=step, number=number, starts=at, **values))

    wrapped: Callable[..., Any] = command
    for option in (BY, *options):
        wrapped = option(wrapped)
    wrapped = click.argument("number", type=NUMBER)(wrapped)
    requests.add_command(click.command(name, help=help_text)(wrapped))


_NOTE = click.option("--note", "words", default="", help="A few words.")
_WHO = click.option("--who", "said_by", required=True, help="Who said so.")
_step(
    "take",
    RequestStep.TAKE,
    "Note who of the office has request NUMBER.",
    click.option("--who", "said_by", default="", help="Who of the office."),
    _NOTE,
)
_step(
    "remind",
    RequestStep.REMIND,
    "Add the citizen's WORDS to request NUMBER: no second one.",
    click.argument("words"),
)
_step("close", RequestStep.CLOSE, "Close request NUMBER: who said that it was done?", _WHO, _NOTE)
_step(
    "cancel", RequestStep.CANCEL, "Cancel request NUMBER; a slot becomes free again.", _WHO, _NOTE
)
_step(
    "move",
    RequestStep.MOVE,
    "Give the appointment of request NUMBER another time.",
    click.option("--at", "starts", required=True, help="Its new start, local time."),
    click.option("--agreed", is_flag=True, help="The office, which offers no slots, has agreed."),
    _NOTE,
)


@requests.command("free-slots")
@click.argument("unit")
@AS_JSON
@click.pass_obj
def free_slots(settings: Settings, unit: str, *, as_json: bool) -> None:
    """List the next free slots of office UNIT."""
    reply = send(settings, ListFreeSlots(unit=unit))
    if as_json:
        click.echo(json.dumps([start.isoformat() for start in reply.slots], indent=2))
    elif not reply.offers:
        click.echo(in_site_language(settings, NO_SLOTS).format(unit))
    else:
        zone = ZoneInfo(settings.site.zone)
        for start in reply.slots:
            click.echo(moment_words(start.astimezone(zone), language_of(settings)))


@requests.command()
@click.argument("number", type=NUMBER)
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False), default=".")
@click.option("--pdf", is_flag=True, help="The request itself, as a PDF.")
@click.pass_obj
def export(settings: Settings, number: int, folder: Path, *, pdf: bool) -> None:
    """Write the mails of request NUMBER into FOLDER as .eml files, for the protocol office."""
    if pdf:
        with made_folder(folder):
            click.echo(write_pdf(settings, number, folder, _due(settings)))
        return
    with reading(settings) as connection:
        stored.required_request(connection, number)
        letters = [
            (kept, stored_outbox.thread_ids(connection, kept.mail))
            for kept in stored_outbox.mails_of_request(connection, number)
            # An erased e-mail has no text left to export.
            if kept.mail.body
        ]
    if not letters:
        raise Refused(
            _("request {number} has no mail that could be written out", number=number),
        )
    papers = request_pdf_papers(settings)
    with made_folder(folder):
        for kept, references in letters:
            path = folder / f"{kept.mail.key}.eml"
            atomic_write(path, papers.eml(kept, references))
            click.echo(path)


def _show(settings: Settings, found: tuple[StoredRequest, ...], *, as_json: bool) -> None:
    late, by_day = _late(settings), _due(settings)
    if as_json:
        rows = [listings.request_to_json(k, by_day(k.request), late(k.request)) for k in found]
        click.echo(json.dumps(rows, ensure_ascii=False, indent=2))
        return
    zone, language = ZoneInfo(settings.site.zone), language_of(settings)
    click.echo(listings.requests_as_text(found, language, zone, by_day, late))


def _calendar(settings: Settings) -> Schedule:
    return office_in_force(settings, datetime.now(UTC).year).switchboard.schedule


def _due(settings: Settings) -> listings.DueOf:
    calendar = _calendar(settings)
    return lambda request: due_day(request, calendar)


def _late(settings: Settings) -> listings.IsLate:
    calendar, now = _calendar(settings), datetime.now(UTC)

    def late(request: Request) -> bool:
        return is_overdue(request, calendar, now)

    return late


def _local(settings: Settings, at: str) -> datetime:
    """Read a local time as people write it; raises Refused."""
    return read_moment(at, datetime.now(ZoneInfo(settings.site.zone)))
