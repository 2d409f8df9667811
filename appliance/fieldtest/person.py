"""The person at the field test: progress, questions and reasons, and the messages that carry them.

The suite's process (pytest, with the plugin below) and the command exchange one line of JSON a
message over a socket pair. The ONLY rich and pytest imports of the field test.
"""

from __future__ import annotations

import json
import math
import os
import select
import socket
import termios
import time
import unicodedata
from dataclasses import asdict, dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pytest
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from appliance.errors import PeerError
from appliance.files import READABLE, atomic_write
from appliance.policy.hours import moment_words
from appliance.text import (
    NOTHING,
    Words,
    _,
    as_json,
    by_language,
    in_context,
    joined,
    unchanged,
    written,
)
from hw_tests.causes import causes
from hw_tests.findings import Verdict
from hw_tests.person import HELP, KEYS, WORK_S, Answer
from hw_tests.promises import counted, is_needed
from hw_tests.run import FOUND
from hw_tests.titles import PARTS as PART_TITLES
from hw_tests.titles import TITLES
from hw_tests.wording import MISSING, UNMEASURED, limit_words, name_words, value_words

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable, Iterator, Sequence

    from rich.progress import TaskID

    from hw_tests.causes import Cause
    from hw_tests.field import Measure
    from hw_tests.findings import Finding, Run


# ---- messages ----------------------------------------------------------------------------------
# Messages between the suite's process and the command: one line of JSON each.

DESCRIPTOR: Final = "CENTRALINO_FIELD_TEST"
"""The environment's name for the number of the socket."""
LONGEST_MESSAGE: Final = 65_536


@dataclass(frozen=True, slots=True)
class SuiteCollected:
    """These measurements come, in this order, and take about so long each (s; 0: unknown)."""

    tests: tuple[str, ...]
    seconds: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class MeasurementBegan:
    """A measurement begins, called so."""

    test: str
    title: Words


@dataclass(frozen=True, slots=True)
class MeasurementStep:
    """Where the test is."""

    said: Words


@dataclass(frozen=True, slots=True)
class MeasurementEnded:
    """A measurement has ended: passed, failed, skipped; after so many seconds; why, a cause a line.

    `title` names what did not hold, else the measurement.
    """

    test: str
    outcome: str
    seconds: float
    why: Words = NOTHING
    title: Words = NOTHING


@dataclass(frozen=True, slots=True)
class QuestionAsked:
    """A person is asked to do something, or whether something is so; an Answer is waited for."""

    said: Words


SuiteMessage = (
    SuiteCollected | MeasurementBegan | MeasurementStep | MeasurementEnded | QuestionAsked
)
MESSAGE_TYPES: Final = {
    kind.__name__: kind
    for kind in (SuiteCollected, MeasurementBegan, MeasurementStep, MeasurementEnded, QuestionAsked)
}


def encode_message(message: SuiteMessage) -> bytes:
    """Write a message as a line."""
    fields = {"t": type(message).__name__, **asdict(message)}
    return json.dumps(fields, default=as_json).encode() + b"\n"


def decode_message(line: bytes) -> SuiteMessage:
    """Read a message; raises PeerError for what is none."""
    try:
        fields = json.loads(line)
        kind = MESSAGE_TYPES[fields.pop("t")]
        if kind is SuiteCollected:
            tests, seconds = fields["tests"], fields["seconds"]
            return SuiteCollected(tuple(map(str, tests)), tuple(map(float, seconds)))
        if kind is MeasurementEnded:
            test, outcome = str(fields["test"]), str(fields["outcome"])
            why, title = written(fields["why"]), written(fields["title"])
            return MeasurementEnded(test, outcome, float(fields["seconds"]), why, title)
        if kind is MeasurementBegan:
            return MeasurementBegan(str(fields["test"]), written(fields["title"]))
        return kind(written(fields["said"]))  # type: ignore[call-arg, arg-type]  # the rest are one text
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise PeerError(f"the suite said what is no message: {line[:80]!r}") from error


