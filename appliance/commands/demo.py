"""`centralino dev demo`: three real calls over two simulated lines, told in the reader's language.

A call that is put through, one whose office does not answer and that returns to the operator, and
one that leaves a message. What is told is what happened: what the caller hears is read from the
service's journal, what the operator sees from its status, and how a call went from its record.
"""

from __future__ import annotations

import contextlib
import os
import re
import shlex
import shutil
import signal
import sys
import textwrap
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import click

from appliance.api.commands import CloseOffice, TakeCare, TransferCaller, UseSheet
from appliance.calls import orders
from appliance.calls.status import CallStatus
from appliance.commands.demo_office import (
    FOLDER,
    LINES,
    OFFICE_ANSWERS_AFTER_MS,
    OPERATOR,
    PHRASE,
    Stage,
    enter,
    label,
    lines_are_idle,
    opened,
    own_folder,
    staged,
)
from appliance.commands.options import chosen_language, words_said
from appliance.errors import CentralinoError, OfficeError
from appliance.policy.routing import Destination
from appliance.policy.text import SaidError
from appliance.policy.transfers import TransferReason
from appliance.policy.voicemail import MessageOutcome, MessageStep
from appliance.prompts import OURS, voices
from appliance.simulator.exchange.call import CallPlan
from appliance.simulator.exchange.process import read_clip, start_call, ulaw_wav
from appliance.simulator.phone.process import PhoneTimeout, TestPhone
from appliance.store import call_log, voicemail
from appliance.store.database import database_path, open_reader
from appliance.store.listings import OUTCOMES, RESULTS
from appliance.store.voicemail import CaseKind
from appliance.text import ENGLISH, Words, _

LIMIT_S: Final = 40.0
"""What is waited for, at most: on a machine with nothing else to do it comes within seconds."""
ANSWERS_AFTER_MS: Final = 6000
"""Ringing time of the operator's phone once the demonstration stays up: long enough to be seen."""
HEARS: Final = re.compile(r"(\S+) hears (.+)$", re.MULTILINE)
"""Line of the service's journal (appliance/service/loop.py)."""


INDENT: Final = " " * len("  0:00  ")


class UnmetError(SaidError):
    """Raised where a call does not go as it should: what was waited for did not come."""


@dataclass
class Teller:
    """Output of the story: each line with the time since the demonstration began."""

    language: str
    began: float = field(default_factory=time.monotonic)

    def title(self, words: Words) -> None:
        """Begin a call."""
        click.echo(f"\n{words.text(self.language)}")

    def event(self, words: Words) -> None:
        """Tell what happens now."""
        seconds = int(time.monotonic() - self.began)
        self._tell(f"  {seconds // 60}:{seconds % 60:02d}  ", words)

    def more(self, words: Words) -> None:
        """Tell more of what happens now."""
        self._tell(INDENT, words)

    def command(self, words: Words) -> None:
        """Tell a command, in one line: it is pasted whole."""
        click.echo(INDENT + words.text(self.language))

    def _tell(self, begin: str, words: Words) -> None:
        """Write a line; on a terminal a long one breaks between words, below its own beginning."""
        text = words.text(self.language)
        if sys.stdout.isatty():
            text = f"\n{INDENT}".join(
                textwrap.wrap(
                    text,
                    shutil.get_terminal_size().columns - len(INDENT),
                    break_long_words=False,
                    break_on_hyphens=False,
                )
            )
        click.echo(begin + text)


