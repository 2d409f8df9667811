"""`centralino office address-book`: other bodies that callers want, and their numbers."""

from __future__ import annotations

import getpass
import json
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import asdict
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import click

from appliance.commands.directory import Place
from appliance.commands.options import (
    config_option,
    in_site_language,
    language_of,
)
from appliance.config import address_book_file
from appliance.config.office import build_office
from appliance.config.read import read_text
from appliance.policy import address_book as policy
from appliance.policy.address_book import BookEntry, Editing, HouseNumbers
from appliance.policy.directory_changes import of_known_units
from appliance.policy.forms import FormRefused
from appliance.policy.hours import date_words, read_day
from appliance.policy.text import Refused
from appliance.service import live_policy
from appliance.store import address_book as store
from appliance.store import directory
from appliance.store.database import Noted, open_reader
from appliance.store.policy_change import PolicyChange
from appliance.store.search import search_entries
from appliance.store.users import SHELL
from appliance.text import Words, _, by_language, counted, joined, unchanged

if TYPE_CHECKING:
    import sqlite3

    from appliance.commands.options import Command

SAVED: Final = _("“{name}” saved ({code}): found at the desk at once.")
REMOVED: Final = _("“{name}” removed: no search finds it any more.")
CONFIRMED: Final = _("“{name}” is noted as still right, to be checked again by {day}.")
NOTHING: Final = _("no entry of the address book has all these words")
NONE_DUE: Final = _("no entry has to be checked")
EMPTY: Final = _("the address book is empty")
DUE: Final = _("to be checked: last by {who} on {day}")
LAPSED: Final = _("holds no more since {day}: no search finds it")
NOT_TOLD: Final = _("not to be told")
IMPORTED: Final = _("{new} new, {changed}, {gone}, {same} as they were")


@click.group("address-book")
@config_option
@click.pass_context
def address_book(context: click.Context, config_path: Path) -> None:
    """Other bodies that callers want: list, change, import and export them."""
    context.obj = Place(config_path)


@address_book.command("list")
@click.argument("words", nargs=-1)
@click.option("--due", is_flag=True, help="Only what has to be checked.")
@click.option("--json", "as_json", is_flag=True, help="As JSON with stable keys.")
@click.pass_obj
def list_(place: Place, words: tuple[str, ...], *, due: bool, as_json: bool) -> None:
    """List the entries, or those with every one of WORDS, as the operator's search finds them."""
    today = place.now().date()
    with closing(open_reader(place.database)) as connection:
        typed = " ".join(words)
        found = search_entries(connection, typed, today) if words else store.all_entries(connection)
    if due:
        found = policy.to_check(found, today)
    if as_json:
        click.echo(json.dumps([to_json(each) for each in found], indent=2, ensure_ascii=False))
        return
    for entry in found:
        for line in _lines(entry, today):
            click.echo(in_site_language(place.settings, line))
    if not found:
        nothing = NOTHING if words else NONE_DUE if due else EMPTY
        click.echo(in_site_language(place.settings, nothing))


def _fields(command: Command) -> Command:
    """Add the options of an entry's fields."""
    options = (
        click.option("--keywords", help="Words by which it is found, between commas."),
        click.option("--number", "numbers", multiple=True,
                     help='"051 6478111, label, hours"; may be given several times.'),
        click.option("--secret-number", "untold", multiple=True,
                     help="The same, of a number for operators that callers are not told."),
        click.option("--address"),
        click.option("--website"),
        click.option("--note", help="For the operator."),
        click.option("--say", help="A sentence to tell the caller."),
        click.option("--check-by", help="Day by which to check it again, e.g. 2027-06-30."),
        click.option("--until", "last", help="The last day on which it holds."),
        click.option("--anyway", is_flag=True, help="A number that looks like ours is not ours."),
    )  # fmt: skip
    for option in reversed(options):
        command = option(command)
    return command


@address_book.command()
@click.argument("name")
@_fields
@click.pass_obj
def add(place: Place, /, name: str, **given: Any) -> None:
    """Add the body NAME."""
    _save(place, lambda _: {"name": name}, given)


