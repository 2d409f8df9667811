"""`line field-test`: its status, its questions, and that nothing is left off hook or down."""

from __future__ import annotations

import os
import re
import signal
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from appliance.fieldtest import report
from appliance.simulator.exchange import process
from appliance.text import LANGUAGES
from hw_tests import findings
from hw_tests.findings import Verdict
from tests.fieldtest import small
from tests.fieldtest.small import done, start, suite
from tests.helpers.box import Box

if TYPE_CHECKING:
    from collections.abc import Iterator


pytestmark = pytest.mark.system

PASSES = "def test_it(notes):\n    'One thing.'\n    notes.found(Verdict.PASSED)\n"
FAILS = "def test_it(notes):\n    'One thing.'\n    notes.found(Verdict.FAILED)\n    assert False\n"
DIES = PASSES + "    os.kill(os.getpid(), signal.SIGKILL)\n"
ASKS = """
def test_it(notes, pytestconfig):
    from appliance.fieldtest.person import PERSON
    from appliance.text import written
    person = pytestconfig.stash[PERSON]
    worked = []
    what = written({"it": "Il LED lampeggia?", "en": "Does the LED flash?"})
    told = [person.ask(what, lambda: worked.append(1)).value for _ in range(3)]
    assert worked
    person.tell(written({"it": "Alzarlo ora.", "en": "Lift it now."}))
    notes.found(Verdict.PASSED if told == ["ok", "repeat", "no"] else Verdict.FAILED)
"""


@pytest.mark.parametrize(
    ("test", "status", "said"),
    [
        (FAILS, 1, "Result: FAILED"),
        (DIES, 2, "Result: INCOMPLETE"),
        pytest.param("import nothing_of_this_name\n", 2, "no report of", marks=pytest.mark.long),
    ],
    ids=["fails", "dies", "cannot be read"],
)
def test_the_status_tells_how_it_ended(test: str, status: int, said: str, tmp_path: Path) -> None:
    """0 passed, 1 failed, 2 incomplete: also where the suite itself broke or was killed."""
    found = done(tmp_path, suite(tmp_path, test))
    assert (found[0], said in found[1]) == (status, True), found[1]


def test_the_report_is_of_whom_it_says(tmp_path: Path) -> None:
    """Site and tester reach the report; it can be written anew from its folder."""
    place = suite(tmp_path, PASSES)
    done(tmp_path, place, "--site", "Municipio", "--tester", "M. Bianchi")
    run = findings.read(tmp_path / "out")
    assert (run.site, run.tester) == ("Municipio", "M. Bianchi")
    names = [name(each) for each in LANGUAGES for name in (report.html_name, report.pdf_name)]
    written = [tmp_path / "out" / name for name in (*names, report.JUNIT)]
    before = written[0].read_bytes()
    for path in written:
        path.unlink()
    status, said = small.field_test("--report", str(tmp_path / "out"))
    assert status == 0, said
    assert all(path.exists() for path in written)
    assert written[0].read_bytes() == before


@pytest.mark.promise("B8")
def test_simulated_lines_are_measured_and_the_report_can_be_signed(tmp_path: Path) -> None:
    """B8: a part of the real suite on the software exchange: each figure with its limit, on both
    lines, in a report with a place for the tester's signature; what was not measured is told.
    """
    out = tmp_path / "out"
    status, said = small.field_test(
        "--out", str(out), "--site", "Municipio", "--tester", "M. Bianchi", "--", "-k",
        "unit or line_voltage",
    )  # fmt: skip
    assert status == 2, said
    assert "Result: INCOMPLETE" in said
    measured = {(each.key, each.line): each for each in findings.read(out).findings}
    assert set(measured) == {(key, line) for key in ("unit", "line_voltage") for line in "AB"}
    assert {each.verdict for each in measured.values()} == {Verdict.PASSED}
    voltages = [measured["line_voltage", line].figures[0] for line in "AB"]
    assert all(figure.limit for figure in voltages)
    for language, words in {"it": "Per il collaudo:", "en": "For the test:"}.items():
        page = (out / report.html_name(language)).read_text(encoding="utf-8")
        assert all(text in page for text in (words, "M. Bianchi", "Municipio"))
        assert (out / report.pdf_name(language)).read_bytes().startswith(b"%PDF")


def test_a_person_answers_through_a_pipe(tmp_path: Path) -> None:
    """A test's questions reach whoever reads, and the answers the test."""
    status, said = done(tmp_path, suite(tmp_path, ASKS), typed="\nwhat?\nr\nn\n")
    assert status == 0, said
    assert said.count("Does the LED flash?") == 3
    assert "“what?” is no answer." in said
    assert "Lift it now." in said


def test_what_is_missing_is_one_sentence(tmp_path: Path) -> None:
    """A port that is not there, half a pair of lines, a folder that is: said, nothing begun."""
    place = suite(tmp_path, PASSES)
    gone = ("--line-a", str(tmp_path / "x"), "--one-line")
    status, said = done(tmp_path, place, *gone)
    assert (status, "does not exist" in said) == (2, True), said
    assert not (tmp_path / "out").exists()
    (tmp_path / "out").mkdir()
    status, said = done(tmp_path, place)
    assert (status, "new folder" in said) == (2, True), said


