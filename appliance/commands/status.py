"""`centralino check`, `explain` and `status`: the configuration and the running service."""

from __future__ import annotations

import contextlib
import dataclasses
import getpass
import json
import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Final
from zoneinfo import ZoneInfo

import click

from appliance.api import users
from appliance.api.status_text import MARKS, in_one_language
from appliance.commands.answering import (
    answering,
    both_option,
    hours_entered,
    lines_of,
    office_in_force,
)
from appliance.commands.options import (
    config_option,
    language_of,
    language_option,
    load_settings,
    reading,
    send,
    send_and_say,
)
from appliance.config.build import tcp_rival
from appliance.config.schema import Settings
from appliance.errors import CentralinoError, ConfigurationError, StoreError
from appliance.policy import routing as policy
from appliance.policy.hours import Why, day_words, moment_words, read_moment
from appliance.policy.hours_changes import weeks_words
from appliance.policy.office import Group, HalfDuplexDaytime, Line, Office
from appliance.policy.opening import NO_MANUAL_STATES, ManualMark, ManualState, ServiceState
from appliance.policy.routing import Explanation, GroupState
from appliance.policy.text import NOTHING, Refused, Words, words_of
from appliance.prompts import Catalogue
from appliance.service import backup, backup_target, live_policy, reports
from appliance.service.backup import BackupPiece
from appliance.service.reports import peak_words
from appliance.service.stores import load_state, state_file, state_to_json
from appliance.store.database import database_path, open_reader
from appliance.store.directory import key_path, load_readable
from appliance.store.reports import peak_between

if TYPE_CHECKING:
    from appliance.policy.reports import Peak


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
    """Raised if announcements cannot be played; `words` names each in both languages."""

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
    """Yield the configuration's meaning and what is missing; raises ConfigurationError."""
    settings = load_settings(config)
    office = office_in_force(settings, datetime.now(UTC).year, str(config))
    _check_announcements(settings)
    today = office.local(datetime.now(UTC)).date()
    yield from summary(settings, office)
    yield from map(_below, weeks_words(hours_entered(settings), today))
    wanting = (
        *map(_not_there, backup.missing(settings)),
        reports.wanted(settings, reports.load(settings)),
        users.wanted(Path(settings.folders.state)),
        backup_target.wanted(settings, backup_target.load(Path(settings.folders.state))),
        register_hindrance(settings),
        _udp_alone(settings),
    )
    yield from (_below(words) for words in wanting if words.en)


def _not_there(piece: BackupPiece) -> Words:
    """Return the notice of a configured file that does not exist, as on a new card."""
    return Words(
        f"manca {piece.path}, indicato da {piece.key}: copiarlo lì, o togliere la riga",
        f"{piece.path}, named by {piece.key}, is not there: copy it there, or take the line out",
    )


def _udp_alone(settings: Settings) -> Words:
    """Return the notice that SIP over TCP is off, as another part uses its port."""
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
    """Return why the stored directory cannot be read, NOTHING if it can or is absent."""
    # Nor for an account to which the state folder is closed: its own account sees the notice.
    path = database_path(Path(settings.folders.state))
    if not os.path.exists(path):  # noqa: PTH110 - Path.exists raises where the folder is closed
        return NOTHING
    try:
        with closing(open_reader(path)) as connection:
            trouble = live_policy.numbers_unreadable(load_readable(connection, key_path(path)))
    except (StoreError, sqlite3.Error) as error:
        said = words_of(error)
        return Words(
            f"la rubrica uffici non si legge: {said.it}",
            f"the register of offices cannot be read: {said.en}",
        )
    return Words(trouble.it, trouble.en) if trouble else NOTHING


def summary(settings: Settings, office: Office) -> list[Words]:
    """Return a summary of what the configuration means today."""
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
    """Return the facts of lines and positions that do not depend on the hour."""
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
    """Return whether the switchboard is open, why, and when that changes."""
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
    """Return whether phones can call emergency numbers, and which."""
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
    """Return the phones and other destinations of a group; no number (P7)."""
    extensions, phones = _extensions(group), [Words(phone, phone) for phone in group.phones]
    if group.pbx_numbers:
        phones.append(Words(f"{extensions.it} del PBX", f"{extensions.en} of the PBX"))
    if group.outside:
        phones.append(OUTSIDE)
    found = phones or [Words("nessun telefono", "no phone")]
    return Words(", ".join(one.it for one in found), ", ".join(one.en for one in found))


def _able(office: Office, line: Line) -> Words:
    """Return a line's ability and, if half duplex, its daytime behaviour."""
    if line.duplex:
        return Words("duplex", "duplex")
    daytime = line.daytime or HalfDuplexDaytime.MESSAGE
    by_day = Words(f"di giorno {daytime}", f"by day {daytime}")
    if daytime is HalfDuplexDaytime.PBX_TRANSFER:
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


SWITCHBOARD = click.Choice(["free", "busy", "unattended", "unreachable"])
NONE = "none"
STATE = click.Choice([NONE, *(what.value for what in ManualState)])
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
    """Return the supposed manual states, as if set at that moment without an end."""
    state = NO_MANUAL_STATES
    for name in asked:
        if name != NONE:
            state = state.set(ManualState(name), ManualMark("explain", moment))
    return state


