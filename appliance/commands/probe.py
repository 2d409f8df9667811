"""`centralino probe`: does a line's modem carry sound both ways at once? Proven on the unit."""

from __future__ import annotations

import contextlib
import json
import os
import select
import time
from dataclasses import asdict
from pathlib import Path

import click

from appliance.commands.options import config_option, load_settings
from appliance.commands.shell import language_of
from appliance.config.schema import Settings
from appliance.config.setup import line_setup
from appliance.errors import TechnicianError
from appliance.media.line import line_settings
from appliance.media.messages import LineSetup
from appliance.modem.port_server import PORT_ERRORS, SerialPort, explain
from appliance.modem.probe import DuplexProbe, Finding, Verdict
from appliance.policy.text import Refused

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
    found = run(DuplexProbe(line_settings(setup)), setup.path)
    if as_json:
        told = asdict(found) | {"it": found.sentence.it, "en": found.sentence.en, "line": line}
        del told["sentence"]
        click.echo(json.dumps(told, ensure_ascii=False))
    else:
        click.echo("\n".join(in_words(line, found, language_of(settings))))
    raise SystemExit({Verdict.DUPLEX: 0, Verdict.HALF_DUPLEX: 3}.get(found.verdict, 4))


def in_words(line: str, found: Finding, language: str) -> list[str]:
    """Say the verdict and what was measured, in the language of the site."""
    it = language == "it"
    figures = [
        f"{line}: {found.modem or '?'}",
        found.sentence.it if it else found.sentence.en,
    ]
    if found.ended_by:
        left = "fine con" if it else "left by"
        figures.append(
            f"{left} {found.ended_by}; underrun {found.underruns}, overrun {found.overruns}"
        )
    return figures


def run(prober: DuplexProbe, path: str) -> Finding:
    """Carry bytes between the port and the probe until it has found something.

    Raises TechnicianError when the port cannot be opened (the running service holds it) or dies.
    """
    try:
        with contextlib.closing(SerialPort(path)) as port:
            return _converse(prober, port.fileno())
    except PORT_ERRORS as error:
        raise TechnicianError(str(explain(path, error).sentence)) from error


def _converse(prober: DuplexProbe, fd: int) -> Finding:
    waiting = bytearray()
    now = time.monotonic()
    end = now + LIMIT_S
    prober.start(now)
    while prober.finding is None:
        waiting += prober.data_to_send()
        due = prober.next_deadline()
        pause = max(0.0, (end if due is None else due) - time.monotonic())
        readable, writable, _ = select.select([fd], [fd] if waiting else [], [], pause)
        now = time.monotonic()
        if readable:
            prober.receive_data(_read(fd), now)
        if writable:
            written = os.write(fd, waiting)
            del waiting[:written]
            prober.written(written)
        if due is not None and now >= due:
            prober.handle_timer(now)
        if now >= end:
            raise Refused(
                f"il modem non ha finito entro {LIMIT_S:.0f} s: scollegarlo e ricollegarlo",
                f"the modem came to no end within {LIMIT_S:.0f} s; replug it",
            )
    _flush(fd, bytes(waiting) + prober.data_to_send())
    return prober.finding


def _read(fd: int) -> bytes:
    data = os.read(fd, READ_SIZE)
    if not data:
        raise OSError("the modem has gone")
    return data


def _flush(fd: int, rest: bytes) -> None:
    if rest:
        os.write(fd, rest)


def setup_of(settings: Settings, name: str) -> LineSetup:
    """Return the setup of a configured line; raises TechnicianError with the known names."""
    for line in settings.lines:
        if line.name == name:
            return line_setup(settings, line)
    known = ", ".join(line.name for line in settings.lines)
    raise Refused(
        f"la linea {name!r} non è configurata: {known or 'nessuna lo è'}",
        f"line {name!r} is not configured: {known or 'none is'}",
    )
