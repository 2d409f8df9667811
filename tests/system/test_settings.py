"""Settings changed while a call is going on: the call does not notice, the next one does."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from appliance.api import protocol
from appliance.calls.orders import Result
from appliance.config.settings_trial import TRIAL_S
from tests.helpers.box import JOB_S, Box
from tests.system.calls import in_call, record_of
from tests.system.notices import Notices

pytestmark = pytest.mark.system

PASSWORD = "pane burro alici capperi"
LIMIT_S = JOB_S
"""Settings are read by a child that gives way, too."""
GREEN = {"set": "lines.line2.label", "value": "Numero verde"}


@pytest.fixture
def box(tmp_path: Path) -> Iterator[Box]:
    """A box under a service manager of ours, with a technician."""
    with Notices() as notices, Box(tmp_path, environment=notices.environment) as made:
        shell = (
            "users", "add", "beppe", "--shown", "Beppe", "--role", "technician",
            "--password", PASSWORD,
        )  # fmt: skip
        command = [sys.executable, "-m", "appliance", *shell, "--config", str(made.config_path)]
        subprocess.run(command, check=True, capture_output=True)
        yield made


def ask(box: Box, name: str, **more: Any) -> Any:
    """Ask as the technician."""
    asked = {"ask": name, "by": "beppe", **more}
    return protocol.ask(box.folder / "run" / "desk.sock", asked, LIMIT_S)


def apply(box: Box, *changes: Any, **more: Any) -> Any:
    """Apply changes to the file as it is."""
    base = ask(box, "settings_list")["revision"]
    return ask(box, "settings_apply", changes=list(changes), base=base, **more)


def label(box: Box) -> str:
    """Return what the service calls the second line."""
    return str(next(line["label"] for line in box.status()["lines"] if line["name"] == "line2"))


def started_again(box: Box) -> None:
    """Wait until the daemon leaves of itself, and start it again as systemd does."""
    assert box.daemon is not None
    assert box.daemon.wait(JOB_S) == 0, box.log()
    box.daemon = None
    box.start()


def test_a_call_goes_on_and_the_change_holds_after_it(box: Box) -> None:
    """The service leaves in good order once the caller has hung up, and comes back changed."""
    with box.phone("op1") as op1:
        call, name = in_call(box, 1, op1)
        told = apply(box, GREEN)
        assert told["differences"][0]["words"]["it"] == (
            "Linea 2, etichetta: da «L2» a «Numero verde»"
        )
        good = "the configuration is good"
        box.wait_until(lambda: good in box.log(), JOB_S, "the file was not looked at")
        assert ask(box, "settings_list")["waits"]
        # Some turns of the loop later the call is still on, and nothing has changed for it.
        assert [one["state"] for one in box.status()["calls"]] == ["talking"]
        assert label(box) == "L2"
        call.hang_up()
        assert record_of(box, name).result is Result.ANSWERED
        started_again(box)
    assert label(box) == "Numero verde"
    assert not ask(box, "settings_list")["waits"]
    (entry,) = ask(box, "settings_history")["entries"]
    assert (entry["number"], entry["by"]) == (1, "beppe")


def rewrite(path: Path, **more: object) -> None:
    """Change some of what a file of JSON says."""
    path.write_text(json.dumps(json.loads(path.read_text()) | more))


def test_a_trial_does_not_outlive_a_power_cut(box: Box) -> None:
    """Killed within its minute and started by another boot: the file is what it was."""
    before = box.config_path.read_bytes()
    assert apply(box, GREEN, trial=True)["trial_s"] == TRIAL_S
    assert box.config_path.read_bytes() != before
    box.kill()
    trial = box.state / "settings" / "trial.json"
    # A start beside many other tests may take most of the minute, which it has for itself here.
    rewrite(trial, until=time.monotonic() + TRIAL_S)
    box.start()
    # The same boot: the trial goes on, and whoever made the change may still keep it.
    assert json.loads(trial.read_text())["by"] == "beppe"
    assert box.config_path.read_bytes() != before
    box.kill()
    rewrite(trial, boot="another")
    box.start(ready=False)
    started_again(box)
    assert box.config_path.read_bytes() == before
    assert label(box) == "L2"
    newest = ask(box, "settings_history")["entries"][0]
    assert newest["words"][0]["it"].startswith("Annullato, perché nessuno ha confermato")
