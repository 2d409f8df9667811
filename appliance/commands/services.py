"""`centralino run`, `media`, `console` and `field-test`: the services and the field test."""

from __future__ import annotations

import dataclasses
import logging
import os
import pwd
import re
import socket
import sys
from dataclasses import dataclass
from datetime import datetime
from importlib import util
from pathlib import Path
from typing import TYPE_CHECKING

import click

from appliance.commands.options import (
    config_option,
    control_socket_path,
    in_language,
    in_site_language,
    language_of,
    language_option,
    load_settings,
    words_said,
)
from appliance.errors import CentralinoError, TechnicianError
from appliance.policy.hours import day_phrase_words
from appliance.policy.lines import HalfDuplexDaytime
from appliance.policy.numbering import PLANS
from appliance.policy.text import Refused, os_error_words
from appliance.text import Words, _, in_context, joined, unchanged

if TYPE_CHECKING:
    from collections.abc import Sequence

    from appliance.config.schema import Line, Settings
    from appliance.console.settings import ConsoleSettings, HeadOfficeFiles
    from appliance.fieldtest.holding import Restorer, StopPlan, StopSignals
    from appliance.fieldtest.person import ProgressDisplay
    from appliance.policy.office import Office


# ---- what the configuration asks of the lines that a field test measures -------------------------


def suite_options(config_path: Path, ports: Sequence[str]) -> list[str]:
    """Return the suite's options that tell what the lines at some ports (A, then B) are for.

    None for a port of no configured line, and without a configuration that can be read: such a line
    is measured as one for conversations.
    """
    if not ports or not config_path.exists():
        return []
    from appliance.config import read

    try:
        settings = read.load(config_path)
    except CentralinoError:
        return []
    options: list[str] = []
    for letter, port in zip("ab", ports, strict=False):
        if (line := _line_at(settings, port)) is not None:
            source = f"{line.label or line.name}, {config_path}"
            options += [f"--needs-{letter}", ",".join(needs_of(line)), f"--use-{letter}", source]
    return options


def needs_of(line: Line) -> tuple[str, ...]:
    """Return the promises (`hw_tests.promises`) that a line's own table asks for."""
    from hw_tests.promises import CONVERSATION, DEFAULT

    is_half = bool(line.daytime) or line.duplex == "false"
    needs = [name for name in DEFAULT if not (is_half and name in CONVERSATION)]
    if line.daytime == HalfDuplexDaytime.PBX_TRANSFER:
        needs.append("transfers")
    return tuple(needs)


def _line_at(settings: Settings, port: str) -> Line | None:
    there = Path(port).resolve()
    return next((line for line in settings.lines if Path(line.port).resolve() == there), None)


# ---- the services and the field test -------------------------------------------------------------

OFF = _("the console is off: console.enabled is false")


@click.command()
@config_option
@click.option(
    "--http", is_flag=True, help="Without TLS, for tests and behind a proxy of one's own."
)
@click.option(
    "--port",
    type=click.IntRange(0, 65_535),
    help="Another port than the configuration's; 0 for a free one.",
)
@click.option(
    "--authority", is_flag=True, help="Show the authority's fingerprint and file, and end."
)
def console(config_path: Path, http: bool, port: int | None, authority: bool) -> None:
    """Serve the console's pages; the service need not be running."""
    from appliance.console.settings import FreshSettings, mark_of

    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s: %(message)s")
    # Before it is read: what is written in between is read again.
    mark = mark_of(config_path)
    settings = load_settings(config_path)
    if not settings.console.enabled:
        click.echo(in_site_language(settings, OFF))
        return
    if authority:
        click.echo(in_site_language(settings, _authority(console_settings(settings))))
        return
    from appliance.console import process

    def load() -> ConsoleSettings:
        return console_settings(load_settings(config_path), http, port)

    own = console_settings(settings, http, port)
    process.run(own, FreshSettings(own, config_path, mark, load))


