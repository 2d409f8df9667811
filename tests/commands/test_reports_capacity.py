"""`centralino line capacity`: of figures, or of what the box's own lines were used for."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from click.testing import Result

from appliance.__main__ import main
from appliance.config import read
from appliance.store import reports
from appliance.store.database import open_database
from appliance.store.reports import LineUse
from tests.helpers.command import runner

EXAMPLE = Path(read.__file__).with_name("example.toml")
ROME = ZoneInfo("Europe/Rome")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Return the example office's configuration, its state kept apart."""
    path = tmp_path / "centralino.toml"
    text = EXAMPLE.read_text(encoding="utf-8")
    path.write_text(f'{text}\n[folders]\nstate = "{tmp_path}"\n', encoding="utf-8")
    return path


def asked(file: Path, *words: str) -> Result:
    """Run the command."""
    return runner().invoke(main, ["capacity", "--config", str(file), *words])


def use(path: Path, days: int, minutes: int) -> None:
    """Have line1 engaged for so many minutes from ten o'clock on, on so many days before today."""
    connection = open_database(path / "centralino.db", path / "corrupt").connection
    today = datetime.now(ROME).replace(hour=10, minute=0, second=0, microsecond=0)
    begun = (today - timedelta(days=n) for n in range(1, days + 1))
    reports.write(
        connection,
        [LineUse("line1", at.astimezone(UTC), at.astimezone(UTC) + timedelta(minutes=minutes))
         for at in begun],
    )  # fmt: skip
    connection.close()


def test_of_figures(file: Path) -> None:
    """20 calls of 3 minutes are an erlang; in the house's language, or as JSON in fields."""
    done = asked(file, "--calls", "20", "--seconds", "180")
    assert done.exit_code == 0
    assert done.stdout.startswith("Traffico: 1.00 erlang\n")
    assert "Linee: 5 " in done.stdout
    told = json.loads(asked(file, "--calls", "20", "--seconds", "180", "--json").stdout)
    assert (told["traffic_erlang"], told["call_s"], told["lines_today"]) == (1.0, 180.0, None)
    assert told["wanted"] == {"engaged_percent": 1.0, "answered_percent": 80.0, "within_s": 20.0}
    assert (told["lines_needed"], told["positions_needed"], told["busiest_hour"]) == (5, 3, None)
    assert told["lines"][0] == {"lines": 1, "engaged_percent": 50.0}
    assert told["positions"][0]["mean_wait_s"] is None
    assert [row["positions"] for row in told["positions"]] == [1, 2, 3, 4]
    few = asked(file, "--calls", "20", "--seconds", "180", "--engaged", "2", "--json").stdout
    assert json.loads(few)["lines_needed"] == 4


def test_of_the_boxs_own_lines(file: Path) -> None:
    """The busiest hour of its days; its own number of lines is marked."""
    use(file.parent, 5, 12)
    done = asked(file, "--language", "en")
    assert done.exit_code == 0, done.output
    told = json.loads(asked(file, "--json").stdout)
    assert told["busiest_hour"] == {"hour": 10, "days": 5, "traffic_erlang": 0.2}
    assert (told["call_s"], told["lines_today"]) == (720.0, 2)
    said = done.stdout
    assert said.startswith("Busiest hour: 10–11, mean of 5 days: 0.20 erlang on the lines")
    assert "a call takes 720 s" in said


def test_of_a_single_day(file: Path) -> None:
    """One day has no mean."""
    use(file.parent, 1, 12)
    said = asked(file, "--language", "en").stdout
    assert said.startswith("Busiest hour: 10–11, measured on 1 day: ")


def test_the_boxs_own_lines_are_marked(file: Path) -> None:
    """Today's number of lines stands among those that would do."""
    use(file.parent, 5, 12)
    said = asked(file, "--language", "en").stdout
    assert "    2          1.6" in said
    assert "today" in said


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (("--calls", "20"), "sia --calls"),
        (("--seconds", "180"), "sia --calls"),
        ((), "non ci sono ancora archivi"),
    ],
)
def test_what_cannot_be_said_is_one_sentence(file: Path, words: tuple[str, ...], why: str) -> None:
    """What is missing, and what to say instead."""
    done = asked(file, *words)
    assert done.exit_code == 1
    assert why in done.stderr
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize("option", ["--calls", "--seconds", "--engaged", "--answered", "--within"])
def test_no_number_is_in_no_range(file: Path, option: str) -> None:
    """`nan` is refused like a number beyond the bounds."""
    done = asked(file, "--calls", "20", "--seconds", "180", option, "nan")
    assert done.exit_code == 2
    assert option in done.stderr


def test_a_box_without_calls_says_what_to_do(file: Path) -> None:
    """No line was engaged: figures must be given."""
    use(file.parent, 0, 0)
    done = asked(file)
    assert done.exit_code == 1
    assert "nessuna linea è stata impegnata: dire --calls e --seconds" in done.stderr
