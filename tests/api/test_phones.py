"""What is asked of the phones at the control socket: where they stand, and that passwords were
renewed.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from appliance.api.phones import PhoneList
from appliance.api.technician_commands import LoadPasswords
from appliance.config import phones as service_phones
from appliance.config import read
from appliance.config.phones import phone_settings
from appliance.config.schema import Settings
from appliance.errors import CentralinoError, ConfigurationError
from appliance.sip.service import Phones
from tests.commands.test_phones import CONFIG


class Stores:
    """Records whose thread does each job at once."""

    def __init__(self) -> None:
        self.records = self

    def do(self, job: Callable[[Any], Any], done: Callable[[Any], None]) -> None:
        """Do a job; its error is its result, as the worker hands it on."""
        try:
            done(job(None))
        except CentralinoError as error:
            done(error)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Two phones, of which one has a password."""
    path = tmp_path / "centralino.toml"
    path.write_text(CONFIG.format(folder=tmp_path))
    found = read.load(path)
    service_phones.save_secrets(found, {"op1": "old"})
    return found


def asked(settings: Settings) -> tuple[PhoneList, Phones]:
    """Return what answers, and the phones that it asks."""
    phones = Phones(phone_settings(settings, service_phones.load_secrets(settings)), lambda _: None)
    stores: Any = Stores()
    return PhoneList(settings, phones, stores), phones


def test_renewed_passwords_reach_the_phones(settings: Settings) -> None:
    """The file is read anew; the registrar knows the new password at the next turn."""
    questions, phones = asked(settings)
    service_phones.save_secrets(settings, {"op1": "new", "op2": "first"})
    said: list[Any] = []
    questions.renewed(LoadPasswords())(said.append)
    assert said[0].said.text("en") == "The passwords of the phones are known."
    phones._loop.turn(0.0)
    authentication = phones._endpoint.registrar.authentication
    assert [authentication.knows(name) for name in ("op1", "op2")] == [True, True]
    assert authentication._secrets["op1"] == "new"
    assert [row.name for row in questions.rows()] == ["op1", "op2"]
    assert {row.address for row in questions.rows()} == {""}


def test_former_passwords_are_known_after_the_next_start(settings: Settings) -> None:
    """Replaced, then removed: the latest one; never the phones' administrator's. A broken file of
    them is none.
    """
    administrator = {service_phones.ADMINISTRATOR: "root's"}
    for secrets in ({"op1": "new"} | administrator, {"op1": "newer", "op2": "x"}, {"op2": "x"}):
        service_phones.save_secrets(settings, secrets)
    assert phone_settings(settings, {"op2": "x"}).former == (("op1", "newer"),)
    (path,) = service_phones.secrets_path(settings).parent.glob("*former*")
    assert path.stat().st_mode & 0o777 == 0o600
    path.write_text("{")
    assert phone_settings(settings, {"op2": "x"}).former == ()
    service_phones.save_secrets(settings, {})
    assert phone_settings(settings, {}).former == (("op2", "x"),)


def test_a_broken_file_is_told_and_changes_nothing(settings: Settings) -> None:
    """Who asks hears what is wrong; the phones keep their passwords."""
    questions, phones = asked(settings)
    service_phones.secrets_path(settings).write_text("{")
    said: list[Any] = []
    questions.renewed(LoadPasswords())(said.append)
    assert isinstance(said[0], ConfigurationError)
    phones._loop.turn(0.0)
    assert phones._endpoint.registrar.authentication.knows("op1")
