"""`centralino field-test`: the field tester's suite on two lines, with a report to be signed."""

from __future__ import annotations

import re
import sys
from dataclasses import dataclass
from datetime import datetime
from importlib import util
from pathlib import Path
from typing import TYPE_CHECKING

import click

from appliance.commands.options import language_option
from appliance.commands.shell import in_language, language_of, words_said
from appliance.errors import CentralinoError, TechnicianError
from appliance.policy.numbering import PLANS
from appliance.policy.supervision import why_not
from appliance.policy.text import Refused, Words

if TYPE_CHECKING:
    from appliance.fieldtest.conduct import Stop
    from appliance.fieldtest.holding import Plan
    from appliance.fieldtest.progress import Watch
    from appliance.fieldtest.restorer import Restorer

LIBRARIES = {
    "pytest": "python3-pytest",
    "numpy": "python3-numpy",
    "rich": "python3-rich",
    "matplotlib": "python3-matplotlib",
}
"""What a field test needs beside the box's own, and Debian's package of each."""
DIALECTS = ("conexant", "conexant-pcm", "data-only", "usr5637", "zoom3095")
"""The software exchange's modems, whose module is not loaded for a help."""
SECONDS = re.compile(r"\d{1,9}(?:\.\d+)?")
DIALLED = re.compile(r"[0-9*#,;. /()wWtTpP!@-]+")
MOST_S = 7 * 24 * 3600
NUMBERS = (
    "due linee si chiamano: servono --number-a e --number-b",
    "two lines call each other: --number-a and --number-b are needed",
)
STOPPED = Words("Si ferma, e alla fine si riavvia: {}.", "Stopped, and started again after: {}.")
DONE = Words("Esito: {}. Rapporto: {}", "Result: {}. Report: {}")


@dataclass(frozen=True, slots=True)
class Wish:
    """What was asked for. `ports` are those of real lines, () on the software exchange.

    `options` are all that the suite is given, `more` those that were written behind --.
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
        raise _usage(*NUMBERS)
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
    folder = again or out or Path(f"field-test-{datetime.now().astimezone():%Y%m%d-%H%M%S}")
    set_up = "one-line" if one_line else "two-lines" if line_a else "exchange"
    told_all = (*more, *options)
    wish = Wish(folder, language, ports, suite, set_up, profile, overrides, told_all, options)
    try:
        _need_libraries()
        status = _reported(wish) if again else _tested(wish)
    except CentralinoError as error:  # 1 would say that a test has failed
        click.echo(f"Error: {in_language(words_said(error))}", err=True)
        status = 2
    raise SystemExit(status)


def _ports(line_a: str | None, line_b: str | None, *, one_line: bool) -> tuple[str, ...]:
    if one_line and (not line_a or line_b):
        raise _usage("--one-line vuole solo --line-a", "--one-line is for --line-a alone")
    if not one_line and bool(line_a) != bool(line_b):
        raise _usage(
            "servono due linee, --line-a e --line-b, oppure --one-line",
            "two lines are needed, --line-a and --line-b, or --one-line",
        )
    if line_a and line_a == line_b:
        raise _usage(
            "--line-a e --line-b sono la stessa porta", "--line-a and --line-b are the same port"
        )
    return tuple(line for line in (line_a, line_b) if line)


def _check_seconds(option: str, text: str) -> None:
    """Raise UsageError, before anything is stopped, for what is no time to test."""
    if text and not (SECONDS.fullmatch(text) and 1 <= float(text) <= MOST_S):
        raise _usage(
            f"{option} {text}: scrivere i secondi, da 1 a {MOST_S} (600 sono dieci minuti)",
            f"{option} {text}: write seconds, from 1 to {MOST_S} (600 are ten minutes)",
        )


def _check_number(option: str, number: str, country: str) -> None:
    """Raise UsageError for what cannot be dialled, and for what leads to an emergency service."""
    from hw_tests.guard import ForbiddenError, safe

    if number and not DIALLED.fullmatch(number):
        raise _usage(
            f"{option} {number}: un numero è di cifre, * e #",
            f"{option} {number}: a number is of digits, * and #",
        )
    try:
        safe(number, country)
    except ForbiddenError as error:
        raise _usage(
            f"{option} {number} porta a un servizio di emergenza: il collaudo non lo compone mai",
            f"{option} {number} leads to an emergency service: a field test never dials it",
        ) from error


def _check_command(command: str) -> None:
    if not command.upper().startswith("AT"):
        raise _usage(
            f"--override {command}: un comando comincia con AT",
            f"--override {command}: a command begins with AT",
        )


def _usage(it: str, en: str) -> click.UsageError:
    return click.UsageError(in_language(Words(it, en)), click.get_current_context())


def _lines(line_a: str | None, line_b: str | None, *, one_line: bool) -> tuple[str, ...]:
    if not line_a:
        return ("--exchange",)
    more = ("--one-line",) if one_line else ("--line-b", str(line_b))
    return ("--line-a", line_a, *more)


def _need_libraries() -> None:
    """Raise TechnicianError, before anything is stopped, for what is not installed."""
    missing = [package for name, package in LIBRARIES.items() if util.find_spec(name) is None]
    if missing:
        raise Refused(
            f"il collaudo richiede altri pacchetti: sudo apt install {' '.join(missing)}",
            f"a field test needs more than the box itself: sudo apt install {' '.join(missing)}",
        )


def _tested(wish: Wish) -> int:
    from appliance.fieldtest import child, holding, remaining
    from appliance.fieldtest.conduct import Stop
    from appliance.fieldtest.progress import Watch

    planned = holding.plan(wish.ports)
    if wish.more:
        child.check(wish.suite or child.suite(), wish.options)
    try:
        wish.out.mkdir(parents=True)
    except OSError as error:
        why = why_not(error).en
        raise Refused(
            f"{wish.out} non può essere la cartella nuova del rapporto: {why_not(error).it}",
            f"{wish.out} cannot be the report's new folder: {why}",
        ) from error
    clock = remaining.Clock(remaining.read(remaining.place(wish.set_up)))
    watch = Watch(wish.language, clock)
    stop = Stop()
    with stop.heard():
        suite, restored = _with_ports(wish, planned, watch, stop)
        remaining.write(remaining.place(wish.set_up), clock.times)
        return _reported(wish, suite, restored=restored)


def _with_ports(wish: Wish, planned: Plan, watch: Watch, stop: Stop) -> tuple[int, bool]:
    """Take the ports, run the suite, give everything back; returns pytest's status and whether."""
    from appliance.fieldtest import holding
    from appliance.fieldtest.restorer import Restorer

    restorer = Restorer(planned)
    try:
        if names := _names(planned):
            watch.say(Words(STOPPED.it.format(names), STOPPED.en.format(names)))
        holding.stop(planned)
        suite = _suite(wish, watch, stop, restorer)
    finally:
        restored, said = restorer.give_back()
        for words in said:
            watch.say(words)
    return suite, restored


