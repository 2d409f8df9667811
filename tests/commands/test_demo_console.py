"""The demonstration's console opens where it says, or tells where to look."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import urllib.request
from datetime import date
from pathlib import Path

import httpx
import pytest

from appliance.api.users import code_path
from appliance.commands.demo_office import PHRASE, configuration, enter, opened
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
        enter(load(config))
    assert not code_path(tmp_path / "state").exists()
    with opened(tmp_path, config) as address, httpx.Client(base_url=address) as browser:
        token = re.findall(r'name="csrf" value="([^"]+)"', browser.get("/login").text)[0]
        fields = {"csrf": token, "name": "operatore", "password": PHRASE}
        answer = browser.post("/login", data=fields, headers={"origin": address})
        assert answer.status_code == 303
        assert '<option value="op1" selected>' in browser.get("/desk").text


@pytest.mark.timeout(600)
def test_what_it_suggests_can_be_pasted(tmp_path: Path) -> None:
    """Staying up it names a command for each thing to try; each works as it stands, in Italian."""
    environment = {**os.environ, "LANG": "it_IT.UTF-8", "PYTHONUNBUFFERED": "1"}
    environment.pop("LC_ALL", None)
    command = [sys.executable, "-m", "appliance", "dev", "demo", "--keep"]
    with subprocess.Popen(
        command, cwd=tmp_path, env=environment, stdout=subprocess.PIPE, text=True
    ) as demonstration:
        assert demonstration.stdout is not None
        told = []
        try:
            for line in demonstration.stdout:
                told.append(line)
                if "Un telefono proprio" in line:
                    break
            pasted = [line.split("   # ")[0].strip() for line in told if "   # " in line]
            assert len(pasted) == 3, "".join(told)
            for words in pasted:
                shell = ("bash", "-c", words)
                subprocess.run(shell, cwd=tmp_path, env=environment, check=True, timeout=120)
        finally:
            demonstration.send_signal(signal.SIGINT)
        assert demonstration.wait(60.0) == 0
    assert "Le tre chiamate sono andate come dovevano." in "".join(told)


def test_one_that_does_not_open_says_where_to_look(tmp_path: Path) -> None:
    """The sentence names the file with the reason."""
    with (
        pytest.raises(TechnicianError, match=r"console\.log says why"),
        opened(tmp_path, tmp_path / "none.toml"),
    ):
        pass
