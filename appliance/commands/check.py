"""`centralino check`: is the configuration usable, and what does it mean."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import click

from appliance.api import users
from appliance.commands.answering import answering, both_option, lines_of
from appliance.commands.in_force import hours_entered, office_in_force
from appliance.commands.options import config_option, load_settings
from appliance.config import directory_keeper
from appliance.config.build import tcp_rival
from appliance.config.schema import Settings
from appliance.errors import ConfigurationError, StoreError
from appliance.policy.hours import Why, day_words, moment_words
from appliance.policy.hours_changes import weeks_said
from appliance.policy.office import Daytime, Group, Line, Office
from appliance.policy.supervision import words_of
from appliance.policy.text import NOTHING, Words
from appliance.prompts import Catalogue
from appliance.service import backup, backup_target, reports
from appliance.service.backup import Piece
from appliance.service.loop import database_path
from appliance.store.database import open_reader
from appliance.store.directory import key_path, load_readable

WHYS: Final = {
    Why.HOURS: Words("orario", "hours"),
    Why.PERIOD: Words("orario speciale", "special hours"),
    Why.OPENING: Words("apertura straordinaria", "special opening"),
    Why.CLOSED_HOURS: Words("fuori orario", "outside hours"),
    Why.CLOSED_PERIOD: Words("orario speciale", "special hours"),
    Why.HOLIDAY: Words("festa", "holiday"),
    Why.CLOSURE: Words("chiusura straordinaria", "special closure"),
}

NO_HELP: Final = Words(
    "dai telefoni non si possono chiamare i numeri di emergenza: nessuna linea porta una "
    "conversazione; tenere un telefono comune accanto alla linea",
    "emergency numbers cannot be called from the phones: no line carries a conversation; "
    "keep an ordinary telephone beside the line",
)
OUTSIDE: Final = Words(
    "un telefono comune su una seconda linea", "an ordinary telephone over a second line"
)
UNPLAYABLE: Final = Words(
    "un annuncio non si può riprodurre, rifarlo o convertirlo (sox): {}", "{}"
)


class Unplayable(ConfigurationError):  # noqa: N818 - reads as what it is
    """Raised where announcements cannot be played; `words` name each, in both languages."""

    def __init__(self, words: Words) -> None:
        super().__init__(words.en)
        self.words = words


@click.command()
@config_option
@both_option
def check(config_path: Path, *, as_json: bool) -> None:
    """Check the configuration: every mistake at once, each with its place and remedy."""
    with answering(config_path, as_json=as_json) as say:
        say(lines_of(told(config_path)))


def told(config: Path) -> Iterator[Words]:
    """Say what the configuration means and what is wanting; raises ConfigurationError."""
    settings = load_settings(config)
    office = office_in_force(settings, datetime.now(UTC).year, str(config))
    _check_announcements(settings)
    today = office.local(datetime.now(UTC)).date()
    yield from summary(settings, office)
    yield from map(_below, weeks_said(hours_entered(settings), today))
    wanting = (
        *map(_not_there, backup.missing(settings)),
        reports.wanted(settings, reports.load(settings)),
        users.wanted(Path(settings.folders.state)),
        backup_target.wanted(settings, backup_target.load(Path(settings.folders.state))),
        register_hindrance(settings),
        _udp_alone(settings),
    )
    yield from (_below(words) for words in wanting if words.en)


def _not_there(piece: Piece) -> Words:
    """Say what the configuration names and the box does not have, as a new card may not."""
    return Words(
        f"manca {piece.path}, indicato da {piece.key}: copiarlo lì, o togliere la riga",
        f"{piece.path}, named by {piece.key}, is not there: copy it there, or take the line out",
    )


def _udp_alone(settings: Settings) -> Words:
    """Say that phones cannot come over TCP, where its port is another part's."""
    key = tcp_rival(settings)
    if not key:
        return NOTHING
    return Words(
        f"i telefoni che usano il TCP restano fuori: la porta di sip.port è già quella di {key}; "
        "cambiare una delle due, o scrivere sip.tcp = false",
        f"phones that use TCP are kept out: the port of sip.port is that of {key}, too; change one "
        "of them, or write sip.tcp = false",
    )


def register_hindrance(settings: Settings) -> Words:
    """Say why the stored register cannot be read as it should, nothing where it can or is none.

    Nothing is said to whom the state folder is closed: its own user sees it.
    """
    path = database_path(Path(settings.folders.state))
    if not os.path.exists(path):  # noqa: PTH110 - Path.exists raises where the folder is closed
        return NOTHING
    try:
        with closing(open_reader(path)) as connection:
            trouble = directory_keeper.numberless(load_readable(connection, key_path(path)))
    except (StoreError, sqlite3.Error) as error:
        said = words_of(error)
        return Words(
            f"la rubrica uffici non si legge: {said.it}",
            f"the register of offices cannot be read: {said.en}",
        )
    return Words(trouble.it, trouble.en) if trouble else NOTHING