def _suite(wish: Wish, watch: Watch, stop: Stop, restorer: Restorer) -> int:
    from appliance.fieldtest import child, conduct
    from appliance.fieldtest.guide import Guide

    options = ("--findings", str(wish.out), *wish.options)
    process = child.Child.start(wish.suite or child.suite(), wish.out, options)
    restorer.watch(process.process.pid)
    watch.start()
    try:
        return conduct.conduct(process, watch, Guide(sys.stdin.fileno(), watch.say), stop)
    finally:
        watch.stop()


def _names(planned: Plan) -> str:
    runs = (" ".join(run.command) for run in planned.runs)
    return ", ".join((*planned.units, *runs))


def _reported(wish: Wish, suite: int = 0, *, restored: bool = True) -> int:
    """Write the report and say how it ended; returns the command's status."""
    from appliance.fieldtest import child, outcome, reasons, report, shown
    from appliance.fieldtest import profile as profiles

    try:
        run = report.write(wish.out)
    except TechnicianError as error:
        if suite in {outcome.ALL_PASSED, outcome.SOME_FAILED}:
            raise
        raise TechnicianError(f"{error}; {wish.out / child.LOG} says why") from error
    status = outcome.status(run, suite, restored=restored)
    result, place = shown.OUTCOMES[outcome.VERDICTS[status]], wish.out / report.HTML
    words = Words(DONE.it.format(result.it, place), DONE.en.format(result.en, place))
    click.echo(words.it if wish.language == "it" else words.en)
    if status != outcome.PASSED:
        for why in reasons.shortened(reasons.of_run(run)):
            click.echo(f"  - {shown.clean(why.it if wish.language == 'it' else why.en)}")
    for path in profiles.write(run, wish.profile, wish.overrides) if wish.profile else ():
        click.echo(path)
    return status
