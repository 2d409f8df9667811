"""`centralino line bundle`: interview a modem, step by step, into a file for anybody."""

from __future__ import annotations

import contextlib
import os
import select
import sys
import time
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from appliance import __version__, usb
from appliance.api.commands import ShowStatus
from appliance.commands.modems import READ_SIZE, port_of
from appliance.commands.options import (
    config_option,
    in_language,
    load_settings,
    send,
)
from appliance.errors import CentralinoError, TechnicianError
from appliance.files import READABLE, create_once
from appliance.modem import learning
from appliance.modem.bundle import Bundle, to_bytes
from appliance.modem.interview import Interview, InterviewStep, SkipReason
from appliance.modem.port_server import PORT_ERRORS, SerialPort, explain
from appliance.policy.text import Refused, os_error_words
from appliance.text import Words, _, counted

if TYPE_CHECKING:
    from collections.abc import Callable

    from appliance.config.schema import Settings
    from appliance.fieldtest.holding import StopPlan, StopSignals

LOOK_S: Final = 0.2
"""Seconds between two looks at whether somebody has interrupted."""
COMPLETE, STOPPED, INCOMPLETE = 0, 1, 2
"""Exit status."""

BEGIN = _(
    "The modem at {port} is asked in four steps, about fifteen minutes: who it is, which commands "
    "it knows, how sound flows, how a call arrives. The file holds no number and no voice. Ctrl-C "
    "stops and gives the line back."
)
STOPPING = _("Stopped for the time, and started again at the end: {}.")
KEYS = _("Enter = go on, s = leave out")
NOT_KNOWN = _("“{}” is none of the keys.")
REASONS = (
    (SkipReason.NO_LINE, _("there is no telephone line")),
    (SkipReason.NO_PHONE, _("there is no other telephone at hand")),
    (SkipReason.NO_TIME, _("there is no time")),
)
"""Reasons that a person may give, by number: words of their own could hold a number."""
WHY = _("Why? {}")
TOLD = {
    InterviewStep.FINDING: _("The modem is put on hook and reset …"),
    InterviewStep.IDENTITY: _("1/4 Who it is: model, firmware, maker …"),
    InterviewStep.COMMANDS: _("2/4 Which commands and sound formats it knows …"),
    InterviewStep.RESTORE: _("The modem is put on hook and reset."),
}
ASKED = {
    InterviewStep.LINE: _(
        "3/4 How sound flows: for about twenty seconds the line is taken and a soft tone is sent. "
        "Nobody can call meanwhile; nothing is dialled."
    ),
    InterviewStep.CALL: _(
        "4/4 How a call arrives: after Enter, call this line from another telephone within three "
        "minutes. It rings four times, then the box answers."
    ),
    InterviewStep.HANG_UP: _(
        "The box has answered. Press a few keys on the telephone, then hang up, and press Enter "
        "here in the same moment."
    ),
}
LINE_TAKEN = _("The line is taken …")
CALL_NOW = _("Call now …")
SKIPPED = {
    SkipReason.NO_LINE: _("left out: there is no line, or the modem does not take it"),
    SkipReason.NO_PHONE: _("left out: no other telephone"),
    SkipReason.NO_TIME: _("left out: no time"),
    SkipReason.NO_RING: _("no call arrived"),
    SkipReason.NO_VOICE: _("the modem has no voice"),
    SkipReason.NO_FORMAT: _("the modem offers no sound format that can be used"),
    SkipReason.NO_ANSWER: _("the modem does not answer"),
}
STEPS = {
    InterviewStep.LINE: _("How sound flows"),
    InterviewStep.CALL: _("How a call arrives"),
    InterviewStep.HANG_UP: _("How the call ended"),
    InterviewStep.IDENTITY: _("Who it is"),
}
INTERRUPTED = _("Interrupted: nothing was written.")
SILENT = _(
    "nothing answers at {port}: it is no modem, or it hangs; unplug it and plug it in, then try "
    "again"
)
WRITTEN = _(
    "{file} ({size} bytes) is complete: send it to anyone, it holds no number and no voice."
)
WRITTEN_IN_PART = _("{file} ({size} bytes) is of use, but not complete:")
PATH = click.Path(path_type=Path, dir_okay=False)


@click.group()
def line() -> None:
    """Examine a line's modem."""


