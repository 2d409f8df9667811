"""The demonstration's console opens where it says, or tells where to look."""

from __future__ import annotations

import re
import urllib.request
from datetime import date
from pathlib import Path

import httpx
import pytest

from appliance.api.users import code_path
from appliance.commands import demo
from appliance.commands.demo import configuration, opened
from appliance.config.read import load
from appliance.errors import TechnicianError
from tests.commands.samples import call_control

pytestmark = pytest.mark.system


def test_it_opens_on_this_computer_alone(tmp_path: Path) -> None:
    """The address that is printed is one that a browser here can open."""
    config = tmp_path / "centralino.toml"
    config.write_text(configuration(tmp_path, 5060, 16000, date(2026, 11, 26)), encoding="utf-8")
    with opened(tmp_path, config) as address:
        assert address.startswith("http://127.0.0.1:")
        with urllib.request.urlopen(address, timeout=10.0) as answer:
            assert "dimostrazione" in answer.read().decode()


def test_its_operator_finds_the_desk_open(tmp_path: Path) -> None:
    """What is printed lets one in; nobody need look for the first user's code any more."""
    config = tmp_path / "centralino.toml"
    config.write_text(configuration(tmp_path, 5060, 16000, date(2026, 11, 26)), encoding="utf-8")
    with call_control(config):
        assert code_path(tmp_path / "state").exists()
        assert demo.PHRASE in demo.enter(load(config))
    assert not code_path(tmp_path / "state").exists()
    with opened(tmp_path, config) as address, httpx.Client(base_url=address) as browser:
        token = re.findall(r'name="csrf" value="([^"]+)"', browser.get("/login").text)[0]
        fields = {"csrf": token, "name": "operatore", "password": demo.PHRASE}
        answer = browser.post("/login", data=fields, headers={"origin": address})
        assert answer.status_code == 303
        assert '<option value="op1" selected>' in browser.get("/desk").text


def test_one_that_does_not_open_says_where_to_look(tmp_path: Path) -> None:
    """The sentence names the file with the reason."""
    with (
        pytest.raises(TechnicianError, match=r"console\.log says why"),
        opened(tmp_path, tmp_path / "none.toml"),
    ):
        pass
