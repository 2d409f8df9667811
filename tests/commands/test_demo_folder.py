"""The demonstration's folder: of one alone while it lasts; a call that nobody ends is a row."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from appliance.__main__ import main
from appliance.commands import demo
from appliance.simulator.exchange import process
from appliance.simulator.exchange.call import CallPlan
from appliance.simulator.phone.process import TestPhone


def test_a_second_demonstration_leaves_the_first_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Beside one that stays up it is refused in a sentence, and nothing of the folder is lost."""
    monkeypatch.chdir(tmp_path)
    with demo.own_folder(tmp_path / "demo") as folder:
        (folder / "centralino.toml").write_text("mine")
        result = CliRunner().invoke(main, ["demo"])
        assert result.exit_code == 1
        assert "un'altra dimostrazione è in corso" in result.output
        assert (folder / "centralino.toml").read_text() == "mine"
    with demo.own_folder(tmp_path / "demo") as folder:
        assert list(folder.iterdir()) == []


def test_a_call_beyond_its_limit_is_a_row_of_the_table(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What has taken too long is shown as not good, like any other failure."""

    def too_long(*_: object, **__: object) -> None:
        raise TimeoutError

    monkeypatch.setattr(process, "place_call", too_long)
    monkeypatch.setattr(demo, "_idle", lambda _: True)
    phone = TestPhone("op1", server="127.0.0.1:1", secret="x")
    stage = demo.Stage(tmp_path, phone, phone, phone)
    report = demo._call(stage, 1, CallPlan(caller="0514001122"))
    assert report.ended_by == "nobody within 90 s"
