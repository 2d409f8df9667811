"""The demonstration's console opens where it says, or tells where to look."""

from __future__ import annotations

import urllib.request
from datetime import date
from pathlib import Path

import pytest

from appliance.commands.demo_console import opened
from appliance.commands.demo_office import configuration
from appliance.errors import TechnicianError

pytestmark = pytest.mark.system


def test_it_opens_on_this_computer_alone(tmp_path: Path) -> None:
    """The address that is printed is one that a browser here can open."""
    config = tmp_path / "centralino.toml"
    config.write_text(configuration(tmp_path, 5060, 16000, date(2026, 11, 26)), encoding="utf-8")
    with opened(tmp_path, config) as address:
        assert address.startswith("http://127.0.0.1:")
        with urllib.request.urlopen(address, timeout=10.0) as answer:
            assert "dimostrazione" in answer.read().decode()


def test_one_that_does_not_open_says_where_to_look(tmp_path: Path) -> None:
    """The sentence names the file with the reason."""
    with (
        pytest.raises(TechnicianError, match=r"console\.log says why"),
        opened(tmp_path, tmp_path / "none.toml"),
    ):
        pass
