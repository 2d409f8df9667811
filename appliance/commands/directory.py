"""`office directory` and `explain-transfer`: who may be reached, for what, when (P3–P7)."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import click

from appliance.api import protocol, speech
from appliance.api.commands import LoadDirectory, LoadSpoken
from appliance.commands import directory_rows
from appliance.commands.answering import ask_secret, office_in_force
from appliance.commands.json_output import json_option, say_json
from appliance.commands.options import (
    config_option,
    control_socket_path,
    in_language,
    in_site_language,
    language_of,
    load_settings,
    person_of,
)
from appliance.config import directory_file, state_folder
from appliance.config.read import read_text
from appliance.config.schema import Settings
from appliance.config.values import Mistake
from appliance.errors import StoreError, TechnicianError
from appliance.files import create_once
from appliance.policy import directory_changes, directory_review, transfers
from appliance.policy.clock import Now
from appliance.policy.directory import (
    NOTICE_DAYS,
    Directory,
    DirectoryFault,
    NeedInForce,
    Unit,
    need_in_force,
    stamps_with_place,
)
from appliance.policy.directory_changes import (
    DirectoryChange,
    EnteredBy,
    merged_words,
    of_known_units,
    undisclosed_texts,
)
from appliance.policy.directory_review import (
    NOTHING_AHEAD,
    ahead_of_units,
    ahead_rows,
    history_rows,
    returns_words,
)
from appliance.policy.directory_review import attention_of as find_attention
from appliance.policy.directory_review import times_ahead as list_ahead
from appliance.policy.hours import ONE_DAY, Schedule, Week, moment_words, read_day, read_moment
from appliance.policy.numbering import HOME_PLAN, plan_of
from appliance.policy.privacy import Disclosure
from appliance.policy.text import Refused, os_error_words, technical_words
from appliance.policy.transfers import TransferAllowed, TransferLater, check_need, may_transfer
from appliance.service import live_policy
from appliance.store import database
from appliance.store import directory as store
from appliance.store.database import Noted, open_reader, records_made
from appliance.store.directory import Who, key_path
from appliance.store.policy_change import PolicyChange
from appliance.text import Words, _, counted, unchanged

if TYPE_CHECKING:
    import sqlite3


Make = Callable[[Directory], DirectoryChange]
UNTOLD = _("The service is not running: it will read the register when it starts.")
IN_FORCE = _("In force at once.")


@dataclass
class Place:
    """The database of a configuration; raises Refused before call control has created it."""

    config: Path

    @cached_property
    def settings(self) -> Settings:
        """The configuration, read on first use."""
        return load_settings(self.config)

    @property
    def zone(self) -> ZoneInfo:
        """Return the office's time zone."""
        return ZoneInfo(self.settings.site.zone)

    @cached_property
    def database(self) -> Path:
        """The database; raises Refused before call control has created it."""
        return records_made(Path(self.settings.folders.state))

    @property
    def key(self) -> Path:
        """The file with the key of the numbers."""
        return key_path(self.database)

    def now(self) -> datetime:
        """Return the present second with the office's offset from UTC."""
        now = datetime.now(self.zone).replace(microsecond=0)
        return datetime.fromisoformat(now.isoformat())

    def calendar(self, year: int) -> Schedule:
        """Return the switchboard's own hours, holidays and closures."""
        return office_in_force(self.settings, year, str(self.config)).switchboard.schedule

    def register(self) -> Directory:
        """Return the directory with its numbers."""
        with closing(open_reader(self.database)) as connection:
            return of_known_units(store.load(connection, self.key))

    def shown(self) -> tuple[Directory, str]:
        """Return the directory for display, without its key masked, and the reason."""
        with closing(open_reader(self.database)) as connection:
            try:
                return store.load(connection, self.key), ""
            except StoreError as error:
                # Without the key only the numbers are unreadable: hours and rules are shown all the
                # same.
                return store.load_masked(connection), str(error)

    def change(
        self,
        who: Who,
        make: Make,
        attached: Mapping[str, bytes],
    ) -> DirectoryChange:
        """Change the stored directory, all or nothing; call control writes it while it runs."""

        def made(connection: sqlite3.Connection) -> tuple[DirectoryChange, PolicyChange]:
            basis = live_policy.policy_version(connection)
            merged, rows = store.rows_of(connection, self.key, who, make, attached)
            return merged, PolicyChange(basis, rows)

        return live_policy.change_policy(self.settings, made)

    def undisclosed(self, changed: DirectoryChange) -> Iterator[DirectoryFault]:
        """Yield each new text with a number that callers may not be told (P7)."""
        plan = plan_of(self.settings.site.country)
        known = Disclosure(changed.directory, plan, self.now(), self.zone)
        return undisclosed_texts(changed, known)

    def note(self, by: str, what: str, about: str) -> None:
        """Write to the audit what is about to be revealed."""
        noted = Noted(self.now(), by, what, about)

        def made(connection: sqlite3.Connection) -> tuple[None, PolicyChange]:
            return None, PolicyChange(live_policy.policy_version(connection), noted=(noted,))

        live_policy.change_policy(self.settings, made)

    def tell_call_control(self) -> None:
        """Have the running service load the directory; print the result."""
        socket = control_socket_path(self.settings)
        if not socket.exists():
            self.say(UNTOLD)
            return
        protocol.ask(socket, LoadDirectory().arguments(), limit=30.0)
        self.say(IN_FORCE)

    def tell_sounds(self) -> None:
        """Have the running service load the sounds again."""
        socket = control_socket_path(self.settings)
        if socket.exists():
            protocol.ask(socket, LoadSpoken().arguments(), limit=30.0)

    def say(self, words: Words) -> None:
        """Print a sentence in the site's first language."""
        click.echo(in_site_language(self.settings, words))