@line.command()
@config_option
@click.option("--line", "name", help="A configured line, whose modem is asked.")
@click.option("--port", help="The port of any modem, also of one that no line uses.")
@click.option("--out", type=PATH, help="The new file; packed if it ends in .gz.")
def bundle(config_path: Path, name: str | None, port: str | None, out: Path | None) -> None:
    """Ask a modem for about fifteen minutes and write what it answered, its timings and levels to
    one file without any number or voice. A service that holds the port is stopped meanwhile.
    Status 0 complete, 2 with steps left out, 1 stopped.
    """
    if bool(name) == bool(port):
        raise click.UsageError(in_language(_("name a --line or a --port, one of them")))
    settings = load_settings(config_path) if name else _settings_if_any(config_path)
    path = port_of(settings, name) if name and settings else str(port)
    check_new(out)
    # Imported here: the help needs none of it.
    from appliance.fieldtest import holding

    planned = holding.plan_stop((path,))
    if planned.units or planned.runs:
        check_free(settings)
    stop = holding.StopSignals()
    with stop.heard():
        found = _with_port(path, planned, stop)
    if stop.asked:
        click.echo(in_language(INTERRUPTED), err=True)
        raise SystemExit(STOPPED)
    raise SystemExit(_write(found, out))


def _settings_if_any(path: Path) -> Settings | None:
    """Read the configuration where there is one: a modem can be asked on any machine."""
    with contextlib.suppress(CentralinoError, OSError):
        return load_settings(path)
    return None


def check_new(out: Path | None) -> None:
    """Raise Refused for a file that cannot be made, before anything is stopped."""
    if out is None:
        folder = Path.cwd()
    elif out.exists():
        raise Refused(_("{file} is there already: name a new file", file=out))
    else:
        folder = out.absolute().parent
    if not os.access(folder, os.W_OK):
        raise Refused(
            _("{folder} is no folder that can be written to: name another --out", folder=folder)
        )


def check_free(settings: Settings | None) -> None:
    """Raise Refused while somebody speaks: the service would be stopped under them."""
    if settings is None:
        return
    try:
        calls = send(settings, ShowStatus()).status.calls
    except (CentralinoError, OSError):
        return  # it does not run: nobody speaks
    if calls:
        raise Refused(
            counted(
                "a call is under way: try again when it is over",
                "{number} calls are under way: try again when they are over",
                len(calls),
            )
        )


def _with_port(path: str, planned: StopPlan, stop: StopSignals) -> Bundle:
    """Take the port, interview the modem, give everything back."""
    from appliance.fieldtest import holding

    restorer = holding.Restorer(planned)
    try:
        if planned.units or planned.runs:
            names = (*planned.units, *(" ".join(run.command) for run in planned.runs))
            click.echo(in_language(STOPPING.filled(", ".join(names))))
        holding.stop_holders(planned)
        click.echo(in_language(BEGIN.filled(port=path)))
        found = _interviewed(path, stop)
    finally:
        for said in restorer.give_back()[1]:
            click.echo(in_language(said))
    return found


def _interviewed(path: str, stop: StopSignals) -> Bundle:
    today = datetime.now().astimezone().date().isoformat()
    interview = Interview(today, f"centralino {__version__}", _usb_id(path))
    person = PersonAtTerminal(sys.stdin.fileno())
    try:
        with contextlib.closing(SerialPort(path)) as opened:
            _converse(interview, opened.fileno(), person, stop)
    except PORT_ERRORS as error:
        raise TechnicianError(explain(path, error).sentence) from error
    if not interview.answered and not stop.asked:
        raise Refused(SILENT.filled(port=path))
    return interview.bundle


def _usb_id(path: str) -> str:
    """Return vendor and product of the USB device, "" for another port."""
    with contextlib.suppress(TechnicianError, OSError):
        folder = usb.find_device(path).folder
        ids = (folder / name for name in ("idVendor", "idProduct"))
        return ":".join(each.read_text(encoding="ascii").strip() for each in ids)
    return ""


