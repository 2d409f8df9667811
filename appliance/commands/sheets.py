"""`centralino office sheets`: the procedure sheets (schede) that answer callers (P2)."""

from __future__ import annotations

import contextlib
import getpass
import json
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import click

from appliance.api import speech as api_speech
from appliance.api.commands import LoadDirectory, LoadSpoken, UseSheet
from appliance.commands.answering import answering, both_option
from appliance.commands.options import (
    ask,
    config_option,
    in_site_language,
    load_settings,
    person_of,
    send_and_say,
)
from appliance.config import sheet_file, state_folder
from appliance.config.schema import Settings
from appliance.errors import OfficeError
from appliance.policy.hours import day_phrase_words
from appliance.policy.sheets import Sheet, SheetChange, with_edits
from appliance.service import live_policy
from appliance.store import managed_config
from appliance.store import sheets as records
from appliance.store.database import Noted, open_reader, records_made
from appliance.store.policy_change import PolicyChange
from appliance.store.users import SHELL
from appliance.text import Words, _, in_context, joined, unchanged

if TYPE_CHECKING:
    import sqlite3

    from appliance.policy.sheets import Menu

WORDS = {
    SheetChange.NEW: in_context("sheets", "new"),
    SheetChange.CHANGED: in_context("sheets", "changed"),
    SheetChange.GONE: _("no longer there: not found by a search any more"),
}
STALE = _("last updated {}: see whether it still holds")
KEPT = _("edited in the console by {user} {day}: it stays so (--replace takes the folder's)")
LEFT_OUT = _(
    "taken away in the console by {user} {day}: it stays so (--replace takes the folder's)"
)
REPLACED = _("the folder takes the place of what {user} did in the console {day}")
COUNT = _("sheets: {}")
KEY = _("key {key}: {sheet} ({language})")
NOTHING_FOUND = _("no sheet has all these words")
HEARD_LATER = _("centralino is not running here: callers hear it from its next start on")
HEARD_NOW = _("callers hear it from now on")


@click.group()
@config_option
@click.pass_context
def sheets(context: click.Context, config_path: Path) -> None:
    """Procedure sheets: import them from a folder, search them."""
    context.obj = load_settings(config_path)


@sheets.command("import")
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--replace", is_flag=True, help="What was edited in the console, too.")
@click.pass_obj
def import_(settings: Settings, folder: Path, *, replace: bool) -> None:
    """Take the *.md files of FOLDER as the sheets there are; says what changed, what is stale.

    What was edited in the console stays unless it is to be replaced. Spoken ones are given their
    voice here, and callers hear them from now on.
    """
    state, files = Path(settings.folders.state), sheet_file.load_sheets(folder)
    sounds = state_folder.speech_folder(state)
    offered = api_speech.load_menu(sounds)
    taken = live_policy.change_policy(
        settings, lambda connection: _taken(settings, connection, files, replace=replace)
    )
    given, edited, met, found, menu = taken
    # The menu is published last: it names only sounds that exist.
    api_speech.publish(sounds, menu)
    if any(change is not SheetChange.SAME for change in found.values()):
        _tell_call_control(settings)
    rows = told(found, given, date.today())  # noqa: DTZ011 - the day where the box stands
    for row in (
        *by_hand({code: edited[code] for code in met}, person_of(settings), replaced=replace),
        *rows,
    ):
        click.echo(in_site_language(settings, row))
    if menu != offered:
        for key, heard in enumerate(menu, 1):
            click.echo(
                in_site_language(
                    settings, KEY.filled(key=key, sheet=heard.sheet, language=heard.language)
                )
            )
        click.echo(in_site_language(settings, heard_at_once(settings)))


class _Taken(NamedTuple):
    """Result of an import: sheets, edits in the console, which of them were met, the changes."""

    given: tuple[Sheet, ...]
    edited: dict[str, Noted]
    met: tuple[str, ...]
    found: dict[str, SheetChange]
    menu: Menu


def _taken(
    settings: Settings, connection: sqlite3.Connection, files: tuple[Sheet, ...], *, replace: bool
) -> tuple[_Taken, PolicyChange]:
    """Overlay the stored sheets by the files, and generate the sounds of spoken ones."""
    basis = live_policy.policy_version(connection)
    edited = records.edited(connection)
    kept, met = with_edits(records.all_sheets(connection), files, edited)
    # Without them an import would remove the head office's sheets.
    given = with_central(connection, files if replace else kept)
    plan = records.planned(connection, given)
    sounds = state_folder.speech_folder(Path(settings.folders.state))
    if any(sheet.say for sheet in given):
        api_speech.check_disclosed(given, api_speech.disclosure_now(settings, connection))
    menu = api_speech.render(sounds, given, settings.site.languages)
    noted = tuple(_replaced(met)) if replace else ()
    change = PolicyChange(basis, sheets=plan.written, gone=plan.gone, noted=noted)
    return _Taken(given, edited, tuple(met), plan.found, menu), change


def with_central(connection: sqlite3.Connection, given: tuple[Sheet, ...]) -> tuple[Sheet, ...]:
    """Add the head office's sheets, which no import of the branch removes."""
    theirs, named = managed_config.sheets(connection), {sheet.code for sheet in given}
    known = (sheet for sheet in records.all_sheets(connection) if sheet.code in theirs)
    return (*given, *(sheet for sheet in known if sheet.code not in named))


def _replaced(codes: tuple[str, ...]) -> list[Noted]:
    """Return the audit rows for replaced edits of the console."""
    now, by = datetime.now(UTC), f"{SHELL}{getpass.getuser()}"
    return [Noted(now, by, records.IMPORTED, code) for code in codes]