def day_of(text: str, today: date) -> date:
    """Parse a day as people write it; raises Refused."""
    return read_day(text, today)


def unit_of(register: Directory, code: str) -> Unit:
    """Return a unit; raises OfficeError with the known ones."""
    unit = register.unit(code)
    if unit is None:
        known = ", ".join(each.code for each in register.units) or "none"
        raise Refused(
            _(
                "there is no office {code!r} in the register; known are {known}",
                code=code,
                known=known,
            ),
        )
    return unit


FILE = click.Path(path_type=Path)
BY = click.option("--by", required=True, help="Who enters it.")
REFERENCE = click.option(
    "--reference", required=True, help='The e-mail or protocol number: "e-mail, 8:05".'
)
ATTACH = click.option("--attach", type=FILE, help="The e-mail itself, kept sealed.")


NUMBER = _("Number")


@click.command("import")
@click.argument("file", type=FILE)
@BY
@click.pass_obj
def import_(place: Place, file: Path, by: str) -> None:
    """Take FILE as the register: new entries are added, nothing entered before is changed."""
    merged = take(place, file, by)
    _tell(place, merged)
    _say_names(place, merged.directory)


def _say_names(place: Place, register: Directory) -> None:
    """Generate the sounds of units' names for operators (E23); else their codes are said."""
    folder = state_folder.speech_folder(Path(place.settings.folders.state))
    names = {unit.code: unit.name for unit in register.units}
    with contextlib.suppress(TechnicianError, OSError):
        if speech.name_units(folder, names, place.settings.site.languages[0]):
            place.tell_sounds()


def take(place: Place, file: Path, by: str) -> DirectoryChange:
    """Import a file; raises BadConfiguration with all mistakes, and then stores nothing."""
    text = read_text(file)

    def make(stored: Directory) -> DirectoryChange:
        given = directory_file.parse(text, str(file), stored.last_number())
        merged = directory_changes.merge_directory(stored, given)
        # Conflicts with stored entries are reported like mistakes of the file, with their lines.
        directory_file.complain(
            str(file),
            text,
            (
                *(Mistake(each.place, unchanged(each.text)) for each in merged.faults),
                *_mistakes(place.undisclosed(merged)),
            ),
        )
        # Only the files named by entries, and only those that lie beside the directory's file.
        attached.update(_files_of(given, file.parent))
        return merged

    attached: dict[str, bytes] = {}
    return place.change(Who(by, place.now(), "import"), make, attached)


