"""`centralino register` and `explain-transfer`: who may be reached, for what, when (P3–P7)."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing
from datetime import date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import click

from appliance.commands.in_force import office_in_force
from appliance.commands.options import config_option, load_settings
from appliance.commands.register_changes import COMMANDS, take_out
from appliance.commands.register_place import Place, day_of, unit_of
from appliance.commands.shell import language_of
from appliance.config import directory_file
from appliance.policy import directory_review, transfers
from appliance.policy.clock import Now
from appliance.policy.directory import NOTICE_DAYS, Declared, Register, Unit, declared
from appliance.policy.directory_forms import in_force
from appliance.policy.directory_review import ahead as list_ahead
from appliance.policy.directory_review import attention as find_attention
from appliance.policy.directory_review import of_units
from appliance.policy.directory_text import NOTHING_AHEAD, ahead_rows, history_rows, returns_words
from appliance.policy.hours import ONE_DAY, Schedule, Week, moment_words, read_moment
from appliance.policy.text import Words
from appliance.policy.transfers import Allowed, Later, may_transfer
from appliance.store import database
from appliance.store.database import open_reader

FILE = click.Path(path_type=Path)
HERE = ZoneInfo("Europe/Rome")
"""The zone by which a mere file's days are looked at: it belongs to no configuration yet."""
YEAR_DAYS = 365
SOON_DAYS = 60
"""So far ahead `show` lists what a unit has entered for later."""


@click.group()
@config_option
@click.pass_context
def register(context: click.Context, config_path: Path) -> None:
    """Rubrica uffici: services, offices, and what they declared in writing."""
    context.obj = Place(config_path)


for _command in COMMANDS:
    register.add_command(_command)


@register.command()
@click.argument("file", type=FILE)
def check(file: Path) -> None:
    """Name every mistake of a register FILE at once, and who has declared nothing valid today."""
    found = directory_file.load(file)
    click.echo(f"{file}: {len(found.units)} units, {len(found.declarations)} declarations: good")
    now = datetime.now().astimezone()
    for words in directory_review.in_words(find_attention(found, now, HERE)):
        click.echo(words.en)


@register.command()
@click.argument("file", type=FILE, required=False)
@click.option("--unit", default="", help="Of this one only.")
@click.option("--at", default="today", show_default=True, help="The day: today, 2026-11-25.")
@click.pass_obj
def show(place: Place, file: Path | None, unit: str, at: str) -> None:
    """Show the register, or that of a FILE: needs, bands, numbers masked."""
    if file is not None:
        found, why, calendar = directory_file.load(file), "", Schedule(HERE, Week(((),) * 7))
        day = day_of(at, datetime.now(HERE).date())
    else:
        whole, why = place.shown()
        found, day = in_force(whole), day_of(at, place.now().date())
        calendar = place.calendar(day.year)
    if why:
        click.echo(why, err=True)
    for each in [unit_of(found, unit)] if unit else found.units:
        language = language_of(None if file else place.settings)
        for row in unit_rows(found, calendar, each, day, language):
            click.echo(row)


@register.command()
@click.argument("unit")
@click.pass_obj
def history(place: Place, unit: str) -> None:
    """Show all that was ever entered for UNIT: by whom, when, on what ground."""
    whole, why = place.shown()
    if why:
        click.echo(why, err=True)
    entered = whole.history(unit)
    if not entered:
        unit_of(whole, unit)
    for each in entered:
        for row in history_rows(each, language_of(place.settings), place.zone):
            click.echo(row)


@register.command()
@click.option("--days", default=NOTICE_DAYS, show_default=True, type=click.IntRange(0, 366))
@click.pass_obj
def attention(place: Place, days: int) -> None:
    """List what the head must look after: no valid declaration, what runs out, what ran out."""
    whole, _ = place.shown()
    found = find_attention(in_force(whole), place.now(), place.zone, days)
    for words in directory_review.in_words(found):
        place.say(words)
    if found.is_nothing:
        place.say(Words("Niente da seguire.", "Nothing to look after."))


@register.command()
@click.option("--from", "begin", default="today", show_default=True, help="The first day.")
@click.option("--days", default=YEAR_DAYS, show_default=True, type=click.IntRange(1, 3 * YEAR_DAYS))
@click.option("--unit", default="", help="Of this one, and its service, only.")
@click.pass_obj
def calendar(place: Place, begin: str, days: int, unit: str) -> None:
    """List the special times ahead: the house's closures and periods, units' variations (E14)."""
    whole, _ = place.shown()
    held, first = in_force(whole), day_of(begin, place.now().date())
    last = first + timedelta(days=days - 1)
    found = list_ahead(held, place.calendar(first.year), first, last)
    if unit:
        asked = unit_of(held, unit)
        found = of_units(found, asked.code, asked.service)
    for row in ahead_rows(found, language_of(place.settings)):
        click.echo(row)
    if not found:
        place.say(NOTHING_AHEAD)