def _authority(settings: ConsoleSettings) -> Words:
    """Return the fingerprint that a technician compares with the browser's."""
    if settings.certificate:
        return _(
            "the office's own certificate is in use: {certificate}",
            certificate=settings.certificate,
        )
    from appliance.console import certificates

    path = certificates.authority_path(settings)
    found = certificates.load_certificate(path, path.with_suffix(".key"))
    if found is None:
        raise Refused(
            _("there is no authority in {folder} yet: has the console run?", folder=path.parent),
        )
    shown = f"{path}\nSHA-256 {certificates.fingerprint(found.certificate)}"
    last = found.certificate.not_valid_after_utc
    until = day_phrase_words(in_context("day", "until"), last)
    return joined("\n", (unchanged(shown), _("valid {until}", until=until)))


def _head_office(settings: Settings) -> HeadOfficeFiles | None:
    """Return the files of the head office's settings in force, None for none."""
    from appliance.config import state_folder
    from appliance.console.settings import HeadOfficeFiles as HeadOffice

    state = Path(settings.folders.state)
    folder = state_folder.in_force(state) if settings.central.certificate else None
    return (
        HeadOffice(folder / state_folder.PROMPTS, folder / state_folder.SCHEDULE)
        if folder
        else None
    )


def console_settings(
    settings: Settings, is_plain: bool = False, port: int | None = None
) -> ConsoleSettings:
    """Return the console's part of the configuration."""
    from appliance.config.build import contacts_of, service_targets
    from appliance.config.state_folder import drafts_of, own_announcements_of
    from appliance.console.settings import ConsoleSettings
    from appliance.service.image_release import note_update
    from appliance.store.database import database_path

    own, state = settings.console, Path(settings.folders.state)
    found = ConsoleSettings(
        site=settings.site.name,
        zone=settings.site.zone,
        languages=settings.site.languages,
        listen=own.listen,
        port=own.port if port is None else port,
        redirect_port=own.redirect_port,
        names=own.names,
        certificate=own.certificate,
        key=own.key,
        state=Path(settings.folders.console),
        records=database_path(state),
        voicemail=state / "voicemail",
        control_socket=control_socket_path(settings),
        announcements=own_announcements_of(settings),
        voice=settings.site.voice,
        country=settings.site.country,
        per_person_reference=settings.report.per_person_reference.strip(),
        targets=service_targets(settings),
        contacts=contacts_of(settings),
        drafts=drafts_of(state),
        room_alarm=settings.voicemail.room_alarm,
        head_office=lambda: _head_office(settings),
        image_note=note_update(),
    )
    return dataclasses.replace(found, is_secure=False, redirect_port=0) if is_plain else found


LIBRARIES = {
    "pytest": "python3-pytest",
    "numpy": "python3-numpy",
    "rich": "python3-rich",
    "matplotlib": "python3-matplotlib",
}
"""Libraries of the field test beside the box's own, with Debian's package of each."""
# Repeated here, so that --help does not load the software exchange.
DIALECTS = ("conexant", "conexant-pcm", "data-only", "usr5637", "zoom3095")
"""The software exchange's modems."""
SECONDS = re.compile(r"\d{1,9}(?:\.\d+)?")
DIALLED = re.compile(r"[0-9*#,;. /()wWtTpP!@-]+")
MOST_S = 7 * 24 * 3600
ONE_NUMBER = _("--number-a and --number-b are the same number: each line has one of its own")
NUMBERS = _("two lines call each other: --number-a and --number-b are needed")
STOPPED = _("Stopped, and started again after: {}.")
DONE = _("Result: {result}. Report: {file}")


@dataclass(frozen=True, slots=True)
class Wish:
    """The options of a field test; `ports` are real lines, () on the software exchange.

    `options` are all options of the suite, `more` those written after --.
    """

    out: Path
    language: str
    ports: tuple[str, ...]
    suite: Path | None
    set_up: str
    profile: Path | None
    overrides: tuple[str, ...]
    options: tuple[str, ...]
    more: tuple[str, ...] = ()


@click.command("field-test")
@config_option
@click.option("--line-a", metavar="PORT", help="The modem of line A (/dev/serial/by-path/...).")
@click.option("--line-b", metavar="PORT", help="The modem of line B, joined to A by a loop.")
@click.option("--one-line", is_flag=True, help="Line A alone: a person calls it, guided.")
@click.option("--number-a", default="", help="What line B dials to reach line A.")
@click.option("--number-b", default="", help="What line A dials to reach line B.")
@click.option("--congestion", default="", help="A number that leads to the congestion tone.")
@click.option("--country", default="it", show_default=True, type=click.Choice(sorted(PLANS)),
              help="Whose tones and numbers.")  # fmt: skip
