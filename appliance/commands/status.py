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

from appliance.api import codec, users
from appliance.api.commands import (
    CloseOffice,
    DeclareAbsent,
    LeaveUnattended,
    OfficeState,
    OpenOffice,
    ShowStatus,
)
from appliance.api.status_text import MARKS
from appliance.commands import check_rows
from appliance.commands.answering import (
    answering,
    both_option,
    hours_entered,
    lines_of,
    office_in_force,
)
from appliance.commands.check_rows import Checked
from appliance.commands.options import (
    config_option,
    language_of,
    language_option,
    load_settings,
    person_of,
    reading,
    send,
    send_and_say,
    system_error_words,
)
from appliance.config.build import tcp_rival
from appliance.config.derived import derived_words
from appliance.config.phone_labels import twin_labels
from appliance.config.read import read_text, with_line
from appliance.config.schema import Settings
from appliance.config.state_folder import missing_greetings
from appliance.config.values import BadConfiguration, Mistake
from appliance.errors import CentralinoError, StoreError
from appliance.policy import routing as policy
from appliance.policy.hours import Why, day_words, moment_words, read_moment
from appliance.policy.hours_changes import weeks_words
from appliance.policy.lines import HalfDuplexDaytime, Line
from appliance.policy.office import Group, Office
from appliance.policy.opening import NO_MANUAL_STATES, ManualMark, ManualState, ServiceState
from appliance.policy.routing import Explanation, GroupState
from appliance.policy.text import Refused, words_of
from appliance.prompts import Catalogue
from appliance.service import (
    backup,
    backup_target,
    card_values,
    live_policy,
    reports,
    selftest,
)
from appliance.service.backup import BackupPiece
from appliance.service.reports import peak_words
from appliance.service.stores import load_state, state_file, state_to_json
from appliance.store.database import database_path, open_reader
from appliance.store.directory import key_path, load_readable
from appliance.store.reports import peak_between
from appliance.text import (
    NOTHING,
    Words,
    _,
    by_language,
    counted,
    in_context,
    joined,
    unchanged,
)

if TYPE_CHECKING:
    from appliance.policy.reports import Peak


WHYS: Final = {
    Why.HOURS: _("hours"),
    Why.PERIOD: _("special hours"),
    Why.OPENING: _("special opening"),
    Why.CLOSED_HOURS: _("outside hours"),
    Why.CLOSED_PERIOD: _("special hours"),
    Why.HOLIDAY: _("holiday"),
    Why.CLOSURE: _("special closure"),
}

NO_HELP: Final = _(
    "emergency numbers cannot be called from the phones: no line carries a "
    "conversation; keep an ordinary telephone beside the line"
)
OUTSIDE: Final = _("an ordinary telephone over a second line")


class Unplayable(BadConfiguration):
    """Raised if announcements alone cannot be played; `words` names each."""

    def __init__(self, path: str, sounds: tuple[Words, ...]) -> None:
        super().__init__(path, tuple(Mistake("folders.prompts", one) for one in sounds))
        self.words = lines_of(sounds)


@click.command()
@config_option
@both_option
def check(config_path: Path, *, as_json: bool) -> None:
    """Check the configuration: every mistake at once, each with its place and remedy."""
    if as_json:
        _check_as_json(config_path)
        return
    with answering(config_path, as_json=False) as say:
        say(looked_at(config_path).words)


def _check_as_json(config: Path) -> None:
    try:
        row = check_rows.good_row(looked_at(config), str(config))
    except (CentralinoError, OSError) as error:
        words = system_error_words(error) if isinstance(error, OSError) else words_of(error)
        row = check_rows.wrong_row(words, str(config), check_rows.mistakes_of(error))
    # On one line: call control reads the last one.
    click.echo(json.dumps(row, ensure_ascii=False))
    if not row["good"]:
        raise SystemExit(1)