def by_hand(
    edited: dict[str, Noted], person: Callable[[str], str], *, replaced: bool
) -> Iterator[Words]:
    """Yield, for each sheet edited in the console, whether the edit or the file is in force."""
    for code, noted in edited.items():
        words = REPLACED if replaced else LEFT_OUT if noted.what == records.REMOVED else KEPT
        yield _about(code, words.filled(user=person(noted.by), day=_on(noted.at)))


def _tell_call_control(settings: Settings) -> None:
    """Have a running service load again who is in charge (E10)."""
    with contextlib.suppress(OfficeError):
        ask(settings, LoadDirectory())


def heard_at_once(settings: Settings) -> Words:
    """Have a running service load new sounds; return from when callers hear them."""
    try:
        ask(settings, LoadSpoken())
    except OfficeError:
        return HEARD_LATER
    return HEARD_NOW


@sheets.command()
@click.argument("code")
@click.option("--by", default="", help="Whom the list of changes names, instead of the shell.")
@click.option("--remove", is_flag=True, help="Take the sheet away instead.")
@both_option
@click.pass_context
def save(context: click.Context, code: str, by: str, *, remove: bool, as_json: bool) -> None:
    """Take the file of sheet CODE from standard input; what callers hear is made anew."""
    settings: Settings = context.obj
    assert context.parent is not None
    config: Path = context.parent.params["config_path"]
    with answering(config, as_json=as_json) as say:
        text = "" if remove else sys.stdin.buffer.read().decode("utf-8", "replace")
        given = None if remove else sheet_file.parse_sheet(text, code)
        who = by or f"{SHELL}{getpass.getuser()}"
        kept = _saved(settings, code, given, who)
        _tell_call_control(settings)
        heard = heard_at_once(settings)
        say(_("{kept}; {heard}.", kept=kept, heard=heard))


def _saved(settings: Settings, code: str, given: Sheet | None, by: str) -> Words:
    """Generate all spoken sheets' sounds with one change, then store that sheet.

    Raises OfficeError, BadConfiguration, StoreError.
    """
    state = Path(settings.folders.state)
    sounds = state_folder.speech_folder(state)
    what = records.CHANGED if given else records.REMOVED
    noted = Noted(datetime.now(UTC), by, what, code)

    def made(connection: sqlite3.Connection) -> tuple[Menu, PolicyChange]:
        basis, before = live_policy.policy_version(connection), records.find(connection, code)
        # Keys depend on all spoken sheets together.
        others = [one for one in records.all_sheets(connection) if one.code != code]
        wanted = [*others, given] if given else others
        if given and given.say:
            api_speech.check_disclosed([given], api_speech.disclosure_now(settings, connection))
        menu = api_speech.render(sounds, wanted, settings.site.languages)
        # Only the sounds were missing.
        if given == before:
            return menu, PolicyChange(basis)
        # The head office's sheets are not changed in a branch.
        managed_config.check_own_sheets(connection, [code])
        written, gone = ((given,), ()) if given else ((), (code,))
        return menu, PolicyChange(basis, sheets=written, gone=gone, noted=(noted,))

    menu = live_policy.change_policy(settings, made)
    api_speech.publish(sounds, menu)
    keys = [key for key, heard in enumerate(menu, 1) if heard.sheet == code]
    if not keys:
        return _("“{code}” is not read to callers", code=code)
    return _("“{code}” is read at key {keys}", code=code, keys=keys[0])


@sheets.command()
@click.argument("words", nargs=-1, required=True)
@click.option("--json", "as_json", is_flag=True, help="As JSON with stable keys.")
@click.pass_obj
def search(settings: Settings, words: tuple[str, ...], as_json: bool) -> None:
    """Find sheets in which every one of WORDS begins a word, the best first."""
    with closing(open_reader(records_made(Path(settings.folders.state)))) as connection:
        found = records.search(connection, " ".join(words))
    if as_json:
        click.echo(json.dumps([to_json(each) for each in found], indent=2, ensure_ascii=False))
    elif not found:
        click.echo(in_site_language(settings, NOTHING_FOUND))
    else:
        for each in found:
            click.echo(f"{each.sheet.code:<24} {each.sheet.title}\n{'':<24} {each.excerpt.strip()}")


@sheets.command()
@click.argument("code")
@click.option("--position", default="", help="The phone whose call it answered, e.g. op1.")
@click.option("--call", default="", help="The call, where the phone is not in it any more.")
@click.pass_obj
def used(settings: Settings, code: str, position: str, call: str) -> None:
    """Note that sheet CODE answered a caller: the call that a position is in, or has just ended."""
    send_and_say(settings, UseSheet(sheet=code, position=position, call=call))


def told(found: dict[str, SheetChange], given: tuple[Sheet, ...], today: date) -> Iterator[Words]:
    """Yield an import's changes, and the sheets that nobody has reviewed for a year."""
    for code, change in found.items():
        if change is not SheetChange.SAME:
            yield _about(code, WORDS[change])
    for sheet in given:
        if sheet.is_stale(today):
            yield _about(sheet.code, STALE.filled(_on(sheet.updated)))
    yield COUNT.filled(len(given))


def _on(day: date) -> Words:
    return day_phrase_words(in_context("day", "on"), day)


def _about(code: str, said: Words) -> Words:
    return joined(": ", (unchanged(code), said))


def to_json(found: records.SheetHit) -> dict[str, object]:
    """Return a search result with stable keys."""
    sheet = found.sheet
    return {
        "code": sheet.code,
        "title": sheet.title,
        "office": sheet.office,
        "needs": list(sheet.needs),
        "source": sheet.source,
        "link": sheet.link,
        "official": sheet.official,
        "updated": sheet.updated.isoformat(),
        "excerpt": found.excerpt,
    }