# --- a running service ---------------------------------------------------------------------------

HANGS = """
def test_it(notes, off_hook):
    'Something long.'
    notes.found(Verdict.PASSED)
    open(notes.folder / 'begun', 'w').close()
    time.sleep(600)
"""
LEAVES = """
def test_it(notes, off_hook):
    'Leaves the line off hook.'
    notes.found(Verdict.PASSED)
"""
KILLED = LEAVES + "    os.kill(os.getpid(), signal.SIGKILL)\n"


@pytest.fixture(scope="module")
def box(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Box]:
    """A box whose call control was started by hand and holds the ports."""
    with Box(tmp_path_factory.mktemp("box"), counters=()) as made:
        yield made


@pytest.fixture(autouse=True)
def _no_call_control_is_left(request: pytest.FixtureRequest) -> Iterator[None]:
    """End call control that the command has started again: nobody else would."""
    yield
    if "box" in request.fixturenames:
        made: Box = request.getfixturevalue("box")
        for pid in call_controls(made):
            os.kill(pid, signal.SIGTERM)
        made.wait_until(lambda: not call_controls(made), 30.0, "call control does not end")


def call_controls(box: Box) -> list[int]:
    """Return the processes that are this box's call control."""
    found = []
    for place in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = place.read_bytes().split(b"\0")
        except OSError:
            continue
        if b"run" in words and str(box.config_path).encode() in words:
            found.append(int(place.parent.name))
    return found


def field_test(box: Box, folder: Path, test: str) -> subprocess.Popen[str]:
    """Start the command on the box's two lines, its call control running."""
    if not call_controls(box):
        box.start()
    return start(folder, suite(folder, test), *lines_of(box))


def lines_of(box: Box) -> tuple[str, ...]:
    """Name a box's lines as the command's options do."""
    return ("--line-a", f"{box.folder}/lines/line1", "--line-b", f"{box.folder}/lines/line2",
            "--number-a", "201", "--number-b", "202")  # fmt: skip


def is_restored(box: Box) -> bool:
    """Tell whether call control serves again, every line idle; the exchange's word for on hook."""
    lines = process.ask_status(box.folder / "lines")["lines"]
    assert isinstance(lines, list)
    return box.is_idle() and not any(line["off_hook"] for line in lines)


def restored(box: Box) -> None:
    """Wait until all is as before."""
    box.daemon = None  # that one was stopped; the one that serves is nobody's child
    box.wait_until(lambda: is_restored(box), 60.0, "the service was not restored")
    assert len(call_controls(box)) == 1


@pytest.mark.parametrize(
    ("test", "status"),
    [pytest.param(LEAVES, 0, marks=pytest.mark.long), (KILLED, 2)],
    ids=["ends", "killed"],
)
def test_the_service_is_stopped_and_restored(
    test: str, status: int, box: Box, tmp_path: Path
) -> None:
    """While the lines are tested call control is away; then it serves, and the line is on hook."""
    child = field_test(box, tmp_path, test)
    said, _ = child.communicate("", timeout=120)
    assert child.returncode == status, said
    assert "Stopped, and started again after" in said
    assert len(re.findall("the line is on hook", said)) == 2
    assert "In service again" in said
    restored(box)


@pytest.mark.parametrize(
    "number",
    [
        signal.SIGINT,
        signal.SIGKILL,
        pytest.param(signal.SIGTERM, marks=pytest.mark.long),
        pytest.param(signal.SIGHUP, marks=pytest.mark.long),
    ],
    ids=["SIGINT", "SIGKILL", "SIGTERM", "SIGHUP"],
)
def test_an_interruption_restores_the_service(number: int, box: Box, tmp_path: Path) -> None:
    """Whatever ends the command in the middle of a test: on hook, and in service again."""
    child = field_test(box, tmp_path, HANGS)
    box.daemon = None
    box.wait_until((tmp_path / "out" / "begun").exists, 60.0, "the test did not begin")
    lines = process.ask_status(box.folder / "lines")["lines"]
    assert isinstance(lines, list)
    assert lines[0]["off_hook"]
    assert not box.is_idle()
    child.send_signal(number)
    said, _ = child.communicate("", timeout=120)
    restored(box)
    if number == signal.SIGKILL:
        assert child.returncode == -number
        return
    assert child.returncode == 2, said
    assert "Interrupted" in said
    assert (tmp_path / "out" / report.pdf_name("it")).exists()


def test_another_program_is_left_alone(box: Box, tmp_path: Path) -> None:
    """What is not ours is named, not ended; the service that holds the other line goes on."""
    if not call_controls(box):
        box.start()
    stranger = subprocess.Popen(["tail", "-f", str(box.folder / "lines" / "line2")])
    try:
        status, said = done(tmp_path, suite(tmp_path, PASSES), *lines_of(box))
    finally:
        stranger.kill()
        stranger.wait()
    assert (status, f"tail ({stranger.pid})" in said) == (2, True), said
    assert box.is_idle()
