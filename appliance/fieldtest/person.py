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
from appliance.policy.text import Words
from hw_tests.findings import Verdict, counted
from hw_tests.person import HELP, KEYS, WORK_S, Answer
from hw_tests.run import FOUND
from hw_tests.titles import TITLES

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable, Iterator, Sequence

    from rich.progress import TaskID

    from hw_tests.field import Measure
    from hw_tests.findings import Figure, Finding, Limit, Run, Texts


# ---- messages ----------------------------------------------------------------------------------
# Messages between the suite's process and the command: one line of JSON each.

DESCRIPTOR: Final = "CENTRALINO_FIELD_TEST"
"""The environment's name for the number of the socket."""
LONGEST_MESSAGE: Final = 65_536


@dataclass(frozen=True, slots=True)
class SuiteCollected:
    """These tests are going to be run, in this order; each takes about so long (s), 0: unknown."""

    tests: tuple[str, ...]
    seconds: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class MeasurementBegan:
    """A test begins, called so."""

    test: str
    it: str
    en: str


@dataclass(frozen=True, slots=True)
class MeasurementStep:
    """Where the test is."""

    it: str
    en: str


@dataclass(frozen=True, slots=True)
class MeasurementEnded:
    """A test has ended: passed, failed, skipped; after so many seconds; why, a cause a line."""

    test: str
    outcome: str
    seconds: float
    it: str = ""
    en: str = ""


@dataclass(frozen=True, slots=True)
class QuestionAsked:
    """A person is asked to do something, or whether something is so; an Answer is waited for."""

    it: str
    en: str


SuiteMessage = (
    SuiteCollected | MeasurementBegan | MeasurementStep | MeasurementEnded | QuestionAsked
)
MESSAGE_TYPES: Final = {
    kind.__name__: kind
    for kind in (SuiteCollected, MeasurementBegan, MeasurementStep, MeasurementEnded, QuestionAsked)
}


def encode_message(message: SuiteMessage) -> bytes:
    """Write a message as a line."""
    return json.dumps({"t": type(message).__name__, **asdict(message)}).encode() + b"\n"


def decode_message(line: bytes) -> SuiteMessage:
    """Read a message; raises PeerError for what is none."""
    try:
        fields = json.loads(line)
        kind = MESSAGE_TYPES[fields.pop("t")]
        if kind is SuiteCollected:
            tests, seconds = fields["tests"], fields["seconds"]
            return SuiteCollected(tuple(map(str, tests)), tuple(map(float, seconds)))
        if kind is MeasurementEnded:
            why = str(fields["it"]), str(fields["en"])
            seconds_taken = float(fields["seconds"])
            return MeasurementEnded(
                str(fields["test"]), str(fields["outcome"]), seconds_taken, *why
            )
        return kind(**{name: str(text) for name, text in fields.items()})  # type: ignore[arg-type]  # the rest are texts
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
# Loaded by `centralino field-test`; without it `pytest hw_tests` runs the same, and skips what
# needs a person.


class Person:
    """Whoever sits before the terminal of `centralino field-test`, if anybody does."""

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

    def tell(self, what: Texts) -> None:
        """Let the person read where the test is, or what was heard."""
        self.send(MeasurementStep(*what))

    def ask(self, what: Texts, meanwhile: Callable[[], None]) -> Answer:
        """Ask a person, calling `meanwhile` until the answer; where nobody is, nothing is done."""
        if self._sock is None:
            return Answer.SKIP
        self.send(QuestionAsked(*what))
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


def pytest_collection_finish(session: pytest.Session) -> None:
    """Tell what is going to be run."""
    tests = tuple(item.nodeid for item in session.items)
    seconds = tuple(_seconds(item) for item in session.items)
    session.config.stash[PERSON].send(SuiteCollected(tests, seconds))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Iterator[None]:
    """Tell that a test begins."""
    item.config.stash[PERSON].send(MeasurementBegan(item.nodeid, *_title(item)))
    item.stash[SPENT] = ["passed", 0.0]
    return (yield)


def _measure(item: pytest.Item) -> Measure | None:
    """Return the measurement that a test makes, if it makes one of the table's."""
    call = getattr(item, "callspec", None)
    return call.params.get("measure") if call else None