@click.option("--dialect", type=click.Choice(DIALECTS), metavar="NAME",
              help=f"The software exchange's modems: {', '.join(DIALECTS)}.")  # fmt: skip
@click.option("--override", "overrides", multiple=True, metavar="AT...",
              help="Sent to the modems after every reset; kept in the profile.")  # fmt: skip
@click.option("--soak", default="", help="Seconds of calls one after the other.")
@click.option("--load", default="", help="Seconds of sound both ways.")
@click.option("--ask", is_flag=True, help="A person is here: LEDs, button, unplugging.")
@click.option("--site", default="", help="Where, for the report.")
@click.option("--tester", default="", help="Who tests, for the report.")
@click.option("--out", type=click.Path(path_type=Path), help="The report's folder, a new one.")
@language_option
@click.option("--report", "again", type=click.Path(path_type=Path, exists=True, file_okay=False),
              help="Only write the report of this folder's findings anew.")  # fmt: skip
@click.option("--profile", type=click.Path(path_type=Path, dir_okay=False), metavar="OUT.toml",
              help="Write the modem's profile for centralino.toml, too.")  # fmt: skip
@click.option("--suite", type=click.Path(path_type=Path, exists=True), hidden=True)
@click.argument("options", nargs=-1, type=click.UNPROCESSED)
def field_test(
    config_path: Path,
    line_a: str | None,
    line_b: str | None,
    one_line: bool,
    overrides: tuple[str, ...],
    ask: bool,
    out: Path | None,
    again: Path | None,
    profile: Path | None,
    suite: Path | None,
    options: tuple[str, ...],
    **told: str,
) -> None:
    """Measure two lines that call each other, each figure with its limit; without lines, the
    software exchange's. The service is stopped where it holds the ports, and started again however
    it ends. Status 0 passed, 1 failed, 2 incomplete. OPTIONS after -- go to pytest.
    """
    language = language_of()
    ports = _ports(line_a, line_b, one_line=one_line)
    if line_b and not (told["number_a"] and told["number_b"]):
        raise _usage(NUMBERS)
    if line_b and told["number_a"] == told["number_b"]:
        raise _usage(ONE_NUMBER)
    # All options are checked before anything is stopped.
    for option in ("soak", "load"):
        _check_seconds(f"--{option}", told[option])
    for option in ("number_a", "number_b", "congestion"):
        _check_number(f"--{option.replace('_', '-')}", told[option], told["country"])
    for command in overrides:
        _check_command(command)
    more = [w for n, text in told.items() if text for w in (f"--{n.replace('_', '-')}", text)]
    more += [*_lines(line_a, line_b, one_line=one_line), "--language", language]
    more += [word for command in overrides for word in ("--override", command)]
    more += ["--ask"] if ask or one_line else []
    more += suite_options(config_path, ports)
    folder = again or out or Path(f"field-test-{datetime.now().astimezone():%Y%m%d-%H%M%S}")
    set_up = "one-line" if one_line else "two-lines" if line_a else "exchange"
    told_all = (*more, *options)
    wish = Wish(folder, language, ports, suite, set_up, profile, overrides, told_all, options)
    try:
        _need_libraries()
        status = _reported(wish) if again else _tested(wish)
    # Status 1 would mean that a test has failed.
    except CentralinoError as error:
        click.echo(in_language(_("Error: {why}", why=words_said(error))), err=True)
        status = 2
    raise SystemExit(status)


def _ports(line_a: str | None, line_b: str | None, *, one_line: bool) -> tuple[str, ...]:
    if one_line and (not line_a or line_b):
        raise _usage(_("--one-line is for --line-a alone"))
    if not one_line and bool(line_a) != bool(line_b):
        raise _usage(
            _("two lines are needed, --line-a and --line-b, or --one-line"),
        )
    # A modem has several names, /dev/ttyACM0 and those of /dev/serial: all lead to one device.
    if line_a and line_b and Path(line_a).resolve() == Path(line_b).resolve():
        raise _usage(_("--line-a and --line-b are the same port"))
    return tuple(line for line in (line_a, line_b) if line)


