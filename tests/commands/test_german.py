"""An office of South Tyrol, `languages = ["de", "it"]` or the other way round: German commands."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from appliance.__main__ import main
from tests.commands.test_status_explain import CONFIG

GERMAN, NONE = {"LANG": "de_DE.UTF-8"}, {"LANG": "C.UTF-8"}


def said(folder: Path, languages: str, env: dict[str, str], *words: str, exit_code: int = 0) -> str:
    """Return what a command writes before an office of these languages."""
    file = folder / "centralino.toml"
    text = CONFIG.format(folder=folder).replace(
        'patron = "10-04"', f'patron = "10-04"\nlanguages = {languages}'
    )
    file.write_text(text, encoding="utf-8")
    clean = {"LC_ALL": None, "LC_MESSAGES": None, "CENTRALINO_CONFIG": None, **env}
    done = CliRunner().invoke(main, [*words, "--config", str(file)], env=clean)
    assert done.exit_code == exit_code, done.output
    return done.output


@pytest.mark.parametrize(
    ("languages", "env"), [('["de", "it"]', NONE), ('["it", "de"]', GERMAN)], ids=["first", "LANG"]
)
def test_check_and_explain_speak_german(
    tmp_path: Path, languages: str, env: dict[str, str]
) -> None:
    """Sentences, days and reasons, without a word of Italian or English."""
    good = said(tmp_path, languages, env, "check")
    assert "Prova: Die Konfiguration ist in Ordnung" in good
    assert "Patronatsfest in diesem Jahr: So, 4. Oktober" in good.replace("\n", " ")
    assert "Bürgerschalter: keiner" in good
    why = said(tmp_path, languages, env, "explain", "--at", "2026-11-25 14:00")
    assert why.splitlines() == [
        "1. Außerhalb der Öffnungszeiten: Der Anrufbeantworter nimmt an. (closed.hours)",
        "Ändert sich: Do, 26. November 2026, 08:30",
    ]


def test_a_mistyped_command_and_a_bad_day_are_answered_in_german(tmp_path: Path) -> None:
    """One sentence: what is wrong, and what to do."""
    wrong = said(tmp_path, '["de", "it"]', NONE, "explain", "--at", "25 ottobre", exit_code=1)
    assert wrong.startswith("Fehler: ")
    assert "ist keine Uhrzeit" in wrong or "ist kein Zeitpunkt" in wrong, wrong
    tomorrow = said(tmp_path, '["de", "it"]', NONE, "explain", "--at", "morgen 3:00")
    assert "Außerhalb der Öffnungszeiten" in tomorrow or "Feiertag" in tomorrow
    help_of = said(tmp_path, '["de"]', NONE, "explain", "--help")
    assert help_of.startswith("Verwendung: ")
