"""Backups of many boxes in one place: which is the newest, and which box is late."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from appliance.policy.collected_backups import CollectedBackup, newest_backup
from tests.helpers.words import pair

NOW = datetime(2026, 11, 27, 9, 0, tzinfo=UTC)
ROME = ZoneInfo("Europe/Rome")
LIMIT = timedelta(hours=72)


def newest(**sizes: int) -> CollectedBackup:
    """Judge such files; a name stands for its time."""
    files = {f"centralino-{name[1:].replace('_', '-')}-a1b2.backup": n for name, n in sizes.items()}
    return newest_backup("borgo", files, NOW, LIMIT, ROME)


def test_the_newest_counts() -> None:
    """By the time in its name, which is the box's own."""
    found = newest(_20261125_030500=9, _20261127_030500=9, _20261126_030500=9)
    assert (found.name, found.is_late) == ("centralino-20261127-030500-a1b2.backup", False)
    assert found.at == datetime(2026, 11, 27, 2, 5, tzinfo=UTC)
    assert (
        found.words(NOW).text("it") == "borgo: ultima copia ven 27 novembre 2026, 03:05, 6 ore fa"
    )


def test_an_old_one_is_late() -> None:
    """After the limit, not at it."""
    assert not newest(_20261124_100000=9).is_late
    found = newest(_20261124_095959=9)
    assert found.is_late
    assert found.words(NOW).text("en").startswith("borgo: late, last backup Tue 24 November 2026")


def test_what_is_no_backup() -> None:
    """A draft, an empty file, another's file, one of a day that is still to come."""
    files = {
        "centralino-20261127-030500-a1b2.backup.part": 9,
        "centralino-20261127-030500-a1b2.backup": 0,
        "film.mkv": 9,
        "centralino-20370101-030500-a1b2.backup": 9,
    }
    found = newest_backup("borgo", files, NOW, LIMIT, ROME)
    assert found == CollectedBackup("borgo")
    assert found.words(NOW).text("it") == "borgo: in ritardo, nessuna copia presente"
    away = CollectedBackup("borgo", why=pair("spento", "off"))
    assert away.words(NOW).text("en") == "borgo: late, off"
