"""Runner of the test suite: `python -m tests.suite test`, `check`, `long`, or names of parts.

`test` takes minutes and comes first, `check` has what else must hold before a change lands, `long`
takes hours. The parts of a tier run side by side as far as the processors allow, each with a log
and a junit file in build/suite/PART. A test that gets a second try waits for it until no other
part runs. The run ends with a table (part, tests, seconds, processor seconds, outcome) and lists
the tests over 10 s that tests/slow.txt does not name and those that passed at a second try only.
Status 1 where a part failed; in `long` also where one of the two lists is not empty.
"""

from __future__ import annotations

import argparse
import contextlib
import fnmatch
import hashlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import IO, Final
from xml.etree import ElementTree

from hw_tests.promises import CONVERSATION, DEFAULT
from tests.helpers.figures import Figures
from tests.image import stamp

ROOT: Final = Path(__file__).resolve().parents[1]
TESTS: Final = ROOT / "tests"
KEPT: Final = ROOT / "build" / "suite"
SLOW: Final = TESTS / "slow.txt"
SLOW_S: Final = 10.0
SECOND_TRIES: Final = 4
"""Failed tests of a part that are tried once more, alone; with more the machine is not to blame."""
SHOWN_LINES: Final = 250
PYTHON_311: Final = ROOT / ".venv-3.11" / "bin" / "python"
UNIT: Final = "not system and not long"
QUICK: Final = f"{UNIT} and not whole"
"""Unit tests of `make test`."""
SYSTEM: Final = "system and not long"
FIRST: Final = f"(promise or journey) and {SYSTEM} and not alone"
"""What `make test` starts real processes for, unless it needs the machine for itself."""
FULL: Final = {"CENTRALINO_EXAMPLES": "full"}
"""Environment of parts that try all examples of property tests; elsewhere they try a sixth."""


@dataclass(frozen=True)
class Pytest:
    """One start of pytest: an expression of marks, files, and how many tests run side by side."""

    marks: str
    paths: tuple[str, ...] = ("tests",)
    workers: int = 0
    options: tuple[str, ...] = ()
    python: str = sys.executable
    before: tuple[str, ...] = ()
    """Words of a programme that starts pytest as its own module (coverage)."""

    def words(self, kept: Path, *, again: bool = False) -> tuple[str, ...]:
        """Return the command; `again` runs what failed in `kept` once more, one at a time."""
        side_by_side = () if again or not self.workers else ("-n", str(self.workers))
        return (
            self.python, *self.before, "-m", "pytest", "-q", "-m", self.marks,
            "-o", f"cache_dir={kept}/cache", f"--junitxml={kept}/junit{'-again' * again}.xml",
            *side_by_side, *(("--lf", "--lfnf=none") if again else ()), *self.paths, *self.options,
        )  # fmt: skip


Command = Pytest | tuple[str, ...]


@dataclass(frozen=True)
class Part:
    """A part of a tier: commands that run one after the other."""

    name: str
    commands: tuple[Command, ...]
    cores: float = 1.0
    """Processors that it keeps busy; one that waits for telephone time needs a part of one."""
    niceness: int = 0
    """What only computes, in virtual time, takes the time that parts with real clocks leave."""
    environment: dict[str, str] = field(default_factory=dict)
    is_tried_again: bool = False
    """Failed tests get a second try: real processes share the machine with whatever else runs."""
    reason_to_skip: Callable[[], str] = str


@dataclass
class Outcome:
    """How a part ended, and what its junit files say of its tests."""

    part: Part
    how: str = "passed"
    seconds: float = 0.0
    cpu_s: float = 0.0
    """Processor time of its commands, and of what they have started and waited for."""
    tests: int = 0
    skipped: int = 0
    second_tries: list[str] = field(default_factory=list)
    slow: list[tuple[float, str]] = field(default_factory=list)

    @property
    def has_failed(self) -> bool:
        """Tell whether the run fails because of it."""
        return self.how.startswith("FAILED")


# --- the parts ---------------------------------------------------------------------------------


def files_with(*marks: str) -> tuple[str, ...]:
    """List the test files that use one of the marks: collecting the others takes seconds."""
    used = re.compile(rf"\bmark\.(?:{'|'.join(marks)})\b")
    found = (path for path in sorted(TESTS.rglob("test_*.py")) if used.search(path.read_text()))
    return tuple(str(path.relative_to(ROOT)) for path in found)


def spread(paths: Iterable[str]) -> tuple[str, ...]:
    """Order test files so that neighbours differ: those of a folder keep the processors busy
    together, or wait for telephone time together.
    """
    return tuple(sorted(paths, key=lambda path: hashlib.sha256(path.encode()).hexdigest()))