def _title(item: pytest.Item) -> Texts:
    measure = _measure(item)
    said = (getattr(getattr(item, "obj", None), "__doc__", "") or item.name).strip().split("\n")[0]
    return TITLES.get(measure.keys[0], (said, said)) if measure else (said, said)


def _seconds(item: pytest.Item) -> float:
    """Say how long a test takes by the table."""
    measure = _measure(item)
    return measure.seconds if measure else 0.0


SPENT: Final = pytest.StashKey[list[object]]()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Tell, after its last part, how a test went: the worst of its parts, the sum of its times."""
    report = yield
    worst, seconds = item.stash[SPENT]
    if report.outcome != "passed" and worst != "failed":
        worst = report.outcome
    total = float(str(seconds)) + report.duration
    item.stash[SPENT] = [worst, total]
    if report.when == "teardown":
        item.config.stash[PERSON].send(_ended(item, str(worst), total))
    return report


def _ended(item: pytest.Item, outcome: str, seconds: float) -> MeasurementEnded:
    """Tell how a test went and why: one that was skipped has failed where its lines need it."""
    found = item.stash.get(FOUND, [])
    if outcome == "skipped" and Verdict.FAILED in set(map(counted, found)):
        outcome = "failed"
    why = reasons_of_findings(found)
    it, en = "\n".join(each.it for each in why), "\n".join(each.en for each in why)
    return MeasurementEnded(item.nodeid, outcome, seconds, it, en)


# ---- reasons -----------------------------------------------------------------------------------
# Reasons why a run has not passed: findings of one cause together, the first cause first.
#
# A modem that refuses one command spoils what comes after: the person reads the command, not twenty
# measurements.

FINDINGS_NAMED: Final = 3
"""Of measurements with one cause so many are named, the others counted."""
REASONS_SHOWN: Final = 6
"""Causes on a terminal; the report has all of them."""
GRAVE: Final = (Verdict.FAILED, Verdict.INCOMPLETE)
NOT_MADE: Final = Words("Misure non eseguite: {}.", "Not measured: {}.")
INTERRUPTED: Final = Words("La prova è stata interrotta.", "The test was interrupted.")
NO_PASS: Final = Words("Nessuna misura è superata.", "No measurement has passed.")
OTHERS: Final = Words(" e altre {}", " and {} more")
LIMIT: Final = Words("limite {}", "limit {}")
UNMEASURED: Final = Words("non misurato", "not measured")
MORE: Final = Words("… e altri {} motivi: vedere il rapporto.", "… and {} more: see the report.")


def reasons_of_run(run: Run) -> list[Words]:
    """Say why a run has not passed; nothing of one that has."""
    if run.verdict is Verdict.PASSED:
        return []
    said = reasons_of_findings(run.findings)
    if run.missing:
        titles = [TITLES.get(key, (key, key)) for key in run.missing]
        said.append(_filled(NOT_MADE, *(", ".join(each) for each in zip(*titles, strict=True))))
    if not run.ended:
        said.append(INTERRUPTED)
    return said or [NO_PASS]


def shortened_reasons(said: list[Words]) -> list[Words]:
    """Leave as many as a terminal should show, and say how many more there are."""
    if len(said) <= REASONS_SHOWN:
        return said
    left = str(len(said) - REASONS_SHOWN)
    return [*said[:REASONS_SHOWN], _filled(MORE, left, left)]


def reasons_of_findings(findings: Iterable[Finding]) -> list[Words]:
    """Say what is wrong with some findings, or missing: failures first, in the order of causes."""
    causes: dict[tuple[int, str], list[Finding]] = {}
    for finding in findings:
        if (verdict := counted(finding)) in GRAVE:
            causes.setdefault((GRAVE.index(verdict), _reason_of(finding).en), []).append(finding)
    return [_cause_in_words(causes[cause]) for cause in sorted(causes, key=lambda cause: cause[0])]


def _cause_in_words(findings: list[Finding]) -> Words:
    """Name what one cause has spoiled, and the cause."""
    why = _reason_of(findings[0])
    names = [Words(f"{f.title[0]} {f.line}".strip(), f"{f.title[1]} {f.line}".strip())
             for f in findings]  # fmt: skip
    shown_names = names[:FINDINGS_NAMED]
    it, en = ", ".join(n.it for n in shown_names), ", ".join(n.en for n in shown_names)
    if left := len(names) - FINDINGS_NAMED if len(names) > FINDINGS_NAMED else 0:
        it, en = it + OTHERS.it.format(left), en + OTHERS.en.format(left)
    return Words(f"{it}: {why.it}", f"{en}: {why.en}")


def _reason_of(finding: Finding) -> Words:
    """Give a finding's reason: what is said of it, and each figure beyond its limit."""
    it, en = [finding.remark[0]], [finding.remark[1] or finding.remark[0]]
    for figure in finding.figures:
        if not figure.good:
            limit = limit_text(figure.limit)
            value = Words(*[measure_text(figure)] * 2) if figure.value is not None else UNMEASURED
            it.append(f"{figure.name} {value.it} ({LIMIT.it.format(limit)})")
            en.append(f"{figure.name} {value.en} ({LIMIT.en.format(limit)})")
    word = VERDICT_WORDS[finding.verdict]
    return Words("; ".join(filter(None, it)) or word.it, "; ".join(filter(None, en)) or word.en)


