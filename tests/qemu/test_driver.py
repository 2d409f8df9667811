"""The real cdc_acm driver, once: what a pseudo terminal cannot do (v253.md 9, item 6, and 4).

A Debian kernel in QEMU with its own USB gadgets as modems: DTR, unplug in a call, another number,
one serial number for two, USB reset and port power by the helper.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from tests.qemu import guest, vm

pytestmark = [
    pytest.mark.long,
    pytest.mark.timeout(660),
    pytest.mark.skipif(vm.missing() != "", reason=f"needs {vm.missing()}"),
]

LIMIT_S = 600.0
"""It takes 80 s on a quiet machine."""
FIRST_PROCESS = """#!/bin/sh
export PATH=/usr/sbin:/usr/bin:/sbin:/bin PYTHONPATH={repository} PYTHONDONTWRITEBYTECODE=1
mkdir -p /lib/modules
[ -e /lib/modules/$(uname -r) ] || ln -s {modules} /lib/modules/
cd {repository}
{python} -m tests.qemu.guest
echo o > /proc/sysrq-trigger
while :; do :; done
"""


@pytest.fixture(scope="module")
def console(tmp_path_factory: pytest.TempPathFactory) -> str:
    """All that the guest wrote, from its boot to its end."""
    folder = tmp_path_factory.mktemp("qemu")
    kernel, first = vm.kernels()[0], folder / "first"
    text = FIRST_PROCESS.format(
        repository=vm.REPOSITORY, modules=kernel.modules, python=sys.executable
    )
    first.write_text(text, encoding="utf-8")
    first.chmod(0o755)
    for each in (folder, *folder.parents[:3]):  # the guest's root is ours, but for a test's folder
        if each.stat().st_uid == os.getuid() and each != Path("/tmp"):
            each.chmod(0o755)
    return vm.boot(kernel, first, folder, LIMIT_S)


@pytest.mark.parametrize("name", guest.CHECKS)
def test_on_the_real_driver(console: str, name: str) -> None:
    """Each check of guest.py; its docstring is the requirement."""
    assert f"PASS {name} " in console, console[-6000:]


def test_an_archive_is_what_cpio_writes() -> None:
    """newc: magic, thirteen numbers in hex, name and data padded to four, a trailer."""
    whole = vm.archive([("dir", "bin", b""), ("file", "init", b"12345")])
    assert whole.startswith(b"070701" + b"0" * 8 + b"000041ED")
    assert whole.count(b"070701") == 3
    assert b"init\0\0" + b"12345\0\0\0" + b"070701" in whole
    assert whole.rstrip(b"\0").endswith(b"TRAILER!!!")
    assert len(whole) % 512 == 0
