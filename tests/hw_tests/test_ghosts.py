"""A ring that nobody makes is told with its time, whenever in the whole test it comes."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

import pytest

from appliance.modem.events import RingReceived
from hw_tests.bench import RINGS_ON_S, UnmeasuredError
from hw_tests.causes import causes
from hw_tests.field import Field
from hw_tests.findings import Finding, Verdict
from hw_tests.measures import quiet
from hw_tests.measures.table import MEASURES
from hw_tests.run import Recorder
from tests.hw_tests.virtual import Virtual

ONCE = 3600
"""Seconds between two rings of the software exchange's: longer than a test."""
LIMIT_S = 60.0


@pytest.fixture
def place(tmp_path: Path) -> Field:
    """Give two good lines."""
    return Field(Virtual(), tmp_path, idle_s=2.0)


def haunt(place: Field, name: str) -> float:
    """Have a line ring once; returns when it did."""
    bench, mark = place.ready, place.ready[name].mark()
    place.world.turn(name, ghost=ONCE)
    rang = bench.until(lambda: bench[name].told(RingReceived, mark), LIMIT_S, quiet.HAUNTED)
    place.world.turn(name, ghost=0)
    return rang[0][0]


def by_line(found: list[Finding]) -> dict[str, Verdict]:
    """Give the verdict of each line."""
    return {each.line: each.verdict for each in found}


def test_a_ring_beside_the_watched_time_is_found_with_its_time(place: Field) -> None:
    """The idle line was watched before, and was quiet."""
    assert set(by_line(quiet.idle(place)).values()) == {Verdict.PASSED}
    at = haunt(place, "A")
    found = quiet.ghosts(place)
    assert by_line(found) == {"A": Verdict.FAILED, "B": Verdict.PASSED}
    then = datetime.now().astimezone() - timedelta(seconds=place.world.now() - at)
    seconds = [then + timedelta(seconds=more) for more in (-1, 0, 1)]
    for language in ("it", "en"):
        said = found[0].remark.text(language)
        # A virtual second passes in an instant: the moment before midnight may be yesterday.
        times = [f"{each:%H:%M:%S}" for each in seconds] + [f"{each:%H:%M}" for each in seconds]
        assert any(time in said for time in times), (said, times)


def test_calls_of_the_test_are_no_ghosts(place: Field) -> None:
    """Answered or not, from either line."""
    bench = place.ready
    bench.call("A", "B", rings=2)
    bench.rest()
    bench.dial("B", place.world.numbers["A"])
    bench.until(lambda: bench["A"].told(RingReceived), LIMIT_S, quiet.HAUNTED)
    bench.rest()
    bench.run(RINGS_ON_S + 1)
    assert by_line(quiet.ghosts(place)) == {"A": Verdict.PASSED, "B": Verdict.PASSED}


def test_the_line_that_calls_is_not_expected_to_ring(place: Field) -> None:
    """A ring between two calls is seen, also on the line that was called just before."""
    bench = place.ready
    bench.call("A", "B")
    bench.rest()
    haunt(place, "B")
    bench.call("A", "B")
    bench.rest()
    assert by_line(quiet.ghosts(place)) == {"A": Verdict.PASSED, "B": Verdict.FAILED}


def test_a_call_that_did_not_come_about_leaves_no_line_unwatched(place: Field) -> None:
    """The next order to rest ends it."""
    bench = place.ready
    place.world.turn("B", cut=True)
    with pytest.raises(UnmeasuredError):
        bench.call("A", "B")
    place.world.turn("B", cut=False)
    bench.rest()
    bench.run(RINGS_ON_S + 1)
    haunt(place, "B")
    assert by_line(quiet.ghosts(place))["B"] is Verdict.FAILED


def test_many_rings_are_told_by_the_first_and_counted(place: Field) -> None:
    """A report is no list of hundreds of times."""
    bench, wanted = place.ready, quiet.TIMES_TOLD + 2
    place.world.turn("A", ghost=quiet.APART_S + 5)
    while len(bench["A"].told(RingReceived)) < wanted and bench.now < 100 * LIMIT_S:
        bench.run(1.0)
    said = quiet.ghosts(place)[0].remark.text("en")
    told = said[said.index("(") + 1 : said.index(" and 2 more")]
    assert told.count(":") >= quiet.TIMES_TOLD


def test_it_is_the_cause_of_what_else_was_haunted(place: Field) -> None:
    """What it has spoiled before follows from it, and is no reason of its own."""
    by_name = {measure.name: measure for measure in MEASURES}
    made = [by_name["idle"], by_name["ghosts"]]
    recorder = Recorder(place, made, "", "")
    assert place.ready
    place.world.turn("A", ghost=ONCE)
    for measure in made:
        recorder.make(measure)
    (cause,) = causes(recorder.run.findings)
    assert [each.key for each in cause.findings] == ["ghosts"]
    assert [each.key for each in cause.follows] == ["idle"]
