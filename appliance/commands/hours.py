"""`centralino state hours`: openings, closures, ordinary weeks, from a shell on the box (E14)."""

from __future__ import annotations

import getpass
import json
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar
from zoneinfo import ZoneInfo

import click

from appliance.api import codec
from appliance.api.commands import (
    EnterHours,
    EnterWeek,
    HoursForm,
    ListHours,
    ListWeeks,
    RevokeHours,
    RevokeWeek,
)
from appliance.api.replies import (
    DeclinedError,
    EnteredHours,
    EnteredWeek,
    GroupWeek,
    HoursChange,
    ShownBand,
    WeekChange,
    Weeks,
    reply_of,
)
from appliance.commands.options import (
    ask,
    config_option,
    in_site_language,
    language_of,
    load_settings,
    person_of,
    send,
    send_with_proof,
)
from appliance.errors import OfficeError
from appliance.policy.hours import WEEKDAYS as DAYS
from appliance.policy.hours import day_phrase_words, day_words, read_day
from appliance.policy.hours_changes import WHOSE_WORDS as WHOSE_OF
from appliance.policy.hours_changes import Whose
from appliance.policy.text import Refused
from appliance.policy.transfers import WEEKDAY_WORDS
from appliance.text import _, in_context

if TYPE_CHECKING:
    from appliance.config.schema import Settings


F = TypeVar("F", bound=Callable[..., Any])
H = TypeVar("H", bound=HoursChange)
BY = click.option("--by", default=getpass.getuser, show_default="the user", help="Who does it.")
REFERENCE = click.option("--reference", required=True, help='Who said so, when: "e-mail, 8:05".')
PREVIEW = click.option("--preview", is_flag=True, help="Only say what would change.")
WHOSE = click.option(
    "--whose",
    type=click.Choice([each.value for each in Whose]),
    default=Whose.HOUSE.value,
    show_default=True,
    help="Switchboard and counter, or one of them.",
)


NUMBERED = _("Entry {number}: ended by {command}")


def tell_number(settings: Settings, reply: HoursChange, command: str) -> None:
    """Print a saved entry's number and how to revoke it; nothing for a preview."""
    if reply.saved:
        said = NUMBERED.filled(number=reply.number, command=f"{command} {reply.number}")
        click.echo(in_site_language(settings, said))


def iso_day(settings: Settings, text: str) -> str:
    """Return an ISO day for a day as people write it, "" for none; raises Refused."""
    today = datetime.now(ZoneInfo(settings.site.zone)).date()
    return read_day(text, today).isoformat() if text else ""


def ask_call_control(settings: Settings, wish: HoursForm[H]) -> H:
    """Send a command with the shell's proof and print the changes; raises OfficeError."""
    language = language_of(settings)
    try:
        reply = send_with_proof(settings, wish)
    # A rejected form names each problem with its field.
    except DeclinedError as declined:
        wrong = (f"{one.place}: {one.words.text(language)}" for one in declined.problems)
        raise OfficeError("\n".join((declined.words.text(language), *wrong))) from declined
    for said in (*reply.changes, *((reply.said,) if reply.said else ())):
        click.echo(said.text(language))
    return reply


CLOSED: Final = _("closed")
"""What a day without hours is called, and is entered as, in any language."""
CONFIGURED: Final = _("as configured")
ENTERED: Final = _("entry {0}, {1}")
BY_WHOM: Final = _("by")


@click.group(name="week")
def show_week() -> None:
    """The ordinary hours: those in force, and new ones from a day on."""


@show_week.command("show")
@click.option("--all", "every", is_flag=True, help="What was taken back, too.")
@click.option("--json", "as_json", is_flag=True, help="As JSON with stable keys.")
@click.pass_obj
def show(settings: Settings, *, every: bool, as_json: bool) -> None:
    """Show which hours hold today and why, and what was entered, newest first."""
    told = ask(settings, ListWeeks())
    if as_json:
        # The protocol's own mark.
        told.pop("ok", None)
        told["entries"] = [each for each in told["entries"] if every or each["holds"]]
        click.echo(json.dumps(told, ensure_ascii=False, indent=2))
        return
    for line in _rows(
        reply_of(Weeks, told), language_of(settings), person_of(settings), every=every
    ):
        click.echo(line)


