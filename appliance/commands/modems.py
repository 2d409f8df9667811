"""`centralino line probe` and `usb-reset`: test a modem for duplex, reset a hanging one."""

from __future__ import annotations

import contextlib
import json
import os
import select
import shutil
import time
from dataclasses import asdict
from pathlib import Path

import click

from appliance import usb
from appliance.commands.options import (
    config_option,
    in_language,
    language_of,
    load_settings,
    words_said,
)
from appliance.config.build import line_setup
from appliance.config.schema import Settings
from appliance.deadlines import is_due
from appliance.errors import TechnicianError
from appliance.media.messages import LineSetup, line_settings
from appliance.modem.port_server import PORT_ERRORS, SerialPort, explain
from appliance.modem.probe import DuplexProbe, DuplexVerdict, ProbeFinding
from appliance.policy.text import Refused
from appliance.text import Words, _, unchanged
from appliance.usb import ResetAnswer, UsbStep

LIMIT_S = 90.0
READ_SIZE = 4096


@click.command()
@config_option
@click.option("--json", "as_json", is_flag=True, help="As JSON with stable keys.")
@click.argument("line")
def probe(config_path: Path, as_json: bool, line: str) -> None:
    """Prove whether the modem of a configured LINE is duplex: for about ten seconds the line is
    seized, a tone is sent, both rates are watched. The service must not be running. Status 0 for
    duplex, 3 for half duplex, 4 without voice or answer.
    """
    settings = load_settings(config_path)
    setup = setup_of(settings, line)
    found = run_probe(DuplexProbe(line_settings(setup)), setup.path)
    if as_json:
        click.echo(json.dumps(json_row(line, found), ensure_ascii=False))
    else:
        click.echo("\n".join(in_words(line, found, language_of(settings))))
    raise SystemExit({DuplexVerdict.DUPLEX: 0, DuplexVerdict.HALF_DUPLEX: 3}.get(found.verdict, 4))


def json_row(line: str, found: ProbeFinding) -> dict[str, object]:
    """Return the verdict and the measurements with stable keys."""
    told = asdict(found) | found.sentence.by_language() | {"line": line}
    del told["sentence"]
    return told


def in_words(line: str, found: ProbeFinding, language: str) -> list[str]:
    """Return the verdict and the measurements in one language."""
    figures = [f"{line}: {found.modem or '?'}", found.sentence.text(language)]
    if found.ended_by:
        said = _(
            "left by {ended_by}; underrun {underruns}, overrun {overruns}",
            ended_by=found.ended_by,
            underruns=found.underruns,
            overruns=found.overruns,
        )
        figures.append(said.text(language))
    return figures


def run_probe(prober: DuplexProbe, path: str) -> ProbeFinding:
    """Run the probe on a port and return its finding.

    Raises TechnicianError if the port cannot be opened (as while the service runs) or fails.
    """
    try:
        with contextlib.closing(SerialPort(path)) as port:
            return _converse(prober, port.fileno())
    except PORT_ERRORS as error:
        raise TechnicianError(explain(path, error).sentence) from error


def _converse(prober: DuplexProbe, fd: int) -> ProbeFinding:
    waiting = bytearray()
    now = time.monotonic()
    end = now + LIMIT_S
    prober.start(now)
    while prober.finding is None:
        waiting += prober.data_to_send()
        due = prober.next_deadline()
        pause = max(0.0, (end if due is None else due) - time.monotonic())
        readable, writable, _unused = select.select([fd], [fd] if waiting else [], [], pause)
        now = time.monotonic()
        if readable:
            prober.receive_data(_read(fd), now)
        if writable:
            written = os.write(fd, waiting)
            del waiting[:written]
            prober.written(written)
        if is_due(due, now):
            prober.handle_timer(now)
        if now >= end:
            raise Refused(
                _("the modem came to no end within {limit_s:.0f} s; replug it", limit_s=LIMIT_S),
            )
    _flush(fd, bytes(waiting) + prober.data_to_send())
    return prober.finding


def _read(fd: int) -> bytes:
    data = os.read(fd, READ_SIZE)
    # A read of no bytes from a ready descriptor means that the device is gone.
    if not data:
        raise OSError("the modem has gone")
    return data


def _flush(fd: int, rest: bytes) -> None:
    if rest:
        os.write(fd, rest)