def _check_seconds(option: str, text: str) -> None:
    """Raise UsageError for an invalid duration, before anything is stopped."""
    if text and not (SECONDS.fullmatch(text) and 1 <= float(text) <= MOST_S):
        raise _usage(
            _(
                "{option} {value}: write seconds, from 1 to {most_s} (600 are ten minutes)",
                option=option,
                value=text,
                most_s=MOST_S,
            ),
        )


def _check_number(option: str, number: str, country: str) -> None:
    """Raise UsageError for a number that cannot be dialled, or of an emergency service."""
    from hw_tests.guard import ForbiddenError, safe

    if number and not DIALLED.fullmatch(number):
        raise _usage(
            _("{option} {number}: a number is of digits, * and #", option=option, number=number),
        )
    try:
        safe(number, country)
    except ForbiddenError as error:
        raise _usage(
            _(
                "{option} {number} leads to an emergency service: a field test never dials it",
                option=option,
                number=number,
            ),
        ) from error


def _check_command(command: str) -> None:
    if not command.upper().startswith("AT"):
        raise _usage(
            _("--override {command}: a command begins with AT", command=command),
        )


def _usage(words: Words) -> click.UsageError:
    return click.UsageError(in_language(words), click.get_current_context())


def _lines(line_a: str | None, line_b: str | None, *, one_line: bool) -> tuple[str, ...]:
    if not line_a:
        return ("--exchange",)
    more = ("--one-line",) if one_line else ("--line-b", str(line_b))
    return ("--line-a", line_a, *more)


def _need_libraries() -> None:
    """Raise Refused for missing libraries, before anything is stopped."""
    missing = [package for name, package in LIBRARIES.items() if util.find_spec(name) is None]
    if missing:
        raise Refused(
            _(
                "a field test needs more than the box itself: sudo apt install {packages}",
                packages=" ".join(missing),
            ),
        )


def _tested(wish: Wish) -> int:
    from appliance.fieldtest import holding, person, run

    # Planned first: a port that cannot be freed is reported before the report's folder is created.
    planned = holding.plan_stop(wish.ports)
    if wish.more:
        run.check_options(wish.suite or run.find_suite(), wish.options)
    try:
        wish.out.mkdir(parents=True)
    except OSError as error:
        why = os_error_words(error)
        raise Refused(
            _("{folder} cannot be the report's new folder: {why}", folder=wish.out, why=why),
        ) from error
    clock = person.RemainingTime(person.read_times(person.times_path(wish.set_up)))
    watch = person.ProgressDisplay(wish.language, clock)
    stop = holding.StopSignals()
    with stop.heard():
        suite, restored = _with_ports(wish, planned, watch, stop)
        person.write_times(person.times_path(wish.set_up), clock.times)
        return _reported(wish, suite, restored=restored)


def _with_ports(
    wish: Wish, planned: StopPlan, watch: ProgressDisplay, stop: StopSignals
) -> tuple[int, bool]:
    """Take the ports, run the suite, restore the services; return its status and their success."""
    from appliance.fieldtest import holding
    from appliance.fieldtest.holding import Restorer

    restorer = Restorer(planned)
    try:
        if names := _names(planned):
            watch.say(STOPPED.filled(names))
        holding.stop_holders(planned)
        suite = _suite(wish, watch, stop, restorer)
    finally:
        restored, said = restorer.give_back()
        for words in said:
            watch.say(words)
    return suite, restored


def _suite(wish: Wish, watch: ProgressDisplay, stop: StopSignals, restorer: Restorer) -> int:
    from appliance.fieldtest import person, run

    options = ("--findings", str(wish.out), *wish.options)
    process = run.SuiteProcess.start(wish.suite or run.find_suite(), wish.out, options)
    restorer.watch(process.process.pid)
    watch.start()
    try:
        guide = person.PersonPrompt(sys.stdin.fileno(), watch.say)
        return run.follow_suite(process, watch, guide, stop)
    finally:
        watch.stop()


def _names(planned: StopPlan) -> str:
    runs = (" ".join(run.command) for run in planned.runs)
    return ", ".join((*planned.units, *runs))


