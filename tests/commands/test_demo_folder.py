"""The demonstration's folder, of one alone while it lasts; a call not as it should be is told."""

from __future__ import annotations

from pathlib import Path
from typing import cast

import click
import pytest
from click.testing import CliRunner

from appliance.__main__ import main
from appliance.commands import demo
from appliance.commands.demo_office import Stage, own_folder


@pytest.mark.usefixtures("italian")
def test_a_second_demonstration_leaves_the_first_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Beside one that stays up it is refused in a sentence, and nothing of the folder is lost."""
    monkeypatch.chdir(tmp_path)
    with own_folder(tmp_path / "demo") as folder:
        (folder / "centralino.toml").write_text("mine")
        result = CliRunner().invoke(main, ["dev", "demo"])
        assert result.exit_code == 1
        assert "un'altra dimostrazione è in corso" in result.output
        assert (folder / "centralino.toml").read_text() == "mine"
    with own_folder(tmp_path / "demo") as folder:
        assert list(folder.iterdir()) == []


def test_a_call_beyond_its_limit_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """What does not come in time is told as not as it should be, like any other failure."""
    told: list[str] = []
    monkeypatch.setattr(click, "echo", told.append)
    monkeypatch.setattr(demo, "LIMIT_S", 0.2)

    def unanswered(_stage: object, _teller: object) -> demo.Result:
        demo._wait(lambda: False, demo.OPERATOR_RINGS, demo._pause)
        raise AssertionError

    assert not demo._told(unanswered, cast(Stage, None), demo.Teller("en"))
    assert told == ["  0:00  NOT AS IT SHOULD BE: the operator's phone rings"]
