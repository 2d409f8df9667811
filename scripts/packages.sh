#!/bin/sh
# Installs the Debian packages that tests use: "few" for `make test`, "all" for `make check`. What
# cannot be installed is skipped by the tests that need it, each with the package's name.
set -eu
cd "$(dirname "$0")/.."
# A browser, a SIP phone, a mail server, the product's echo canceller, people's voices, what a browser's
# trust is told with, what reads and what writes PDFs, what opens a backup without the product, what signs a release.
few="chromium baresip-core exim4-daemon-light libspeexdsp1 asterisk-core-sounds-it-wav poppler-utils
     libnss3-tools libpangoft2-1.0-0 libharfbuzz-subset0 fonts-dejavu-core age minisign"
all="asterisk-prompt-it-menardi-wav asterisk-core-sounds-en-wav
     asterisk-core-sounds-fr-wav asterisk-moh-opsound-wav libspandsp2t64
     festival festvox-italp16k festvox-itapc16k
     linphone-cli sip-tester kamailio multimon-ng sox minimodem
     python3-vobject zbar-tools strace faketime sipvicious nbdkit nbdkit-plugin-python
     libnbd-bin fuse3 e2fsprogs mount systemd udev"
# tests/packaging; the documentation site in the package
all="$all debhelper lintian mmdebstrap mkdocs-material"
# tests/fleet: promtool, the system's SNMP agent, the broker and what makes its passwords
all="$all curl prometheus snmp snmpd mosquitto"
# backups over the network: servers that a test starts for itself
all="$all apache2 apache2-utils openssh-server samba"
# tests/qemu: a kernel of its own
all="$all qemu-system-x86 busybox-static kmod exfatprogs"
# image/build.sh
all="$all bmap-tools cpio dosfstools fdisk fuse2fs mtools openssl qemu-user-static rauc squashfs-tools u-boot-tools xz-utils zstd"
# tests/image: machines that boot what it made, with device trees, disks and packet filters of theirs
all="$all dbus-daemon device-tree-compiler iproute2 nftables qemu-system-arm qemu-utils u-boot-qemu"
case ${1:-all} in
few) wanted=$few ;;
*) wanted="$few $all" ;;
esac
missing=""
for package in $wanted; do
    dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || missing="$missing $package"
done
[ -z "$missing" ] && exit 0
# shellcheck disable=SC2086 # a list of names
scripts/apt.sh $missing || echo "not installed (their tests are skipped):$missing"
# Installed a moment ago for the tests, which start one of their own: at the next boot it stays off.
for server in apache2 kamailio exim4 prometheus snmpd mosquitto ssh smbd nmbd samba-ad-dc; do
    case "$missing" in *$server*) [ ! -d /run/systemd/system ] || systemctl disable -q $server || true ;; esac
done