def looked_at(config: Path) -> Checked:
    """Return the configuration's meaning and what is missing; raises ConfigurationError."""
    settings, office = _all_checked(config, datetime.now(UTC).year)
    now = datetime.now(UTC)
    today = office.local(now).date()
    derived = (
        *derived_words(read_text(config), settings),
        *weeks_words(hours_entered(settings), today, person_of(settings)),
    )
    said = tuple(summary(settings, office))
    return Checked(settings, office, now, said, derived, tuple(_wanting(settings)))


def _wanting(settings: Settings) -> Iterator[Words]:
    """Yield what is missing or to be looked at."""
    wanting = (
        *map(_not_there, backup.missing(settings)),
        *card_values.missing(Path(settings.folders.state)),
        card_values.left(),
        *missing_greetings(settings),
        reports.wanted(settings, reports.load_proofs(settings)),
        users.wanted(Path(settings.folders.state)),
        backup_target.wanted(settings, backup_target.load(Path(settings.folders.state))),
        directory_hindrance(settings),
        _udp_alone(settings),
        *_same_labels(settings),
    )
    yield from (words for words in wanting if words != NOTHING)


def _all_checked(config: Path, year: int) -> tuple[Settings, Office]:
    """Read and build the configuration; raises ConfigurationError with all that can be known."""
    try:
        settings = load_settings(config)
    except BadConfiguration as error:
        # Imported here: a good configuration needs it not.
        from appliance.config.further_mistakes import further_mistakes

        if not (text := _text_of(config)):
            raise
        more = further_mistakes(error, text, year)
        found = sorted((*error.mistakes, *more.mistakes), key=lambda one: one.line)
        sounds = _unplayable(more.prompts)
        raise _with_sounds(BadConfiguration(error.path, tuple(found)), sounds) from error
    unplayable = _unplayable(settings.folders.prompts)
    try:
        with _lines_named(config):
            office = office_in_force(settings, year, str(config))
    except BadConfiguration as error:
        raise _with_sounds(error, unplayable) from error
    if unplayable:
        raise Unplayable(str(config), unplayable)
    return settings, office


def _text_of(config: Path) -> str:
    """Return the configuration's text, "" where it cannot be read."""
    try:
        return read_text(config)
    except BadConfiguration:
        return ""


def _with_sounds(error: BadConfiguration, unplayable: tuple[Words, ...]) -> BadConfiguration:
    """Return an error with the recordings that cannot be played."""
    sounds = (Mistake("folders.prompts", one) for one in unplayable)
    return BadConfiguration(error.path, (*error.mistakes, *sounds))


@contextlib.contextmanager
def _lines_named(config: Path) -> Iterator[None]:
    """Name the lines of mistakes that are found only once the whole file is read."""
    try:
        yield
    except BadConfiguration as error:
        text = read_text(config)
        found = tuple(each if each.line else with_line(each, text) for each in error.mistakes)
        raise BadConfiguration(error.path, found) from error


def _not_there(piece: BackupPiece) -> Words:
    """Return the notice of a configured file that does not exist, as on a new card."""
    return _(
        "{path}, named by {key}, is not there: copy it there, or take the line out",
        path=piece.path,
        key=piece.key,
    )


def _same_labels(settings: Settings) -> Iterator[Words]:
    """Yield a notice for each phone that has another one's label."""
    for other, phone in twin_labels(settings.phones):
        yield _(
            "phones {other} and {name} have the same label, “{label}”: give each its own",
            other=other,
            name=phone.name,
            label=unchanged(phone.label),
        )


def _udp_alone(settings: Settings) -> Words:
    """Return the notice that SIP over TCP is off, as another part uses its port."""
    key = tcp_rival(settings)
    if not key:
        return NOTHING
    return _(
        "phones that use TCP are kept out: the port of sip.port is that of {key}, "
        "too; change one of them, or write sip.tcp = false",
        key=key,
    )


def directory_hindrance(settings: Settings) -> Words:
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
        return _("the register of offices cannot be read: {why}", why=said)
    return trouble.words if trouble else NOTHING