def outside(paths: Iterable[str], *folders: str) -> tuple[str, ...]:
    """Leave out the files below some folders of tests/."""
    prefixes = tuple(f"tests/{folder}/" for folder in folders)
    return tuple(path for path in paths if not path.startswith(prefixes))


def no_python_311() -> str:
    """Say that Python 3.11 is missing, or nothing."""
    return "" if PYTHON_311.exists() else "no python3.11 on this machine"


def image_has_passed() -> str:
    """Say that this very content of the image has passed its boots, or nothing."""
    return stamp.passed(ROOT)


def module(name: str, *words: str) -> tuple[str, ...]:
    """Return the command that runs a module."""
    return (sys.executable, "-m", name, *words)


def test_parts() -> tuple[Part, ...]:
    """Parts of `make test`: it answers in minutes, and starts real processes for each promise."""
    first = spread(files_with("promise", "journey"))
    return (
        Part("processes", (Pytest(FIRST, first, workers=3),), 0.5,
             is_tried_again=True),
        Part("lint", (module("ruff", "check", "."), module("ruff", "format", "--check", "."),
                      module("mypy")), 0.5, niceness=10),
        Part("unit", (Pytest(QUICK, workers=2),), niceness=10),
    )  # fmt: skip


PURE: Final = "appliance/policy/*,appliance/calls/*,appliance/dsp/*,appliance/modem/v253.py"
"""What may not have a branch that its tests leave out."""
PURE_TESTS: Final = ("tests/policy", "tests/calls", "tests/dsp", "tests/modem", "tests/stories")
"""Tests of the pure packages themselves: they take two minutes, all unit tests half an hour."""


def coverage_part() -> Part:
    """Return the branch coverage of the pure packages by their own tests, which must be whole.

    A branch that only the tests of another package enter is missing here: it needs a test that
    states its requirement beside the others of its package.
    """
    tests = Pytest(UNIT, PURE_TESTS, before=("-m", "coverage", "run"))
    report = ("report", "--fail-under=100", "--show-missing", "--skip-covered", f"--include={PURE}")
    commands = (module("coverage", "erase"), tests, module("coverage", *report))
    return Part("coverage", commands, 0.5, niceness=10)


MESSAGES: Final = ",".join(name for name in DEFAULT if name not in CONVERSATION)
"""What a line is for that only takes messages, as a half-duplex modem's does."""


def field_test(dialect: str, needs: str = "") -> Part:
    """Return the field test's suite on the simulated exchange with one make of modem, whose lines
    are for what `needs` names, else for conversations.
    """
    options = ("--dialect", dialect, "--findings", f"build/field-test/{dialect}")
    used = ("--needs-a", needs, "--needs-b", needs) if needs else ()
    command = Pytest("", ("hw_tests",), options=(*options, *used))
    return Part(f"field-{dialect}", (command,), 0.25, is_tried_again=True)


def check_parts() -> tuple[Part, ...]:
    """Parts of `make check`: what else must hold before a change lands."""
    seconds = os.environ.get("FUZZ_SECONDS", "10")
    others = f"{SYSTEM} and not ({FIRST})"
    files = spread(outside(files_with("system"), "console", "packaging", "image"))
    benches = tuple(path for path in files if path.startswith("tests/journeys/test_tester_"))
    return (
        # Two emulated machines: beside what starts many processes their clocks run out.
        Part("boots", (Pytest(SYSTEM, ("tests/image",), 2, ("--dist=loadfile",)),
                       module("tests.image.stamp", "--passed")), 1.5, is_tried_again=True,
             reason_to_skip=image_has_passed),
        # Four at a time keep a processor and a half busy: with browsers beside them both are late.
        Part("system",
             (Pytest(f"{others} and not alone", tuple(p for p in files if p not in benches), 4),),
             1.5, is_tried_again=True),
        coverage_part(),
        Part("whole", (Pytest(f"{UNIT} and whole", files_with("whole"), 2),), niceness=10),
        # What decides; the rest of the unit tests by that version is a part of `long`.
        Part("python-3.11", (Pytest(UNIT, (*PURE_TESTS, "tests/sip"), 2, python=str(PYTHON_311)),),
             0.5, niceness=10, reason_to_skip=no_python_311),
        field_test("conexant"),
        field_test("usr5637", MESSAGES),
        # Field tests, too: six minutes each, spent in waiting.
        Part("benches", (Pytest(others, benches, 3),), 0.5, is_tried_again=True),
        Part("console", (("scripts/wapiti.sh",), Pytest(others, ("tests/console",), 3)), 1.5,
             is_tried_again=True),
        Part("packaging", (Pytest(SYSTEM, ("tests/packaging",)),), 0.5, is_tried_again=True),
        Part("units", (("scripts/verify_units.sh",),), 0.5),
        Part("fuzz", (module("tests.fuzz", "--seconds", seconds),), 2.0),
        Part("alone", (Pytest(f"{others} and alone", files_with("alone")),), 2.0,
             is_tried_again=True),
    )  # fmt: skip