class LineSplitter:
    """Cuts what comes into lines."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, data: bytes) -> list[bytes]:
        """Return the lines that are whole; raises PeerError for one without an end."""
        *whole, self._rest = (self._rest + data).split(b"\n")
        if len(self._rest) > LONGEST_MESSAGE:
            raise PeerError("the suite said a line without an end")
        return whole

    def rest(self) -> list[bytes]:
        """Return a last line that came without its end, if one did."""
        rest, self._rest = self._rest, b""
        return [rest] if rest else []


# ---- telling -----------------------------------------------------------------------------------
# A pytest plugin: reports progress to the command, and asks the person there.
#
# Loaded by `centralino line field-test`; without it `pytest hw_tests` runs the same, and skips what
# needs a person.


class Person:
    """Whoever sits before the terminal of `centralino line field-test`, if anybody does."""

    def __init__(self, sock: socket.socket | None) -> None:
        self._sock = sock

    def send(self, message: SuiteMessage) -> None:
        """Tell something, if anybody listens; a follower that has gone ends the run."""
        if self._sock is None:
            return
        try:
            self._sock.sendall(encode_message(message))
        except OSError:
            pytest.exit("whoever followed this run has gone", returncode=2)

    def tell(self, what: Words) -> None:
        """Let the person read where the test is, or what was heard."""
        self.send(MeasurementStep(what))

    def ask(self, what: Words, meanwhile: Callable[[], None]) -> Answer:
        """Ask a person, calling `meanwhile` until the answer; where nobody is, nothing is done."""
        if self._sock is None:
            return Answer.SKIP
        self.send(QuestionAsked(what))
        meanwhile()  # once at least: the lines are looked after however quick the person is
        while not select.select([self._sock], [], [], WORK_S / 4)[0]:
            meanwhile()
        return self._answer(self._sock)

    def _answer(self, sock: socket.socket) -> Answer:
        said = b""
        while not said.endswith(b"\n") and (data := sock.recv(LONGEST_MESSAGE)):
            said += data
        if not said:
            pytest.exit("whoever followed this run has gone", returncode=2)
        return Answer(said.decode().strip())


PERSON: Final = pytest.StashKey[Person]()


def pytest_configure(config: pytest.Config) -> None:
    """Take over the socket that came along, if one did."""
    number = os.environ.pop(DESCRIPTOR, "")  # not for the suite's own children
    sock = socket.socket(fileno=int(number)) if number else None
    if sock:
        sock.set_inheritable(False)
    config.stash[PERSON] = Person(sock)


@dataclass
class Part:
    """A measurement under way: its tests to come, its title, its length, and what came of them."""

    title: Words
    length_s: float
    left: int = 0
    begun: bool = False
    outcomes: set[str] = field(default_factory=set)
    took_s: float = 0.0
    found: list[Finding] = field(default_factory=list)


PARTS: Final = pytest.StashKey[dict[str, Part]]()
"""The measurements of a run by name, in their order."""


def pytest_collection_finish(session: pytest.Session) -> None:
    """Tell what is going to be run: measurements, each of one test or several."""
    parts: dict[str, Part] = {}
    for item in session.items:
        measure = _measure(item)
        part = parts.setdefault(
            _name(item), Part(_title(item), measure.seconds if measure else 0.0)
        )
        part.left += 1
    session.config.stash[PARTS] = parts
    lengths = tuple(part.length_s for part in parts.values())
    session.config.stash[PERSON].send(SuiteCollected(tuple(parts), lengths))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Iterator[None]:
    """Tell that a measurement begins, with the first of its tests."""
    part = item.config.stash[PARTS][_name(item)]
    if not part.begun:
        part.begun = True
        item.config.stash[PERSON].send(MeasurementBegan(_name(item), part.title))
    return (yield)


def _measure(item: pytest.Item) -> Measure | None:
    """Return the measurement that a test looks at, if it looks at one of the table's."""
    call = getattr(item, "callspec", None)
    return call.params["case"].measure if call and "case" in call.params else None


