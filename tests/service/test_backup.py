"""The backup stick in call control: who asks for it when, and when its age is an alarm."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from appliance.service.backup import CODE, STALE, BackupStick, heard, said, trouble_of_stick
from appliance.service.helper_requests import HelperResult
from tests.helpers.words import pair

ROME = ZoneInfo("Europe/Rome")
AT = datetime(2026, 11, 25, 2, 5, tzinfo=UTC)
STICK = BackupStick("AB-12", "COPIE", "beppe", AT, AT)
OUT = pair("la chiavetta delle copie (COPIE) non è inserita", "the backup stick is not plugged in")


def test_one_night_at_home_is_no_alarm() -> None:
    """Three days are: with the day of the last whole one, and why."""
    assert trouble_of_stick(None, AT, ROME) is None
    assert trouble_of_stick(STICK, AT + STALE, ROME) is None
    failed = heard(STICK, HelperResult(AT + timedelta(days=3), False, OUT))
    assert (failed.done, failed.well) == (AT, False)
    trouble = trouble_of_stick(failed, AT + STALE + timedelta(minutes=1), ROME)
    assert trouble is not None
    assert trouble.code == CODE
    assert "non riceve una copia intera dal 25 novembre 2026: la chiavetta" in trouble.words.text(
        "it"
    )
    assert "not plugged in." in trouble.words.text("en")
    well = heard(failed, HelperResult(AT + timedelta(days=4), True, pair("x", "x")))
    assert trouble_of_stick(well, AT + timedelta(days=5), ROME) is None


def test_one_that_nobody_writes_to_is_told_too() -> None:
    """The helper is not enabled, or the box is off each night: what to look at."""
    trouble = trouble_of_stick(replace(STICK, done=None), AT + timedelta(days=4), ROME)
    assert trouble is not None
    assert "pagina Copia di sicurezza e ripristino." in trouble.words.text("it")


def test_what_status_says_of_it() -> None:
    """Which stick and how old; that nothing leaves the card, unless a second medium is named."""
    (words,) = said(STICK, "", ROME)
    assert words.text("it") == (
        "Chiavetta delle copie di sicurezza (COPIE): ultima copia intera "
        "mer 25 novembre 2026, 03:05"
    )
    (words,) = said(replace(STICK, label="", done=None), "", ROME)
    assert words.text("en") == "Backup stick (AB-12): last whole backup never"
    (words,) = said(None, "", ROME)
    assert "Nessuna copia di sicurezza automatica" in words.text("it")
    assert said(None, "/mnt/copie", ROME) == ()
