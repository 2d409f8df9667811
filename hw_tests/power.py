"""The last steps of the ladder: a USB reset and a port without power, where the machine can.

Sysfs and uhubctl are the product's own (`appliance.usb`); what they need is root and a hub that
switches its ports.
"""

from __future__ import annotations

import os
import shutil
from functools import partial
from typing import TYPE_CHECKING

from appliance import usb
from appliance.errors import TechnicianError
from appliance.text import Words, _
from appliance.usb import SYSFS, find_device
from hw_tests.bench import UnmeasuredError
from hw_tests.findings import Verdict

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from appliance.usb import UsbDevice


NO_USB = _("There is no modem at a USB port.")
NO_ROOT = _("This needs root: run it with sudo.")


class CannotError(UnmeasuredError):
    """Raised where a step cannot be made: by this device, or not without more rights."""

    def __init__(self, verdict: Verdict, said: Words) -> None:
        super().__init__(said)
        self.verdict = verdict


def planned(path: str, step: usb.UsbStep, sysfs: Path = SYSFS) -> Callable[[], None]:
    """Give what makes a step for the modem at a port; that raises TechnicianError, CannotError.

    Raises CannotError for a port that is none of USB, one without a switch, and without root.
    """
    try:
        device = find_device(path, sysfs)
    except TechnicianError as error:
        raise CannotError(Verdict.NOT_ON_THIS_DEVICE, NO_USB) from error
    try:
        actions = usb.reset_plan(step, device, shutil.which("uhubctl"), sysfs)
    except TechnicianError as error:
        raise _no_switch(device) from error
    if os.geteuid() != 0:
        raise CannotError(Verdict.SKIPPED, NO_ROOT)
    return partial(_made, actions, device)


def _made(actions: tuple[usb.Action, ...], device: UsbDevice) -> None:
    try:
        usb.carry_out(actions)
    except TechnicianError as error:
        if any(isinstance(action, usb.RunProgram) for action in actions):
            raise _no_switch(device) from error  # uhubctl knows no such hub
        raise


def _no_switch(device: UsbDevice) -> CannotError:
    where = f"{device.port} (hub {device.hub})"
    return CannotError(
        Verdict.NOT_ON_THIS_DEVICE,
        _("USB port {where} cannot be switched from here.", where=where),
    )