def _name(item: pytest.Item) -> str:
    measure = _measure(item)
    return measure.name if measure else item.nodeid


def _title(item: pytest.Item) -> Words:
    if measure := _measure(item):
        return PART_TITLES.get(measure.name) or TITLES[measure.keys[0]]
    said = getattr(getattr(item, "obj", None), "__doc__", "") or item.name
    return unchanged(said.strip().split("\n")[0])


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Tell, after the last part of its last test, how a measurement went, and how long it took."""
    report = yield
    part = item.config.stash[PARTS][_name(item)]
    part.took_s += report.duration
    if report.when == "call" or report.outcome != "passed":
        part.outcomes.add(report.outcome)
    if report.when == "teardown":
        part.left -= 1
        found: list[Finding] = item.stash.get(FOUND, [])
        part.found += found
        if not part.left:
            item.config.stash[PERSON].send(_ended(_name(item), part))
    return report


def _ended(name: str, part: Part) -> MeasurementEnded:
    """Tell how a measurement went: the worst of its tests; named by what does not hold, and why."""
    outcome = next(
        (each for each in ("failed", "passed", "skipped") if each in part.outcomes), "failed"
    )
    found = list(dict.fromkeys(part.found))
    bad = [each for each in found if counted(each) is Verdict.FAILED] if outcome == "failed" else []
    title = names_of(bad) if bad else part.title
    why = joined("\n", reasons_of_findings(found))
    return MeasurementEnded(name, outcome, part.took_s, why, title)


# ---- reasons -----------------------------------------------------------------------------------
# Reasons why a run has not passed: causes, the first one first (`hw_tests.causes`).

FINDINGS_NAMED: Final = 3
"""Of measurements with one cause so many are named, the others counted."""
# Causes on a terminal; the report has all of them.
REASONS_SHOWN: Final = 6
NOT_MADE: Final = _("Not measured: {}.")
INTERRUPTED: Final = _("The test was interrupted.")
NO_PASS: Final = _("No measurement has passed.")
FOLLOWS: Final = _("From this follows: {}.")
OTHERS: Final = _("{names} and {number} more")
BEYOND: Final = _("{name} {value} (limit {limit})")
MORE: Final = _("… and {} more: see the report.")


def reasons_of_run(run: Run) -> list[Words]:
    """Say why a run has not passed; nothing of one that has."""
    if run.verdict is Verdict.PASSED:
        return []
    said = reasons_of_findings(each for each in run.findings if is_needed(run, each))
    if run.missing:
        titles = [TITLES.get(key, unchanged(key)) for key in run.missing]
        said.append(NOT_MADE.filled(joined(", ", titles)))
    if not run.ended:
        said.append(INTERRUPTED)
    return said or [NO_PASS]


def shortened_reasons(said: list[Words]) -> list[Words]:
    """Leave as many as a terminal should show, and say how many more there are."""
    if len(said) <= REASONS_SHOWN:
        return said
    return [*said[:REASONS_SHOWN], MORE.filled(len(said) - REASONS_SHOWN)]


def reasons_of_findings(findings: Iterable[Finding]) -> list[Words]:
    """Say what is wrong with some findings, or missing: causes, each with what it has spoiled."""
    return [cause_in_words(cause) for cause in causes(findings)]


def cause_in_words(cause: Cause) -> Words:
    """Name what does not hold, the reason, and how much follows from it."""
    if not cause.follows:
        return cause_title(cause)
    follows = FOLLOWS.filled(names_of(cause.follows))
    return joined(" ", (_with_full_stop(cause_title(cause)), follows))


def _with_full_stop(words: Words) -> Words:
    return by_language(lambda language: f"{words.text(language).rstrip('.')}.")


def cause_title(cause: Cause) -> Words:
    """Name what does not hold, and the reason."""
    return joined(": ", (names_of(cause.findings), reason_of(cause.findings[0])))


def names_of(findings: Sequence[Finding]) -> Words:
    """Name some findings, and count those beyond the first."""
    titles = [title_with_line(finding) for finding in findings]
    names = joined(", ", titles[:FINDINGS_NAMED])
    if left := max(0, len(titles) - FINDINGS_NAMED):
        names = OTHERS.filled(names=names, number=left)
    return names


def title_with_line(finding: Finding) -> Words:
    """Name a finding, and where it was made."""
    return by_language(lambda language: f"{finding.title.text(language)} {finding.line}".strip())


def reason_of(finding: Finding) -> Words:
    """Give a finding's reason: what is said of it, and each figure beyond its limit."""
    parts = [finding.remark]
    for figure in finding.figures:
        if not figure.good:
            value = UNMEASURED if figure.value is None else value_words(figure)
            limit = limit_words(figure)
            parts.append(BEYOND.filled(name=name_words(figure), value=value, limit=limit))
    word = VERDICT_WORDS[finding.verdict]

    def said(language: str) -> str:
        texts = [part.text(language) for part in parts]
        *others, last = list(filter(None, texts)) or [word.text(language)]
        return "; ".join((*(text.rstrip(".") for text in others), last))

    return by_language(said)