def summary(settings: Settings, office: Office) -> list[Words]:
    """Return a summary of what the configuration means today."""
    now = datetime.now(UTC)
    patron = settings.site.patron
    feast = patron.in_year(office.local(now).year)
    return [
        _("{name}: the configuration is good", name=office.name),
        *map(_below, lasting(office)),
        _below(_now(office, now)),
        _below(
            _(
                "patron saint's day this year: {day}; please confirm",
                day=by_language(lambda language: day_words(feast, language)),
            )
        ),
    ]


def lasting(office: Office) -> list[Words]:
    """Return the facts of lines and positions that do not depend on the hour."""
    no_counter = in_context("status", "none")
    counter = _positions(office.citizens_desk) if office.citizens_desk else no_counter
    switchboard = _positions(office.switchboard)
    return [
        *(_of_line(office, line) for line in office.lines),
        *(() if office.lines else (_("no line"),)),
        _help(office),
        _("switchboard: {switchboard}", switchboard=switchboard),
        _("citizens' counter: {counter}", counter=counter),
    ]


def _unplayable(folder: str) -> tuple[Words, ...]:
    own = Path(folder) if folder else None
    # What is wrong with a sound is told in English; the translation says what to do.
    return tuple(_("{problem}", problem=one) for one in Catalogue(own).problems())


def _below(words: Words) -> Words:
    return joined("", (unchanged("  "), words))


def _of_line(office: Office, line: Line) -> Words:
    able, name = _able(office, line), f"{line.name} ({line.shown})"
    return _("line {name}: {ability}", name=name, ability=able)


def _now(office: Office, now: datetime) -> Words:
    """Return whether the switchboard is open, why, and when that changes."""
    state = office.switchboard.schedule.at(now)
    why = WHYS[state.why]
    shown = _("open") if state.open else _("closed")
    until = _moment(office.local(state.flips_at)) if state.flips_at else _("never")
    return _("now {state} ({why}), changes {until}", state=shown, why=why, until=until)


def _moment(at: datetime) -> Words:
    return by_language(lambda language: moment_words(at, language, year=False))


def _help(office: Office) -> Words:
    """Return whether phones can call emergency numbers, and which."""
    plan = office.outgoing.plan
    numbers = ", ".join(plan.emergency)
    lines = ", ".join(line.name for line in office.lines if not line.is_half_duplex)
    if not lines:
        return NO_HELP
    if plan.rehearsed:
        return _(
            "a rehearsal: emergency numbers are fictitious ({numbers}), real ones are refused",
            numbers=numbers,
        )
    return _(
        "emergency numbers can be called from every phone ({numbers}) over {lines}",
        numbers=numbers,
        lines=lines,
    )


def _positions(group: Group) -> Words:
    """Return the phones and other destinations of a group; no number (P7)."""
    extensions, phones = _extensions(group), [unchanged(phone) for phone in group.phones]
    if group.pbx_numbers:
        phones.append(_("{extensions} of the PBX", extensions=extensions))
    if group.outside:
        phones.append(OUTSIDE)
    return joined(", ", phones or [_("no phone")])


DAYTIME_WORDS: Final = {
    HalfDuplexDaytime.MESSAGE: _("by day voicemail answers"),
    HalfDuplexDaytime.PARALLEL_PHONE: _("by day the phone beside the modem rings first"),
    HalfDuplexDaytime.PBX_TRANSFER: _("by day calls are passed on"),
}


def _able(office: Office, line: Line) -> Words:
    """Return a line's ability and, if half duplex, its daytime behaviour."""
    if line.can.bridge:
        return _("duplex")
    daytime = line.daytime or HalfDuplexDaytime.MESSAGE
    by_day = DAYTIME_WORDS[daytime]
    if daytime is HalfDuplexDaytime.PBX_TRANSFER:
        to = _extensions(office.switchboard)
        by_day = _("{behaviour} to {extensions}", behaviour=by_day, extensions=to)
    if line.can.bridge is None:
        return _("known once its modem is asked; if half duplex, {behaviour}", behaviour=by_day)
    return _("half duplex, {behaviour}", behaviour=by_day)


