"""The account at another telephone system: configured, its password kept, its troubles told."""

from __future__ import annotations

import ipaddress
from pathlib import Path

import pytest
from click.testing import CliRunner

from appliance.__main__ import main
from appliance.config import build, phones, read
from appliance.config.phones import phone_settings
from appliance.errors import ConfigurationError
from appliance.sip.registrar import RegistrarAccount
from appliance.sip.trunk import RegistrationState
from tests.config.test_read import SMALL, mistakes_of

ACCOUNT = """
allowed = ["192.168.10.0/24", "10.0.0.7"]
[sip.registrar]
address = "192.168.1.5"
user = "scatola"
"""


def written(folder: Path, more: str = ACCOUNT) -> Path:
    """Write a configuration whose state lies in a folder of the test."""
    path = folder / "centralino.toml"
    path.write_text(f'{SMALL}{more}\n[folders]\nstate = "{folder}"\n')
    return path


def test_configured_with_its_password(tmp_path: Path) -> None:
    """Address, user and the password that the technician typed reach the SIP thread."""
    path = written(tmp_path)
    answer = CliRunner().invoke(
        main, ["phones", "--config", str(path), "registrar"], input="s3cret\ns3cret\n"
    )
    assert answer.exit_code == 0, answer.output
    assert "s3cret" not in answer.output
    settings = read.load(path)
    found = phone_settings(settings, phones.load_secrets(settings))
    assert found.registrar == RegistrarAccount(("192.168.1.5", 5060), "scatola", "s3cret")
    assert found.allowed == (
        ipaddress.IPv4Network("192.168.10.0/24"),
        ipaddress.IPv4Network("10.0.0.7/32"),
    )


def test_not_configured(tmp_path: Path) -> None:
    """Without [sip.registrar] there is none, and no password is asked for in vain."""
    path = written(tmp_path, "")
    assert phone_settings(read.load(path), {}).registrar is None
    answer = CliRunner().invoke(
        main, ["phones", "--config", str(path), "registrar", "--password", "x"]
    )
    assert isinstance(answer.exception, ConfigurationError | SystemExit)
    assert not phones.secrets_path(read.load(path)).exists()


def test_mistakes_are_told_with_their_remedy() -> None:
    """A network or an address that is none stands in the list of mistakes."""
    said = "\n".join(mistakes_of(SMALL + ACCOUNT.replace("10.0.0.7", "lan").replace(".5", ".500")))
    assert "sip.allowed: 'lan' is no network: write 192.168.1.0/24" in said
    assert "sip.registrar.address: '192.168.1.500' is no phone's address" in said


@pytest.mark.parametrize(
    ("standing", "said"),
    [
        (None, ""),
        (RegistrationState.ASKING, ""),
        (RegistrationState.REGISTERED, ""),
        (RegistrationState.SILENT, "does not answer"),
        (RegistrationState.REFUSED, "refuses the box"),
    ],
)
def test_what_is_said(standing: RegistrationState | None, said: str) -> None:
    """Trouble in both languages, and none while all is well."""
    trouble = build.trouble_of(standing)
    assert (trouble is not None) is bool(said)
    if trouble:
        assert said in trouble.words.text("en")
        assert trouble.words.text("it") != trouble.words.text("en")