# ---- outcome -----------------------------------------------------------------------------------
# The command's exit status: 0 passed, 1 failed, 2 incomplete.

PASSED, FAILED, INCOMPLETE = range(3)
VERDICT_STATUS: Final = (Verdict.PASSED, Verdict.FAILED, Verdict.INCOMPLETE)
"""What each status says."""
# Statuses of pytest; any other one means that it did not come to its end.
ALL_PASSED, SOME_FAILED = 0, 1


def exit_status(run: Run, suite: int = ALL_PASSED, *, restored: bool = True) -> int:
    """Return the command's status; what failed says so whatever else went wrong.

    `suite` is pytest's own status: a test that broke before it had a finding is a failure too.
    """
    found = VERDICT_STATUS.index(run.verdict)
    if found == FAILED or (found == PASSED and suite == SOME_FAILED):
        return FAILED
    if found == PASSED and suite == ALL_PASSED and restored:
        return PASSED
    return INCOMPLETE


# ---- shown -------------------------------------------------------------------------------------
# Texts of a run for people: words, figures, outside texts made harmless.

# Characters of a text that came from outside: a modem that babbles does not fill the report.
LONGEST_SHOWN: Final = 600
VERDICT_WORDS: Final = {
    Verdict.PASSED: _("passed"),
    Verdict.FAILED: _("FAILED"),
    Verdict.NOT_ON_THIS_DEVICE: _("not on this device"),
    Verdict.SKIPPED: _("skipped"),
    Verdict.INCOMPLETE: _("incomplete"),
}
OUTCOMES: Final = {
    Verdict.PASSED: _("PASSED"),
    Verdict.FAILED: in_context("run", "FAILED"),
    Verdict.INCOMPLETE: _("INCOMPLETE"),
}
"""What a whole run may come to."""
SET_UPS: Final = {
    "exchange": _("software exchange: no proof about a real line"),
    "two lines": _("two lines that call each other"),
    "one line": _("one line, called by a person"),
}
CLOCKS: Final = {
    "synchronised": _("synchronised"),
    "not synchronised": _("NOT synchronised"),
}
UNKNOWN: Final = _("not known")


def clean_text(text: str) -> str:
    """Take what cannot be seen out of a text, and cut it: control and direction characters."""
    seen = "".join("\ufffd" if _is_unseen(c) else c for c in " ".join(text.split()))
    return seen if len(seen) <= LONGEST_SHOWN else seen[:LONGEST_SHOWN] + "…"


def moment_in_words(text: str) -> Words:
    """Write a run's ISO time as people do; what is no time stays as it is, nothing is a dash."""
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        return unchanged(clean_text(text) or MISSING)
    return by_language(lambda language: moment_words(at, language))


def _is_unseen(character: str) -> bool:
    """Tell what XML forbids or a reader is misled by: Cc, Cf, surrogates, U+FFFE and the like."""
    return unicodedata.category(character) in {"Cc", "Cf", "Cs", "Cn", "Co"}