def _extensions(group: Group) -> Words:
    return counted("{number} extension", "{number} extensions", len(group.pbx_numbers))


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
        since = moment_words(office.local(mark.since), language)
        said = _(
            "In force: {state}, since {since} ({by})", state=MARKS[name], since=since, by=mark.who
        )
        if mark.until:
            until = moment_words(office.local(mark.until), language)
            said = _("{in_force}, until {until}", in_force=said, until=until)
        rows.append(said.text(language))
    return rows


def in_words(explanation: Explanation, language: str) -> list[str]:
    """Return the steps of an explanation in one language, one a line."""
    rows = []
    for number, step in enumerate(explanation.steps, 1):
        words = step.sentence.text(language)
        phones = f" [{', '.join(step.phones)}, {step.ring_ms // 1000} s]" if step.phones else ""
        rows.append(f"{number}. {words} ({step.code}){phones}")
    if explanation.changes_at is not None:
        moment = moment_words(explanation.changes_at, language)
        rows.append(_("Changes: {moment}", moment=moment).text(language))
    return rows


def _line(office: Office, name: str) -> Line:
    names = [line.name for line in office.lines]
    if not names:
        raise Refused(
            _("the configuration has no line; add one under [[lines]]"),
        )
    if name and name not in names:
        known = ", ".join(names)
        raise Refused(
            in_context(
                "status", "there is no line {name!r}; known are {known}", name=name, known=known
            ),
        )
    return next(line for line in office.lines if line.name == (name or names[0]))


WORDS = {
    LeaveUnattended: "Switchboard unattended (Non presidiato): calls go to the citizens' counter.",
    CloseOffice: "Closed (Chiuso - segreteria): voicemail answers at once.",
    OpenOffice: "Opened by hand, outside the written hours.",
    DeclareAbsent: "All absent (Tutti assenti): no phone rings, callers hear why, then voicemail.",
}
ENDS = "Without an end given it ends at the next change of the written hours."


def _command(name: str, kind: type[OfficeState]) -> click.Command:
    @click.command(name, help=f"{WORDS[kind]} {ENDS}")
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
                _("say one end: --minutes, --until or --lasts"),
            )
        settings = load_settings(config_path)
        now = datetime.now(ZoneInfo(settings.site.zone))
        end = read_moment(until, now) if until else None
        if minutes:
            end = now + timedelta(minutes=minutes)
        send_and_say(settings, kind(on=state == "on", by=by, until=end, lasts=lasts))

    return command


unattended = _command("unattended", LeaveUnattended)
closed = _command("closed", CloseOffice)
opened = _command("opened", OpenOffice)
absent = _command("absent", DeclareAbsent)


@click.command()
@config_option
@click.option("--json", "as_json", is_flag=True, help="All of it, as JSON.")
@language_option
def status(config_path: Path, as_json: bool) -> None:
    """Show lines, phones, states, messages and troubles of the running service."""
    settings = load_settings(config_path)
    reply = send(settings, ShowStatus())
    found, proofs = peaks(settings, datetime.now(UTC)), reports.load_proofs(settings)
    missing = reports.wanted(settings, proofs)
    if as_json:
        shown = codec.to_json(reply.status)
        shown["peaks"] = {name: dataclasses.asdict(peak) for name, peak in found.items()}
        shown["divert_on_busy"] = diverted(settings, proofs) | {
            "missing": None if missing == NOTHING else missing.by_language()
        }
        click.echo(json.dumps(shown, indent=2, ensure_ascii=False))
        return
    language = language_of(settings)
    click.echo(reply.said.text(language))
    # Without lines there is no peak to report.
    if found and settings.lines:
        click.echo(peak_words(found["today"], found["month"]).text(language))
    if missing != NOTHING:
        click.echo(f"{missing.text(language)}.")
    tried = selftest.last_words(
        Path(settings.folders.state),
        Path(settings.folders.run),
        lambda at: _moment(at.astimezone(ZoneInfo(settings.site.zone))),
    )
    if tried != NOTHING:
        click.echo(tried.text(language))
    nobody = users.wanted(Path(settings.folders.state))
    if nobody != NOTHING:
        click.echo(f"{nobody.text(language)}.")


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