class Citizen:
    """A caller on a line: a thread takes in what is heard, which is kept as a WAV at the end."""

    def __init__(self, stage: Stage, teller: Teller, number: int, line: int, caller: str) -> None:
        self._stage, self._teller = stage, teller
        self.line, self.caller = f"line{line}", caller
        self.heard = stage.folder / f"call-{number}-heard.wav"
        _wait(lambda: lines_are_idle(stage.folder), _("the line is free"), _pause)
        self._read = len(_text(stage.journal))
        who = _("a withheld number") if caller == "withheld" else caller
        teller.event(_("{who} calls {number}", who=who, number=LINES[line - 1]))
        # Hangs up when told to: an hour is longer than any of these calls.
        self._call = start_call(
            stage.lines, line, CallPlan(caller=caller, hang_up_after_ms=3_600_000)
        )

    def listens(self, seconds: float) -> None:
        """Take in what is heard for a while, or until the call has ended."""
        until = time.monotonic() + seconds
        try:
            while not self._call.over and (left := until - time.monotonic()) > 0:
                self._call.wait_for("ended", left)
        except (CentralinoError, OSError, TimeoutError):
            # Over time; a lost connection is told by whatever is waited for.
            _pause(until - time.monotonic())

    def status(self) -> CallStatus | None:
        """Return call control's view of the call; None before and after it."""
        return next((each for each in self._stage.status().calls if each.line == self.line), None)

    def waits(self, is_so: Callable[[], bool], expected: Words) -> None:
        """Listen until something is so; raises UnmetError."""
        _wait(is_so, expected, self.listens)

    def is_told(self, what: Callable[[CallStatus], bool], expected: Words) -> CallStatus:
        """Wait until the call's status is so; raises UnmetError."""
        self.waits(lambda: (now := self.status()) is not None and what(now), expected)
        found = self.status()
        if found is None:
            raise UnmetError(expected)
        return found

    def hears(self) -> None:
        """Tell the words of the announcements that were begun since the last time."""
        text = _text(self._stage.journal)
        new, self._read = text[self._read :], len(text)
        spoken = [
            names.split() for who, names in HEARS.findall(new) if who == self.line
        ]  # fmt: skip
        for names in spoken:
            if words := _spoken(names):
                self._teller.event(_("the caller hears: “{words}”", words=words))

    def waits_to_hear(self, key: str) -> None:
        """Wait until an announcement begins, and tell it; raises UnmetError."""
        self.waits(
            lambda: key in _text(self._stage.journal)[self._read :],
            _("the announcement {name} is played", name=key),
        )
        self.hears()

    def says(self, sound: Path) -> None:
        """Say a recording."""
        self._call.say(read_clip(sound))

    def presses(self, keys: str) -> None:
        """Press keys."""
        self._teller.event(_("the caller presses {keys}", keys=keys))
        self._call.press(keys)

    def hangs_up(self) -> None:
        """Hang up and keep what was heard."""
        self._teller.event(_("the caller hangs up"))
        self.leaves()
        self._teller.more(
            _("all that the caller heard, to play: {file}", file=_shown(self.heard))
        )  # fmt: skip

    def leaves(self) -> None:
        """End the call on this side, whatever its state."""
        with contextlib.suppress(OSError):
            self._call.hang_up()
        self.listens(LIMIT_S)
        self._call.close()
        self.heard.write_bytes(ulaw_wav(bytes(self._call.heard)))


def _text(journal: Path) -> str:
    return journal.read_text(encoding="utf-8", errors="replace")


def _spoken(names: list[str]) -> str:
    """Return what recordings say, "it/greeting_closed it/…"; tones say nothing."""
    said = []
    for name in names:
        language, _unused, key = name.partition("/")
        kinds = voices.texts(language)
        said += [texts[key] for kind, texts in kinds.items() if kind != "tone" and key in texts]
    return " ".join(said)


def _pause(seconds: float) -> None:
    if seconds > 0:
        time.sleep(seconds)


def _wait(is_so: Callable[[], bool], expected: Words, pause: Callable[[float], None]) -> None:
    deadline = time.monotonic() + LIMIT_S
    while time.monotonic() < deadline:
        with contextlib.suppress(OfficeError):
            if is_so():
                return
        pause(0.1)
    raise UnmetError(expected)


def _shown(path: Path) -> str:
    """Return a path as it can be pasted here."""
    own = Path.cwd()
    return shlex.quote(str(path.relative_to(own) if path.is_relative_to(own) else path))


# ---- the three calls ---------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Result:
    """How a call ended by its record, and whether that is what the demonstration is to show."""

    words: Words
    is_good: bool


OPERATOR_SAYS: Final = "state_unattended_off.wav"
CITIZEN_SAYS: Final = "please_wait.wav"
TALK_S: Final = 2.0
OPERATOR_RINGS: Final = _("the operator's phone rings")
MESSAGE_SAYS: Final = "office_no_answer.wav"
"""Recordings that stand for the voices of people: a sentence of some seconds."""