def _in_force(settings: Settings, moment: datetime) -> ServiceState:
    """Return the stored manual states that are in force at a moment.

    NO_MANUAL_STATES without the file; an unreadable one is logged.
    """
    state = load_state(state_file(Path(settings.folders.state))).expired(moment)
    later = [name for name, mark in state.marks().items() if mark.since > moment]
    # A state that was set after that moment was not in force then.
    for name in later:
        state = state.undo(ManualState(name))
    return state


def _group(name: str | None) -> GroupState | None:
    return GroupState(name) if name else None


def _by_positions(group: Group, service: ServiceState, moment: datetime) -> GroupState:
    """Return UNATTENDED if every position is away (E3), else FREE."""
    away = bool(group.phones) and all(service.is_away(phone, moment) for phone in group.phones)
    return GroupState.UNATTENDED if away else GroupState.FREE


def in_force_in_words(service: ServiceState, office: Office, language: str) -> list[str]:
    """Return the manual states in force, by whom, since and until when."""
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
    """Return the steps of an explanation in one language, one a line."""
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


WORDS = {
    "SetUnattended": "Switchboard unattended (Non presidiato): calls go to the citizens' counter.",
    "SetClosed": "Closed (Chiuso - segreteria): voicemail answers at once.",
    "SetOpened": "Opened by hand, outside the written hours.",
    "SetAllAbsent": "All absent (Tutti assenti): no phone rings, callers hear why, then voicemail.",
}
ENDS = "Without an end given it ends at the next change of the written hours."


def _command(name: str, ask: str) -> click.Command:
    @click.command(name, help=f"{WORDS[ask]} {ENDS}")
    @click.argument("state", type=click.Choice(["on", "off"]))
    @click.option(
        "--minutes", type=click.IntRange(1, 7 * 24 * 60), help="Ends by itself after so long."
    )
    @click.option(
        "--until", default="", help='Ends by itself then: "14:30", "domani 8:00" or with any day.'
    )
    @click.option("--lasts", is_flag=True, help="Holds until somebody ends it.")
    @click.option("--by", default=getpass.getuser, show_default="the user", help="Who asks.")
    @config_option
    def command(
        state: str, minutes: int | None, until: str, by: str, config_path: Path, *, lasts: bool
    ) -> None:
        if sum((minutes is not None, bool(until), lasts)) > 1:
            raise Refused(
                "indicare una sola fine: --minutes, --until o --lasts",
                "say one end: --minutes, --until or --lasts",
            )
        settings = load_settings(config_path)
        now = datetime.now(ZoneInfo(settings.site.zone))
        end = read_moment(until, now) if until else None
        if minutes:
            end = now + timedelta(minutes=minutes)
        question = {
            "ask": ask,
            "on": state == "on",
            "by": by,
            "until": end.isoformat() if end else None,
            "lasts": lasts,
        }
        send_and_say(settings, question)

    return command


unattended = _command("unattended", "SetUnattended")
closed = _command("closed", "SetClosed")
opened = _command("opened", "SetOpened")
absent = _command("absent", "SetAllAbsent")


@click.command()
@config_option
@click.option("--json", "as_json", is_flag=True, help="All of it, as JSON.")
@language_option
def status(config_path: Path, as_json: bool) -> None:
    """Show lines, phones, states, messages and troubles of the running desk."""
    settings = load_settings(config_path)
    answer = send(settings, {"ask": "status"})
    found, proofs = peaks(settings, datetime.now(UTC)), reports.load(settings)
    missing = reports.wanted(settings, proofs)
    if as_json:
        shown = answer["status"]
        shown["peaks"] = {name: dataclasses.asdict(peak) for name, peak in found.items()}
        shown["divert_on_busy"] = diverted(settings, proofs) | {"missing": missing.en or None}
        click.echo(json.dumps(shown, indent=2, ensure_ascii=False))
        return
    tongue = language_of(settings)
    click.echo(answer["said"][tongue])
    # Without lines there is no peak to report.
    if found and settings.lines:
        click.echo(in_one_language(peak_words(found["today"], found["month"]), tongue))
    if missing.en:
        click.echo(f"{in_one_language(missing, tongue)}.")
    nobody = users.wanted(Path(settings.folders.state))
    if nobody.en:
        click.echo(f"{in_one_language(nobody, tongue)}.")


def diverted(settings: Settings, proofs: tuple[reports.Proof, ...]) -> dict[str, object]:
    """Return the proof of each public number, and of all if it is the same."""
    kept = {n: reports.proof_of(settings, n, proofs) for n in reports.numbers_of(settings)}
    numbers = {number: proof.outcome if proof else None for number, proof in kept.items()}
    same = set(numbers.values())
    return {"outcome": same.pop() if len(same) == 1 else None, "numbers": numbers}


def peaks(settings: Settings, now: datetime) -> dict[str, Peak]:
    """Return how many lines were engaged at once, today and this month; nothing without records."""
    local = now.astimezone(ZoneInfo(settings.site.zone))
    # Days and months by the office's clock.
    today = local.replace(hour=0, minute=0, second=0, microsecond=0)
    begins = {"today": today, "month": today.replace(day=1)}
    lines, until = [line.name for line in settings.lines], now + timedelta(seconds=1)
    with contextlib.suppress(CentralinoError), reading(settings) as connection:
        return {
            name: peak_between(connection, lines, since, until) for name, since in begins.items()
        }
    return {}
