"""The commands `exchange` and `call`, to be hung under `centralino`."""

from __future__ import annotations

import json
import signal
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from appliance.errors import CentralinoError, ConfigurationError
from appliance.exchange import client, knobs, premises
from appliance.exchange.call import RELEASES, CallPlan
from appliance.exchange.capture import Capture
from appliance.exchange.country import COUNTRIES
from appliance.exchange.dialects import PERSONALITIES
from appliance.exchange.fsk import FAULTS

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import FrameType

    from appliance.exchange.call import CallReport
    from appliance.exchange.service import Exchange

PATH = click.Path(path_type=Path)


def dialects_for(lines: int, named: str) -> list[str]:
    """Give one dialect per line from `conexant` or `conexant,usr5637`; the last one repeats."""
    names = [name.strip() for name in named.split(",")]
    if len(names) > lines:
        raise ConfigurationError(f"{len(names)} dialects for {lines} lines: name at most one each")
    return names + names[-1:] * (lines - len(names))


def extensions_of(written: Sequence[str]) -> dict[str, dict[str, object]]:
    """Read `201=busy` or `202=answer,press=1,rings=1,says` as the knob `extensions` wants it.

    Raises ConfigurationError for what has no number and no outcome.
    """
    found: dict[str, dict[str, object]] = {}
    for text in written:
        number, _, does = text.partition("=")
        outcome, *more = does.split(",")
        if not number or not outcome:
            raise ConfigurationError(f"extension {text!r}: write 201=busy or 202=answer,press=1")
        found[number] = {"outcome": outcome, **dict(_setting(each) for each in more)}
    return found


def _setting(text: str) -> tuple[str, object]:
    name, _, value = text.partition("=")
    if name == "press":
        return name, value
    return name, int(value) if value.isdigit() else True


def _per_line(lines: int, values: Sequence[float]) -> list[float]:
    return [values[min(index, len(values) - 1)] if values else 0.0 for index in range(lines)]


@click.command("exchange")
@click.option("--lines", type=click.IntRange(1, 32), default=2, show_default=True)
@click.option("--directory", type=PATH, required=True, help="Where line1... and control appear.")
@click.option(
    "--dialect",
    default="conexant",
    show_default=True,
    help=f"{' or '.join(PERSONALITIES)}; several, with commas, for one each.",
)
@click.option("--country", default="it", show_default=True, type=click.Choice(list(COUNTRIES)))
@click.option("--no-chip-tones", is_flag=True, help="The modems name no busy or dial tone.")
@click.option("--no-chip-dtmf", is_flag=True, help="The modems name no keys.")
@click.option("--echo", nargs=2, type=float, help="Hybrid echo: loss in dB, delay in ms.")
@click.option("--ppm", multiple=True, type=float, help="Crystal error, once a line in order.")
@click.option("--ignore-dtr", is_flag=True, help="Closing a port hangs nothing up.")
@click.option("--pbx", is_flag=True, help="A flash puts the caller on hold, as behind a PBX.")
@click.option(
    "--extension",
    multiple=True,
    help="What a dialled number does: 201=busy, 202=answer,press=1,rings=1; may be repeated.",
)
@click.option("--number", multiple=True, help="What the lines dial to reach each other, in order.")
@click.option("--capture", type=PATH, help="Write every byte with its time, as JSON lines.")
def exchange_command(  # one parameter an option, as click hands them over
    *,
    lines: int,
    directory: Path,
    dialect: str,
    country: str,
    no_chip_tones: bool,
    no_chip_dtmf: bool,
    echo: tuple[float, float] | None,
    ppm: tuple[float, ...],
    ignore_dtr: bool,
    pbx: bool,
    extension: tuple[str, ...],
    number: tuple[str, ...],
    capture: Path | None,
) -> None:
    """Run analog lines ending in voice modems until SIGTERM, then print one line of figures.

    Ends with status 1 if a host ever wrote more than 300 ms of sound ahead.
    """
    turned: dict[str, object] = {
        "chip_tones": not no_chip_tones,
        "chip_dtmf": not no_chip_dtmf,
        "echo": list(echo) if echo else None,
        "ignore_dtr": ignore_dtr,
        "pbx": pbx,
    }
    try:
        turned["extensions"] = extensions_of(extension)
        names = dialects_for(lines, dialect)
        record = Capture(capture) if capture else None
        made = premises.build(directory, names, country, record)
        for outlet, error in zip(made.outlets.values(), _per_line(lines, ppm), strict=True):
            knobs.turn(outlet, turned | {"ppm": error})
        for outlet, digits in zip(made.outlets.values(), number, strict=False):
            knobs.turn(outlet, {"called": digits})
    except (CentralinoError, OSError) as error:
        raise click.ClickException(str(error)) from error
    _run(made, directory, record)