class PersonAtTerminal:
    """Shows steps and questions, and reads one key and Enter. At the end of what can be read
    nobody is there: every question is left out for want of time.
    """

    def __init__(self, descriptor: int, say: Callable[[str], None] = click.echo) -> None:
        self.descriptor = descriptor
        self.is_there = True
        self._say = say
        self._shown: InterviewStep | None = None
        self._asks_why = False
        self._typed = b""

    def show(self, interview: Interview) -> None:
        """Say what has changed since the last look."""
        if interview.step is self._shown:
            return
        self._shown = interview.step
        self._asks_why = False
        if interview.question is not None:
            self._words(ASKED[interview.question])
            self._words(KEYS)
        elif interview.step in TOLD:
            self._words(TOLD[interview.step])

    def read(self, interview: Interview, now: float) -> None:
        """Take what was typed, as the answer to the question."""
        data = os.read(self.descriptor, 1024)
        self.is_there = bool(data)
        self._typed += data
        *lines, self._typed = self._typed.split(b"\n")
        for text in lines:
            self._answer(text.decode("utf-8", "replace").strip().lower(), interview, now)

    def _answer(self, key: str, interview: Interview, now: float) -> None:
        asked = interview.question
        if asked is None:
            return
        if self._asks_why:
            self._give_reason(key, interview, now)
        elif key == "":
            if asked in {InterviewStep.LINE, InterviewStep.CALL}:
                self._words(LINE_TAKEN if asked is InterviewStep.LINE else CALL_NOW)
            interview.agree(now)
        elif key == "s":
            self._asks_why = True
            reasons = (f"{n} = {in_language(why)}" for n, (_key, why) in enumerate(REASONS, 1))
            self._words(WHY.filled(", ".join(reasons)))
        else:
            self._words(NOT_KNOWN.filled(key))
            self._words(KEYS)

    def _give_reason(self, key: str, interview: Interview, now: float) -> None:
        if key in {str(n) for n, _reason in enumerate(REASONS, 1)}:
            interview.skip(REASONS[int(key) - 1][0], now)
        else:
            self._words(NOT_KNOWN.filled(key))

    def _words(self, words: Words) -> None:
        self._say(in_language(words))


def _converse(interview: Interview, fd: int, person: PersonAtTerminal, stop: StopSignals) -> None:
    """Carry bytes and answers until the interview is over."""
    waiting = bytearray()
    interview.start(time.monotonic())
    stopped = False
    while interview.step is not InterviewStep.OVER:
        person.show(interview)
        if stop.asked and not stopped:
            stopped = True
            waiting.clear()
            interview.stop(time.monotonic())
        if not person.is_there and interview.question is not None:
            interview.skip(SkipReason.NO_TIME, time.monotonic())
        waiting += interview.data_to_send()
        _exchange(interview, fd, person, waiting)


def _exchange(interview: Interview, fd: int, person: PersonAtTerminal, waiting: bytearray) -> None:
    due = interview.next_deadline()
    now = time.monotonic()
    pause = LOOK_S if due is None else min(LOOK_S, max(0.0, due - now))
    keys = [person.descriptor] if person.is_there else []
    readable, writable, _unused = select.select([fd, *keys], [fd] if waiting else [], [], pause)
    now = time.monotonic()
    if fd in readable:
        data = os.read(fd, READ_SIZE)
        # A read of no bytes from a ready descriptor means that the device is gone.
        if not data:
            raise OSError("the modem has gone")
        interview.receive_data(data, now)
    if writable:
        written = os.write(fd, waiting)
        del waiting[:written]
        interview.written(written)
    if person.descriptor in readable:
        person.read(interview, now)
    interview.handle_timer(now)


def _write(found: Bundle, out: Path | None) -> int:
    """Write the file and say what is in it; return the exit status."""
    file = out or Path(f"modem-bundle-{found.name}.json")
    data = to_bytes(found, packed=file.name.endswith(".gz"))
    try:
        create_once(file.absolute(), data, mode=READABLE)
    except OSError as error:
        why = os_error_words(error)
        raise Refused(_("{file} cannot be written: {why}", file=file, why=why)) from error
    click.echo(found.modem)
    click.echo(in_language(learning.verdict(found)))
    if not found.skipped:
        click.echo(in_language(WRITTEN.filled(file=file, size=len(data))))
        return COMPLETE
    click.echo(in_language(WRITTEN_IN_PART.filled(file=file, size=len(data))))
    for each in found.skipped:
        step, reason = STEPS[InterviewStep(each.step)], SKIPPED[SkipReason(each.why)]
        click.echo(f"  - {in_language(step)}: {in_language(reason)}")
    return INCOMPLETE
