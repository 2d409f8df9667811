"""`centralino hours`: openings, closures, ordinary weeks, from a shell on the box (E14)."""

from __future__ import annotations

import getpass
import json
from collections.abc import Callable, Iterator
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar
from zoneinfo import ZoneInfo

import click

from appliance.commands.options import (
    config_option,
    in_house,
    language_of,
    load_settings,
    send,
    send_with_proof,
)
from appliance.errors import OfficeError
from appliance.policy.hours import WEEKDAYS as DAYS
from appliance.policy.hours import day_phrase, day_words, read_day
from appliance.policy.hours_changes import WHOSE_WORDS as WHOSE_OF
from appliance.policy.hours_changes import Whose
from appliance.policy.text import Refused, Words
from appliance.policy.text import in_language as said_in
from appliance.policy.transfers import WEEKDAY_WORDS

if TYPE_CHECKING:
    from appliance.config.schema import Settings


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


NUMBERED = Words("Voce {number}: si toglie con {command}", "Entry {number}: ended by {command}")


def tell_number(settings: Settings, answer: dict[str, Any], command: str) -> None:
    """Print a saved entry's number and how to revoke it; nothing for a preview."""
    if answer.get("saved") is True:
        number = answer["number"]
        words = in_house(settings, NUMBERED)
        click.echo(words.format(number=number, command=f"{command} {number}"))


def iso_day(settings: Settings, text: str) -> str:
    """Return an ISO day for a day as people write it, "" for none; raises Refused."""
    today = datetime.now(ZoneInfo(settings.site.zone)).date()
    return read_day(text, today).isoformat() if text else ""


def ask_desk(settings: Settings, question: dict[str, Any]) -> dict[str, Any]:
    """Send a command with the shell's proof and print the changes; raises OfficeError."""
    language = language_of(settings)
    answer = send_with_proof(settings, question)
    # A rejected form names each problem with its field.
    if answer.get("done") is False:
        wrong = (f"{each['place']}: {each[language]}" for each in answer["problems"])
        raise OfficeError("\n".join((answer["said"][language], *wrong)))
    for said in answer["changes"]:
        click.echo(said[language])
    if "said" in answer:
        click.echo(answer["said"][language])
    return answer


F = TypeVar("F", bound=Callable[..., Any])
SHUT: Final = ("closed", "chiuso")
"""Words for a day without hours."""
CLOSED_WEEKDAY: Final = Words("chiuso", "closed")
CONFIGURED: Final = Words("come configurato", "as configured")
ENTERED: Final = Words("voce {0}, {1}", "entry {0}, {1}")
BY_WHOM: Final = Words("di", "by")


@click.group(name="week")
def show_week() -> None:
    """The ordinary hours: those in force, and new ones from a day on."""


@show_week.command("show")
@click.option("--all", "every", is_flag=True, help="What was taken back, too.")
@click.option("--json", "as_json", is_flag=True, help="As JSON with stable keys.")
@click.pass_obj
def show(settings: Settings, *, every: bool, as_json: bool) -> None:
    """Show which hours hold today and why, and what was entered, newest first."""
    told = send(settings, {"ask": "weeks"})
    told["entries"] = [each for each in told["entries"] if every or each["holds"]]
    if as_json:
        click.echo(json.dumps(told, ensure_ascii=False, indent=2))
        return
    for line in _rows(told, language_of(settings)):
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
            "indicare --configured oppure l'orario di almeno un giorno",
            "say either --configured or the hours of one day at least",
        )
    given["since"] = iso_day(settings, given["since"])
    form = {**given, "kind": "configured" if configured else "hours"}
    form["week"] = [] if configured else _filled(settings, given["whose"], days)
    question = {"ask": "week_enter", "form": form, "by": by, "preview": preview}
    tell_number(settings, _ask(settings, question), "centralino hours week revoke")


@show_week.command("revoke")
@click.argument("number", type=int)
@REFERENCE
@BY
@PREVIEW
@click.pass_obj
def revoke_week(settings: Settings, number: int, reference: str, by: str, *, preview: bool) -> None:
    """Take entry NUMBER back, which has not begun."""
    form = {"number": number, "reference": reference}
    _ask(settings, {"ask": "week_revoke", "form": form, "by": by, "preview": preview})


def _filled(settings: Settings, whose: str, days: list[str | None]) -> list[str]:
    """Return seven days; omitted ones as they are today."""
    groups = send(settings, {"ask": "weeks"})["groups"]
    # Hours of the whole house are those of the first group, the switchboard.
    held = next((group for group in groups if group["whose"] == whose), groups[0])["week"]
    # None: the day was left out; "": it has no hours.
    written = ["" if day in SHUT else day for day in days]
    return [old if day is None else day for day, old in zip(written, held, strict=True)]