# ---- progress ----------------------------------------------------------------------------------
# Progress on the terminal while the suite runs; the ONLY rich import.

OUTCOME_WORDS: Final = {
    "passed": ("green", _("done")),
    "failed": ("bold red", _("FAILED")),
    "skipped": ("yellow", _("skipped")),
}
TIME_LEFT: Final = _("about {time} left")


class ProgressDisplay:
    """Follows a run on a terminal: a bar with the time left; elsewhere a line each test."""

    def __init__(self, language: str, clock: RemainingTime, console: Console | None = None) -> None:
        self.console = console or Console(highlight=False)
        self._language, self._clock = language, clock
        self._began = time.monotonic()
        self._now = ""
        self._bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(bar_width=24),
            MofNCompleteColumn(),
            TextColumn("{task.fields[left]}"),
            console=self.console,
            transient=True,
        )
        self._task: TaskID = self._bar.add_task("", total=None, left="")

    def start(self) -> None:
        """Show the bar, where there is a terminal to show it on."""
        if self.console.is_terminal:
            self._bar.start()

    def stop(self) -> None:
        """Take the bar away, for a question or at the end."""
        if self.console.is_terminal:
            self._bar.stop()

    def say(self, words: Words) -> None:
        """Write a sentence above the bar."""
        self.console.print(escape(words.text(self._language)), soft_wrap=True)

    def take(self, message: SuiteMessage) -> None:
        """Show what the suite's process told."""
        match message:
            case SuiteCollected(tests, seconds):
                self._clock.expect(tests, seconds)
                self._bar.update(self._task, total=len(tests))
            case MeasurementBegan(_, title):
                self._began = time.monotonic()
                self._now = clean_text(title.text(self._language))
                self._bar.update(self._task, description=escape(self._now))
            case MeasurementStep(said):
                step = clean_text(said.text(self._language))
                self.console.print(escape(step), soft_wrap=True)
                self._bar.update(self._task, description=escape(f"{self._now} – {step}"))
            case MeasurementEnded(test, outcome, seconds, why, title):
                self._clock.ended(test, seconds)
                self._bar.advance(self._task)
                colour, words = OUTCOME_WORDS.get(outcome, OUTCOME_WORDS["failed"])
                named = clean_text(title.text(self._language)) or self._now
                row = f"{words.text(self._language):<14}{seconds:6.1f} s  {named}"
                self.console.print(f"[{colour}]{escape(row)}[/]", soft_wrap=True)
                for line in why.text(self._language).splitlines():
                    self.console.print(escape(f"    {clean_text(line)}"), soft_wrap=True)
        self.tick()

    def tick(self) -> None:
        """Let the time left run."""
        left = self._clock.left_s(time.monotonic() - self._began)
        said = ""
        if left is not None and self._clock.waiting:
            words = TIME_LEFT.filled(time=f"{int(left) // 60}:{int(left) % 60:02d}")
            said = words.text(self._language)
        self._bar.update(self._task, left=said)


# ---- remaining ---------------------------------------------------------------------------------
# Time left of a run, estimated from how long its tests took before.

TIMES_FILE = "centralino/field-test-{}.json"