def long_parts() -> tuple[Part, ...]:
    """Parts of `make long`, one after the other: minutes to hours."""
    seed, minutes = os.environ.get("SEED", "1"), os.environ.get("MINUTES", "60")
    seconds = os.environ.get("FUZZ_SECONDS", "600")
    whole = ("faults", "soak", "image")
    older = Pytest(UNIT, workers=2, python=str(PYTHON_311))
    return tuple(
        Part(name, commands, 2.0, environment=FULL)
        for name, commands in (
            ("every-example", (Pytest(UNIT, workers=2),)),
            ("whole-3.11", (older,)),
            ("long-faults", (Pytest("long", ("tests/faults",)),)),
            ("soaks", (Pytest("long", ("tests/soak",)),)),
            ("long-tests", (("scripts/kernel.sh",), ("scripts/wapiti.sh",),
                            Pytest("long", outside(files_with("long"), *whole)))),
            ("long-image", (Pytest("system or long", ("tests/image",)),)),
            ("answering", (module("tests.bench", "--only", "answering", "--calls", "500"),)),
            ("soak", (module("tests.soak", "--calls", "2000", "--seed", seed),)),
            ("hour", (module("tests.soak.real", "--minutes", minutes, "--seed", seed),)),
            ("year", (module("tests.year", "--seed", seed),)),
            ("long-fuzz", (module("tests.fuzz", "--seconds", seconds),)),
        )
    )  # fmt: skip


TIERS: Final = {"test": test_parts, "check": check_parts, "long": long_parts}


FAULTS: Final = (
    "tests/faults", "tests/system/test_hot_plug.py", "tests/system/test_wedged.py",
    "tests/mail/test_real_server.py", "tests/policy/test_dialling.py", "tests/fuzz/test_kept.py",
    "tests/console/attack/test_entries.py", "tests/soak/test_offline.py", "tests/soak/test_soak.py",
)  # fmt: skip
"""Tests that inject a fault and say in a line of figures what came of it (docs/reliability.md)."""


def field_sets_part() -> Part:
    """Return the whole sets of broken and of healthy lines, each measured by the field test."""
    return Part("field-sets", (Pytest("", ("tests/hw_tests/test_sets.py",), 2),), 1.0)


def faults_part() -> Part:
    """Return all short tests of faults, which `make check` runs among the others."""
    return Part("faults", (Pytest("not long", FAULTS, 6),), 2.0)


# --- running -----------------------------------------------------------------------------------


Quiet = Callable[[Part], contextlib.AbstractContextManager[None]]
"""While it is entered no other part runs."""


def _at_once(_part: Part) -> contextlib.AbstractContextManager[None]:
    return contextlib.nullcontext()


def run(part: Part, *, is_shown: bool = False, quiet: Quiet = _at_once) -> Outcome:
    """Run a part's commands until one fails; failed tests may get their second try."""
    outcome, kept = Outcome(part), KEPT / part.name
    if reason := part.reason_to_skip():
        outcome.how = f"left out: {reason}"
        return outcome
    shutil.rmtree(kept, ignore_errors=True)
    kept.mkdir(parents=True)
    began = time.monotonic()
    with (
        (kept / "log").open("w", encoding="utf-8") as log,
        tempfile.TemporaryDirectory(prefix="ct-", ignore_cleanup_errors=True) as room,
    ):
        # Its own: a start of pytest closes the common folder to servers under another user.
        Path(room).chmod(0o755)
        part = replace(part, environment={"PYTEST_DEBUG_TEMPROOT": room, **part.environment})
        for command in part.commands:
            if status := _run_command(
                command, part, kept, log, is_shown=is_shown, outcome=outcome, quiet=quiet
            ):
                outcome.how = f"FAILED ({status})"
                break
    outcome.seconds = time.monotonic() - began
    for file in sorted(kept.glob("junit*.xml")):
        _read(file, outcome)
    return outcome