@click.command()
@click.argument("file", type=FILE)
@BY
@click.pass_obj
def export(place: Place, file: Path, by: str) -> None:
    """Write the register to FILE, numbers unmasked: for the head alone (0600), and audited.

    What is attached is written beside it. FILE may not exist yet, and is never the terminal.
    """
    # The numbers are in clear: never on a terminal, nor in a file that others may read already.
    if str(file) == "-" or file.exists():
        raise Refused(
            _("{file} is no new file: the export goes into one of its own, 0600", file=file),
        )
    register = place.register()
    with closing(open_reader(place.database)) as connection:
        names = {entry.attachment for _, entry in stamps_with_place(register)} - {""}
        found = {name: store.attachment(connection, place.key, name) for name in sorted(names)}
    about = f"{len(register.units)} units, {len(register.entered())} entries"
    # Audited before any number leaves the box.
    place.note(by, "register.export", about)
    _write(file, directory_file.text_for(register).encode())
    for name, data in found.items():
        _write(file.parent / name, data)
    place.say(_("{file}: numbers in clear", file=file))


@click.command()
@click.argument("unit")
@click.option(
    "--band", "bands", multiple=True, help="e.g. 11:00-12:00; more than one may be given."
)
@click.option("--closed", is_flag=True, help="No band at all.")
@click.option("--as-declared", is_flag=True, help="The declared bands hold after all.")
@click.option("--need", "needs", multiple=True, help="Only for this need; all of them by default.")
@click.option("--day", default="today", show_default=True, help="today, tomorrow or 2026-11-25.")
@click.option("--until", default="", help="The last day; the same one by default.")
@click.option("--notice", default="", help='What operators read of it: "Settimana elettorale".')
@REFERENCE
@BY
@ATTACH
@click.pass_obj
def vary(place: Place, /, unit: str, **given: Any) -> None:
    """Enter other bands of UNIT for a day or some: "today only 11-12"; ends by itself (E12).

    It may be entered weeks ahead (E14). Over several days the bands are those of the weekdays on
    which UNIT has declared any.
    """
    now = place.now()
    first = day_of(given["day"], now.date())
    last = day_of(given["until"], now.date()) if given["until"] else first
    form = {
        "unit": unit,
        "first": f"{first}",
        "last": f"{last}",
        "hours": _hours(given["bands"], given["closed"], given["as_declared"]),
        "needs": list(given["needs"]),
        "notice": given["notice"],
        "reference": given["reference"],
    }
    stamp = _stamp(given, now)

    def make(stored: Directory) -> DirectoryChange:
        return directory_changes.vary(stored, form, stamp, now.date())

    _change(place, Who(given["by"], now, "vary"), make, _attached(given["attach"]))


@click.command()
@click.argument("unit")
@click.option(
    "--need", default="", help="Take a declared number of this need; else it is asked for."
)
@click.option(
    "--which", default=1, show_default=True, type=click.IntRange(1), help="The need's 1st, 2nd ..."
)
@click.option("--last", default="", help="The last day on which it may be told.")
@click.option("--authorised-by", required=True, help="Who gave the leave in writing.")
@REFERENCE
@BY
@ATTACH
@click.pass_obj
def authorise(place: Place, /, unit: str, **given: Any) -> None:
    """Enter UNIT's written leave to tell one of its numbers outside (P7).

    A number that is not declared is asked for without being shown: on a command line it would
    stand in the shell's history.
    """
    now = place.now()
    form = {
        "unit": unit,
        "last": f"{day_of(given['last'], now.date())}" if given["last"] else "",
        "authorised_by": given["authorised_by"],
        "need": given["need"],
        "which": given["which"],
        # A declared number is taken by its place; another one is typed unseen, not as an argument,
        # which the shell's history would keep.
        "number": "" if given["need"] else ask_secret(in_language(NUMBER)),
        "reference": given["reference"],
    }
    stamp = _stamp(given, now)

    def make(stored: Directory) -> DirectoryChange:
        return directory_changes.authorise(stored, form, stamp, now.date())

    _change(place, Who(given["by"], now, "authorise"), make, _attached(given["attach"]))


