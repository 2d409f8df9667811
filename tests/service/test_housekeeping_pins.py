"""The office's code: kept as a hash, compared in the records' thread, wrong ones on record."""

from __future__ import annotations

import json
import queue
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from appliance.__main__ import main
from appliance.calls import events, orders
from appliance.service.housekeeping import WRONG, Pins, hashed, is_right, matches, pin_path
from appliance.store import database
from appliance.store.writer import DatabaseWriter

CONFIG = """\
[site]
name = "Test"
patron = "10-04"
languages = ["it"]
[hours]
[sip]
address = "127.0.15.9"
[folders]
state = "{folder}"
"""


@pytest.fixture
def records(tmp_path: Path) -> Iterator[DatabaseWriter]:
    """Records of their own."""
    made = DatabaseWriter(tmp_path / "c.db", "b").start()
    yield made
    made.stop()


def run(folder: Path, typed: str, *words: str) -> str:
    """Run `centralino messages pin` and type."""
    config = folder / "centralino.toml"
    config.write_text(CONFIG.format(folder=folder), encoding="utf-8")
    line = ["messages", "--config", str(config), "pin", *words]
    return CliRunner().invoke(main, line, input=typed).output


def test_a_code_is_kept_as_a_hash_that_differs_each_time() -> None:
    """Whoever reads the file cannot dial what is in it; two offices' equal codes look different."""
    kept = hashed("2580")
    assert matches("2580", kept)
    assert not matches("2581", kept)
    assert kept != hashed("2580")
    assert "2580" not in json.dumps(kept)


def test_the_command_sets_and_removes_it(tmp_path: Path) -> None:
    """Typed twice, unseen; readable by the service alone; in force at once."""
    assert "da subito" in run(tmp_path, "2580\n2580\n")
    path = pin_path(tmp_path)
    path.parent.mkdir(exist_ok=True)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert is_right(path, "2580")
    assert "il primo che si prova" in run(tmp_path, "1234\n1234\n")
    assert is_right(path, "2580")
    assert "Non c'è più" in run(tmp_path, "", "--remove")
    assert not is_right(path, "2580")


def test_a_file_that_cannot_be_read_lets_nobody_in(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """A torn file is no open door; the journal says what to do."""
    path = pin_path(tmp_path)
    path.parent.mkdir(exist_ok=True)
    for torn in ("", "{}", '{"salt": 1, "scrypt": 2}', '{"salt": "!", "scrypt": "!"}', "[]"):
        path.write_text(torn, encoding="utf-8")
        assert not is_right(path, "2580")
    assert caplog.text.count("set the code anew") == 5


def test_right_and_wrong_are_told_and_a_wrong_one_is_on_record(
    tmp_path: Path, records: DatabaseWriter, caplog: pytest.LogCaptureFixture
) -> None:
    """Which phone and when, never what was pressed."""
    told: queue.SimpleQueue[events.Event] = queue.SimpleQueue()
    pins = Pins(tmp_path, records, told.put)
    pin_path(tmp_path).parent.mkdir()
    pin_path(tmp_path).write_text(json.dumps(hashed("2580")), encoding="utf-8")
    for pin in ("2580", "7391"):
        pins.check(orders.CheckPin("k1", pin, "capo1"))
    assert told.get(timeout=10) == events.PinChecked("k1", right=True)
    assert told.get(timeout=10) == events.PinChecked("k1", right=False)
    (noted,) = records.ask(lambda c: database.latest(c, WRONG))
    assert (noted.by, noted.about) == ("capo1", "")
    assert "7391" not in caplog.text + repr(orders.CheckPin("k1", "7391", "capo1"))