def put_through(stage: Stage, teller: Teller) -> Result:
    """An operator answers and transfers the caller, the office answers."""
    teller.title(_("Call 1. A citizen asks for the registry office, and is put through."))
    with _calling(stage, teller, 1, 1, "0514001122") as citizen:
        _operator_answers(stage, teller, citizen)
        with contextlib.suppress(OfficeError):
            stage.send(UseSheet(sheet="cambio-residenza", position="op1"))
            teller.event(_("the operator opens the sheet “Change of residence” beside the call"))
        stage.office.answer_mode("auto", 1500)
        _transfer(stage, teller, citizen)
        _does(citizen, stage.office, "ringing", _("the office's phone rings"))
        _does(citizen, stage.office, "answered", _("the office answers"))
        citizen.hears()
        citizen.is_told(lambda call: str(call.state) == "transferred", _("the office has the call"))
        teller.event(_("the office answers: the caller talks with the office"))
        citizen.listens(TALK_S)
        citizen.hangs_up()
    return _judged(stage, Destination.SWITCHBOARD, orders.Result.ANSWERED)


def returned(stage: Stage, teller: Teller) -> Result:
    """The office does not answer: the caller comes back to the operator, who sees why."""
    teller.title(_("Call 2. The office does not answer, and the caller is not lost."))
    with _calling(stage, teller, 2, 2, "withheld") as citizen:
        _operator_answers(stage, teller, citizen)
        stage.office.answer_mode("never")
        stage.operator.answer_mode("manual")
        _transfer(stage, teller, citizen)
        _does(citizen, stage.office, "ringing", _("the office's phone rings"))
        teller.event(_("the office's phone rings; nobody answers"))
        citizen.waits_to_hear("office_no_answer")
        _does(citizen, stage.operator, "ringing", OPERATOR_RINGS)
        seen = citizen.is_told(
            lambda call: call.transfer is not None and bool(call.transfer.returned),
            _("the call has returned"),
        )
        assert seen.transfer is not None
        teller.event(_("the call returns; the operator sees: {words}", words=seen.transfer.words))
        stage.operator.answer()
        _does(citizen, stage.operator, "answered", _("the operator answers"))
        teller.event(
            _("the operator answers; the page offers what the office has declared for such callers")
        )
        citizen.listens(TALK_S)
        citizen.hangs_up()
    return _judged(stage, Destination.SWITCHBOARD, orders.Result.ANSWERED)


def leaves_a_message(stage: Stage, teller: Teller) -> Result:
    """Closed: the caller leaves a message, which the operator then reads."""
    teller.title(_("Call 3. The office is closed; the caller leaves a message."))
    stage.send(CloseOffice(on=True, by="demo"))
    with _calling(stage, teller, 3, 1, "0514003344") as citizen:
        citizen.waits_to_hear("greeting_closed")
        citizen.listens(3.0)
        citizen.presses("#")
        citizen.is_told(lambda call: str(call.state) == "recording", _("the message is recorded"))
        citizen.says(OURS / teller.language / MESSAGE_SAYS)
        teller.event(_("the caller speaks after the tone"))
        citizen.listens(5.0)
        citizen.hangs_up()
    stage.send(CloseOffice(on=False, by="demo"))
    ended = _judged(stage, Destination.VOICEMAIL, orders.Result.MESSAGE)
    is_read = ended.is_good and _is_message_read(stage, teller)
    return Result(ended.words, is_good=is_read)


def _is_message_read(stage: Stage, teller: Teller) -> bool:
    """Have the operator deal with the message; tells whether all of it stands."""
    with contextlib.closing(open_reader(database_path(stage.folder / "state"))) as connection:
        (message,) = voicemail.list_messages(connection, None)
    teller.event(
        _(
            "the operator's inbox shows message {number}, of {caller}, {seconds} s long",
            number=message.number, caller=message.caller.number,
            seconds=round(message.length_ms / 1000),
        )
    )  # fmt: skip
    file = stage.folder / "state" / "voicemail" / message.path
    teller.more(_("the message, to play: {file}", file=_shown(file)))
    name, by, at = str(message.number), OPERATOR.name, datetime.now(UTC)
    outcome = MessageOutcome.PASSED_TO_OFFICE
    kind = CaseKind.MESSAGE
    for step in (
        TakeCare(kind=kind, name=name, step=MessageStep.TAKE, at=at, by=by),
        TakeCare(kind=kind, name=name, step=MessageStep.HEAR, at=at, by=by),
        TakeCare(kind=kind, name=name, step=MessageStep.CLOSE, outcome=outcome, at=at, by=by),
    ):
        stage.send(step)
    with contextlib.closing(open_reader(database_path(stage.folder / "state"))) as connection:
        (read,) = voicemail.list_messages(connection, None)
    if read.outcome is not None:
        teller.event(
            _("the operator takes it, hears it and closes it: {outcome}",
              outcome=OUTCOMES[read.outcome])
        )  # fmt: skip
    return file.exists() and read.outcome is outcome


