#!/bin/sh
# Unpacks a Debian kernel with its modules into build/kernel, for tests/qemu; nothing is installed.
set -eu
cd "$(dirname "$0")/.."
package=$(apt-cache depends linux-image-amd64 | awk '/Depends: linux-image/ { print $2; exit }')
[ -n "$package" ] || { echo "no package linux-image-amd64: amd64 and Debian's main are needed"; exit 1; }
mkdir -p build/kernel
cd build
apt-get download "$package"
dpkg-deb -x "$package"_*.deb kernel
rm "$package"_*.deb
depmod -b kernel/usr "${package#linux-image-}"