@click.command()
@click.argument("number", type=int)
@REFERENCE
@BY
@ATTACH
@click.pass_obj
def revoke(place: Place, /, number: int, **given: Any) -> None:
    """End the authorisation that was entered as NUMBER: from now on its number is not told."""
    now = place.now()
    form, stamp = {"number": number, "reference": given["reference"]}, _stamp(given, now)

    def make(stored: Directory) -> DirectoryChange:
        return directory_changes.revoke(stored, form, stamp, now.date())

    _change(place, Who(given["by"], now, "revoke"), make, _attached(given["attach"]))


def take_out(place: Place, name: str, file: Path, by: str) -> None:
    """Write an attachment to a file; audited first."""
    with closing(open_reader(place.database)) as connection:
        data = store.attachment(connection, place.key, name)
    place.note(by, "register.attachment", name)
    _write(file, data)


COMMANDS = (import_, export, vary, authorise, revoke)


def _change(place: Place, who: Who, make: Make, attached: dict[str, bytes]) -> None:
    def made(stored: Directory) -> DirectoryChange:
        changed = make(stored)
        for fault in place.undisclosed(changed):
            raise Refused(fault.words)
        return changed

    _tell(place, place.change(who, made, attached))


def _undisclosed_alone(given: Directory) -> Iterator[DirectoryFault]:
    """Yield what an import into an empty register would refuse, by the home plan of numbers."""
    known = Disclosure(given, HOME_PLAN, datetime.now(HERE), HERE)
    return undisclosed_texts(directory_changes.merge_directory(Directory(), given), known)


def _mistakes(faults: Iterable[DirectoryFault]) -> tuple[Mistake, ...]:
    return tuple(Mistake(fault.place, fault.words) for fault in faults)


def _tell(place: Place, merged: DirectoryChange) -> None:
    """Print a change and have the running service load it."""
    for words in merged_words(merged):
        place.say(words)
    place.tell_call_control()


def _stamp(given: dict[str, Any], now: datetime) -> EnteredBy:
    return EnteredBy(given["by"], now, given["attach"].name if given["attach"] else "")


def _hours(bands: tuple[str, ...], closed: bool, as_declared: bool) -> str:
    """Return the hours of a variation in the form's notation."""
    if bool(bands) + closed + as_declared != 1:
        raise Refused(
            _("say one of --band 11:00-12:00, --closed, --as-declared"),
        )
    return " ".join(bands) or (
        directory_changes.VARIED_CLOSED if closed else directory_changes.VARIED_AS_DECLARED
    )


def _attached(file: Path | None) -> dict[str, bytes]:
    return {} if file is None else {file.name: _bytes(file)}


def _files_of(register: Directory, folder: Path) -> dict[str, bytes]:
    """Read the entries' attachments from the folder of the directory's file."""
    names = {entry.attachment for _, entry in stamps_with_place(register)} - {""}
    return {name: _bytes(folder / name) for name in names if (folder / name).exists()}