CALLS: Final[tuple[Callable[[Stage, Teller], Result], ...]] = (
    put_through, returned, leaves_a_message,
)  # fmt: skip


@contextlib.contextmanager
def _calling(
    stage: Stage, teller: Teller, number: int, line: int, caller: str
) -> Iterator[Citizen]:
    """Place a call; it is ended however the block ends."""
    citizen = Citizen(stage, teller, number, line, caller)
    try:
        yield citizen
    finally:
        citizen.leaves()


def _operator_answers(stage: Stage, teller: Teller, citizen: Citizen) -> None:
    has_number = citizen.caller != "withheld"
    stage.operator.say(OURS / teller.language / OPERATOR_SAYS, repeat=True)
    stage.operator.answer_mode("manual")
    _does(citizen, stage.operator, "ringing", OPERATOR_RINGS)
    # The identity comes after the first ring (EN 300 659-1).
    seen = citizen.is_told(
        lambda call: bool(call.ringing) and bool(call.caller.number) == has_number,
        OPERATOR_RINGS,
    )
    who = seen.caller.number or _("number withheld")
    line = next(each for each in stage.status().lines if each.name == citizen.line)
    teller.event(
        _("the operator's phone rings; phone and page show: {who}, {line}", who=who,
          line=line.label)
    )  # fmt: skip
    citizen.listens(1.0)
    stage.operator.answer()
    _does(citizen, stage.operator, "answered", _("the operator answers"))
    citizen.is_told(lambda call: str(call.state) == "talking", _("the operator has the call"))
    teller.event(_("the operator answers; both talk"))
    citizen.says(OURS / teller.language / CITIZEN_SAYS)
    citizen.listens(TALK_S)


def _transfer(stage: Stage, teller: Teller, citizen: Citizen) -> None:
    stage.send(
        TransferCaller(
            call="op1", unit="anagrafe", need="residenza", reason=TransferReason.TOPIC,
            attended=False, by=OPERATOR.name,
        )
    )  # fmt: skip
    teller.event(_("the operator transfers the call to the office Anagrafe, by one key"))
    citizen.waits_to_hear("connecting")


def _does(citizen: Citizen, phone: TestPhone, what: str, expected: Words) -> None:
    """Wait until a phone has done something ("ringing", "answered") that was not told before."""

    def has_done() -> bool:
        try:
            phone.wait_event(what, 0.01)
        except PhoneTimeout:
            return False
        return True

    citizen.waits(has_done, expected)


def _judged(stage: Stage, way: Destination, result: orders.Result) -> Result:
    """Read the latest call's record, once it is final."""
    deadline = time.monotonic() + LIMIT_S
    while time.monotonic() < deadline:
        with contextlib.suppress(CentralinoError):
            connection = open_reader(database_path(stage.folder / "state"))
            with contextlib.closing(connection):
                latest = call_log.list_calls(connection, limit=1)
            record = latest[0] if latest else None
            if record and record.result != "open" and record.call not in stage.seen:
                stage.seen.add(record.call)
                is_good = (record.way, record.result) == (way, result)
                return Result(RESULTS[record.result], is_good=is_good)
        _pause(0.1)
    return Result(_("nothing"), is_good=False)


# ---- the command -------------------------------------------------------------------------------


@click.command()
@click.option(
    "--keep", is_flag=True, help="Stay up afterwards: call it yourself, by a command or a phone."
)
@click.pass_context
def demo(context: click.Context, keep: bool) -> None:
    """Answer three calls on simulated lines with real processes, told as they happen."""
    # A new checkout's terminal may have no language; its README is in English first.
    teller = Teller(chosen_language(context) or ENGLISH)
    _end_by_signals()
    with contextlib.ExitStack() as stack, _ending_is_told(teller):
        folder = stack.enter_context(own_folder(FOLDER.resolve()))
        click.echo(
            _("Starting a telephone exchange with two lines, the switchboard and three phones ...")
            .text(teller.language)
        )  # fmt: skip
        stage = stack.enter_context(staged(folder, teller.language))
        enter(stage.settings)
        console = stack.enter_context(opened(folder, stage.config))
        _tell_office(stage, teller, console)
        results = [_told(call, stage, teller) for call in CALLS]
        are_good = all(results)
        teller.title(
            _("All three calls went as they should.")
            if are_good
            else _("Not all calls went as they should: {journal} says more.",
                   journal=_shown(stage.journal))
        )  # fmt: skip
        if keep:
            stage.operator.answer_mode("auto", ANSWERS_AFTER_MS)
            stage.office.answer_mode("auto", OFFICE_ANSWERS_AFTER_MS)
            _stay(stage, teller, console)
        else:
            _tell_next(teller)
    if not are_good:
        raise SystemExit(1)