@dataclass(slots=True)
class RemainingTime:
    """The tests to come with what is known of their length (s); `took` of those that have ended.

    `known` are times of earlier runs. A test that was told to take another time than then, a soak
    of an hour after one of a minute, is another one: `told` is what this run's suite says.
    """

    known: dict[str, float]
    waiting: list[str] = field(default_factory=list)
    took: dict[str, float] = field(default_factory=dict)
    told: dict[str, float] = field(default_factory=dict)

    def expect(self, tests: Sequence[str], seconds: Sequence[float]) -> None:
        """Note what comes; the suite's own word of its length counts where it never ran here."""
        self.waiting = list(tests)
        self.told = {test: s for test, s in zip(tests, seconds, strict=False) if s > 0}

    def ended(self, test: str, seconds: float) -> None:
        """Note how long a test took."""
        self.took[test] = seconds
        if test in self.waiting:
            self.waiting.remove(test)

    @property
    def times(self) -> dict[str, float]:
        """What the next run should know."""
        return {**self.known, **{self._key(test): s for test, s in self.took.items()}}

    def left_s(self, running_s: float) -> float | None:
        """Say how long it still takes, `running_s` into a test; None when nothing is known.

        A test of which nothing is known takes as long as those that ended, on the average.
        """
        expected = {test: s for test in self.waiting if (s := self._length(test)) is not None}
        times = [*self.took.values()] or list(expected.values())
        if not times:
            return None
        average = sum(times) / len(times)
        each = [expected.get(test, average) for test in self.waiting]
        return max(0.0, each[0] - running_s) + sum(each[1:]) if each else 0.0

    def _length(self, test: str) -> float | None:
        return self.known.get(self._key(test), self.told.get(test))

    def _key(self, test: str) -> str:
        told = self.told.get(test)
        return test if told is None else f"{test} ({told:g} s)"


def times_path(set_up: str) -> Path:
    """Say where the times of earlier runs in such a set-up are kept (XDG base directories)."""
    cache = os.environ.get("XDG_CACHE_HOME", "")
    return (Path(cache) if cache else Path.home() / ".cache") / TIMES_FILE.format(set_up)


def read_times(path: Path) -> dict[str, float]:
    """Read known times; none where there is no file, or none that can be read."""
    try:
        told = json.loads(path.read_text(encoding="utf-8"))
        return {str(k): float(v) for k, v in told.items() if math.isfinite(float(v))}
    except (OSError, ValueError, TypeError, AttributeError, RecursionError):
        return {}


def write_times(path: Path, known: dict[str, float]) -> None:
    """Keep times for the next run; a place that cannot be written costs an estimate, no more."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        atomic_write(path, json.dumps(known, indent=1), mode=READABLE)
    except OSError:
        return


# ---- guide -------------------------------------------------------------------------------------
# Questions to the person, on a terminal or through a pipe: ok, no, repeat, skip.

LOOK_S: Final = 0.2
NO_ANSWER: Final = _("“{}” is no answer.")
NOBODY: Final = _("Nobody answers: what asks a person is skipped.")


class PersonPrompt:
    """Puts the suite's questions to whoever reads `descriptor`; `say` writes to them.

    At the end of what can be read everything is skipped: nobody is there.
    """

    def __init__(self, descriptor: int, say: Callable[[Words], None]) -> None:
        self._descriptor = descriptor
        self._say = say
        self._lines = LineSplitter()
        self._ready: list[bytes] = []
        self._is_over = False

    def ask(self, asked: QuestionAsked, is_over: Callable[[], bool]) -> Answer:
        """Ask and wait; what `is_over` finds over (the run, for one) is skipped."""
        self._say(by_language(lambda language: clean_text(asked.said.text(language))))
        self._say(HELP)
        if os.isatty(self._descriptor):  # what was typed before the question is no answer to it
            termios.tcflush(self._descriptor, termios.TCIFLUSH)
        while (line := self._line(is_over)) is not None:
            said = " ".join(line.decode("utf-8", "replace").lower().split())
            if (answer := KEYS.get(said)) is not None:
                return answer
            self._say(NO_ANSWER.filled(clean_text(said)))
            self._say(HELP)
        if self._is_over:
            self._say(NOBODY)
        return Answer.SKIP

    def _line(self, is_over: Callable[[], bool]) -> bytes | None:
        while not self._ready:
            if self._is_over or is_over():
                return None
            readable, _, _ = select.select([self._descriptor], [], [], LOOK_S)
            if readable:
                self._read()
        return self._ready.pop(0)

    def _read(self) -> None:
        data = os.read(self._descriptor, 4096)
        if not data:
            self._is_over = True
            self._ready += self._lines.rest()
        self._ready += self._lines.feed(data)
