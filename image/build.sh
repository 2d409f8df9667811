#!/bin/sh
# Makes the flashable image for Raspberry Pi 3, 3+, 4, 400, CM3, CM4 and Zero 2 W in build/image, from
# Debian packages and the programme's own package; with VARIANT=pi5 the experimental one for Raspberry
# Pi 5, in build/image-pi5. The same files and versions give the same bytes.
#   image/build.sh; VARIANT, OUT, VERSION, KEYS (image/common.sh), IMAGE_CACHE and SOURCE_DATE_EPOCH may be given; UNPACKED=1
#   leaves the disk as it is, for tests
set -eu
cd "$(dirname "$0")/.."
. image/common.sh

missing=""
for tool in arch-test:arch-test bmaptool:bmap-tools cpio:cpio depmod:kmod dpkg-deb:dpkg dtc:device-tree-compiler fdisk:fdisk mcopy:mtools mke2fs:e2fsprogs \
    minisign:minisign mkenvimage:u-boot-tools mkfs.vfat:dosfstools mmdebstrap:mmdebstrap openssl:openssl sfdisk:fdisk xz:xz-utils \
    zstd:zstd qemu-aarch64-static:qemu-user-static; do
    command -v "${tool%:*}" > /dev/null || missing="$missing ${tool#*:}"
done
# shellcheck disable=SC2086 # a list of names
[ -z "$missing" ] || scripts/apt.sh $missing || exec scripts/skipped.sh "image" "missing:$missing"

mkdir -p "$work"
exec 9> "$work/lock" # two builds in one folder, of tests side by side, would write over each other
flock 9
say "the programme's package"
OUT=$work/deb scripts/deb.sh arm64 > /dev/null
deb=$work/deb/centralino_${version}_arm64.deb
image/apt.sh "$work/apt"
base=$(image/base.sh "$deb")
image/kernel.sh
image/keys.sh
disk=$work/$name-$version.img
# what all of it is made from; the parts are kept as long as that is the same
sha256sum "$deb" "$base.list" "$work/boot.list" "$work/keys"/* > "$work/inputs.new"
find image -name __pycache__ -prune -o -type f -print | sort | xargs -d '\n' sha256sum >> "$work/inputs.new"
find image -name __pycache__ -prune -o -printf '%m %l %p\n' | sort >> "$work/inputs.new"
if [ ! -e "$disk" ] || ! cmp -s "$work/inputs.new" "$work/inputs"; then
    rm -f "$work/inputs" "$disk"
    image/slot.sh "$base" "$deb"
    image/disk.sh "$disk.new"
    mv "$disk.new" "$disk"
    mv "$work/inputs.new" "$work/inputs"
fi
[ -n "${UNPACKED:-}" ] || image/outputs.sh "$disk"
say "done: $out"
