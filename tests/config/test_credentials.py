"""A secret that systemd hands over stands before its file; an empty one is none."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from appliance.config.schema import MailSettings
from appliance.config.values import MAIL_PASSWORD, secret_file
from appliance.service.mailroom import account_of

MAIL = MailSettings("mail.example", user="box", password_file="/etc/secret", sender="a@b.example")


def test_what_is_handed_over_stands_before_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And only where it holds something: a unit's stand-in for a missing source is empty."""
    monkeypatch.delenv("CREDENTIALS_DIRECTORY", raising=False)
    assert secret_file("/etc/secret", MAIL_PASSWORD) == "/etc/secret"
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
    assert secret_file("/etc/secret", MAIL_PASSWORD) == "/etc/secret"
    handed = tmp_path / MAIL_PASSWORD
    handed.write_text("")
    assert secret_file("/etc/secret", MAIL_PASSWORD) == "/etc/secret"
    handed.write_text("word")
    account = account_of(MAIL)
    assert account is not None
    assert account.password_file == str(handed)
    without = account_of(replace(MAIL, user="", password_file=""))
    assert without is not None
    assert without.password_file == ""