@address_book.command()
@click.argument("code")
@click.option("--name")
@_fields
@click.pass_obj
def change(place: Place, /, code: str, **given: Any) -> None:
    """Change what is given of the entry CODE; given numbers replace all it has."""
    _save(place, lambda connection: policy.form_of(store.known(connection, code)), given)


@address_book.command()
@click.argument("code")
@click.pass_obj
def remove(place: Place, code: str) -> None:
    """Remove the entry CODE; calls in which its number was told still name it."""

    def made(connection: sqlite3.Connection) -> tuple[BookEntry, PolicyChange]:
        basis, entry = live_policy.policy_version(connection), store.known(connection, code)
        return entry, PolicyChange(basis, struck=(code,), noted=_noted(store.REMOVED, code))

    entry = live_policy.change_policy(place.settings, made)
    _say(place, REMOVED.filled(name=entry.name))


@address_book.command()
@click.argument("code")
@click.pass_obj
def confirm(place: Place, code: str) -> None:
    """Note that the entry CODE was found to be right today."""
    today = place.now().date()

    def made(connection: sqlite3.Connection) -> tuple[BookEntry, PolicyChange]:
        basis = live_policy.policy_version(connection)
        entry = policy.confirmed(store.known(connection, code), _shell(), today)
        return entry, PolicyChange(basis, book=(entry,), noted=_noted(store.CONFIRMED, code))

    entry = live_policy.change_policy(place.settings, made)
    _say(place, CONFIRMED.filled(name=entry.name, day=_date(entry.check_by)))


@address_book.command("import")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--replace", "replaces", is_flag=True, help="Remove the entries not in FILE.")
@click.option("--anyway", is_flag=True, help="Numbers that look like ours are not ours.")
@click.pass_obj
def import_(place: Place, file: Path, *, replaces: bool, anyway: bool) -> None:
    """Add and change entries from the table FILE (CSV), all or none of them."""
    text, today = read_text(file), place.now().date()

    def made(connection: sqlite3.Connection) -> tuple[ImportedBook, PolicyChange]:
        basis, house = live_policy.policy_version(connection), house_of(place, connection)
        given = address_book_file.read_table(
            text, file.name, _shell(), today, (), house, is_confirmed=anyway
        )
        return planned(connection, given, basis, replaces=replaces)

    done = live_policy.change_policy(place.settings, made)
    _say(place, done.words)


@address_book.command()
@click.pass_obj
def export(place: Place) -> None:
    """Write all entries as a table (CSV) to standard output: > book.csv keeps it."""
    with closing(open_reader(place.database)) as connection:
        found = store.all_entries(connection)
    click.echo(address_book_file.write_table(found, language_of(place.settings)), nl=False)


class ImportedBook(NamedTuple):
    """Counts of an import."""

    new: int
    changed: int
    gone: int
    same: int

    @property
    def words(self) -> Words:
        """The counts in words."""
        return IMPORTED.filled(
            new=self.new,
            changed=counted("{number} changed", "{number} changed", self.changed),
            gone=counted("{number} removed", "{number} removed", self.gone),
            same=self.same,
        )


def planned(
    connection: sqlite3.Connection,
    given: tuple[BookEntry, ...],
    basis: int,
    *,
    replaces: bool = False,
) -> tuple[ImportedBook, PolicyChange]:
    """Plan an import of entries; those that are as they were are left alone."""
    before = {entry.code: entry for entry in store.all_entries(connection)}
    written = tuple(entry for entry in given if before.get(entry.code) != entry)
    new = sum(entry.code not in before for entry in written)
    named = {entry.code for entry in given}
    gone = tuple(code for code in before if code not in named) if replaces else ()
    noted = tuple(_noted_of((*(entry.code for entry in written), *gone)))
    counts = ImportedBook(new, len(written) - new, len(gone), len(given) - len(written))
    return counts, PolicyChange(basis, book=written, struck=gone, noted=noted)