def _run_command(
    command: Command, part: Part, kept: Path, log: IO[str], *,
    is_shown: bool, outcome: Outcome, quiet: Quiet,
) -> int:  # fmt: skip
    if not isinstance(command, Pytest):
        return _start(command, part, kept, log, is_shown=is_shown, outcome=outcome)
    status = _start(command.words(kept), part, kept, log, is_shown=is_shown, outcome=outcome)
    failed = _failed_tests(kept) if status == 1 and part.is_tried_again else []
    if not 0 < len(failed) <= SECOND_TRIES:
        return status
    # Beside other parts it would be the same haste again: alone it tells haste from a fault.
    with quiet(part):
        again = command.words(kept, again=True)
        status = _start(again, part, kept, log, is_shown=is_shown, outcome=outcome)
    failed_again = _failed_tests(kept) if status else []
    outcome.second_tries = [test for test in failed if test not in failed_again]
    return status


def _start(
    words: Sequence[str], part: Part, kept: Path, log: IO[str], *, is_shown: bool, outcome: Outcome
) -> int:
    log.write(f"$ {' '.join(words)}\n")
    log.flush()
    nicely = ("nice", "-n", str(part.niceness)) if part.niceness else ()
    environment = {**os.environ, "FIGURES": str(kept / "figures"), **part.environment}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)  # each box would compile the product anew
    with subprocess.Popen(
        (*nicely, *words), cwd=ROOT, env=environment, text=True,
        errors="replace", stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    ) as process:  # fmt: skip
        assert process.stdout is not None
        for line in process.stdout:
            log.write(line)
            if is_shown:
                say(line.rstrip("\n"))
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    outcome.cpu_s += used.ru_utime + used.ru_stime
    return process.returncode


def _failed_tests(kept: Path) -> list[str]:
    """Read which tests failed from the cache of pytest."""
    file = kept / "cache" / "v" / "cache" / "lastfailed"
    return list(json.loads(file.read_text(encoding="utf-8"))) if file.exists() else []


def _read(file: Path, outcome: Outcome) -> None:
    """Add what a junit file says; tests of a second try are counted already."""
    for case in ElementTree.parse(file).iter("testcase"):
        if "again" not in file.name:
            outcome.tests += 1
            outcome.skipped += case.find("skipped") is not None
        if (seconds := float(case.get("time", "0"))) > SLOW_S:
            folder, _, name = case.get("classname", "").replace(".", "/"), "", case.get("name", "")
            outcome.slow.append((seconds, f"{folder}.py::{name}"))


class Side:
    """Parts side by side, in their order, as long as there are processors for the next one."""

    def __init__(self, parts: Sequence[Part], cores: float) -> None:
        self.parts, self.cores = parts, cores
        self.outcomes: list[Outcome] = []
        self._left = list(parts)
        # Processors of each part that runs; 0 while it waits for its second try.
        self._held: dict[str, float] = {}
        self._changed = threading.Condition()

    def run(self) -> list[Outcome]:
        """Run all parts; returns how they ended, in the order of the parts."""
        with self._changed:
            while self._left or self._held:
                while (part := self._next()) is not None:
                    self._held[part.name] = part.cores
                    threading.Thread(target=self._one, args=(part,)).start()
                self._changed.wait()
        order = {part.name: number for number, part in enumerate(self.parts)}
        return sorted(self.outcomes, key=lambda outcome: order[outcome.part.name])

    def _next(self) -> Part | None:
        for part in self._left:
            busy = sum(self._held.values())
            if not busy or busy + part.cores <= self.cores:
                self._left.remove(part)
                return part
        return None

    def _one(self, part: Part) -> None:
        outcome = run(part, is_shown=len(self.parts) == 1, quiet=self._quiet)
        with self._changed:
            del self._held[part.name]
            self.outcomes.append(outcome)
            _tell(outcome, is_shown=len(self.parts) == 1)
            self._changed.notify_all()

    @contextlib.contextmanager
    def _quiet(self, part: Part) -> Iterator[None]:
        """Wait until every other part has ended, or waits here too; then keep the machine."""
        with self._changed:
            self._held[part.name] = 0.0
            self._changed.notify_all()
            self._changed.wait_for(lambda: not self._left and not any(self._held.values()))
            self._held[part.name] = self.cores
        yield


# --- what is shown -----------------------------------------------------------------------------


