"""The head office's settings come into force beside a running box; a call that is on goes on."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from appliance.__main__ import main
from tests.helpers.box import JOB_S, Box
from tests.managed_config.samples import CERTIFICATE, FIRST, made, without
from tests.system.calls import end, in_call

pytestmark = pytest.mark.system


def test_a_call_goes_on(tmp_path: Path) -> None:
    """Sheets hold at once and call control tells the version; the schedule waits until it starts
    anew, which is for when nobody is on the phone: here, without a service manager, a person is
    told.
    """
    (tmp_path / "central.pem").write_bytes(CERTIFICATE)
    (tmp_path / "settings.bundle").write_bytes(made(1, without(FIRST, "register.toml")))
    central = f'[central]\ncertificate = "{tmp_path}/central.pem"\n'
    with Box(tmp_path / "box", lines=1, extra=central) as box:
        call, name = in_call(box, 1, box.phone("op1"))
        words = ["settings", "apply", str(tmp_path / "settings.bundle"), "--json"]
        environment = {"CENTRALINO_CONFIG": str(box.config_path)}
        result = CliRunner().invoke(main, words, env=environment)
        assert result.exit_code == 0, result.output
        assert "as soon as nobody is on the phone" in json.loads(result.output)["en"]
        box.wait_until(
            lambda: any("version 1 since" in said["en"] for said in box.status()["central"]),
            20.0,
            "the version is not told",
        )
        box.wait_until(
            lambda: any("restart the service" in said for said in box.troubles()),
            JOB_S,
            "the new schedule was not found good",
        )
        assert [each["call"] for each in box.status()["calls"]] == [name]
        box.ask("NoteSheet", sheet="imu", position="op1", call="")
        record = end(box, call)
        assert (record.sheets, record.call) == (("imu",), name)