def _filled(words: Words, it: str, en: str) -> Words:
    return Words(words.it.format(it), words.en.format(en))


# ---- outcome -----------------------------------------------------------------------------------
# The command's exit status: 0 passed, 1 failed, 2 incomplete.

PASSED, FAILED, INCOMPLETE = range(3)
VERDICT_STATUS: Final = (Verdict.PASSED, Verdict.FAILED, Verdict.INCOMPLETE)
"""What each status says."""
ALL_PASSED, SOME_FAILED = 0, 1
"""Statuses of pytest; any other one means that it did not come to its end."""


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

LONGEST_SHOWN: Final = 600
"""Characters of a text that came from outside: a modem that babbles does not fill the report."""
MISSING: Final = "–"
VERDICT_WORDS: Final = {
    Verdict.PASSED: Words("superata", "passed"),
    Verdict.FAILED: Words("NON superata", "FAILED"),
    Verdict.NOT_ON_THIS_DEVICE: Words("non su questo apparecchio", "not on this device"),
    Verdict.SKIPPED: Words("saltata", "skipped"),
    Verdict.INCOMPLETE: Words("incompleta", "incomplete"),
}
OUTCOMES: Final = {
    Verdict.PASSED: Words("SUPERATO", "PASSED"),
    Verdict.FAILED: Words("NON SUPERATO", "FAILED"),
    Verdict.INCOMPLETE: Words("INCOMPLETO", "INCOMPLETE"),
}
"""What a whole run may come to."""
SET_UPS: Final = {
    "exchange": Words(
        "centrale simulata: non prova niente di una linea vera",
        "software exchange: no proof about a real line",
    ),
    "two lines": Words("due linee che si chiamano", "two lines that call each other"),
    "one line": Words("una linea, chiamata da una persona", "one line, called by a person"),
}
CLOCKS: Final = {
    "synchronised": Words("sincronizzato", "synchronised"),
    "not synchronised": Words("NON sincronizzato", "NOT synchronised"),
}
UNKNOWN: Final = Words("non noto", "not known")


def clean_text(text: str) -> str:
    """Take what cannot be seen out of a text, and cut it: control and direction characters."""
    seen = "".join("\ufffd" if _is_unseen(c) else c for c in " ".join(text.split()))
    return seen if len(seen) <= LONGEST_SHOWN else seen[:LONGEST_SHOWN] + "…"


def moment_in_words(text: str) -> Words:
    """Write a run's ISO time as people do; what is no time stays as it is, nothing is a dash."""
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        return Words(clean_text(text) or MISSING, "")
    return Words(moment_words(at, "it"), moment_words(at, "en"))


def _is_unseen(character: str) -> bool:
    """Tell what XML forbids or a reader is misled by: Cc, Cf, surrogates, U+FFFE and the like."""
    return unicodedata.category(character) in {"Cc", "Cf", "Cs", "Cn", "Co"}


