"""F13: no network from the start and for two days; when it is back everything leaves once."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pytest

from appliance.calls.orders import CallRecord, Result
from tests.helpers.figures import Figures
from tests.soak.office import ROME
from tests.soak.offline import BACK, SAYS_NOTHING, TALKS, Offline

pytestmark = pytest.mark.system


@pytest.fixture
def offline(tmp_path: Path) -> Iterator[Offline]:
    """A box that has never seen its network."""
    made = Offline(tmp_path)
    yield made
    made.close()


def at(day: int, clock: str) -> datetime:
    """Name a moment of that week."""
    return datetime.fromisoformat(f"2026-12-{day:02} {clock}").replace(tzinfo=ROME)


REASONS = [
    "nobody.reachable",
    *("closed.hours", "closed.hours"),
    "nobody.reachable",
    *("closed.hours", "closed.hours"),
    *("closed.holiday", "closed.holiday"),
]


def was_flashed(record: CallRecord) -> bool:
    """Tell whether a call went on over the telephone exchange's own transfer."""
    return "pbx.answered" in record.trail


def test_two_days_without_any_network(offline: Offline, figures: Figures) -> None:
    """In the hours a line behind a PBX passes its callers on by hook flash, the others take words
    at once, as no phone is there; at lunch, at night and on the holiday all hear that it is closed.
    What is written waits. Back again: phones ring, each mail leaves once, no digest twice.
    """
    passed, words = [], []
    offline.until(at(7, "12:45"))
    passed.append(offline.call("line4", TALKS))
    words.append(offline.call("line1"))
    offline.until(at(7, "13:20"))  # lunch
    words += [offline.call("line4"), offline.call("line2")]
    offline.until(at(7, "16:00"))
    offline.take_request("r1")
    passed.append(offline.call("line4", TALKS))
    words.append(offline.call("line3"))
    missed = offline.call("line2", SAYS_NOTHING)
    offline.until(at(7, "23:00"))
    words += [offline.call("line4"), offline.call("line1")]
    offline.until(at(8, "10:00"))  # the holiday
    words += [offline.call("line4"), offline.call("line2")]
    offline.until(at(9, "09:30"))
    passed.append(offline.call("line4", TALKS))
    offline.take_request("r2")
    waiting = offline.waiting()
    offline.until(BACK)
    away_h, tries, before = offline.hours(), offline.tries, dict(offline.left)

    offline.world.plug_in()
    offline.until(at(9, "10:30"))
    answered = offline.call("line1", TALKS)
    offline.until(at(9, "12:30"))

    left = offline.left
    figures.say(
        f"F13 {away_h:.0f} virtual h without a network: {len(words)} messages kept, {len(passed)} "
        f"callers passed on by hook flash, {tries} tries of mail; back: phones ring, "
        f"{len(left)} mails left, {sum(left.values()) - len(left)} of them twice"
    )
    assert [record.result for record in words] == [Result.MESSAGE] * len(words)
    assert [record.result for record in passed] == [Result.ANSWERED] * len(passed)
    assert all(map(was_flashed, passed))
    assert not any(map(was_flashed, words))
    assert [record.reason for record in words] == REASONS
    assert before == {}
    assert away_h * 4 - 4 <= tries <= away_h * 4 + 20
    assert (answered.result, answered.phone) in {(Result.ANSWERED, p) for p in ("op1", "op2")}
    assert set(waiting) <= set(left)
    assert set(left.values()) == {1}
    assert offline.waiting() == []
    assert missed.result is Result.NO_MESSAGE
    assert sorted(key for key in left if "request-" in key) == ["request-1", "request-2"]
    assert sum(key.startswith("message:") for key in left) == len(words)
    digests = sorted(key for key in left if key.startswith("calls_"))
    assert digests == [f"calls_alert_unheard:{who}:2026-12-07" for who in ("desk", "head")]
    assert offline.store.wrong() == []
