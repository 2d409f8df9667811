#!/bin/sh
# Before packages are installed into a root: what would take minutes when emulated is put aside, to be
# done natively by image/base/after.sh and image/slot.sh.
set -eu
for tool in /usr/sbin/update-ca-certificates /usr/bin/py3compile; do
    chroot "$1" dpkg-divert --quiet --local --rename --add $tool
    ln -s /bin/true "$1$tool"
done