def figure_text(value: float | None) -> str:
    """Write a figure with four digits that count, without an exponent where people expect none."""
    if value is None:
        return MISSING
    if value and not 1e-3 <= abs(value) < 1e7:
        return f"{value:.3e}"
    return f"{value:.4g}" if abs(value) < 1e4 else f"{value:.0f}"


def limit_text(given: Limit | None) -> str:
    """Write between what a figure must lie."""
    if given is None or (given.low is None and given.high is None):
        return MISSING
    if given.low is None:
        return f"≤ {figure_text(given.high)}"
    if given.high is None:
        return f"≥ {figure_text(given.low)}"
    return f"{figure_text(given.low)} … {figure_text(given.high)}"


def measure_text(figure: Figure) -> str:
    """Write a figure with its unit."""
    unit = clean_text(figure.unit)
    return figure_text(figure.value) + (f" {unit}" if unit and figure.value is not None else "")


# ---- progress ----------------------------------------------------------------------------------
# Progress on the terminal while the suite runs; the ONLY rich import.

OUTCOME_WORDS: Final = {
    "passed": ("green", Words("fatta", "done")),
    "failed": ("bold red", Words("NON superata", "FAILED")),
    "skipped": ("yellow", Words("saltata", "skipped")),
}
TIME_LEFT: Final = Words("mancano circa", "about")
TIME_LEFT_END: Final = Words("", " left")


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
        self.console.print(escape(self._in_language(words)), soft_wrap=True)

    def take(self, message: SuiteMessage) -> None:
        """Show what the suite's process told."""
        match message:
            case SuiteCollected(tests, seconds):
                self._clock.expect(tests, seconds)
                self._bar.update(self._task, total=len(tests))
            case MeasurementBegan(_, it, en):
                self._began = time.monotonic()
                self._now = clean_text(self._in_language(Words(it, en)))
                self._bar.update(self._task, description=escape(self._now))
            case MeasurementStep(it, en):
                step = clean_text(self._in_language(Words(it, en)))
                self.console.print(escape(step), soft_wrap=True)
                self._bar.update(self._task, description=escape(f"{self._now} – {step}"))
            case MeasurementEnded(test, outcome, seconds, it, en):
                self._clock.ended(test, seconds)
                self._bar.advance(self._task)
                colour, words = OUTCOME_WORDS.get(outcome, OUTCOME_WORDS["failed"])
                said = escape(f"{self._in_language(words):<14}{seconds:6.1f} s  {self._now}")
                self.console.print(f"[{colour}]{said}[/]", soft_wrap=True)
                for why in self._in_language(Words(it, en)).splitlines():
                    self.console.print(escape(f"    {clean_text(why)}"), soft_wrap=True)
        self.tick()

    def tick(self) -> None:
        """Let the time left run."""
        left = self._clock.left_s(time.monotonic() - self._began)
        said = ""
        if left is not None and self._clock.waiting:
            before, after = self._in_language(TIME_LEFT), self._in_language(TIME_LEFT_END)
            said = f"{before} {int(left) // 60}:{int(left) % 60:02d}{after}"
        self._bar.update(self._task, left=said)

    def _in_language(self, words: Words) -> str:
        return words.it if self._language == "it" else words.en


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
NO_ANSWER: Final = Words("«{}» non è una risposta.", "“{}” is no answer.")
NOBODY: Final = Words(
    "Nessuno risponde: ciò che chiede una persona viene saltato.",
    "Nobody answers: what asks a person is skipped.",
)


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
        self._say(Words(clean_text(asked.it), clean_text(asked.en)))
        self._say(Words(*HELP))
        if os.isatty(self._descriptor):  # what was typed before the question is no answer to it
            termios.tcflush(self._descriptor, termios.TCIFLUSH)
        while (line := self._line(is_over)) is not None:
            said = " ".join(line.decode("utf-8", "replace").lower().split())
            if (answer := KEYS.get(said)) is not None:
                return answer
            self._say(
                Words(NO_ANSWER.it.format(clean_text(said)), NO_ANSWER.en.format(clean_text(said)))
            )
            self._say(Words(*HELP))
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
