#!/bin/sh
# The Debian packages that the tests use; what cannot be installed is skipped by the tests that
# need it, each with the package's name.
set -eu
cd "$(dirname "$0")/.."
wanted="asterisk-core-sounds-it-wav asterisk-prompt-it-menardi-wav asterisk-core-sounds-en-wav
        asterisk-core-sounds-fr-wav asterisk-moh-opsound-wav libspandsp2t64
        festival festvox-italp16k festvox-itapc16k
        baresip-core linphone-cli sip-tester kamailio libspeexdsp1 multimon-ng sox minimodem
        exim4-daemon-light chromium libnss3-tools python3-vobject poppler-utils zbar-tools strace faketime sipvicious nbdkit nbdkit-plugin-python libnbd-bin fuse3 e2fsprogs mount systemd udev"
missing=""
# tests/packaging
wanted="$wanted debhelper lintian mmdebstrap"
# tests/fleet: promtool, and the system's SNMP agent
wanted="$wanted curl prometheus snmp snmpd"
# tests/fieldtest: pages on paper
wanted="$wanted libpango-1.0-0 libpangoft2-1.0-0 libharfbuzz-subset0 fonts-dejavu-core"
# tests/qemu: a kernel of its own
wanted="$wanted qemu-system-x86 busybox-static kmod"
# image/build.sh
wanted="$wanted bmap-tools cpio dosfstools fdisk fuse2fs mtools openssl qemu-user-static rauc squashfs-tools u-boot-tools xz-utils zstd"
# tests/image: machines that boot what it made, with device trees, disks and packet filters of theirs
wanted="$wanted dbus-daemon device-tree-compiler iproute2 nftables qemu-system-arm qemu-utils u-boot-qemu"
# tests/fleet: the broker, and what makes its passwords
wanted="$wanted mosquitto"
for package in $wanted; do
    dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || missing="$missing $package"
done
[ -z "$missing" ] && exit 0
# shellcheck disable=SC2086 # a list of names
scripts/apt.sh $missing || echo "not installed (their tests are skipped):$missing"
# Installed a moment ago for the tests, which start one of their own: at the next boot it stays off.
for server in kamailio exim4 prometheus snmpd mosquitto; do
    case "$missing" in *$server*) [ ! -d /run/systemd/system ] || systemctl disable -q $server || true ;; esac
done