def _run(made: Exchange, directory: Path, record: Capture | None) -> None:
    def stop(_number: int, _frame: FrameType | None) -> None:
        made.stopping = True

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, stop)
    report = premises.run(made, directory)
    if record:
        record.close()
    click.echo(json.dumps(report))
    if report["failed"]:
        raise SystemExit(1)


def _milliseconds(seconds: float | None) -> int | None:
    return None if seconds is None else round(seconds * 1000)


def _date_and_time(dated: str) -> tuple[str, str]:
    """Part what the exchange tells of the time; now where nothing is asked for."""
    text = dated or f"{datetime.now(UTC).astimezone():%m%d%H%M}"  # an exchange's is its place's
    try:  # of a leap year: 29 February is a day
        datetime.strptime(f"2024{text}", "%Y%m%d%H%M").replace(tzinfo=UTC)
    except ValueError as error:
        raise click.BadParameter(
            f"{dated!r} is no date: give MMDDHHMM, e.g. 11251530", param_hint="--dated"
        ) from error
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
@click.option("--id-fault", type=click.Choice(FAULTS), help="What becomes of the identity.")
@click.option("--say", multiple=True, type=PATH, help="8 kHz WAV to say; more follow in order.")
@click.option("--repeat-say", is_flag=True, help="Say it over and over until hanging up.")
@click.option("--start-delay", type=float, default=0, help="Seconds of silence before speaking.")
@click.option("--after-quiet", type=float, default=0, help="Speak after so long a silence.")
@click.option("--digits", default="", help="Keys to press after that; a comma pauses 1 s.")
@click.option("--fax", is_flag=True, help="Then send a fax machine's calling tone.")
@click.option("--listen", type=PATH, help="Write what the caller hears as a mu-law WAV.")
@click.option("--hang-up-after", type=float, help="Seconds after the answer.")
@click.option("--release", type=click.Choice(RELEASES), default="busy", show_default=True)
@click.option("--rings", type=click.IntRange(min=1), default=10, show_default=True)
@click.option("--limit", type=float, default=client.CALL_LIMIT, help="Seconds to wait in all.")
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
        report = client.place_call(directory, line, plan, say=say, listen=listen, limit=limit)
    except TimeoutError as error:
        raise click.ClickException(f"the call was not over after {limit:g} s") from error
    except (CentralinoError, OSError) as error:
        raise click.ClickException(str(error)) from error
    click.echo(json.dumps(asdict(report)) if as_json else in_words(report))


def in_words(report: CallReport) -> str:
    """Tell a call's report in a few lines."""
    if not report.answered:
        return f"line {report.line}: not answered ({report.ended_by}) after {report.rings} rings"
    freed = report.line_freed_after_s
    lines = [
        f"line {report.line}: answered after {report.answered_after_s:.2f} s",
        f"ended by {report.ended_by} after {report.talked_s:.2f} s of conversation",
        f"said {report.bytes_said} bytes, heard {report.bytes_heard} bytes",
        "line still held" if freed is None else f"line free {freed:.2f} s after placing",
    ]
    lines += [f"digits sent: {report.digits_sent}"] if report.digits_sent else []
    lines += [f"transferred to {report.transferred_to}"] if report.transferred_to else []
    lines += [f"heard: {report.path}"] if report.path else []
    return "\n".join(lines)
