"""Runs in a guest whose first process is systemd: call control's request, root's helper, its
answer.

Prints one line a check, as guest.py does.
"""

from __future__ import annotations

import json
import os
import pwd
import signal
import subprocess
import time
from pathlib import Path

from appliance import usb
from appliance.service import clock
from appliance.service.clock import BATTERY, Sources
from appliance.usb import UsbStep
from tests.qemu.gadget import load
from tests.qemu.guest import ONE, check, configuration, line_paths, wait

CONFIG = Path("/etc/centralino/centralino.toml")
RUN = Path("/run/centralino")
LINE = "line1"
SERVICE, PATH = "centralino-helper@usb.service", "centralino-request@usb.path"
CALL_CONTROL = "centralino.service"
CLOCK, WAITS = "centralino-helper@clock", "centralino-request@clock.path"
MONTH_S = 30 * 86_400.0
NEAR_S = 3.0
"""The chip keeps whole seconds; between two looks at it some pass here."""
GREEDY = """[Service]
Type=exec
Restart=no
ExecStart=
ExecStart=/usr/bin/python3 -c "b'x' * 500_000_000"
"""
"""In call control's place somebody who wants more than its unit grants, and less than the guest
has.
"""
CHECKS = (
    "call_control_asks_and_root_resets",
    "call_control_asks_and_root_switches_the_port",
    "nonsense_is_taken_away_and_refused",
    "a_broken_configuration_stops_no_path_unit",
    "the_time_is_set_and_the_battery_clock_with_it",
    "who_wants_too_much_memory_is_ended",
)


def state(unit: str, what: str) -> str:
    """Ask systemd for one property."""
    shown = subprocess.run(
        ("systemctl", "show", "--value", "-p", what, unit), capture_output=True, check=True
    )
    return shown.stdout.decode().strip()


def systemctl(*words: str) -> None:
    """Have systemd do something."""
    subprocess.run(("systemctl", *words), check=True)


def ask(text: str) -> None:
    """Put a request as call control's own user does, and wait until the helper has ended."""
    started = state(SERVICE, "ExecMainStartTimestampMonotonic")
    new = usb.requests_folder(RUN) / ".new"
    new.write_text(text, encoding="ascii")
    os.chown(new, *call_control())
    new.replace(new.with_name(LINE))
    wait("a start", lambda: state(SERVICE, "ExecMainStartTimestampMonotonic") != started)
    wait("an end", lambda: state(SERVICE, "ActiveState") in {"inactive", "failed"})
    assert not new.with_name(LINE).exists(), "the request was not taken"


def call_control() -> tuple[int, int]:
    """Return call control's user and group."""
    user = pwd.getpwnam("centralino")
    return user.pw_uid, user.pw_gid


def obeyed(step: UsbStep) -> None:
    """A request is done and answered, and the modem is there again."""
    ask(step.value)
    assert state(SERVICE, "Result") == "success", state(SERVICE, "Result")
    kept = (usb.answers_folder(RUN) / LINE).read_text(encoding="utf-8")
    assert json.loads(kept)[step.value]["done"] is True, kept
    wait("the modem", line_paths)


def call_control_asks_and_root_resets() -> None:
    """In its sandbox the helper reads the request and writes to sysfs."""
    obeyed(UsbStep.RESET_USB)


def call_control_asks_and_root_switches_the_port() -> None:
    """Likewise, at the hub's port."""
    obeyed(UsbStep.POWER_CYCLE)


def nonsense_is_taken_away_and_refused() -> None:
    """What is no step starts the helper once and does nothing."""
    ask("explode")
    assert state(SERVICE, "Result") == "exit-code"
    assert state(PATH, "ActiveState") == "active"


def a_broken_configuration_stops_no_path_unit() -> None:
    """One start for one request, also when the configuration cannot be read."""
    CONFIG.write_text("[site\n", encoding="utf-8")
    ask(UsbStep.RESET_USB.value)
    assert state(SERVICE, "Result") == "exit-code"
    assert state(PATH, "ActiveState") == "active", state(PATH, "Result")


def the_time_is_set_and_the_battery_clock_with_it() -> None:
    """In its sandbox the helper sets the machine's clock, a month on, and the chip behind it, which
    call control then finds to agree; one request, one start.
    """
    folder = clock.folder_of(RUN)
    folder.mkdir(mode=0o700)
    os.chown(folder, *call_control())
    systemctl("start", WAITS)
    wanted = float(BATTERY.read_text()) + MONTH_S  # this machine itself begins in 1980
    assert wanted - time.time() > MONTH_S
    clock.ask_for_time(folder, wanted, time.monotonic())
    since = time.monotonic()
    wait("the time", lambda: time.time() > wanted)
    assert time.time() - wanted < time.monotonic() - since + NEAR_S
    wait("an end", lambda: state(f"{CLOCK}.service", "ActiveState") in {"inactive", "failed"})
    assert state(f"{CLOCK}.service", "Result") == "success"
    assert abs(float(BATTERY.read_text()) - time.time()) < NEAR_S
    assert Sources().seen().battery
    assert not list(folder.iterdir())
    assert state(WAITS, "ActiveState") == "active"


def who_wants_too_much_memory_is_ended() -> None:
    """Beyond MemoryMax= call control is killed, whatever is free."""
    folder = Path(f"/run/systemd/system/{CALL_CONTROL}.d")
    folder.mkdir(parents=True)
    (folder / "greedy.conf").write_text(GREEDY, encoding="utf-8")
    systemctl("daemon-reload")
    systemctl("start", CALL_CONTROL)
    wait("an end", lambda: state(CALL_CONTROL, "ActiveState") == "failed")
    assert state(CALL_CONTROL, "Result") in {"oom-kill", "signal"}, state(CALL_CONTROL, "Result")
    assert state(CALL_CONTROL, "ExecMainStatus") == str(signal.SIGKILL.value)


def main() -> None:
    """Plug a modem in, make call control's folder, run every check."""
    load(modems=1)
    ONE.make()
    ONE.plug_in()
    wait("the name of ours", line_paths)
    CONFIG.parent.mkdir(exist_ok=True)
    CONFIG.write_text(configuration(line_paths()[0]), encoding="utf-8")
    for folder in (RUN, usb.requests_folder(RUN)):
        folder.mkdir(exist_ok=True)
        os.chown(folder, *call_control())
    for name in CHECKS:
        check(name, globals()[name])


if __name__ == "__main__":
    main()