def _end_by_signals() -> None:
    """Have Ctrl-C, a closed terminal (SIGHUP) and `kill` end what was started, once."""
    ending = (signal.SIGINT, signal.SIGHUP, signal.SIGTERM)

    def end(number: int, _frame: object) -> None:
        # A shell repeats it, and so does a person: what has begun to end would be left running.
        for each in ending:
            signal.signal(each, signal.SIG_IGN)
        raise KeyboardInterrupt if number == signal.SIGINT else SystemExit(128 + number)

    for number in ending:
        signal.signal(number, end)


@contextlib.contextmanager
def _ending_is_told(teller: Teller) -> Iterator[None]:
    """Say that it ends, where it was told to: that takes seconds."""
    try:
        yield
    except (KeyboardInterrupt, SystemExit):
        with contextlib.suppress(OSError):  # the terminal has gone
            _tell_ending(teller)
        raise


def _tell_ending(teller: Teller) -> None:
    click.echo()  # behind ^C
    teller.more(_("It ends: calls, phones, the switchboard, the exchange ..."))


def _told(call: Callable[[Stage, Teller], Result], stage: Stage, teller: Teller) -> bool:
    try:
        result = call(stage, teller)
    except (CentralinoError, TimeoutError) as error:
        teller.event(_("NOT AS IT SHOULD BE: {error}", error=words_said(error)))
        return False
    teller.more(
        _("in the list of calls: {result}", result=result.words)
        if result.is_good
        else _("NOT AS IT SHOULD BE; in the list of calls: {result}", result=result.words)
    )
    return result.is_good


def _tell_office(stage: Stage, teller: Teller, console: str) -> None:
    name = label("site", teller.language)
    teller.more(_("{office}: {contents}", office=name, contents=stage.furnished))
    teller.more(
        _("What the operator sees: {address} (log in as {user}, password: {phrase})",
          address=console, user=OPERATOR.name, phrase=PHRASE)
    )  # fmt: skip
    picture = Path(sys.prefix).parent / "docs" / "img" / f"desk.{teller.language}.png"
    if picture.exists():
        teller.more(_("A picture of that page: {file}", file=_shown(picture)))


def _command(*words: str) -> str:
    """Return a command that can be pasted here: a checkout's programme is on nobody's path."""
    own = Path(sys.executable)
    beside = own.parent / "centralino"
    known = [Path(folder) / "centralino" for folder in os.get_exec_path()]
    if beside.exists() and beside not in known:
        return shlex.join([_shown(beside), *words])
    return shlex.join(["centralino", *words])


def _tell_next(teller: Teller) -> None:
    is_checkout = (Path.cwd() / "Makefile").exists()
    again = "make demo KEEP=1" if is_checkout else _command("dev", "demo", "--keep")
    teller.command(_("To open its pages and call it yourself: {command}", command=again))


def _stay(stage: Stage, teller: Teller, console: str) -> None:
    config = ("--config", _shown(stage.config))
    own_call = (
        "dev", "call", "--exchange", _shown(stage.lines), "--line", "1", "--from", "0511234567",
        "--hang-up-after", "20",
    )  # fmt: skip
    teller.title(_("It stays up until Ctrl-C. In another terminal, in this folder:"))
    for told, command in (
        (_("a citizen calls"), _command(*own_call)),
        (_("what goes on"), _command("status", *config)),
        (_("the messages"), _command("messages", "list", *config)),
    ):
        teller.command(_("{command}   # {what}", command=command, what=told))
    teller.more(
        _("The operator's page: {address} (log in as {user}, password: {phrase}); phone and "
          "offices answer by themselves after some seconds.", address=console,
          user=OPERATOR.name, phrase=PHRASE)
    )  # fmt: skip
    teller.more(
        _("A phone of your own: user soft, password demo-soft, server 127.0.0.1:{port}, UDP.",
          port=stage.settings.sip.port)
    )  # fmt: skip
    with contextlib.suppress(KeyboardInterrupt):
        while True:
            time.sleep(3600)
    _tell_ending(teller)
