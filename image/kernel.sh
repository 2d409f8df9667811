#!/bin/sh
# Fetches what boots a Raspberry Pi and unpacks it natively: Debian's kernel into work/kernel, with
# links to itself and to its trees, its firmware into work/firmware, U-Boot into work/u-boot. No hook of
# these packages is run: an initramfs made under emulation takes five minutes, ours
# (image/initramfs.sh) two seconds.
set -eu
cd "$(dirname "$0")/.."
. image/common.sh
export APT_CONFIG="$work/apt/apt.conf"
if [ -n "$kernel_suite" ]; then
    image/apt.sh "$work/apt-kernel" "$kernel_suite"
    export APT_CONFIG="$work/apt-kernel/apt.conf"
fi
debs=${IMAGE_CACHE:-/var/cache/centralino-image}/debs
mkdir -p "$debs"

kernel=$(apt-cache ${kernel_suite:+-t "$kernel_suite"} depends linux-image-arm64 |
    awk '/Depends: linux-image-/ { print $2; exit }')
[ -n "$kernel" ] || fail "apt knows no linux-image-arm64"
case $kernel in *-"$kernel_line".*) ;; *) fail "$kernel is not the kernel $kernel_line that image/boot/modules is written for" ;; esac
# newer ones come in parts: what they have in common, the kernel itself, its modules
parts=$(apt-cache depends "$kernel" | awk '/Depends: linux-(base|binary|modules)-/ { print $2 }')

fetch() { # package, folder: unpacks the newest version
    version_of=$(apt-cache show --no-all-versions "$1" | sed -n 's/^Version: //p')
    architecture=$(apt-cache show --no-all-versions "$1" | sed -n 's/^Architecture: //p')
    file=$debs/${1}_$(echo "$version_of" | sed 's/:/%3a/')_$architecture.deb
    [ -s "$file" ] || (cd "$debs" && apt-get -o APT::Sandbox::User=root download "$1" > /dev/null)
    mkdir -p "$2"
    dpkg-deb -x "$file" "$2"
    echo "$file" >> "$work/boot.list"
}

rm -rf "$work/kernel" "$work/firmware" "$work/u-boot" "$work/boot.list" "$work/vmlinuz" "$work/trees"
for part in $kernel $parts; do fetch "$part" "$work/kernel"; done
fetch raspi-firmware "$work/firmware"
fetch u-boot-rpi "$work/u-boot"

link() { # name, places: to the first that is there
    for place in $2; do
        [ ! -e "$place" ] || { ln -s "$place" "$work/$1"; return; }
    done
    fail "$kernel has no $1 where it is looked for"
}
link vmlinuz "$work/kernel/boot/vmlinuz-* $work/kernel/usr/lib/modules/*/vmlinuz"
link trees "$work/kernel/usr/lib/linux-image-*/broadcom $work/kernel/usr/lib/modules/*/dtb/broadcom"