def _reported(wish: Wish, suite: int = 0, *, restored: bool = True) -> int:
    """Write the report and print the result; return the command's exit status."""
    from appliance.fieldtest import person, report, run

    try:
        found = report.write_report(wish.out)
    except TechnicianError as error:
        # A suite that ended normally has written its findings: the report itself is at fault.
        if suite in {person.ALL_PASSED, person.SOME_FAILED}:
            raise
        raise TechnicianError(
            _("{error}; {log} says why", error=words_said(error), log=wish.out / run.LOG)
        ) from error
    status = person.exit_status(found, suite, restored=restored)
    result, place = (
        person.OUTCOMES[person.VERDICT_STATUS[status]],
        wish.out / report.html_name(wish.language),
    )
    click.echo(DONE.filled(result=result, file=place).text(wish.language))
    if status != person.PASSED:
        for why in person.shortened_reasons(person.reasons_of_run(found)):
            click.echo(f"  - {person.clean_text(why.text(wish.language))}")
    if wish.profile:
        for path in report.write_profile(found, wish.profile, wish.overrides):
            click.echo(path)
    return status


# The box's files hold callers' numbers: no other account may read them, whatever the unit says.
FOR_US_ALONE = 0o077
"""The process's umask."""
LISTEN_FDS_START = 3
"""First descriptor that systemd passes (sd_listen_fds(3))."""


@click.command()
@config_option
@click.option(
    "--link",
    type=click.Path(path_type=Path),
    help="Socket of the media gateway's unit; without it the gateway is started as a child.",
)
@click.option("--verbose", is_flag=True, help="Say more in the journal.")
def run_service(config_path: Path, link: Path | None, verbose: bool) -> None:
    """Run the service; a configuration that is wrong leaves the last good one in force."""
    level = logging.DEBUG if verbose else logging.INFO
    logging.basicConfig(level=level, format="%(levelname)s %(name)s: %(message)s")
    os.umask(FOR_US_ALONE)
    # Imported here: the media gateway, which shares this file, needs none of it.
    from appliance import workers

    # A child reads the configuration: its libraries would take 15 MB for months. Meanwhile this
    # process imports its own parts.
    reading = workers.begin_in_child(lambda: _in_force(config_path))
    from appliance.service import composition
    from appliance.service import main as service

    written, settings, office, complaint = reading()
    run = composition.Run(settings, office, link, complaint, config_path.absolute(), written)
    service.Service(run).run()


def _in_force(config_path: Path) -> tuple[Settings, Settings, Office, Words]:
    """Read the configuration; in a child process."""
    from appliance.config import office as last_good
    from appliance.config.state_folder import settle_secrets
    from appliance.managed_config.apply import settle_folder
    from appliance.service import restore as putting_back
    from appliance.store.database import database_path

    state = last_good.state_folder_of(config_path).absolute()
    putting_back.check_finished(state)
    settle_secrets(state)
    settle_folder(state, database_path(state))
    return last_good.in_force_with_written(config_path)


@click.command()
@click.option("--for", "account", help="The account of the service that may give orders.")
def media(account: str | None) -> None:
    """Run the media gateway on the socket that systemd passes (centralino-link.socket)."""
    number = None if account is None else _number_of(account)
    # systemd passes exactly one socket (sd_listen_fds(3)).
    if os.environ.get("LISTEN_FDS") != "1":
        raise Refused(
            _(
                "the media gateway is started by systemd with centralino-link.socket; on a "
                "workstation `centralino run` starts its own"
            ),
        )
    # In this order: the fork server is forked while the process is small; call control imports
    # neither module.
    from appliance.modem.fork_server import ForkServer

    # A fork of the running media gateway would stop it for milliseconds (docs/design/processes.md).
    fork_server = ForkServer.start()
    from appliance.media.process import main

    main(fork_server, listening=socket.socket(fileno=LISTEN_FDS_START), account=number)


def _number_of(account: str) -> int:
    try:
        return pwd.getpwnam(account).pw_uid
    except KeyError as error:
        raise Refused(
            _(
                "there is no account {account!r}, whose service gives orders to the lines: "
                "make it with systemd-sysusers",
                account=account,
            ),
        ) from error
