"""The command that places a call on a running exchange."""

from __future__ import annotations

import errno
import json
import os
import re
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from appliance.commands.options import Real, in_language
from appliance.errors import PeerError, TechnicianError
from appliance.simulator.exchange import process
from appliance.simulator.exchange.audio import IDENTITY_FAULTS
from appliance.simulator.exchange.call import RELEASES, CallPlan, CallReport
from appliance.simulator.exchange.service import LONGEST_MS
from appliance.text import Words, _, by_language, decimal_words, joined, unchanged

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

ENDS: Final[Mapping[str, Words]] = {
    "caller": _("the caller"),
    "gave up": _("the caller gave up"),
    "host": _("the switchboard"),
    "line busy": _("the line was busy"),
    "line cut": _("the line was cut"),
    "transferred": _("the call was transferred"),
}
"""Words of what ended a call, by the report's own."""
NOT_OVER: Final = _("the call was not over after {limit} s")


SECONDS = Real(0.0, LONGEST_MS / 1000)
LIMIT = Real(0.0, 86_400.0)
PATH = click.Path(path_type=Path)
SOUND = click.Path(path_type=Path, dir_okay=False, writable=True)


def _writable(_context: click.Context, _option: click.Parameter, path: Path | None) -> Path | None:
    """Refuse a place where no file can be made, before the call; raises OSError."""
    if path is not None and not path.exists():
        folder = path.absolute().parent
        folder.stat()
        if not os.access(folder, os.W_OK, effective_ids=True):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))
    return path


def _milliseconds(seconds: float | None) -> int | None:
    return None if seconds is None else round(seconds * 1000)


def _date_and_time(dated: str) -> tuple[str, str]:
    """Part what the exchange tells of the time; now where nothing is asked for."""
    text = dated or f"{datetime.now(UTC).astimezone():%m%d%H%M}"  # an exchange's is its place's
    try:  # of a leap year: 29 February is a day
        if not re.fullmatch("[0-9]{8}", text):  # strptime takes single digits too
            raise ValueError(text)
        datetime.strptime(f"2024{text}", "%Y%m%d%H%M").replace(tzinfo=UTC)
    except ValueError as error:
        wrong = _("{value} is no date: give MMDDHHMM, e.g. 11251530", value=repr(dated))
        raise click.BadParameter(in_language(wrong), param_hint="'--dated'") from error
    return text[:4], text[4:]


@click.command("call")
@click.option("--exchange", "directory", type=PATH, required=True, help="Directory of `exchange`.")
@click.option("--line", type=click.IntRange(min=1), default=1, show_default=True)
@click.option("--from", "caller", default="none", help="A number, withheld, unavailable or none.")
@click.option("--name", default="", help="Caller's name, sent with the number.")
@click.option("--caller-id", type=click.Choice(["before", "after"]), help="The first ring.")
@click.option(
    "--dated", default="", help="MMDDHHMM sent with the number; else this machine's time."
)
@click.option(
    "--id-fault", type=click.Choice(IDENTITY_FAULTS), help="What becomes of the identity."
)
@click.option("--say", multiple=True, type=PATH, help="8 kHz WAV to say; more follow in order.")
@click.option("--repeat-say", is_flag=True, help="Say it over and over until hanging up.")
@click.option("--start-delay", type=SECONDS, default=0, help="Seconds of silence before speaking.")
@click.option("--after-quiet", type=SECONDS, default=0, help="Speak after so long a silence.")
@click.option("--digits", default="", help="Keys to press after that; a comma pauses 1 s.")
@click.option("--fax", is_flag=True, help="Then send a fax machine's calling tone.")
@click.option(
    "--listen",
    type=SOUND,
    callback=_writable,
    help="Write what the caller hears as a mu-law WAV.",
)
@click.option("--hang-up-after", type=SECONDS, help="Seconds after the answer.")
@click.option("--release", type=click.Choice(RELEASES), default="busy", show_default=True)
@click.option("--rings", type=click.IntRange(min=1), default=10, show_default=True)
@click.option("--limit", type=LIMIT, default=process.CALL_LIMIT, help="Seconds to wait in all.")
@click.option("--json", "as_json", is_flag=True, help="Print the report as one JSON object.")
def call_command(  # one parameter an option, as click hands them over
    *,
    directory: Path,
    line: int,
    caller: str,
    name: str,
    caller_id: str | None,
    dated: str,
    id_fault: str | None,
    say: tuple[Path, ...],
    repeat_say: bool,
    start_delay: float,
    after_quiet: float,
    digits: str,
    fax: bool,
    listen: Path | None,
    hang_up_after: float | None,
    release: str,
    rings: int,
    limit: float,
    as_json: bool,
) -> None:
    """Place a call on a line of a running exchange and tell what became of it."""
    date, at = _date_and_time(dated)
    plan = CallPlan(
        caller=caller,
        name=name,
        date=date,
        time=at,
        id_order=caller_id or "",
        id_fault=id_fault or "",
        rings=rings,
        digits=digits,
        release=release,
        hang_up_after_ms=_milliseconds(hang_up_after),
        start_delay_ms=round(start_delay * 1000),
        after_quiet_ms=round(after_quiet * 1000),
        repeat_say=repeat_say,
        fax=fax,
    )
    try:
        report = process.place_call(directory, line, plan, say=say, listen=listen, limit=limit)
    except TimeoutError as error:
        raise TechnicianError(NOT_OVER.filled(limit=f"{limit:g}")) from error
    except ConnectionError as error:
        raise PeerError(process.ENDED) from error
    if as_json:
        click.echo(json.dumps(asdict(report)))
    else:
        click.echo(in_language(report_in_words(report)))


def report_in_words(report: CallReport) -> Words:
    """Tell a call's report in a few lines."""
    return joined("\n", _lines_of(report))


def _lines_of(report: CallReport) -> Iterator[Words]:
    ended = ENDS.get(report.ended_by, unchanged(report.ended_by))
    if not report.answered:
        yield _(
            "line {line}: not answered ({why}), rings: {rings}",
            line=report.line,
            why=ended,
            rings=report.rings,
        )
        return
    yield _(
        "line {line}: answered after {seconds} s",
        line=report.line,
        seconds=_seconds(report.answered_after_s or 0.0),
    )
    yield _(
        "the conversation lasted {seconds} s; ended by: {who}",
        seconds=_seconds(report.talked_s),
        who=ended,
    )
    yield _(
        "sound said: {said} bytes, heard: {heard} bytes",
        said=report.bytes_said,
        heard=report.bytes_heard,
    )
    freed = report.line_freed_after_s
    yield (
        _("the line is still held")
        if freed is None
        else _("the line was free {seconds} s after the call began", seconds=_seconds(freed))
    )
    if report.digits_sent:
        yield _("digits sent: {digits}", digits=report.digits_sent)
    if report.transferred_to:
        yield _("transferred to {number}", number=report.transferred_to)
    if report.path:
        yield _("what the caller heard: {file}", file=report.path)


def _seconds(value: float) -> Words:
    return by_language(lambda language: decimal_words(value, 2, language))
