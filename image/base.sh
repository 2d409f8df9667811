#!/bin/sh
# Makes the Debian root for arm64 on which the programme is put: BASE.tar and BASE.list (package,
# version, architecture), kept by the hash of that list, because an emulated installation takes
# minutes. Root is needed: owners of files, and to have arm64 programmes emulated.
#   image/base.sh DEB: prints the path of the kept base, without ending
set -eu
cd "$(dirname "$0")/.."
. image/common.sh
deb=$1
cache=${IMAGE_CACHE:-/var/cache/centralino-image}
export APT_CONFIG="$work/apt/apt.conf"

wanted() { # what the programme depends on, the list, and Debian's essential packages
    dpkg-deb -f "$deb" Depends | tr '\n' ','
    sed '/^#/d' image/packages | tr '\n' ','
    [ -z "$more_packages" ] || printf '%s,' "$more_packages"
    apt-cache dumpavail | awk '/^Package:/ { name = $2 } /^Essential: yes/ { print name }' | sort -u | paste -sd,
}

# A dry run tells which versions it would be: the versions that Debian has today.
apt-get satisfy --simulate "$(wanted)" > "$work/resolved" 2>&1 || { cat "$work/resolved" >&2; exit 1; }
sed -n 's/^Inst \([^ ]*\) (\([^ ]*\) .*\[\([a-z0-9]*\)\]).*/\1 \2 \3/p' "$work/resolved" | sort > "$work/base.list"
[ -s "$work/base.list" ] || fail "apt resolved no package at all: see $work/resolved"

base=$cache/$(cat image/base.sh image/base/* "$work/base.list" | sha256sum | cut -c1-16)
echo "$base"
[ -s "$base.tar" ] && exit 0
say "base: $(wc -l < "$work/base.list") packages, emulated" >&2
[ "$(id -u)" = 0 ] || fail "root is needed to install arm64 packages"

# Programmes for arm64 run by themselves once the kernel is told of the emulator.
if [ "$(dpkg --print-architecture)" != arm64 ] && [ ! -e /proc/sys/fs/binfmt_misc/qemu-aarch64 ]; then
    [ -e /proc/sys/fs/binfmt_misc/register ] || mount -t binfmt_misc binfmt_misc /proc/sys/fs/binfmt_misc
    /usr/lib/systemd/systemd-binfmt /usr/lib/binfmt.d/qemu-aarch64.conf
fi

mkdir -p "$cache"
find "$cache" -type f -mtime +60 -delete
[ -n "${TMPDIR:-}" ] || [ "$(df --output=avail /dev/shm | tail -1)" -lt 3000000 ] || export TMPDIR=/dev/shm
# Bytecode is made later, natively, for all at once. The date that files of the base are clamped to
# is not the build's, so that a kept base has the bytes of a new one: Debian 13's release.
# shellcheck disable=SC2016 # mmdebstrap gives the hooks the root
SOURCE_DATE_EPOCH=1754697600 mmdebstrap --quiet --architectures=arm64 --variant=essential --format=tar \
    --aptopt='Apt::Install-Recommends "false"' --aptopt='Acquire::Check-Valid-Until "false"' \
    --dpkgopt=force-unsafe-io --dpkgopt=image/base/dpkg.cfg \
    --essential-hook='sh image/base/before.sh "$1"' --customize-hook='sh image/base/after.sh "$1"' \
    --include="$(awk '{ print $1 }' "$work/base.list" | paste -sd,)" \
    "$suite" "$base.new.$$.tar" "$work/apt/sources.list" >&2

tar -xOf "$base.new.$$.tar" ./var/lib/dpkg/status |
    awk '/^Package:/ { p = $2 } /^Architecture:/ { a = $2 } /^Version:/ { print p, $2, a }' | sort > "$base.list"
cmp -s "$base.list" "$work/base.list" || { diff "$work/base.list" "$base.list" >&2 || true
    rm -f "$base.new.$$.tar"; fail "Debian's mirror changed meanwhile: build again"; }
mv "$base.new.$$.tar" "$base.tar"
say "base: $base.tar" >&2