def _days(command: F) -> F:
    """Add an option for each day of the week."""
    # click lists the option that was added last first.
    for day in reversed(DAYS):
        help_ = f'Hours of {day.capitalize()}: "9-12 14-17", or closed; as they are by default.'
        command = click.option(f"--{day}", help=help_)(command)
    return command


@show_week.command("enter")
@click.argument("since")
@_days
@click.option("--configured", is_flag=True, help="Back to the configuration's hours.")
@WHOSE
@REFERENCE
@BY
@PREVIEW
@click.pass_obj
def enter_week(settings: Settings, /, *, preview: bool, configured: bool, **given: Any) -> None:
    """Enter hours that hold every week from SINCE (domani, 7/12/2026) until the next that are."""
    days, by = [given.pop(day) for day in DAYS], given.pop("by")
    if configured is any(day is not None for day in days):
        raise Refused(
            _("say either --configured or the hours of one day at least"),
        )
    given["since"] = iso_day(settings, given["since"])
    form = {**given, "kind": "configured" if configured else "hours"}
    form["week"] = [] if configured else _filled(settings, given["whose"], days)
    wish = EnterWeek(form=form, by=by, preview=preview)
    tell_number(settings, _ask(settings, wish), "centralino state hours week revoke")


@show_week.command("revoke")
@click.argument("number", type=int)
@REFERENCE
@BY
@PREVIEW
@click.pass_obj
def revoke_week(settings: Settings, number: int, reference: str, by: str, *, preview: bool) -> None:
    """Take entry NUMBER back, which has not begun."""
    form = {"number": number, "reference": reference}
    _ask(settings, RevokeWeek(form=form, by=by, preview=preview))


def _filled(settings: Settings, whose: str, days: list[str | None]) -> list[str]:
    """Return seven days; omitted ones as they are today."""
    groups = send(settings, ListWeeks()).groups
    # Hours of the whole office are those of the first group, the switchboard.
    held = next((group for group in groups if group.whose == whose), groups[0]).week
    shut = set(CLOSED.by_language().values())
    # None: the day was left out; "": it has no hours.
    written = ["" if day in shut else day for day in days]
    return [old if day is None else day for day, old in zip(written, held, strict=True)]


def _ask(settings: Settings, wish: HoursForm[WeekChange]) -> WeekChange:
    language = language_of(settings)
    reply = ask_call_control(settings, wish)
    for group in reply.groups:
        for name, day in zip(WEEKDAY_WORDS, group.days, strict=True):
            if day.before != day.after:
                label, weekday = group.label.text(language), name.text(language)
                before, after = (_bands(bands, language) for bands in (day.before, day.after))
                click.echo(f"{label}, {weekday}: {before} → {after}")
    return reply


def _bands(bands: tuple[ShownBand, ...], language: str) -> str:
    return " ".join(band.said for band in bands) or CLOSED.text(language)


def _rows(
    told: Weeks, language: str, person: Callable[[str], str], *, every: bool
) -> Iterator[str]:
    for group in told.groups:
        yield f"{group.label.text(language)}: {_why(group, language)}"
        for name, bands in zip(WEEKDAY_WORDS, group.week, strict=True):
            yield f"  {name.text(language):<10} {bands or CLOSED.text(language)}"
    for each in told.entries:
        if every or each.holds:
            yield _entry(each, language, person(each.by))


def _why(group: GroupWeek, language: str) -> str:
    configured = CONFIGURED.text(language)
    entry = ""
    if group.since:
        day = day_phrase_words(in_context("day", "from"), group.since)
        entry = ENTERED.filled(group.entry, day).text(language)
    parts = ([configured] if group.is_configured else []) + ([entry] if entry else [])
    return ", ".join(parts)