def setup_of(settings: Settings, name: str) -> LineSetup:
    """Return a configured line's setup; raises Refused with the known names."""
    for line in settings.lines:
        if line.name == name:
            return line_setup(settings, line)
    raise _not_configured(settings, name)


def _not_configured(settings: Settings, line: str) -> Refused:
    known = ", ".join(each.name for each in settings.lines)
    return Refused(
        _(
            "line {line!r} is not configured: {known}",
            line=line,
            known=unchanged(known) if known else _("none is"),
        )
    )


STEPS = click.Choice([step.value for step in UsbStep])
NAME_A_LINE = _("name a LINE, or --asked for all that the service asks for")
TOO_SOON = _("{step} of line {line} was done less than two minutes ago")
PATH = click.Path(path_type=Path)


@click.command("usb-reset")
@config_option
@click.option("--step", type=STEPS, help="Instead of what the service asks for.")
@click.option(
    "--run", type=PATH, hidden=True, help="Where the service asks, instead of folders.run."
)
@click.option("--sysfs", type=PATH, default=usb.SYSFS, show_default=True)
@click.option(
    "--asked",
    is_flag=True,
    hidden=True,
    help="All that the service asks for, whatever line it names.",
)
@click.argument("line", required=False)
def usb_reset(
    config_path: Path,
    step: str | None,
    run: Path | None,
    sysfs: Path,
    asked: bool,
    line: str | None,
) -> None:
    """Reset the USB modem of a configured LINE, or switch its port off and on.

    Without --step it does what the service has asked for, if that may be; done at most once in two
    minutes. Needs root.
    """
    if asked == bool(line) or (asked and step):
        raise click.UsageError(in_language(NAME_A_LINE))
    wanted = {line: UsbStep(step)} if line and step else {}
    # Before the configuration is read, which may fail: systemd starts this helper again as long as
    # a request exists.
    if run is not None:
        wanted = wanted or _asked(run, line)
    settings = load_settings(config_path)
    run = run or Path(settings.folders.run)
    wanted = wanted or _asked(run, line)
    if not wanted and line:
        # A line that does not exist can be asked for nothing.
        port_of(settings, line)
    if not wanted:
        raise Refused(
            _("nothing was asked for line {line}; name a --step", line=line)
            if line
            else _("nothing was asked for"),
        )
    failed = [
        said for name, one in wanted.items() if (said := _done(settings, run, name, one, sysfs))
    ]
    if failed:
        raise TechnicianError("\n".join(failed))


def _asked(run: Path, line: str | None) -> dict[str, UsbStep]:
    """Take call control's requests, of one line or of all."""
    folder = usb.requests_folder(run)
    if line is None:
        return usb.take_requests(folder)
    step = usb.take_request(folder, line)
    return {line: step} if step else {}


def _done(settings: Settings, run: Path, line: str, step: UsbStep, sysfs: Path) -> str:
    """Execute a step for a line and write the answer; return the failure, "" if done."""
    try:
        port = port_of(settings, line)
    except TechnicianError as error:
        return in_language(words_said(error))
    now = time.monotonic()
    if not usb.may_reset(step, usb.read_answers(usb.answers_folder(run), line), now):
        return in_language(TOO_SOON.filled(step=step, line=line))
    is_done, said = attempt(step, port, sysfs)
    # The answer's file is in English; whoever typed the command reads their own language.
    answer = ResetAnswer(step, is_done, str(said), now)
    usb.write_answer(usb.answers_folder(run), line, answer)
    if is_done:
        click.echo(in_language(said))
    return "" if is_done else in_language(said)


def attempt(step: UsbStep, port: str, sysfs: Path) -> tuple[bool, Words]:
    """Execute a step for the device behind a port; return whether it is done, in words."""
    try:
        found = usb.find_device(port, sysfs)
        usb.carry_out(usb.reset_plan(step, found, shutil.which("uhubctl"), sysfs))
    except TechnicianError as error:
        return False, words_said(error)
    return True, _(
        "{step} done to USB device {name} ({port})", step=step, name=found.name, port=port
    )


def port_of(settings: Settings, line: str) -> str:
    """Return the port of a configured line; raises Refused."""
    # Nothing but a configured line's modem can be reset, whatever a request names.
    ports = {known.name: known.port for known in settings.lines}
    if line not in ports:
        raise _not_configured(settings, line)
    return ports[line]
