"""`centralino line probe` on real PTYs of the exchange: each verdict, and a port that is in use."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from appliance.__main__ import main
from appliance.modem.port_server import SerialPort
from appliance.simulator.exchange import process
from appliance.simulator.exchange.process import ExchangeProcess

pytestmark = pytest.mark.system

CONFIGURATION = """\
[site]
name = "Test"
patron = "10-04"
[hours]
[sip]
address = "127.0.0.1"
"""
VTR = ("duplex", "error", "mute")


def run(folder: Path, line: str, *options: str) -> Result:
    """Run the command on one of the folder's lines."""
    config = folder / "centralino.toml"
    lines = "".join(
        f'[[lines]]\nname = "line{n}"\nport = "{folder}/lines/line{n}"\n' for n in (1, 2, 3)
    )
    config.write_text(CONFIGURATION + lines, encoding="utf-8")
    return CliRunner().invoke(main, ["probe", "--config", str(config), *options, line])


def test_each_kind_of_modem_has_its_verdict(tmp_path: Path) -> None:
    """Duplex, refused, and a stream without a sample: a sentence to act on, and a status."""
    with ExchangeProcess(tmp_path / "lines", 3):
        for number, vtr in enumerate(VTR, 1):
            process.set_line(tmp_path / "lines", number, vtr=vtr)
        proven = run(tmp_path, "line1", "--json")
        refused, mute = run(tmp_path, "line2"), run(tmp_path, "line3")
        assert run(tmp_path, "line9").exit_code == 1
        lines = process.ask_status(tmp_path / "lines")["lines"]
    told = json.loads(proven.output)
    assert (proven.exit_code, told["verdict"], told["ended_by"]) == (0, "duplex", "DLE ^")
    assert 7600 <= told["heard_rate"] <= 8400
    assert (refused.exit_code, mute.exit_code) == (3, 3)
    assert "Il modem rifiuta +VTR" in refused.output
    assert "non manda suono" in mute.output
    assert isinstance(lines, list)
    assert all(line["protocol_faults"] == {} for line in lines), lines


def test_a_port_in_use_is_told_and_left_alone(tmp_path: Path) -> None:
    """While the service holds the port nothing is probed: who holds it, and what to do."""
    with ExchangeProcess(tmp_path / "lines", 3):
        holder = SerialPort(f"{tmp_path}/lines/line1")
        refused = run(tmp_path, "line1")
        holder.close()
        missing = tmp_path / "lines" / "line2"
        process.set_line(tmp_path / "lines", 2, plugged=False)
        assert not missing.exists()
        gone = run(tmp_path, "line2")
    assert refused.exit_code == 1
    assert "è in uso da" in refused.output
    assert gone.exit_code == 1
    assert "non c'è: collegare il modem" in gone.output
