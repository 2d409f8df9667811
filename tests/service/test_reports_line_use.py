"""When lines were engaged: kept, and summed up (P8)."""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from appliance.calls import events
from appliance.policy.reports import Peak
from appliance.service.reports import LineUses, peak_words
from appliance.store import reports
from appliance.store.database import open_database
from appliance.store.reports import DAYS_MS, LineUse
from tests.calls.examples import KNOWN, RANG, TEN, later, tell, up


def test_a_line_is_engaged_from_its_ringing_until_it_is_free() -> None:
    """Ringing, talking, being released: a caller who dials it then does not reach it."""
    control, seen = up(), LineUses()
    assert list(seen.see(control.status(TEN))) == []
    tell(control, TEN, RANG, KNOWN)
    assert list(seen.see(control.status(TEN))) == []
    over = later(TEN, 20)
    tell(control, over, events.CallerHungUp("line1", events.Evidence.GAVE_UP))
    assert list(seen.see(control.status(over))) == [LineUse("line1", TEN.wall, over.wall)]
    assert list(seen.see(control.status(over))) == []


def test_uses_are_kept_and_summed_up(tmp_path: Path) -> None:
    """The peak of a day counts the lines of today's configuration, each use once."""
    at = TEN.wall
    uses = [
        LineUse("line1", at, at + timedelta(minutes=5)),
        LineUse("line2", at + timedelta(minutes=2), at + timedelta(minutes=9)),
        LineUse("gone", at, at + timedelta(minutes=9)),
    ]
    with closing(open_database(tmp_path / "db", tmp_path / "corrupt").connection) as connection:
        reports.write(connection, uses)
        reports.write(connection, uses)
        found = reports.peak_between(
            connection, ("line1", "line2"), at - timedelta(hours=1), at + timedelta(hours=1)
        )
        assert (found.lines, found.of, found.all_ms) == (2, 2, 180_000)
        later_on = timedelta(milliseconds=DAYS_MS, minutes=20)
        reports.write(connection, [replace(uses[0], since=at + later_on, until=at + later_on)])
        assert connection.execute("SELECT count(*) FROM line_uses").fetchone()[0] == 1


def test_what_all_lines_engaged_means_is_said() -> None:
    """P8: callers in that time never reached the box, and who must catch them."""
    said = peak_words(Peak(1, 2), Peak(2, 2, 5, 61_000))
    assert said.text("it").startswith(
        "Linee impegnate insieme: oggi al massimo 1 di 2, questo mese 2 di 2"
    )
    assert "per 2 min" in said.text("it")
    assert "deviazione su occupato" in said.text("it")
    assert "for 2 min: callers in that time never reached the box" in said.text("en")
    assert "never" not in peak_words(Peak(1, 2), Peak(1, 2)).text("en")
