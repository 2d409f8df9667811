"""Settings changed at the control socket: root's helper writes them, sandbox and all."""

from __future__ import annotations

import http.client
import ssl
from collections.abc import Iterator
from typing import Any

import pytest

from tests.faults.systemd.machine import CALL_CONTROL, CONSOLE, Machine, waiting
from tests.faults.systemd.scenes import COME_S
from tests.faults.systemd.test_helpers import WHO, add_user

pytestmark = pytest.mark.system
HELPER = "centralino-helper@settings"
OTHER_PORT = 8443
LAPSE_S = 60.0


@pytest.fixture
def changed(machine: Machine) -> Iterator[Machine]:
    """A machine with a technician; its configuration is put back to what it was."""
    path = machine.folder / "etc" / "centralino.toml"
    before = path.read_bytes()
    assert machine.shown(waiting(HELPER), "ActiveState") == "active"
    add_user(machine)
    yield machine
    if path.read_bytes() != before:
        path.write_bytes(before)
        machine.inside("systemctl", "restart", CALL_CONTROL, CONSOLE)


def text_of(machine: Machine) -> str:
    """Return the configuration."""
    return (machine.folder / "etc" / "centralino.toml").read_text(encoding="utf-8")


def apply(machine: Machine, *changes: Any, **more: Any) -> Any:
    """Apply changes to the file as it is."""
    base = machine.ask("settings_list", by=WHO)["revision"]
    told = machine.ask("settings_apply", by=WHO, base=base, changes=list(changes), **more)
    assert told.get("done") is True, (told, machine.log()[-3000:])
    return told


def restarts(machine: Machine, former: str) -> None:
    """Wait until call control, which was the process `former`, has started anew."""
    machine.wait_until(
        lambda: machine.shown(CALL_CONTROL, "MainPID") not in {former, "0"},
        COME_S,
        "call control did not start anew",
    )
    machine.wait_until(machine.is_idle, COME_S, "call control did not come back")


def is_served_at(machine: Machine, port: int) -> bool:
    """Tell whether the console answers at a port."""
    context = ssl._create_unverified_context()
    asked = http.client.HTTPSConnection(machine.address, port, timeout=5, context=context)
    try:
        asked.request("GET", "/login")
        return asked.getresponse().status < 400
    except OSError:
        return False
    finally:
        asked.close()


def test_a_change_is_written_by_roots_helper_and_taken_up(changed: Machine) -> None:
    """Comments stay; the file is root's, its history call control's alone; the undoing gives the
    same bytes.
    """
    before = text_of(changed)
    first = changed.shown(CALL_CONTROL, "MainPID")
    told = apply(changed, {"set": "site.name", "value": "Comune Nuovo"})
    assert told["trial_s"] == 0
    assert 'name = "Comune Nuovo"' in text_of(changed)
    file = (changed.folder / "etc" / "centralino.toml").stat()
    assert (file.st_uid, file.st_gid, file.st_mode & 0o777) == (0, 0, 0o644)
    folder = changed.state / "settings"
    owner = changed.state.stat().st_uid
    assert owner != 0
    assert {path.stat().st_uid for path in (folder, *folder.iterdir())} == {owner}
    assert not changed.inside("sh", "-c", "ls /run/centralino/settings-asked 2>/dev/null; true")
    restarts(changed, first)
    assert changed.ask("settings_list", by=WHO)["waits"] is False
    (entry,) = changed.ask("settings_history", by=WHO)["entries"]
    assert entry["by"] == WHO
    second = changed.shown(CALL_CONTROL, "MainPID")
    told = changed.ask("settings_undo", by=WHO, number=entry["number"])
    assert told.get("done") is True, told
    assert text_of(changed) == before
    restarts(changed, second)


def test_a_port_that_cuts_browsers_off_comes_back(changed: Machine) -> None:
    """The console moves for a minute, then is where it was, though call control was killed
    meanwhile; a confirmed one stays.
    """
    before = text_of(changed)
    changed.wait_until(lambda: is_served_at(changed, 443), COME_S, "no pages")
    told = apply(changed, {"set": "console.port", "value": OTHER_PORT})
    assert told["trial_s"] == LAPSE_S
    changed.wait_until(lambda: is_served_at(changed, OTHER_PORT), COME_S, "no pages there")
    assert not is_served_at(changed, 443)
    assert changed.ask("settings_list", by=WHO)["trial"]["by"] == WHO
    first = changed.shown(CALL_CONTROL, "MainPID")
    changed.signalled(CALL_CONTROL, "KILL")
    restarts(changed, first)
    changed.wait_until(lambda: text_of(changed) == before, LAPSE_S + COME_S, "it was not undone")
    changed.wait_until(lambda: is_served_at(changed, 443), COME_S, "no pages as before")

    apply(changed, {"set": "console.port", "value": OTHER_PORT})
    assert changed.ask("settings_confirm", by=WHO).get("done") is True
    assert changed.ask("settings_list", by=WHO)["trial"] is None
    assert f"port = {OTHER_PORT}" in text_of(changed)


def test_a_password_stands_in_its_own_file_alone(changed: Machine) -> None:
    """Root's, read by the service's group; no request, answer, history or journal holds it."""
    word = "ramarro-sotto-il-sasso"
    account = [
        {"set": "mail.server", "value": "127.0.0.1"},
        {"set": "mail.sender", "value": "urp@comune.example"},
        {"set": "mail.user", "value": "urp"},
    ]
    kept = changed.folder / "etc" / "mail_password"
    kept.unlink(missing_ok=True)  # another test's, whose mode would be kept
    apply(changed, *account, {"secret": "mail.password", "value": word})
    assert kept.read_text(encoding="utf-8") == f"{word}\n"
    assert (kept.stat().st_uid, kept.stat().st_mode & 0o777) == (0, 0o640)
    assert kept.stat().st_gid == changed.state.stat().st_gid
    changed.inside("journalctl", "--sync")
    assert word not in changed.journal()
    places = "/run /etc/centralino/centralino.toml /var/lib"
    found = changed.inside("sh", "-c", f"grep -rlF {word} {places} 2>/dev/null; true")
    assert not found
    kept.unlink()
