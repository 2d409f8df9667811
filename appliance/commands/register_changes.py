"""`centralino register import|export|vary|authorise|revoke`: what changes it, or takes it out."""

from __future__ import annotations

import contextlib
from contextlib import closing
from datetime import datetime
from pathlib import Path
from typing import Any

import click

from appliance.api import speech
from appliance.commands.register_place import Place, day_of
from appliance.commands.secrets import ask_secret
from appliance.commands.shell import in_language
from appliance.config import directory_file
from appliance.config.mistakes import Mistake
from appliance.config.read import read_text
from appliance.errors import TechnicianError
from appliance.files import create_once
from appliance.policy import directory_changes, directory_forms
from appliance.policy.directory import Register, entries
from appliance.policy.directory_changes import Stamp
from appliance.policy.directory_forms import Merged
from appliance.policy.directory_text import merged_words
from appliance.policy.text import Refused, Words
from appliance.store import directory as store
from appliance.store.database import open_reader
from appliance.store.directory import Who

FILE = click.Path(path_type=Path)
BY = click.option("--by", required=True, help="Who enters it.")
REFERENCE = click.option(
    "--reference", required=True, help='The e-mail or protocol number: "e-mail, 8:05".'
)
ATTACH = click.option("--attach", type=FILE, help="The e-mail itself, kept sealed.")


NUMBER = Words("Numero", "Number")


@click.command("import")
@click.argument("file", type=FILE)
@BY
@click.pass_obj
def import_(place: Place, file: Path, by: str) -> None:
    """Take FILE as the register: new entries are added, nothing entered before is changed."""
    merged = take(place, file, by)
    _tell(place, merged)
    _say_names(place, merged.register)


def _say_names(place: Place, register: Register) -> None:
    """Give the units' names a voice for operators (E23); without one their codes are said."""
    folder = speech.speech_folder(Path(place.settings.folders.state))
    names = {unit.code: unit.name for unit in register.units}
    with contextlib.suppress(TechnicianError, OSError):
        if speech.name_units(folder, names, place.settings.site.languages[0]):
            place.tell_sounds()


def take(place: Place, file: Path, by: str) -> Merged:
    """Import a file; raises BadConfiguration with every mistake, and nothing is stored."""
    text = read_text(file)

    def make(stored: Register) -> Merged:
        given = directory_file.parse(text, str(file), stored.last_number())
        merged = directory_forms.merge(stored, given)
        directory_file.complain(
            str(file), text, tuple(Mistake(each.place, each.text) for each in merged.faults)
        )
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
    if str(file) == "-" or file.exists():
        raise Refused(
            f"{file} non è un file nuovo: l'esportazione va in un file tutto suo, 0600",
            f"{file} is no new file: the export goes into one of its own, 0600",
        )
    register = place.register()
    with closing(open_reader(place.database)) as connection:
        names = {entry.attachment for _, entry in entries(register)} - {""}
        found = {name: store.attachment(connection, place.key, name) for name in sorted(names)}
    about = f"{len(register.units)} units, {len(register.entered())} entries"
    place.note(by, "register.export", about)
    _write(file, directory_file.text_for(register).encode())
    for name, data in found.items():
        _write(file.parent / name, data)
    place.say(Words(f"{file}: numeri in chiaro", f"{file}: numbers in clear"))


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

    def make(stored: Register) -> Merged:
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
        "number": "" if given["need"] else ask_secret(in_language(NUMBER)),
        "reference": given["reference"],
    }
    stamp = _stamp(given, now)

    def make(stored: Register) -> Merged:
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

    def make(stored: Register) -> Merged:
        return directory_changes.revoke(stored, form, stamp, now.date())

    _change(place, Who(given["by"], now, "revoke"), make, _attached(given["attach"]))


def take_out(place: Place, name: str, file: Path, by: str) -> None:
    """Write an attached file out, audited before it is done."""
    with closing(open_reader(place.database)) as connection:
        data = store.attachment(connection, place.key, name)
    place.note(by, "register.attachment", name)
    _write(file, data)


COMMANDS = (import_, export, vary, authorise, revoke)


def _change(place: Place, who: Who, make: Any, attached: dict[str, bytes]) -> None:
    _tell(place, place.change(who, make, attached))


def _tell(place: Place, merged: Merged) -> None:
    """Say what a change brought, and have the desk read it."""
    for words in merged_words(merged):
        place.say(words)
    place.tell_desk()


def _stamp(given: dict[str, Any], now: datetime) -> Stamp:
    return Stamp(given["by"], now, given["attach"].name if given["attach"] else "")


def _hours(bands: tuple[str, ...], closed: bool, as_declared: bool) -> str:
    """Say the hours of a variation as the form has them."""
    if bool(bands) + closed + as_declared != 1:
        raise Refused(
            "indicare una sola opzione fra --band 11:00-12:00, --closed e --as-declared",
            "say one of --band 11:00-12:00, --closed, --as-declared",
        )
    return " ".join(bands) or (directory_changes.CLOSED if closed else directory_changes.DECLARED)


def _attached(file: Path | None) -> dict[str, bytes]:
    return {} if file is None else {file.name: _bytes(file)}


def _files_of(register: Register, folder: Path) -> dict[str, bytes]:
    """Read the files that entries name and that lie beside the register's file."""
    names = {entry.attachment for _, entry in entries(register)} - {""}
    return {name: _bytes(folder / name) for name in names if (folder / name).exists()}


def _bytes(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise Refused(
            f"{file} non si può leggere ({error.strerror}): indicare il file dell'e-mail",
            f"{file} cannot be read ({error.strerror}): name the e-mail's file",
        ) from error


def _write(path: Path, data: bytes) -> None:
    """Write a new file for its owner alone, durably."""
    try:
        create_once(path, data)
    except OSError as error:
        raise Refused(
            f"{path} non si può scrivere ({error.strerror}): indicare un altro posto",
            f"{path} cannot be written ({error.strerror}): name another place",
        ) from error
