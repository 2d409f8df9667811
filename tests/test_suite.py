"""The runner of the suite: what it runs, what it says, and when it fails."""

from __future__ import annotations

import ast
import re
import signal
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from tests import suite
from tests.suite import Outcome, Part, Pytest, Side

PROMISES = {f"P{n}" for n in range(1, 10)} | {f"B{n}" for n in range(1, 9)}
GOOD, BAD = (sys.executable, "-c", ""), (sys.executable, "-c", "raise SystemExit(3)")


@pytest.fixture(autouse=True)
def kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a folder of this test for logs and junit files."""
    monkeypatch.setattr(suite, "KEPT", tmp_path / "suite")
    (tmp_path / "suite").mkdir()
    return tmp_path / "suite"


def nested(test: Path, *, is_tried_again: bool) -> Part:
    """Return a part that is one file of tests, run by a bare pytest of its own."""
    command = Pytest("", (str(test),), options=(f"--rootdir={test.parent}",))
    bare = {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "PYTEST_ADDOPTS": "-c /dev/null"}
    return Part("nested", (command,), environment=bare, is_tried_again=is_tried_again)


def flaky(tmp_path: Path, failures: int, *, is_tried_again: bool = True) -> Part:
    """Return a part of six tests, some of which fail when they are run for the first time."""
    test = tmp_path / "test_first_run_fails.py"
    test.write_text(
        "import pathlib, pytest\n"
        "@pytest.mark.parametrize('n', range(6))\n"
        "def test_it(n):\n"
        f"    seen = pathlib.Path({str(tmp_path)!r}) / f'seen{{n}}'\n"
        "    was_there = seen.exists()\n"
        "    seen.touch()\n"
        f"    assert was_there or n >= {failures}\n",
        encoding="utf-8",
    )
    return nested(test, is_tried_again=is_tried_again)


def test_a_failed_command_fails_its_part_and_ends_it(kept: Path) -> None:
    """The status is kept, later commands are not run, the log says what was run."""
    outcome = suite.run(Part("two", (BAD, (sys.executable, "-c", "print('later')"))))
    assert (outcome.how, outcome.has_failed) == ("FAILED (3)", True)
    log = (kept / "two" / "log").read_text(encoding="utf-8")
    assert "SystemExit(3)" in log
    assert "later" not in log


@pytest.mark.whole
def test_a_test_that_passes_alone_is_named(tmp_path: Path) -> None:
    """A second try passes, and is told: it never looks like a first one."""
    outcome = suite.run(flaky(tmp_path, 1))
    assert (outcome.how, outcome.tests) == ("passed", 6)
    assert [test.partition("::")[2] for test in outcome.second_tries] == ["test_it[0]"]
    assert "1 at a second try" in suite.table([outcome], 1.0)


@pytest.mark.whole
@pytest.mark.parametrize(("failures", "is_tried_again"), [(5, True), (1, False)])
def test_what_is_not_tried_again(tmp_path: Path, failures: int, is_tried_again: bool) -> None:
    """More than four failures are nobody's haste, and a part of unit tests has no second try."""
    outcome = suite.run(flaky(tmp_path, failures, is_tried_again=is_tried_again))
    assert outcome.has_failed
    assert outcome.second_tries == []


@pytest.mark.whole
def test_a_test_that_fails_twice_fails_the_part(tmp_path: Path) -> None:
    """A second try is no way to green for what is broken."""
    test = tmp_path / "test_broken.py"
    test.write_text("def test_it():\n    assert False\n", encoding="utf-8")
    outcome = suite.run(nested(test, is_tried_again=True))
    assert outcome.has_failed
    assert outcome.second_tries == []
    assert suite.table([outcome], 1.0).count("second try") == 0


