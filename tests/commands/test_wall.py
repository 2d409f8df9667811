"""`centralino office wall`: links of screens from the box's own shell."""

from __future__ import annotations

import json
import re
from pathlib import Path

from click.testing import CliRunner

from appliance.__main__ import main
from appliance.store import wall
from tests.commands.samples import CONFIG, call_control


def run(file: Path, *words: str, code: int = 0) -> str:
    """Run a command line to its expected end."""
    line = ["wall", "--config", str(file), *words]
    result = CliRunner().invoke(main, line)
    assert result.exit_code == code, result.output
    return result.output.strip()


def test_links_from_the_shell(tmp_path: Path) -> None:
    """Made, listed without the secret, ended; a link that is not there is refused in words."""
    file = tmp_path / "centralino.toml"
    file.write_text(CONFIG.format(folder=tmp_path), encoding="utf-8")
    with call_control(file) as stores:
        assert run(file, "list") == "Nessuno schermo ha un collegamento."
        told = run(file, "add", "schermo dell'ingresso", "--by", "root")
        secret = re.findall(r"/screen/([\w-]{43})$", told)[0]
        assert stores.records.ask(lambda c: wall.find_link(c, secret)) is not None
        listed = run(file, "list")
        assert listed.startswith("1 schermo dell'ingresso")
        assert listed.endswith("(root)")
        assert "è stato revocato" in run(file, "end", "1", "--by", "root")
        assert "revocato" in run(file, "list")
        assert "non c'è un collegamento aperto 1" in run(file, "end", "1", code=1)
        (row,) = json.loads(run(file, "list", "--json"))
    assert (row["name"], row["ended_by"], secret in str(row)) == (
        "schermo dell'ingresso",
        "root",
        False,
    )
