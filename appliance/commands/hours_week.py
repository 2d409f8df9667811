"""`centralino hours week`: the ordinary hours in force, and new ones from a day on."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import date
from typing import TYPE_CHECKING, Any, Final, TypeVar

import click

from appliance.api import control_socket
from appliance.commands.hours_asking import (
    BY,
    PREVIEW,
    REFERENCE,
    WHOSE,
    ask_desk,
    iso_day,
    tell_number,
)
from appliance.commands.options import desk_socket
from appliance.commands.shell import language_of
from appliance.policy.hours import WEEKDAYS as DAYS
from appliance.policy.hours import day_phrase, day_words
from appliance.policy.hours_changes import WHOSE as WHOSE_OF
from appliance.policy.text import Refused, Words
from appliance.policy.transfers import WEEKDAY_WORDS

if TYPE_CHECKING:
    from appliance.config.schema import Settings

F = TypeVar("F", bound=Callable[..., Any])
SHUT: Final = ("closed", "chiuso")
"""Written for a day without hours."""
CLOSED: Final = Words("chiuso", "closed")
CONFIGURED: Final = Words("come configurato", "as configured")
ENTERED: Final = Words("voce {0}, {1}", "entry {0}, {1}")
BY_WHOM: Final = Words("di", "by")


@click.group()
def week() -> None:
    """The ordinary hours: those in force, and new ones from a day on."""


@week.command()
@click.option("--all", "every", is_flag=True, help="What was taken back, too.")
@click.option("--json", "as_json", is_flag=True, help="As JSON with stable keys.")
@click.pass_obj
def show(settings: Settings, *, every: bool, as_json: bool) -> None:
    """Show which hours hold today and why, and what was entered, newest first."""
    told = control_socket.ask(desk_socket(settings), {"ask": "weeks"})
    told["entries"] = [each for each in told["entries"] if every or each["holds"]]
    if as_json:
        click.echo(json.dumps(told, ensure_ascii=False, indent=2))
        return
    for line in _rows(told, language_of(settings)):
        click.echo(line)


def _days(command: F) -> F:
    """Add an option for each day of the week."""
    for day in reversed(DAYS):
        help_ = f'Hours of {day.capitalize()}: "9-12 14-17", or closed; as they are by default.'
        command = click.option(f"--{day}", help=help_)(command)
    return command


@week.command()
@click.argument("since")
@_days
@click.option("--configured", is_flag=True, help="Back to the configuration's hours.")
@WHOSE
@REFERENCE
@BY
@PREVIEW
@click.pass_obj
def enter(settings: Settings, /, *, preview: bool, configured: bool, **given: Any) -> None:
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


@week.command()
@click.argument("number", type=int)
@REFERENCE
@BY
@PREVIEW
@click.pass_obj
def revoke(settings: Settings, number: int, reference: str, by: str, *, preview: bool) -> None:
    """Take entry NUMBER back, which has not begun."""
    form = {"number": number, "reference": reference}
    _ask(settings, {"ask": "week_revoke", "form": form, "by": by, "preview": preview})


def _filled(settings: Settings, whose: str, days: list[str | None]) -> list[str]:
    """Return seven days: those that were left out as they are today."""
    groups = control_socket.ask(desk_socket(settings), {"ask": "weeks"})["groups"]
    held = next((group for group in groups if group["whose"] == whose), groups[0])["week"]
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
    return " ".join(band["said"] for band in bands) or _in(CLOSED, language)


def _rows(told: dict[str, Any], language: str) -> Iterator[str]:
    for group in told["groups"]:
        yield f"{group['label'][language]}: {_why(group, language)}"
        for name, bands in zip(WEEKDAY_WORDS, group["week"], strict=True):
            yield f"  {_in(name, language):<10} {bands or _in(CLOSED, language)}"
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
