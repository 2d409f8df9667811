"""Which line a call of the box's own may take (P8)."""

from __future__ import annotations

import pytest

from appliance.policy.lines import HalfDuplexDaytime, Line, LinePurpose, line_for, modem_line

ONE, TWO, THREE = modem_line("line1"), modem_line("line2"), modem_line("line3")
HALF = modem_line("half", duplex=False, daytime=HalfDuplexDaytime.MESSAGE)
LAST_RESORT, CONVENIENCE = LinePurpose.LAST_RESORT, LinePurpose.CONVENIENCE


@pytest.mark.parametrize(
    ("purpose", "idle", "lines", "seized"),
    [
        (CONVENIENCE, (ONE,), 1, "line1"),  # a single line keeps nobody waiting for another
        (CONVENIENCE, (TWO,), 2, ""),
        (CONVENIENCE, (ONE, TWO), 2, "line2"),
        (LAST_RESORT, (TWO,), 2, "line2"),
        (LAST_RESORT, (THREE,), 3, ""),
        (LAST_RESORT, (TWO, THREE), 3, "line3"),
        (CONVENIENCE, (ONE, HALF), 3, "line1"),  # the half-duplex one stays free: it can answer
        (CONVENIENCE, (HALF,), 1, ""),  # and joins nobody to anybody
        (LAST_RESORT, (), 2, ""),
    ],
)
def test_one_line_stays_free_to_answer(
    purpose: LinePurpose, idle: tuple[Line, ...], lines: int, seized: str
) -> None:
    """P8: where there are two lines or more the box itself never seizes the last idle one.

    B4: with two, a caller whom nobody else can serve has it all the same.
    """
    assert line_for(purpose, idle, lines) == seized


def test_how_many_stay_free_is_the_offices_choice() -> None:
    """An office may keep two lines free, or none."""
    assert line_for(CONVENIENCE, (TWO, THREE), 3, kept=2) == ""
    assert line_for(CONVENIENCE, (ONE, TWO, THREE), 3, kept=2) == "line3"
    assert line_for(CONVENIENCE, (THREE,), 3, kept=0) == "line3"
