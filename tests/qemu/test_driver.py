"""The real cdc_acm driver, once: what a pseudo terminal cannot do (v253.md 9, item 6, and 4).

A Debian kernel in QEMU with its own USB gadgets as modems: DTR, unplug in a call, another number,
one serial number for two, USB reset and port power by the helper; and, under a real systemd, how
call control asks for these.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from tests.qemu import guest, units, vm

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


FIRST_SYSTEMD = """#!/bin/sh
export PATH=/usr/sbin:/usr/bin:/sbin:/bin
mkdir -p /lib/modules
[ -e /lib/modules/$(uname -r) ] || ln -s {modules} /lib/modules/
cd /etc/systemd/system
rm -rf ./*.wants
for each in tmp.mount systemd-binfmt.service proc-sys-fs-binfmt_misc.automount; do
    ln -sf /dev/null $each
done
sh {repository}/systemd/install.sh .
mkdir -p /etc/udev/rules.d
cp {repository}/systemd/*.rules /etc/udev/rules.d/
systemd-sysusers {repository}/systemd/centralino.sysusers
# a sandbox sees neither /tmp nor a home, wherever the repository may lie
mkdir -p /opt/tested
mount --bind {repository} /opt/tested
cat > /usr/bin/centralino <<END
#!/bin/sh
cd /opt/tested || exit
export PYTHONPATH=/opt/tested PYTHONDONTWRITEBYTECODE=1
exec {python} -m appliance "\\$@"
END
chmod 755 /usr/bin/centralino
cat > checks.target <<END
[Unit]
Wants=systemd-udevd.service checks.service centralino-request@usb.path
END
cat > checks.service <<END
[Unit]
After=systemd-udevd.service centralino-request@usb.path
[Service]
Type=oneshot
Environment=PYTHONPATH={repository} PYTHONDONTWRITEBYTECODE=1
WorkingDirectory={repository}
ExecStart={python} -m tests.qemu.units
ExecStopPost=/bin/sh -c 'echo o > /proc/sysrq-trigger'
StandardOutput=tty
StandardError=tty
TTYPath=/dev/ttyS0
END
mount -t tmpfs tmpfs /run
exec /lib/systemd/systemd --unit=checks.target --show-status=0 --log-target=kmsg
"""
"""systemd as the first process; its units are the delivered ones, and one that runs the checks."""


def boots(folder: Path, first_process: str) -> str:
    """Boot a guest with this first process; returns all that it wrote."""
    kernel, first = vm.kernels()[0], folder / "first"
    text = first_process.format(
        repository=vm.REPOSITORY, modules=kernel.modules, python=sys.executable
    )
    first.write_text(text, encoding="utf-8")
    first.chmod(0o755)
    for each in (folder, *folder.parents[:3]):  # the guest's root is ours, but for a test's folder
        if each.stat().st_uid == os.getuid() and each != Path("/tmp"):
            each.chmod(0o755)
    return vm.boot(kernel, first, folder, LIMIT_S)


@pytest.fixture(scope="module")
def console(tmp_path_factory: pytest.TempPathFactory) -> str:
    """All that the guest wrote, from its boot to its end."""
    return boots(tmp_path_factory.mktemp("driver"), FIRST_PROCESS)


@pytest.fixture(scope="module")
def units_console(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The same of a guest under systemd."""
    return boots(tmp_path_factory.mktemp("units"), FIRST_SYSTEMD)


@pytest.mark.parametrize("name", units.CHECKS)
def test_under_systemd(units_console: str, name: str) -> None:
    """Each check of units.py: the path unit, the sandboxed helper, its answer."""
    assert f"PASS {name} " in units_console, units_console[-6000:]


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