def _entry(each: EnteredWeek, language: str, by: str) -> str:
    what = day_words(each.since, language) if each.since else f"– {each.ends}"
    whose = WHOSE_OF[each.whose].text(language)
    days = " · ".join(dict.fromkeys(text for text in each.week if text))
    hours = days or (CONFIGURED.text(language) if each.since else "")
    said = f"{each.number:>4}  {what:<22} {whose:<26} {hours}"
    return f"{said} ({BY_WHOM.text(language)} {by}, {each.reference})"


@click.group()
@config_option
@click.pass_context
def hours(context: click.Context, config_path: Path) -> None:
    """Open or close on days to come, or every week; the running service does it, and audits it."""
    context.obj = load_settings(config_path)


hours.add_command(show_week)


@hours.command("list")
@click.option("--all", "every", is_flag=True, help="Those that hold no longer, too.")
@click.option("--json", "as_json", is_flag=True, help="As JSON with stable keys.")
@click.pass_obj
def list_hours(settings: Settings, *, every: bool, as_json: bool) -> None:
    """List what was entered, newest first."""
    told = send(settings, ListHours()).entries
    known = [each for each in told if every or each.holds]
    if as_json:
        rows = [codec.to_json(each) for each in known]
        click.echo(json.dumps(rows, ensure_ascii=False, indent=2))
        return
    person = person_of(settings)
    for each in known:
        click.echo(_row(each, language_of(settings), person(each.by)))
    if not known:
        click.echo(in_site_language(settings, _("No special hours.")))


@hours.command("enter")
@click.argument("first")
@click.option("--last", default="", help="The last day; the first alone by default.")
@click.option("--closed", is_flag=True, help="Closed on these days.")
@click.option(
    "--open",
    "bands",
    multiple=True,
    help='Hours of every one of them: "9-12"; again, or "9-12 14-17", for more than one.',
)
@WHOSE
@click.option("--reason", required=True, help="What operators read.")
@click.option("--greeting", default="", help="An announcement of your own while closed.")
@click.option("--corrects", "ends", default=0, help="The number of the entry that this replaces.")
@REFERENCE
@BY
@PREVIEW
@click.pass_obj
def enter_days(settings: Settings, /, *, preview: bool, closed: bool, **given: Any) -> None:
    """Enter hours from FIRST (domani, 6/12/2026) on; they hold at once and end by themselves."""
    if closed is bool(given["bands"]):
        raise Refused(_("say either --closed or --open HOURS"))
    for end in ("first", "last"):
        given[end] = iso_day(settings, given[end])
    by, bands = given.pop("by"), " ".join(given.pop("bands"))
    form = {**given, "kind": "closed" if closed else "hours", "week": [bands] * 7}
    wish = EnterHours(form=form, by=by, preview=preview)
    tell_number(settings, ask_call_control(settings, wish), "centralino state hours revoke")


@hours.command("revoke")
@click.argument("number", type=int)
@REFERENCE
@BY
@PREVIEW
@click.pass_obj
def revoke_days(settings: Settings, number: int, reference: str, by: str, *, preview: bool) -> None:
    """End entry NUMBER from now on."""
    form = {"number": number, "reference": reference}
    ask_call_control(settings, RevokeHours(form=form, by=by, preview=preview))


def _row(each: EnteredHours, language: str, by: str) -> str:
    if each.first is None or each.last is None:
        return f"{each.number:>4}  – {each.ends}  ({by}, {each.reference})"
    first, last = day_words(each.first, language), day_words(each.last, language)
    days = first if first == last else f"{first} – {last}"
    whose = WHOSE_OF[each.whose].text(language)
    bands = " · ".join(dict.fromkeys(text for text in each.week if text))
    what = CLOSED.text(language) if each.closed else bands
    said = f"{each.number:>4}  {days:<47} {whose:<22} {what}, «{each.reason.text(language)}»"
    return f"{said} ({by}, {each.reference})"