def house_of(place: Place, connection: sqlite3.Connection) -> HouseNumbers:
    """Return this office's own numbers; raises StoreError without the directory's key (P7)."""
    held = of_known_units(directory.load(connection, place.key))
    office = build_office(place.settings, place.now().year, str(place.config))
    return policy.house_numbers(held, office.public_numbers, office.outgoing.plan)


def _save(
    place: Place,
    form_from: Callable[[sqlite3.Connection], dict[str, Any]],
    given: dict[str, Any],
) -> None:
    today = place.now().date()
    changed = dict(_given(given, today))

    def made(connection: sqlite3.Connection) -> tuple[BookEntry, PolicyChange]:
        basis, house = live_policy.policy_version(connection), house_of(place, connection)
        form = form_from(connection) | changed
        known = {entry.code for entry in store.all_entries(connection)}
        editing = Editing(_shell(), today, known, store.codes(connection))
        try:
            entry = policy.read_entry(form, editing, house)
        except FormRefused as refused:
            raise Refused(joined("; ", _told_apart(refused, form))) from refused
        return entry, PolicyChange(basis, book=(entry,), noted=_noted(store.CHANGED, entry.code))

    entry = live_policy.change_policy(place.settings, made)
    _say(place, SAVED.filled(name=entry.name, code=entry.code))


def _given(given: dict[str, Any], today: date) -> Iterator[tuple[str, object]]:
    """Yield the fields of the form that the options give."""
    numbers = [*(_number(each, is_told=True) for each in given.pop("numbers")),
               *(_number(each, is_told=False) for each in given.pop("untold"))]  # fmt: skip
    if numbers:
        yield "numbers", numbers
    for name, value in given.items():
        if name in ("check_by", "last") and value:
            yield name, read_day(value, today).isoformat()
        elif value is not None:
            yield name, value


def _number(text: str, *, is_told: bool) -> dict[str, object]:
    number, _comma, rest = text.partition(",")
    label, _comma, hours = rest.partition(",")
    return {"number": number, "label": label, "hours": hours, "may_tell": is_told}


def _told_apart(refused: FormRefused, form: dict[str, Any]) -> Iterator[Words]:
    """Yield what is wrong, each behind the number or the field that it is about."""
    for problem in refused.problems:
        match problem.place.split("."):
            case ["numbers", place, "number"] if form.get("numbers"):
                about = str(form["numbers"][int(place) - 1]["number"]).strip()
            case ["anyway"]:
                yield _("--anyway confirms that the number is another body's own")
                continue
            case [field, *_rest]:
                about = "--" + {"numbers": "number", "last": "until"}.get(field, field)
        yield joined(" ", (unchanged(about.replace("_", "-")), problem.words))


def _lines(entry: BookEntry, today: date) -> Iterator[Words]:
    yield unchanged(f"{entry.code:<24} {entry.name}")
    indent = " " * 25
    for each in entry.numbers:
        about = ", ".join(filter(None, (each.label, each.hours)))
        said = (unchanged(f"{indent}{each.number}  {about}".rstrip()),)
        yield joined("  ", said if each.may_tell else (*said, NOT_TOLD))
    if entry.last and not entry.is_valid(today):
        yield joined("", (unchanged(indent), LAPSED.filled(day=_date(entry.last))))
    elif entry.is_due(today):
        due = DUE.filled(who=entry.checked_by, day=_date(entry.checked_on))
        yield joined("", (unchanged(indent), due))


def to_json(entry: BookEntry) -> dict[str, object]:
    """Return an entry with stable keys."""
    fields = asdict(entry)
    days = ("checked_on", "check_by", "last")
    return fields | {name: fields[name].isoformat() if fields[name] else "" for name in days}


def _date(day: date) -> Words:
    return by_language(lambda language: date_words(day, language))


def _noted(what: str, code: str) -> tuple[Noted, ...]:
    return (Noted(datetime.now(UTC), _shell(), what, code),)


def _noted_of(codes: tuple[str, ...]) -> Iterator[Noted]:
    for code in codes:
        yield from _noted(store.IMPORTED, code)


def _shell() -> str:
    return f"{SHELL}{getpass.getuser()}"


def _say(place: Place, words: Words) -> None:
    click.echo(in_site_language(place.settings, words))
