"""The account at another telephone system: configured, its password kept, its troubles told."""

from __future__ import annotations

import ipaddress
import os
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


@pytest.mark.parametrize(
    ("more", "words", "said"),
    [
        ("", [], "[sip.registrar]"),
        (ACCOUNT, ["extra"], "extra"),
        (ACCOUNT, ["--nonsense"], "--nonsense"),
        (ACCOUNT.replace('"scatola"', "3"), [], "sip.registrar.user"),
    ],
)
def test_no_password_is_asked_for_in_vain(
    tmp_path: Path, more: str, words: list[str], said: str
) -> None:
    """Whatever else is wrong is told before."""
    path = written(tmp_path, more)
    answer = CliRunner().invoke(
        main, ["phones", "--config", str(path), "registrar", *words], input="a\nb\n"
    )
    assert answer.exit_code in {1, 2}
    assert said in answer.output


def test_a_closed_folder_is_told_before_the_password(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its place, and sudo."""
    path = written(tmp_path)
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    monkeypatch.setattr(os, "access", lambda _path, mode, **_more: mode != os.W_OK)
    answer = CliRunner().invoke(
        main, ["phones", "--config", str(path), "registrar"], input="a\nb\n"
    )
    assert answer.exit_code == 1
    assert "sudo" in answer.output


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
