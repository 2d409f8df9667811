"""`centralino box settings backups`: the head office sees which box's backups are late."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner

from appliance.__main__ import main
from tests.helpers.odd_web_server import odd_server

pytestmark = pytest.mark.usefixtures("italian")

BOXES = (
    '[boxes]\nborgo = "http://192.168.1.10:9799/metrics"\ncentro = "http://192.168.2.10:9799/x"\n'
)


@pytest.fixture
def office(tmp_path: Path) -> Path:
    """The head office's folder."""
    made = tmp_path / "folder"
    made.mkdir()
    (made / "boxes.toml").write_text(BOXES)
    return made


def name(days: float) -> str:
    """Name a backup of so many days ago."""
    at = datetime.now(UTC) - timedelta(days=days)
    return f"centralino-{at:%Y%m%d-%H%M%S}-a1b2.backup"


def run(office: Path, place: object, *words: str) -> tuple[int, str]:
    """Run the command; returns its status and output."""
    line = ["box", "settings", "backups", str(office), str(place), "--zone", "UTC", *words]
    done = CliRunner().invoke(main, line)
    return done.exit_code, done.output


def test_who_is_late_is_named(office: Path, tmp_path: Path) -> None:
    """Status 1 while one is; each box has its line, a folder that nobody named too."""
    place = tmp_path / "collected"
    for branch, days in (("borgo", 0.5), ("centro", 4.0), ("vecchia", 0.5)):
        (place / branch).mkdir(parents=True)
        (place / branch / name(days)).write_bytes(b"sealed")
    code, said = run(office, place)
    assert code == 1, said
    assert "borgo: ultima copia" in said
    assert "centro: in ritardo, ultima copia" in said
    assert "vecchia: non è indicata in" in said
    code, said = run(office, place, "--json")
    told = {one["branch"]: one for one in json.loads(said)}
    assert (code, told["borgo"]["late"], told["centro"]["late"]) == (1, False, True)
    assert (told["borgo"]["hours"], told["centro"]["hours"]) == (12, 96)
    assert run(office, place, "--hours", "200")[0] == 0
    (place / "centro" / name(4.0)).unlink(missing_ok=True)
    for old in (place / "centro").iterdir():
        old.unlink()
    assert "centro: in ritardo, nessuna copia presente" in run(office, place)[1]
    (place / "centro").rmdir()
    assert "centro: in ritardo, nessuna copia presente" in run(office, place)[1]


def test_over_https_too(office: Path, tmp_path: Path) -> None:
    """A folder of each box on the server; a server in trouble is each box's line."""
    password = tmp_path / "password"
    password.write_text("segreto\n")
    with odd_server(tmp_path / "dav") as (server, certified):
        words = ("--password-file", str(password), "--ca-file", str(certified.authority))
        server.files[f"/dav/borgo/{name(0.5)}"] = b"sealed"
        code, said = run(office, server.address, *words)
        assert (code, said.count("ultima copia")) == (0, 2), said
        assert server.asked == ["PROPFIND /dav/borgo/", "PROPFIND /dav/centro/"]
    code, said = run(office, server.address, *words)
    assert code == 1
    assert "borgo: in ritardo, localhost, porta" in said


@pytest.mark.parametrize(
    ("place", "words", "said"),
    [
        ("/nowhere", (), "la cartella /nowhere non c'è"),
        ("sftp://a@h/x", (), "non si può leggere da qui"),
        ("https://a@h/x", (), "indicare con --password-file"),
        ("ftp://a@h/x", (), "non è l'indirizzo di una cartella di rete"),
        ("/tmp", ("--zone", "Mars/Base"), "'Mars/Base' non è un fuso orario"),
    ],
)
def test_what_cannot_be(office: Path, place: str, words: tuple[str, ...], said: str) -> None:
    """Each is one sentence."""
    code, shown = run(office, place, *words)
    assert code == 1
    assert said in " ".join(shown.split())
