#!/bin/sh
# Fetches what boots a Raspberry Pi and unpacks it natively: Debian's kernel into work/kernel, its
# firmware into work/firmware, U-Boot into work/u-boot. No hook of these packages is run: an initramfs
# made under emulation takes five minutes, ours (image/initramfs.sh) two seconds.
set -eu
cd "$(dirname "$0")/.."
. image/common.sh
export APT_CONFIG="$work/apt/apt.conf"
debs=${IMAGE_CACHE:-/var/cache/centralino-image}/debs
mkdir -p "$debs"

kernel=$(apt-cache depends linux-image-arm64 | awk '/Depends: linux-image-/ { print $2; exit }')
[ -n "$kernel" ] || fail "apt knows no linux-image-arm64"
case $kernel in *-6.12.*) ;; *) fail "$kernel is not the kernel 6.12 that image/boot/modules is written for" ;; esac

fetch() { # package, folder: unpacks the newest version
    version_of=$(apt-cache show --no-all-versions "$1" | sed -n 's/^Version: //p')
    architecture=$(apt-cache show --no-all-versions "$1" | sed -n 's/^Architecture: //p')
    file=$debs/${1}_$(echo "$version_of" | sed 's/:/%3a/')_$architecture.deb
    [ -s "$file" ] || (cd "$debs" && apt-get -o APT::Sandbox::User=root download "$1" > /dev/null)
    mkdir -p "$2"
    dpkg-deb -x "$file" "$2"
    echo "$file" >> "$work/boot.list"
}

rm -rf "$work/kernel" "$work/firmware" "$work/u-boot" "$work/boot.list"
fetch "$kernel" "$work/kernel"
fetch raspi-firmware "$work/firmware"
fetch u-boot-rpi "$work/u-boot"
