"""Figures of running call control: what is timed, from which fact to which order."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from appliance.calls import events, orders
from appliance.media.messages import Marked, Measured
from appliance.service.reports import KEPT, OPEN_KEPT, OPEN_S, Figures, Latest, LatestMoments

RANG_AT = datetime(2026, 11, 25, 10, tzinfo=UTC)


def test_two_calls_at_once_are_timed_apart() -> None:
    """Each call's orders close its own line's ring and identity, whichever came last."""
    figures = Figures()
    for line, at in (("line1", 1.0), ("line2", 1.5)):
        figures.order(orders.WriteCall(orders.CallRecord(f"c-{line}", line, RANG_AT)), at)
        figures.fact(events.LineRang(line, 1), at)
    figures.order(orders.RingPhones("c-line1", (), ""), 3.5)
    figures.order(orders.RingPhones("c-line2", (), ""), 3.5)
    figures.fact(events.CallerIdentified("line1", events.Caller()), 4.0)
    figures.fact(events.CallerIdentified("line2", events.Caller()), 4.25)
    figures.order(orders.ShowCaller(("c-line1.1",), ""), 4.5)
    figures.order(orders.ShowCaller(("c-line2.1", "c-line2.2"), ""), 4.5)
    figures.order(orders.RingPhones("c-line2", (), ""), 9.0)  # the counter, later: not timed

    assert figures.to_json() == {
        "identified_to_order": [500.0, 250.0],
        "rang_to_order": [2500.0, 2000.0],
    }


def test_an_answer_is_timed_to_its_own_lines_sound() -> None:
    """From the phone that answered, over the order to join, to the line whose sound runs."""
    figures = Figures()
    figures.fact(events.OperatorAnswered("leg1", "op1"), 1.0)
    figures.order(orders.AnswerLine("line1"), 1.0)
    figures.order(orders.Connect("line1", "leg1"), 1.0)
    figures.fact(events.LineAnswered("line2"), 1.1)
    figures.fact(events.LineAnswered("line1"), 1.25)

    assert figures.to_json() == {"answered_to_stream": [250.0]}
    assert figures.moments_to_json() == [("answer_ordered", "line1", 1.0)]


def test_a_message_is_timed_until_it_is_on_disk() -> None:
    """From the end of the recording to MessageStored of the same call."""
    figures = Figures()
    ended = events.RecordingEnded("c1", events.RecordingStop.RELEASE, 5000)
    figures.fact(ended, 1.0)
    figures.fact(events.MessageStored("c2", "m2", 5000), 1.1)
    figures.fact(events.MessageStored("c1", "m1", 5000), 1.5)

    assert figures.to_json() == {"recorded_to_stored": [500.0]}


def test_what_the_media_gateway_tells_is_kept() -> None:
    """Times as times, moments as moments."""
    figures = Figures()
    figures.measured(Measured("answer_to_off_hook", "line1", 1.25))
    figures.measured(Marked("identified", "line1", 7.5))

    assert figures.to_json() == {"answer_to_off_hook": [1.25]}
    assert figures.moments_to_json() == [("identified", "line1", 7.5)]


def test_what_nothing_ever_answers_is_forgotten() -> None:
    """A year of calls that nobody takes leaves no trace in memory."""
    figures = Figures()
    for number in range(OPEN_KEPT * 3):
        figures.fact(events.OperatorAnswered(f"leg{number}", "op1"), number / 1000)

    assert len(figures._began) == OPEN_KEPT


def test_what_nothing_has_answered_for_a_minute_is_forgotten() -> None:
    """Where few calls come, too: one in twenty whose caller hangs up as a phone is lifted."""
    figures = Figures()
    for number in range(5):
        figures.fact(events.OperatorAnswered(f"leg{number}", "op1"), number * OPEN_S / 2)

    assert list(figures._began) == [("answered", f"leg{number}") for number in (2, 3, 4)]


@pytest.mark.parametrize("count", [0, 1, KEPT - 1, KEPT, KEPT + 1, 2 * KEPT, 3 * KEPT + 7])
def test_the_latest_are_kept_in_their_order(count: int) -> None:
    """As many as there is room for, the oldest first."""
    kept = Latest()
    for n in range(count):
        kept.append(float(n))
    assert list(kept) == [float(n) for n in range(count)][-KEPT:]
    moments = LatestMoments()
    for n in range(count):
        moments.append("identified", f"line{n % 3}", n / 2)
    told = [("identified", f"line{n % 3}", n / 2) for n in range(count)]
    assert list(moments) == told[-KEPT:]
