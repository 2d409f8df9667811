"""`centralino commission`: prove where a caller ends who finds all lines busy (P8)."""

from __future__ import annotations

import getpass
import threading
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import click

from appliance.api import control_socket
from appliance.api.status_text import in_one_language
from appliance.commands.options import config_option, desk_socket, load_settings
from appliance.commands.shell import language_of
from appliance.config.schema import Settings
from appliance.policy.text import Refused, Words
from appliance.service import reports as proofs
from appliance.service.reports import Outcome, Proof

LOOK_S = 0.5
SEIZE = Words(
    "Occupare adesso tutte le linee: una chiamata su ognuna da altri telefoni, o gli apparecchi in "
    "parallelo sollevati. Ancora libere:",
    "Now seize every line: a call on each from other telephones, or the telephones beside them "
    "lifted. Still free:",
)
ONE_OF = Words(
    "indicarne uno fra --rang-at, --busy, --no-divert, --show",
    "say one of --rang-at, --busy, --no-divert, --show",
)
WHICH = Words(
    "indicare con --number quale di questi è stato chiamato: {}",
    "say by --number which of them was called: {}",
)
CALL = Words(
    "Tutte le linee sono occupate. Chiamare adesso {} da un altro telefono.",
    "All lines are seized. Now call {} from another telephone.",
)
ANY_NUMBER = Words("il numero pubblico", "the public number")
WHERE = Words(
    "Dove ha squillato? (vuoto: ha sentito occupato)", "Where did it ring? (empty: it was busy)"
)


@click.command()
@config_option
@click.option("--by", default=getpass.getuser, show_default="the user", help="Who says so.")
@click.option("--number", default="", help="The public number called; each in turn by default.")
@click.option("--rang-at", default="", help="Where the call rang; nothing is asked.")
@click.option("--busy", is_flag=True, help="The call heard busy; nothing is asked.")
@click.option("--no-divert", is_flag=True, help="The head's word: there is no divert-on-busy.")
@click.option("--show", is_flag=True, help="Show what was found last.")
@click.option(
    "--wait", default=600.0, show_default=True, help="Seconds to wait for all lines to be seized."
)
def commission(
    config_path: Path,
    *,
    by: str,
    number: str,
    rang_at: str,
    busy: bool,
    no_divert: bool,
    show: bool,
    wait: float,
) -> None:
    """Prove the carrier's divert-on-busy: seize all lines, call each number, say where it rang."""
    settings = load_settings(config_path)
    language = language_of(settings)
    if bool(rang_at) + busy + no_divert + show > 1:
        raise click.UsageError(in_one_language(ONE_OF, language))
    numbers = (proofs.number_of(settings, number),) if number else proofs.numbers_of(settings)
    if show:
        _show(settings, numbers, language)
        return
    if (rang_at or busy) and len(numbers) > 1:
        listed = ", ".join(numbers)
        raise click.UsageError(in_one_language(WHICH, language).format(listed))
    if not no_divert:
        _seize(settings, language, wait)
    for each in numbers:
        outcome, where = Outcome.NO_DIVERT, ""
        if not no_divert:
            where = rang_at if rang_at or busy else _ask(each, language)
            _still_seized(settings)
            outcome = Outcome.DIVERTED if where else Outcome.BUSY
        at = datetime.now(UTC).astimezone(ZoneInfo(settings.site.zone))
        proof = Proof(outcome, by, at, proofs.lines_of(settings), where, each)
        proofs.save(settings, proof)
        click.echo(in_one_language(proofs.told(proof), language))


def _show(settings: Settings, numbers: tuple[str, ...], language: str) -> None:
    """Show what was found of each number, then what is missing."""
    kept = proofs.load(settings)
    for number in numbers:
        if proof := proofs.proof_of(settings, number, kept):
            click.echo(in_one_language(proofs.told(proof), language))
    if missing := in_one_language(proofs.wanted(settings, kept), language):
        click.echo(missing)


def _free(settings: Settings) -> tuple[str, ...]:
    status = control_socket.ask(desk_socket(settings), {"ask": "status"})["status"]
    return proofs.unseized(status["lines"])


def _seize(settings: Settings, language: str, wait: float) -> None:
    """Wait until the desk says that every line is engaged."""
    told: tuple[str, ...] = ()
    never, looks = threading.Event(), max(1, round(wait / LOOK_S))
    for _ in range(looks):
        free = _free(settings)
        if not free:
            return
        if free != told:
            told = free
            click.echo(f"{in_one_language(SEIZE, language)} {', '.join(free)}")
        never.wait(LOOK_S)
    raise Refused(
        f"{', '.join(told)}: ancora raggiungibile dopo {wait:g} s; se non sono "
        "impegnate tutte le linee la prova non vale: ricominciare",
        f"{', '.join(told)} could still be reached after {wait:g} s: without all lines seized a "
        "call proves nothing; begin again",
    )


def _ask(number: str, language: str) -> str:
    click.echo(
        in_one_language(CALL, language).format(number or in_one_language(ANY_NUMBER, language))
    )
    answer: str = click.prompt(in_one_language(WHERE, language), default="", show_default=False)
    return answer.strip()


def _still_seized(settings: Settings) -> None:
    free = _free(settings)
    if free:
        raise Refused(
            f"{', '.join(free)}: si è liberata nel frattempo e la chiamata può essere "
            "arrivata lì: ricominciare",
            f"{', '.join(free)} became free meanwhile: the call may have rung there; begin again",
        )
