"""`centralino explain`: what would happen to a call, why, until when; needs no daemon."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import click

from appliance.api.status_text import MARKS
from appliance.commands.in_force import office_in_force
from appliance.commands.options import config_option, load_settings
from appliance.commands.shell import language_of
from appliance.policy import routing as policy
from appliance.policy.hours import moment_words, read_moment
from appliance.policy.office import NO_MARKS, Group, Line, Manual, Mark, Office, ServiceState
from appliance.policy.routing import Explanation, GroupState
from appliance.policy.text import Refused
from appliance.service.loop import load_state, state_file, state_to_json

if TYPE_CHECKING:
    from appliance.config.schema import Settings

SWITCHBOARD = click.Choice(["free", "busy", "unattended", "unreachable"])
NONE = "none"
STATE = click.Choice([NONE, *(what.value for what in Manual)])
CITIZENS_DESK = click.Choice(["free", "busy", "closed", "unreachable"])


@click.command()
@config_option
@click.option("--at", default="", help='When it rings: "14:30", "30/11/2026 14:30"; else now.')
@click.option("--line", "line_name", default="", help="The line it rings on; the first by default.")
@click.option("--switchboard", type=SWITCHBOARD, help="Free by default, or all away.")
@click.option("--citizens-desk", type=CITIZENS_DESK, help="By its own hours by default.")
@click.option(
    "--state",
    "asked",
    type=STATE,
    multiple=True,
    help="As if asked for by hand; by default what is in force; none for nothing of it.",
)
@click.option("--json", "as_json", is_flag=True, help="As JSON with stable keys.")
def explain(
    config_path: Path,
    at: str,
    line_name: str,
    switchboard: str | None,
    citizens_desk: str | None,
    asked: tuple[str, ...],
    as_json: bool,
) -> None:
    """Say what would happen to a call, why (a code and a sentence), and when that changes next."""
    settings = load_settings(config_path)
    zone = ZoneInfo(settings.site.zone)
    now = datetime.now(zone)
    moment = read_moment(at, now) if at else now
    office = office_in_force(settings, moment.year, str(config_path))
    service = _supposed(asked, moment) if asked else _in_force(settings, moment)
    explanation = policy.explain(
        office,
        _line(office, line_name),
        moment,
        _group(switchboard) or _by_positions(office.switchboard, service, moment),
        _group(citizens_desk),
        service,
    )
    if as_json:
        marks = {"states": state_to_json(service)}
        click.echo(json.dumps(explanation.to_json() | marks, indent=2, ensure_ascii=False))
    else:
        language = language_of(settings)
        states = [] if asked else in_force_in_words(service, office, language)
        click.echo("\n".join((*states, *in_words(explanation, language))))


def _supposed(asked: tuple[str, ...], moment: datetime) -> ServiceState:
    """Return the states that are asked about, as if set at that moment and not ended."""
    state = NO_MARKS
    for name in asked:
        if name != NONE:
            state = state.set(Manual(name), Mark("explain", moment))
    return state


def _in_force(settings: Settings, moment: datetime) -> ServiceState:
    """Return what people have asked for by hand, as far as it holds at a moment.

    Nothing where the box has no such file yet, or it cannot be read: that is said in the journal.
    """
    state = load_state(state_file(Path(settings.folders.state))).expired(moment)
    later = [name for name, mark in state.marks().items() if mark.since > moment]
    for name in later:
        state = state.undo(Manual(name))
    return state


def _group(name: str | None) -> GroupState | None:
    return GroupState(name) if name else None


def _by_positions(group: Group, service: ServiceState, moment: datetime) -> GroupState:
    """Take phones for free; where every position is away nobody is there (E3)."""
    away = bool(group.phones) and all(service.is_away(phone, moment) for phone in group.phones)
    return GroupState.UNATTENDED if away else GroupState.FREE


def in_force_in_words(service: ServiceState, office: Office, language: str) -> list[str]:
    """Say which states people have asked for, by whom, since and until when."""
    rows = []
    for name, mark in service.marks().items():
        words = MARKS[name]
        since = moment_words(office.local(mark.since), language)
        until = mark.until and moment_words(office.local(mark.until), language)
        if language == "it":
            end = f", fino a {until}" if until else ""
            rows.append(f"In corso: {words.it}, da {since} ({mark.by}){end}")
        else:
            end = f", until {until}" if until else ""
            rows.append(f"In force: {words.en}, since {since} ({mark.by}){end}")
    return rows


def in_words(explanation: Explanation, language: str) -> list[str]:
    """Say the steps in the language of the site, one a line."""
    rows = []
    for number, step in enumerate(explanation.steps, 1):
        words = step.sentence.it if language == "it" else step.sentence.en
        phones = f" [{', '.join(step.phones)}, {step.ring_ms // 1000} s]" if step.phones else ""
        rows.append(f"{number}. {words} ({step.code}){phones}")
    if explanation.changes_at is not None:
        until = "Cambia" if language == "it" else "Changes"
        rows.append(f"{until}: {moment_words(explanation.changes_at, language)}")
    return rows


def _line(office: Office, name: str) -> Line:
    names = [line.name for line in office.lines]
    if not names:
        raise Refused(
            "la configurazione non ha linee: aggiungerne una sotto [[lines]]",
            "the configuration has no line; add one under [[lines]]",
        )
    if name and name not in names:
        known = ", ".join(names)
        raise Refused(
            f"la linea {name!r} non c'è; ci sono: {known}",
            f"there is no line {name!r}; known are {known}",
        )
    return next(line for line in office.lines if line.name == (name or names[0]))