def summary(settings: Settings, office: Office) -> list[Words]:
    """Say in a few lines what the configuration means today."""
    now = datetime.now(UTC)
    patron = settings.site.patron
    feast = patron.in_year(office.local(now).year)
    return [
        Words(
            f"{office.name}: la configurazione è buona", f"{office.name}: the configuration is good"
        ),
        *map(_below, lasting(office)),
        _below(_now(office, now)),
        _below(
            Words(
                f"Santo patrono quest'anno: {day_words(feast, 'it')}; per favore confermare",
                f"patron saint's day this year: {day_words(feast, 'en')}; please confirm",
            )
        ),
    ]


def lasting(office: Office) -> list[Words]:
    """Say of lines and positions what does not change from hour to hour."""
    no_counter = Words("nessuno", "none")
    counter = _positions(office.citizens_desk) if office.citizens_desk else no_counter
    switchboard = _positions(office.switchboard)
    return [
        *(_of_line(office, line) for line in office.lines),
        *(() if office.lines else (Words("nessuna linea", "no line"),)),
        _help(office),
        Words(f"centralino: {switchboard.it}", f"switchboard: {switchboard.en}"),
        Words(f"Sportello Cittadini: {counter.it}", f"citizens' counter: {counter.en}"),
    ]


def _check_announcements(settings: Settings) -> None:
    own = Path(settings.folders.prompts) if settings.folders.prompts else None
    problems = Catalogue(own).problems()
    if problems:
        raise Unplayable(lines_of(Words(UNPLAYABLE.it.format(one), one) for one in problems))


def _below(words: Words) -> Words:
    return Words(f"  {words.it}", f"  {words.en}")


def _of_line(office: Office, line: Line) -> Words:
    able, name = _able(office, line), f"{line.name} ({line.shown})"
    return Words(f"linea {name}: {able.it}", f"line {name}: {able.en}")


def _now(office: Office, now: datetime) -> Words:
    """Say whether the switchboard is open, why, and when it next opens or closes."""
    state = office.switchboard.schedule.at(now)
    why = WHYS[state.why]
    is_open = Words("aperto", "open") if state.open else Words("chiuso", "closed")
    until = _moment(office.local(state.flips_at)) if state.flips_at else Words("mai", "never")
    return Words(
        f"ora {is_open.it} ({why.it}), cambia {until.it}",
        f"now {is_open.en} ({why.en}), changes {until.en}",
    )


def _moment(at: datetime) -> Words:
    return Words(moment_words(at, "it", year=False), moment_words(at, "en", year=False))


def _help(office: Office) -> Words:
    """Say whether the phones can call for help, and with which numbers."""
    plan = office.outgoing.plan
    numbers = ", ".join(plan.emergency)
    lines = ", ".join(line.name for line in office.lines if line.duplex is not False)
    if not lines:
        return NO_HELP
    if plan.rehearsed:
        return Words(
            f"prova: i numeri di emergenza sono finti ({numbers}), quelli veri sono rifiutati",
            f"a rehearsal: emergency numbers are fictitious ({numbers}), real ones are refused",
        )
    return Words(
        f"da ogni telefono si chiamano i numeri di emergenza ({numbers}), su {lines}",
        f"emergency numbers can be called from every phone ({numbers}) over {lines}",
    )


def _positions(group: Group) -> Words:
    """Say who is called for a group: its phones, and what else there is; no number (P7)."""
    extensions, phones = _extensions(group), [Words(phone, phone) for phone in group.phones]
    if group.pbx_numbers:
        phones.append(Words(f"{extensions.it} del PBX", f"{extensions.en} of the PBX"))
    if group.outside:
        phones.append(OUTSIDE)
    found = phones or [Words("nessun telefono", "no phone")]
    return Words(", ".join(one.it for one in found), ", ".join(one.en for one in found))


def _able(office: Office, line: Line) -> Words:
    """Say what a line can do, and what it does by day where it cannot carry a conversation."""
    if line.duplex:
        return Words("duplex", "duplex")
    daytime = line.daytime or Daytime.MESSAGE
    by_day = Words(f"di giorno {daytime}", f"by day {daytime}")
    if daytime is Daytime.PBX_TRANSFER:
        to = _extensions(office.switchboard)
        by_day = Words(f"{by_day.it} a {to.it}", f"{by_day.en} to {to.en}")
    if line.duplex is None:
        return Words(
            f"si saprà quando il suo modem risponde; se half duplex, {by_day.it}",
            f"known once its modem is asked; if half duplex, {by_day.en}",
        )
    return Words(f"half duplex, {by_day.it}", f"half duplex, {by_day.en}")


def _extensions(group: Group) -> Words:
    count = len(group.pbx_numbers)
    it, en = ("interno", "extension") if count == 1 else ("interni", "extensions")
    return Words(f"{count} {it}", f"{count} {en}")