def _bytes(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise Refused(
            _(
                "{file} cannot be read ({why}): name the e-mail's file",
                file=file,
                why=technical_words(error.strerror, os_error_words(error)),
            ),
        ) from error


def _write(path: Path, data: bytes) -> None:
    """Write a new file, readable by its owner only, with fsync."""
    try:
        create_once(path, data)
    except OSError as error:
        raise Refused(
            _(
                "{path} cannot be written ({why}): name another place",
                path=path,
                why=technical_words(error.strerror, os_error_words(error)),
            ),
        ) from error


# A file alone belongs to no configuration that would name a zone.
HERE = ZoneInfo("Europe/Rome")
"""Time zone for the days of a file."""
YEAR_DAYS = 365


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
@json_option
def check(file: Path, *, as_json: bool) -> None:
    """Name every mistake of a register FILE at once, and who has declared nothing valid today."""
    found = directory_file.load(file)
    directory_file.complain(str(file), read_text(file), _mistakes(_undisclosed_alone(found)))
    attention = directory_review.attention_words(
        find_attention(found, datetime.now().astimezone(), HERE)
    )
    if as_json:
        row: directory_rows.CheckedFile = {
            "units": len(found.units),
            "declarations": len(found.declarations),
            "attention": [words.by_language() for words in attention],
        }
        say_json(row)
        return
    good = _(
        "{file}: {units}, {declarations}: good",
        file=file,
        units=counted("one office", "{number} offices", len(found.units)),
        declarations=counted("one declaration", "{number} declarations", len(found.declarations)),
    )
    click.echo(in_language(good))
    for words in attention:
        click.echo(str(words))


@register.command()
@click.argument("file", type=FILE, required=False)
@click.option("--unit", default="", help="Of this one only.")
@click.option("--at", default="today", show_default=True, help="The day: today, 2026-11-25.")
@json_option
@click.pass_obj
def show(place: Place, file: Path | None, unit: str, at: str, *, as_json: bool) -> None:
    """Show the register, or that of a FILE: needs, bands, numbers masked."""
    if file is not None:
        found, why, calendar = directory_file.load(file), "", Schedule(HERE, Week(((),) * 7))
        day = day_of(at, datetime.now(HERE).date())
    else:
        whole, why = place.shown()
        found, day = of_known_units(whole), day_of(at, place.now().date())
        calendar = place.calendar(day.year)
    if why:
        click.echo(why, err=True)
    units = [unit_of(found, unit)] if unit else found.units
    if as_json:
        say_json([directory_rows.unit_row(found, calendar, each, day) for each in units])
        return
    language = language_of(None if file else place.settings)
    if not units:
        click.echo(_("No offices.").text(language))
    for each in units:
        for row in unit_rows(found, calendar, each, day, language):
            click.echo(row)


@register.command()
@click.argument("unit")
@json_option
@click.pass_obj
def history(place: Place, unit: str, *, as_json: bool) -> None:
    """Show all that was ever entered for UNIT: by whom, when, on what ground."""
    whole, why = place.shown()
    if why:
        click.echo(why, err=True)
    entered = whole.history(unit)
    if not entered:
        unit_of(whole, unit)
    if as_json:
        say_json([directory_rows.entry_row(each) for each in entered])
        return
    person = person_of(place.settings)
    for each in entered:
        for row in history_rows(each, language_of(place.settings), place.zone, person):
            click.echo(row)


@register.command()
@click.option("--days", default=NOTICE_DAYS, show_default=True, type=click.IntRange(0, 366))
@json_option
@click.pass_obj
def attention(place: Place, days: int, *, as_json: bool) -> None:
    """List what the head must look after: no valid declaration, what runs out, what ran out."""
    whole, _unused = place.shown()
    found = find_attention(of_known_units(whole), place.now(), place.zone, days)
    said = directory_review.attention_words(found)
    if as_json:
        say_json([words.by_language() for words in said])
        return
    for words in said:
        place.say(words)
    if found.is_nothing:
        place.say(_("Nothing to look after."))


@register.command()
@click.option("--from", "begin", default="today", show_default=True, help="The first day.")
@click.option("--days", default=YEAR_DAYS, show_default=True, type=click.IntRange(1, 3 * YEAR_DAYS))
@click.option("--unit", default="", help="Of this one, and its service, only.")
@json_option
@click.pass_obj
def calendar(place: Place, begin: str, days: int, unit: str, *, as_json: bool) -> None:
    """List the special times ahead: the house's closures and periods, units' variations (E14)."""
    whole, _ = place.shown()
    held, first = of_known_units(whole), day_of(begin, place.now().date())
    last = first + timedelta(days=days - 1)
    found = list_ahead(held, place.calendar(first.year), first, last)
    if unit:
        asked = unit_of(held, unit)
        found = ahead_of_units(found, asked.code, asked.service)
    if as_json:
        say_json(directory_rows.time_rows(found))
        return
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
@json_option
@click.pass_obj
def audit_(place: Place, last: int, *, as_json: bool) -> None:
    """List who entered, ended, exported or took out what, newest first; no number stands there."""
    language = language_of(place.settings)
    with closing(open_reader(place.database)) as connection:
        found = database.latest(connection, most=last)
    if as_json:
        say_json([directory_rows.audit_row(each) for each in found])
        return
    for each in found:
        at = each.at.astimezone(place.zone)
        click.echo(f"{moment_words(at, language)}  {each.by}  {each.what}  {each.about}".rstrip())


def unit_rows(
    found: Directory, calendar: Schedule, unit: Unit, day: date, language: str
) -> Iterator[str]:
    """Show a unit as it is on a day: what its declaration says, bands with variations laid over."""
    yield f"{unit.code:<16} {unit.name} <{unit.email}>"
    declaration = found.valid_declaration(unit, day)
    for need in declaration.needs if declaration else ():
        labels = ", ".join(f"{t.label or t.reach} {t.number}" for t in need.targets)
        held = need_in_force(found, calendar, unit, need.code, day)
        bands = held.schedule.bands_on(day) if isinstance(held, NeedInForce) else ()
        hours = " ".join(map(str, bands)) or "-"
        keys = f" (**{need.code_keys}#)" if need.code_keys else ""
        yield f"  {need.code:<16} {need.name}{keys}: {hours}: {labels}"
    if declaration:
        yield f"  {'':<16} {returns_words(declaration, language)}"
    coming = list_ahead(
        found, calendar, day + ONE_DAY, day + timedelta(days=directory_rows.SOON_DAYS)
    )
    for row in ahead_rows(ahead_of_units(coming, unit.code), language):
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
    check_need(found, office, need)
    if as_json:
        click.echo(json.dumps(to_json(answer, moment), indent=2, ensure_ascii=False))
    else:
        click.echo(in_words(answer, moment, language_of(settings)))


def in_words(answer: TransferAllowed | TransferLater, moment: datetime, language: str) -> str:
    """Return the answer as the operator reads it."""
    if isinstance(answer, TransferLater):
        return transfers.later_words(answer, moment).text(language)
    labels = ", ".join(t.label or str(t.number) for t in answer.targets)
    said = _(
        "{unit}, {need}: may be transferred to {targets}",
        unit=answer.unit.name,
        need=answer.need.name,
        targets=labels,
    )
    return said.text(language)


def to_json(answer: TransferAllowed | TransferLater, moment: datetime) -> dict[str, object]:
    """Return the answer with stable keys, without numbers."""
    shared: dict[str, object] = {
        "at": moment.isoformat(),
        "office": answer.unit.code,
        "allowed": isinstance(answer, TransferAllowed),
        "returns": [rule.value for rule in answer.rules],
    }
    if isinstance(answer, TransferAllowed):
        targets = [{"label": t.label, "reach": t.reach.value} for t in answer.targets]
        return shared | {
            "need": answer.need.code,
            "declaration": answer.declaration,
            "targets": targets,
        }
    words = transfers.later_words(answer, moment)
    resumes = answer.resumes_at.isoformat() if answer.resumes_at else None
    return shared | {
        "need": answer.need,
        "code": answer.why.value,
        "resumes_at": resumes,
        **{f"sentence_{language}": text for language, text in words.by_language().items()},
    }