def _ask(settings: Settings, question: dict[str, Any]) -> dict[str, Any]:
    language = language_of(settings)
    answer = ask_desk(settings, question)
    for group in answer["groups"]:
        for name, day in zip(WEEKDAY_WORDS, group["days"], strict=True):
            if day["before"] != day["after"]:
                label, weekday = group["label"][language], _in(name, language)
                before, after = (_bands(day[key], language) for key in ("before", "after"))
                click.echo(f"{label}, {weekday}: {before} → {after}")
    return answer


def _bands(bands: list[dict[str, Any]], language: str) -> str:
    return " ".join(band["said"] for band in bands) or _in(CLOSED_WEEKDAY, language)


def _rows(told: dict[str, Any], language: str) -> Iterator[str]:
    for group in told["groups"]:
        yield f"{group['label'][language]}: {_why(group, language)}"
        for name, bands in zip(WEEKDAY_WORDS, group["week"], strict=True):
            yield f"  {_in(name, language):<10} {bands or _in(CLOSED_WEEKDAY, language)}"
    for each in told["entries"]:
        yield _entry(each, language)


def _why(group: dict[str, Any], language: str) -> str:
    configured = _in(CONFIGURED, language)
    entry = ""
    if group["entry"]:
        since = date.fromisoformat(group["since"])
        day = day_phrase("dal" if language == "it" else "from", since, language)
        entry = _in(ENTERED, language).format(group["entry"], day)
    parts = ([configured] if group["is_configured"] else []) + ([entry] if entry else [])
    return ", ".join(parts)


def _entry(each: dict[str, Any], language: str) -> str:
    since = each["since"] and day_words(date.fromisoformat(each["since"]), language)
    what, whose = since or f"– {each['ends']}", _in(WHOSE_OF[each["whose"]], language)
    days = " · ".join(dict.fromkeys(text for text in each["week"] if text))
    hours = days or (_in(CONFIGURED, language) if each["since"] else "")
    said = f"{each['number']:>4}  {what:<22} {whose:<26} {hours}"
    return f"{said} ({_in(BY_WHOM, language)} {each['by']}, {each['reference']})"


def _in(words: Words, language: str) -> str:
    return words.it if language == "it" else words.en


CLOSED_DAY: Final = {"it": "chiuso", "en": "closed"}


@click.group()
@config_option
@click.pass_context
def hours(context: click.Context, config_path: Path) -> None:
    """Open or close on days to come, or every week; the running desk does it, and audits it."""
    context.obj = load_settings(config_path)


hours.add_command(show_week)


@hours.command("list")
@click.option("--all", "every", is_flag=True, help="Those that hold no longer, too.")
@click.option("--json", "as_json", is_flag=True, help="As JSON with stable keys.")
@click.pass_obj
def list_hours(settings: Settings, *, every: bool, as_json: bool) -> None:
    """List what was entered, newest first."""
    told = send(settings, {"ask": "hours_ahead"})["entries"]
    known = [each for each in told if every or each["holds"]]
    if as_json:
        click.echo(json.dumps(known, ensure_ascii=False, indent=2))
        return
    for each in known:
        click.echo(_row(each, language_of(settings)))


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
        raise Refused(
            "indicare --closed oppure --open ORARIO", "say either --closed or --open HOURS"
        )
    for end in ("first", "last"):
        given[end] = iso_day(settings, given[end])
    by, bands = given.pop("by"), " ".join(given.pop("bands"))
    form = {**given, "kind": "closed" if closed else "hours", "week": [bands] * 7}
    question = {"ask": "hours_enter", "form": form, "by": by, "preview": preview}
    tell_number(settings, ask_desk(settings, question), "centralino hours revoke")


@hours.command("revoke")
@click.argument("number", type=int)
@REFERENCE
@BY
@PREVIEW
@click.pass_obj
def revoke_days(settings: Settings, number: int, reference: str, by: str, *, preview: bool) -> None:
    """End entry NUMBER from now on."""
    form = {"number": number, "reference": reference}
    ask_desk(settings, {"ask": "hours_revoke", "form": form, "by": by, "preview": preview})


def _row(each: dict[str, Any], language: str) -> str:
    if not each["first"]:
        return f"{each['number']:>4}  – {each['ends']}  ({each['by']}, {each['reference']})"
    first, last = (day_words(date.fromisoformat(each[end]), language) for end in ("first", "last"))
    days = first if first == last else f"{first} – {last}"
    whose = said_in(WHOSE_OF[each["whose"]], language)
    bands = " · ".join(dict.fromkeys(text for text in each["week"] if text))
    what = CLOSED_DAY[language] if each["closed"] else bands
    said = f"{each['number']:>4}  {days:<47} {whose:<22} {what}, «{each['reason'][language]}»"
    return f"{said} ({each['by']}, {each['reference']})"
