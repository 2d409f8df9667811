#!/bin/sh
# Unpacks a Debian kernel with its modules into build/kernel, once, for tests/qemu; nothing is
# installed. Where there is none, those tests are skipped, and that is said.
set -eu
cd "$(dirname "$0")/.."
ls build/kernel/usr/lib/modules/*/modules.dep >/dev/null 2>&1 && exit 0
unpack() {
    package=$(apt-cache depends linux-image-amd64 | awk '/Depends: linux-image/ { print $2; exit }')
    [ -n "$package" ] || return 1
    mkdir -p build/kernel
    (cd build && apt-get -q download "$package") || return 1
    dpkg-deb -x build/"$package"_*.deb build/kernel && rm build/"$package"_*.deb &&
        depmod -b build/kernel/usr "${package#linux-image-}"
}
unpack || { echo "not unpacked (its tests are skipped): linux-image-amd64 of Debian's main"; rm -rf build/kernel; }