def say(line: str = "") -> None:
    """Write a line at once."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def _tell(outcome: Outcome, *, is_shown: bool) -> None:
    """Say that a part has ended; where it failed, show the end of its log."""
    if outcome.has_failed and not is_shown:
        log = (KEPT / outcome.part.name / "log").read_text(encoding="utf-8").splitlines()
        say("\n".join((f"=== {outcome.part.name}", *log[-SHOWN_LINES:])))
    say(f"{outcome.part.name}: {outcome.how}, {outcome.seconds:.0f} s")


def table(outcomes: Sequence[Outcome], seconds: float) -> str:
    """Return the table that ends a run."""
    rows = [
        (each.part.name, f"{each.tests or ''}", f"{each.seconds:.0f}", f"{each.cpu_s:.0f}",
         _words(each))
        for each in outcomes
    ]  # fmt: skip
    tests, cpu_s = (sum(sums) for sums in zip(*((e.tests, e.cpu_s) for e in outcomes), strict=True))
    rows += [("together", str(tests), f"{seconds:.0f}", f"{cpu_s:.0f}", "")]
    return "\n".join(
        f"{name:<18} {tests:>6} {took:>8} {cpu:>6}  {how}".rstrip()
        for name, tests, took, cpu, how in (("part", "tests", "seconds", "cpu s", "outcome"), *rows)
    )


def _words(outcome: Outcome) -> str:
    skipped = f", {outcome.skipped} skipped" if outcome.skipped else ""
    again = f", {len(outcome.second_tries)} at a second try" if outcome.second_tries else ""
    return outcome.how + skipped + ("" if outcome.has_failed else again)


def _keep_figures(files: Iterable[Path]) -> None:
    """Write what tests of faults have measured into build/faults.txt, by the number of the case."""
    texts = [file.read_text("utf-8") for file in files if file.exists()]
    figures = Figures([line for text in texts for line in text.splitlines()])
    kept = ROOT / "build" / "faults.txt"
    kept.parent.mkdir(exist_ok=True)
    kept.write_text(figures.text(), encoding="utf-8")


def named_slow(text: str) -> list[str]:
    """Read the patterns of tests/slow.txt: a test, or all that begin like `name*`, and a reason."""
    lines = (line.split(maxsplit=1) for line in text.splitlines() if line and line[0] != "#")
    return [words[0] for words in lines if len(words) == 2]


def unnamed_slow(outcomes: Iterable[Outcome], patterns: Sequence[str]) -> list[str]:
    """List the tests that took over 10 s without being named in tests/slow.txt."""
    escaped = [pattern.replace("[", "[[]") for pattern in patterns]
    return [
        f"{seconds:6.1f} s  {test}"
        for outcome in outcomes
        for seconds, test in sorted(outcome.slow, reverse=True)
        if not any(fnmatch.fnmatchcase(test, pattern) for pattern in escaped)
    ]


def chosen(words: Sequence[str]) -> list[Part]:
    """Return the parts of the tiers and the parts that are named. Raises SystemExit."""
    every = {part.name: part for tier in TIERS.values() for part in tier()}
    every |= {"faults": faults_part(), "field-sets": field_sets_part()}
    parts: dict[str, Part] = {}
    for word in words:
        found = TIERS[word]() if word in TIERS else (every[word],) if word in every else ()
        if not found:
            raise SystemExit(f"there is no part {word}; there are: {', '.join([*TIERS, *every])}")
        parts |= {part.name: part for part in found}
    return list(parts.values())


def main(words: Sequence[str]) -> int:
    """Run the tiers and parts that are named; returns the status."""
    parser = argparse.ArgumentParser(prog="python -m tests.suite", description=__doc__)
    parser.add_argument("part", nargs="+", help="test, check, long, or names of parts")
    parser.add_argument("--cores", type=float, default=float(os.cpu_count() or 1))
    asked = parser.parse_args(words)
    # A shell's background job ignores it, and so would each programme that a test ends by it.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    parts, began = chosen(asked.part), time.monotonic()
    KEPT.mkdir(parents=True, exist_ok=True)
    outcomes = Side(parts, asked.cores).run()
    again = [test for outcome in outcomes for test in outcome.second_tries]
    slow = unnamed_slow(outcomes, named_slow(SLOW.read_text(encoding="utf-8")))
    for title, lines in (
        ("passed only at a second try (tests/flaky.txt wants the cause):", again),
        ("over 10 s, not in tests/slow.txt:", slow),
    ):
        if lines:
            say("\n".join(("", title, *lines)))
    figures = (each.part.name for each in outcomes)
    _keep_figures(KEPT / name / "figures" for name in figures)
    text = table(outcomes, time.monotonic() - began)
    say(f"\n{text}")
    (KEPT / "table").write_text(f"{text}\n", encoding="utf-8")
    is_strict = "long" in asked.part
    return int(any(each.has_failed for each in outcomes) or (is_strict and bool(again or slow)))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
