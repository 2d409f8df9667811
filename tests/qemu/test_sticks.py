"""Backup sticks as they are sold, FAT32 and exFAT, on the kernel's own file systems, once.

A container has neither; a Debian kernel in QEMU has both, and its USB gadgets are the sticks.
"""

from __future__ import annotations

import pytest

from tests.faults.needs import require
from tests.qemu import sticks, vm
from tests.qemu.test_driver import FIRST_PROCESS, boots

pytestmark = [
    pytest.mark.long,
    pytest.mark.timeout(660),
    pytest.mark.skipif(vm.missing() != "", reason=f"needs {vm.missing()}"),
]


@pytest.fixture(scope="module")
def console(tmp_path_factory: pytest.TempPathFactory) -> str:
    """All that the guest wrote, from its boot to its end."""
    require("mkfs.vfat", "mkfs.exfat", "mkfs.ext4")
    first = FIRST_PROCESS.replace("tests.qemu.guest", "tests.qemu.sticks")
    return boots(tmp_path_factory.mktemp("sticks"), first)


@pytest.mark.parametrize("name", sticks.CHECKS)
def test_on_the_real_file_system(console: str, name: str) -> None:
    """Each check of sticks.py; its docstring is the requirement."""
    assert f"PASS {name} " in console, console[-6000:]