@register.command()
@click.argument("name")
@click.argument("file", type=FILE)
@click.option("--by", required=True, help="Who takes it out.")
@click.pass_obj
def attachment(place: Place, name: str, file: Path, by: str) -> None:
    """Write the attached e-mail NAME into FILE (0600), audited: it may name numbers."""
    take_out(place, name, file, by)


@register.command("audit")
@click.option("--last", default=20, show_default=True, type=click.IntRange(1, 10_000))
@click.pass_obj
def audit_(place: Place, last: int) -> None:
    """List who entered, ended, exported or took out what, newest first; no number stands there."""
    language = language_of(place.settings)
    with closing(open_reader(place.database)) as connection:
        for each in database.latest(connection, most=last):
            at = each.at.astimezone(place.zone)
            click.echo(
                f"{moment_words(at, language)}  {each.by}  {each.what}  {each.about}".rstrip()
            )


def unit_rows(
    found: Register, calendar: Schedule, unit: Unit, day: date, language: str
) -> Iterator[str]:
    """Show a unit as it is on a day: what its declaration says, bands with variations laid over."""
    yield f"{unit.code:<16} {unit.name} <{unit.email}>"
    declaration = found.valid_declaration(unit, day)
    for need in declaration.needs if declaration else ():
        labels = ", ".join(f"{t.label or t.reach} {t.number}" for t in need.targets)
        held = declared(found, calendar, unit, need.code, day)
        bands = held.schedule.bands_on(day) if isinstance(held, Declared) else ()
        hours = " ".join(map(str, bands)) or "-"
        keys = f" (**{need.code_keys}#)" if need.code_keys else ""
        yield f"  {need.code:<16} {need.name}{keys}: {hours}: {labels}"
    if declaration:
        yield f"  {'':<16} {returns_words(declaration, language)}"
    coming = list_ahead(found, calendar, day + ONE_DAY, day + timedelta(days=SOON_DAYS))
    for row in ahead_rows(of_units(coming, unit.code), language):
        yield f"  {'':<16} {row}"


@click.command("explain-transfer")
@config_option
@click.option("--register", "file", type=FILE, help="A register's file; the stored one by default.")
@click.option("--office", required=True, help="The code of the office or service.")
@click.option("--need", required=True, help="The code of the need.")
@click.option("--at", default="", help='Local time ("14:30", "domani 8:00"); now by default.')
@click.option("--json", "as_json", is_flag=True, help="As JSON with stable keys.")
def explain_transfer(
    config_path: Path, file: Path | None, office: str, need: str, at: str, as_json: bool
) -> None:
    """Say whether a call could be transferred to an OFFICE for a NEED, and if not, when."""
    settings = load_settings(config_path)
    zone = ZoneInfo(settings.site.zone)
    now = datetime.now(zone)
    moment = read_moment(at, now) if at else now
    calendar = office_in_force(settings, moment.year, str(config_path)).switchboard.schedule
    found = directory_file.load(file) if file else Place(config_path).register()
    answer = may_transfer(found, calendar, office, need, Now(0.0, moment))
    if as_json:
        click.echo(json.dumps(to_json(answer, moment), indent=2, ensure_ascii=False))
    else:
        click.echo(in_words(answer, moment, language_of(settings)))


def in_words(answer: Allowed | Later, moment: datetime, language: str) -> str:
    """Say it as the operator reads it."""
    if isinstance(answer, Later):
        words = transfers.in_words(answer, moment)
        return words.it if language == "it" else words.en
    labels = ", ".join(t.label or str(t.number) for t in answer.targets)
    may = "si può trasferire a" if language == "it" else "may be transferred to"
    return f"{answer.unit.name}, {answer.need.name}: {may} {labels}"


def to_json(answer: Allowed | Later, moment: datetime) -> dict[str, object]:
    """Return the answer with stable keys; numbers are masked."""
    shared: dict[str, object] = {
        "at": moment.isoformat(),
        "office": answer.unit.code,
        "allowed": isinstance(answer, Allowed),
        "returns": [rule.value for rule in answer.rules],
    }
    if isinstance(answer, Allowed):
        targets = [{"label": t.label, "reach": t.reach.value} for t in answer.targets]
        return shared | {
            "need": answer.need.code,
            "declaration": answer.declaration,
            "targets": targets,
        }
    words = transfers.in_words(answer, moment)
    resumes = answer.resumes_at.isoformat() if answer.resumes_at else None
    return shared | {
        "need": answer.need,
        "code": answer.why.value,
        "resumes_at": resumes,
        "sentence_it": words.it,
        "sentence_en": words.en,
    }
