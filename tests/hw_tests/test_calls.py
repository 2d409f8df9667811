"""Who calls is compared whole: no piece of a number and no foreign one passes for it."""

from __future__ import annotations

from pathlib import Path

import pytest

from appliance.fieldtest.person import reasons_of_run
from hw_tests.bench import UnmeasuredError
from hw_tests.field import Field
from hw_tests.findings import Verdict
from hw_tests.measures import calls
from hw_tests.measures.calls import CUT_OFF, FOREIGN, Expected
from hw_tests.measures.table import MEASURES
from hw_tests.run import Recorder
from tests.hw_tests.virtual import Virtual

ITALIAN, GERMAN = Expected("0511234501", "it"), Expected("030123456", "de")
EXTENSION, OUTSIDE = Expected("101", "it"), Expected("0030123456", "de")


@pytest.mark.parametrize(
    ("expected", "number", "is_right"),
    [
        (ITALIAN, "0511234501", True),
        (ITALIAN, "+390511234501", True),
        (ITALIAN, "00390511234501", True),
        (ITALIAN, "511234501", True),
        (ITALIAN, "234501", False),
        (ITALIAN, "051123450", False),
        (ITALIAN, "9990511234501", False),
        (ITALIAN, "0691234501", False),
        (ITALIAN, "+490511234501", False),
        (ITALIAN, "", False),
        (GERMAN, "+4930123456", True),
        (GERMAN, "004930123456", True),
        (GERMAN, "30123456", True),
        (GERMAN, "123456", False),
        (GERMAN, "040123456", False),
        (EXTENSION, "101", True),
        (EXTENSION, "051598101", True),
        (EXTENSION, "102", False),
        (EXTENSION, "9101", False),
        (OUTSIDE, "030123456", True),
        (OUTSIDE, "0123456", False),
    ],
)
def test_a_number_is_right_in_the_forms_of_its_plan_alone(
    expected: Expected, number: str, is_right: bool
) -> None:
    """With or without the country's code and trunk digit, an outside line's digit, or whole."""
    assert expected.is_sent_as(number) is is_right


@pytest.mark.parametrize(
    ("number", "said"), [("234501", CUT_OFF), ("0511234", CUT_OFF), ("0691234501", FOREIGN)]
)
def test_what_is_wrong_with_a_number_is_named(number: str, said: object) -> None:
    """A piece of it is told from another one; both numbers stand in the sentence."""
    words = ITALIAN.said(number)
    assert str(words).startswith(str(said).split("(", maxsplit=1)[0])
    assert number in str(words)
    assert ITALIAN.number in str(words)


@pytest.mark.parametrize("is_swapped", [True, False])
def test_swapped_numbers_are_the_first_cause(is_swapped: bool, tmp_path: Path) -> None:
    """Each line dials itself and hears the busy tone; a number that leads nowhere is not that."""
    world = Virtual()
    if is_swapped:
        world.numbers = {"A": world.numbers["B"], "B": world.numbers["A"]}
    else:
        world.turn("B", called="0599")
    recorder = Recorder(Field(world, tmp_path), MEASURES, "", "")
    recorder.make(next(each for each in MEASURES if each.name == "calls"))
    first = reasons_of_run(recorder.run)[0].text("en")
    assert "line B does not ring" in first
    assert ("are swapped" in first) is is_swapped


@pytest.mark.parametrize("bell", [[2000, 4000], [1000, 3000]])
def test_the_bell_of_a_simulator_deserves_attention(bell: list[int], tmp_path: Path) -> None:
    """It rings as in another country; number and answer come, so that nothing has failed."""
    world = Virtual()
    world.turn("B", bell=bell)
    found = {(each.key, each.line): each for each in calls.calls(Field(world, tmp_path))}
    assert {each.verdict for each in found.values()} == {Verdict.PASSED}
    ring = found["ring", "A>B"]
    assert [each.name for each in ring.figures if each.needs_attention] == ["from ring to ring"]
    assert ring.remark == calls.OTHER_BELL
    assert not any(each.needs_attention for each in found["ring", "B>A"].figures)


@pytest.mark.parametrize(("bell", "caller"), [([1000, 5500], "after"), ([2000, 4000], "none")])
def test_a_bell_that_is_nowhere_or_brings_nothing_fails(
    bell: list[int], caller: str, tmp_path: Path
) -> None:
    """A bell of no country; or one of another country, and no number comes."""
    world = Virtual()
    world.turn("B", bell=bell)
    if caller == "none":
        world.turn("B", refuse=["+VCID"])
    found = {(each.key, each.line): each for each in calls.calls(Field(world, tmp_path))}
    assert found["ring", "A>B"].verdict is Verdict.FAILED


def test_a_line_that_is_let_go_late_is_named(tmp_path: Path) -> None:
    """Its modem says OK to ATH, and the next caller finds it engaged."""
    world = Virtual()
    bench = Field(world, tmp_path).ready
    bench.call("A", "B")
    modem = world.outlets["B"].station.modem
    modem.hang_up = lambda: None  # type: ignore[method-assign]
    with pytest.raises(UnmeasuredError, match="line B is still engaged"):
        bench.call("A", "B")
