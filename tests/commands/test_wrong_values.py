"""Values that no command and no configuration should take: refused in one sentence."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from appliance.__main__ import main
from appliance.commands import backup
from appliance.config import read
from appliance.config.office import build_office
from appliance.config.values import BadConfiguration
from appliance.policy.text import Refused
from appliance.service.nightly import NIGHTLY
from appliance.service.restore import copy_of

SITE = '[site]\nname = "Comune"\npatron = "10-04"\n[hours]\n[sip]\naddress = "127.0.0.1"\n'


@pytest.fixture
def box(tmp_path: Path) -> Path:
    """A configuration that is good."""
    path = tmp_path / "centralino.toml"
    path.write_text(f'{SITE}[folders]\nstate = "{tmp_path}/state"\n')
    return path


def run(box: Path, *words: str) -> Result:
    """Type a command."""
    return CliRunner().invoke(main, [*words, "--config", str(box)])


@pytest.mark.parametrize("port", ["99999", "-1", "http"])
def test_a_console_is_served_at_a_port_or_not_at_all(port: str, box: Path) -> None:
    """A number that is no port is refused by the command, not by the system's traceback."""
    result = run(box, "console", "--port", port)
    assert result.exit_code == 2
    assert port in result.output


@pytest.mark.parametrize("port", [-1, 0, 65_536])
def test_phones_register_at_a_port_or_the_configuration_is_wrong(port: int) -> None:
    """sip.port is checked like every other port."""
    with pytest.raises(BadConfiguration) as caught:
        build_office(read.parse(f"{SITE}port = {port}\n"), 2026)
    (mistake,) = caught.value.mistakes
    assert mistake.words.text("it") == f"sip.port: {port} non è una porta: da 1 a 65535"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("restore", "/nowhere/x.backup"), "non c'è nessun file con questo nome"),
        (("restore", "/nowhere/x.backup", "--check"), "non c'è nessun file con questo nome"),
        (("backup", "/nowhere/x.backup"), "la cartella /nowhere non c'è"),
    ],
)
def test_a_passphrase_is_asked_for_only_where_it_is_of_use(
    words: tuple[str, ...], said: str, box: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever has mistyped the path hears so before they type twenty characters twice."""
    asked: list[object] = []
    monkeypatch.setattr(backup, "ask_secret", lambda *more, **_: asked.append(more))
    result = run(box, *words)
    assert result.exit_code == 1
    assert said in result.output
    assert asked == []


def test_a_night_without_a_copy_is_said_in_good_italian(tmp_path: Path) -> None:
    """One sentence where there are others, another one where there is none at all."""
    with pytest.raises(Refused) as caught:
        copy_of(tmp_path, "2026-11-25")
    assert caught.value.words.text("it").endswith("2026-11-25: non ce n'è ancora nessuna")
    (tmp_path / NIGHTLY / "2026-11-24").mkdir(parents=True)
    with pytest.raises(Refused) as caught:
        copy_of(tmp_path, "2026-11-25")
    assert caught.value.words.text("it").endswith("2026-11-25: ci sono quelle di 2026-11-24")