@pytest.mark.whole
def test_long_fails_for_a_second_try_and_for_a_slow_test(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """`make test` names both and passes, `make long` does not pass."""
    part = flaky(tmp_path, 1)
    monkeypatch.setattr(suite, "TIERS", {"test": lambda: (part,), "long": lambda: (part,)})
    for tier, status in (("test", 0), ("long", 1)):
        for seen in tmp_path.glob("seen*"):
            seen.unlink()
        assert suite.main([tier]) == status
        assert "passed only at a second try" in capsys.readouterr().out


def test_an_interruption_reaches_what_a_test_started(monkeypatch: pytest.MonkeyPatch) -> None:
    """A suite that a shell runs in the background ignores SIGINT; its programmes must not."""
    ignores = "import signal; raise SystemExit(signal.getsignal(signal.SIGINT) is signal.SIG_IGN)"
    part = Part("asked", ((sys.executable, "-c", ignores),))
    monkeypatch.setattr(suite, "TIERS", {"test": lambda: (part,)})
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        assert suite.run(part).how == "FAILED (1)"
        assert suite.main(["test"]) == 0
    finally:
        signal.signal(signal.SIGINT, before)


def test_a_part_that_cannot_run_here_is_left_out_with_its_reason() -> None:
    """The table says so; it is no failure."""
    outcome = suite.run(Part("other", (BAD,), reason_to_skip=lambda: "no python3.11 here"))
    assert not outcome.has_failed
    assert "left out: no python3.11 here" in suite.table([outcome], 0.0)


def test_parts_share_the_processors() -> None:
    """All parts run, one that wants more than there is runs alone, in the order of the table."""
    parts = [Part("a", (GOOD,)), Part("b", (GOOD,), 9.0), Part("c", (BAD,), 0.5)]
    outcomes = Side(parts, cores=2.0).run()
    assert [(each.part.name, each.how) for each in outcomes] == [
        ("a", "passed"), ("b", "passed"), ("c", "FAILED (3)"),
    ]  # fmt: skip


@pytest.mark.whole
def test_a_second_try_waits_until_no_other_part_runs(tmp_path: Path) -> None:
    """A test that failed beside other parts is tried again when they have ended, in its turn."""
    said = tmp_path / "said"
    slow = f"import time; time.sleep(1.0); open({str(said)!r}, 'a').write('other ended,')"
    (tmp_path / "f").mkdir()
    (tmp_path / "g").mkdir()
    tried = [replace(flaky(tmp_path / name, 1), name=name) for name in ("f", "g")]
    for name in ("f", "g"):
        test = tmp_path / name / "test_first_run_fails.py"
        test.write_text(
            test.read_text(encoding="utf-8").replace(
                "    seen.touch()\n",
                "    seen.touch()\n"
                f"    if was_there: open({str(said)!r}, 'a').write('{name} again,')\n",
            ),
            encoding="utf-8",
        )
    parts = [*tried, Part("other", ((sys.executable, "-c", slow),), 0.5)]
    outcomes = Side(parts, cores=3.0).run()
    assert [each.how for each in outcomes] == ["passed"] * 3
    ended, *again = said.read_text(encoding="utf-8").split(",")
    assert ended == "other ended"
    assert sorted(again) == ["", "f again", "g again"]


def test_slow_tests_must_be_named() -> None:
    """A test over 10 s is listed unless slow.txt names it, or the beginning of its name."""
    outcome = Outcome(Part("a", (GOOD,)))
    outcome.slow = [(12.0, "tests/a.py::test_x[1]"), (31.0, "tests/b.py::test_y")]
    patterns = suite.named_slow("# header\ntests/a.py::*  rings for 10 s\ntests/b.py::test_y\n")
    assert patterns == ["tests/a.py::*"]  # a name without a reason names nothing
    assert suite.unnamed_slow([outcome], patterns) == ["  31.0 s  tests/b.py::test_y"]
    assert suite.unnamed_slow([outcome], ["tests/a.py::test_x[1]", "tests/b*"]) == []


def test_slow_tests_are_read_from_junit(kept: Path) -> None:
    """A case's time is its set-up, call and end; a second try is not counted twice."""
    (kept / "junit.xml").write_text(
        '<testsuites><testsuite><testcase classname="tests.a.test_b" name="test_c" time="10.5"/>'
        '<testcase classname="tests.a.test_b" name="test_d" time="1"><skipped/></testcase>'
        "</testsuite></testsuites>",
        encoding="utf-8",
    )
    outcome = Outcome(Part("a", (GOOD,)))
    suite._read(kept / "junit.xml", outcome)
    (kept / "junit.xml").rename(kept / "junit-again.xml")
    suite._read(kept / "junit-again.xml", outcome)
    assert (outcome.tests, outcome.skipped) == (2, 1)
    assert outcome.slow[0] == (10.5, "tests/a/test_b.py::test_c")


def test_an_unknown_part_is_refused_with_the_known_ones() -> None:
    """A slip of the hand runs nothing."""
    with pytest.raises(
        SystemExit, match=r"no part consol; there are: test, check, long, .*console"
    ):
        suite.chosen(["consol"])


def test_the_pure_packages_are_held_by_their_own_tests() -> None:
    """The part runs the folder of each package that it reports on, and no other package's.

    The stories are played by call control alone, and belong to it.
    """
    report = {each.split("/")[1] for each in suite.PURE.split(",")}
    assert set(suite.PURE_TESTS) == {f"tests/{package}" for package in (*report, "stories")}
    assert all((suite.ROOT / folder).is_dir() for folder in suite.PURE_TESTS)
    measured = [c for c in suite.coverage_part().commands if isinstance(c, Pytest)]
    assert [command.paths for command in measured] == [suite.PURE_TESTS]


def test_every_system_test_belongs_to_a_part_of_make_check() -> None:
    """No file of system tests is left out of `make test` and `make check`."""
    commands = [
        command
        for part in (*suite.test_parts(), *suite.check_parts())
        for command in part.commands
        if isinstance(command, Pytest)
    ]
    paths = {path for command in commands for path in command.paths if "system" in command.marks}
    left_out = [
        file
        for file in suite.files_with("system")
        if not any(file == path or file.startswith(f"{path}/") for path in paths)
    ]
    assert left_out == []


def promises_shown(source: str) -> set[str]:
    """Return the codes of every mark `promise` in a test file."""
    return {
        argument.value
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr == "promise"
        for argument in node.args
        if isinstance(argument, ast.Constant) and isinstance(argument.value, str)
    }


def test_make_test_shows_every_promise_on_real_processes() -> None:
    """P1 to P9 and B1 to B8 each have a system test that `make test` runs."""
    files = [suite.ROOT / name for name in suite.files_with("promise")]
    assert all(re.search(r"mark\.system", file.read_text(encoding="utf-8")) for file in files)
    shown = {code for file in files for code in promises_shown(file.read_text(encoding="utf-8"))}
    assert shown == PROMISES


def test_a_promise_without_a_test_is_seen() -> None:
    """Marks are read from the code, not from words about them."""
    mark = "mark." + "promise"  # not this file's own
    assert promises_shown(f'@pytest.{mark}("P1", "B2")\ndef test_x(): pass') == {"P1", "B2"}
    assert promises_shown(f'"""{mark}("P3")"""') == set()


def test_the_lists_name_tests_that_exist() -> None:
    """slow.txt and flaky.txt name files that are there, each line with its reason."""
    for name in ("slow.txt", "flaky.txt"):
        lines = (suite.TESTS / name).read_text(encoding="utf-8").splitlines()
        named = [line for line in lines if line and not line.startswith("#")]
        assert [line for line in named if len(line.split(maxsplit=1)) < 2] == []
        files = {re.split(r"::|\*", line.split()[0])[0] for line in named}
        assert [file for file in files if not list(suite.ROOT.glob(f"{file}*"))] == []
