#!/bin/sh
# Makes the initramfs from a slot's root that has its modules already: busybox, a script, ten modules.
#   image/initramfs.sh ROOT KERNEL_VERSION: writes ROOT/boot/initrd.img
set -eu
cd "$(dirname "$0")/.."
. image/common.sh
root=$1
kernel=$2
folder=$work/initramfs
modules=usr/lib/modules/$kernel

rm -rf "$folder"
mkdir -p "$folder/bin" "$folder/dev" "$folder/proc" "$folder/sys" "$folder/run" "$folder/slot" \
    "$folder/above" "$folder/new" "$folder/$modules"
ln -s usr/lib "$folder/lib"
install -m 755 "$root/usr/bin/busybox" "$folder/bin/busybox"
install -m 755 image/boot/init "$folder/init"

sed '/^#/d' "$(of_variant early)" > "$folder/modules.list"
# each with what it needs; of what is built in there is no file
while read -r module; do
    modprobe --dirname="$root" --set-version="$kernel" --show-depends "$module"
done < "$folder/modules.list" > "$work/early"
sed -n 's/^insmod \([^ ]*\).*/\1/p' "$work/early" | sort -u | while read -r file; do
    to=$folder/$modules/${file#*/modules/"$kernel"/}
    mkdir -p "$(dirname "$to")"
    xz --decompress --stdout "$file" > "${to%.xz}"
done
cp "$root/$modules/modules.builtin" "$root/$modules/modules.builtin.modinfo" "$root/$modules/modules.order" "$folder/$modules/"
depmod --basedir "$folder" "$kernel"

find "$folder" -exec touch --no-dereference --date="@$SOURCE_DATE_EPOCH" {} +
(cd "$folder" && find . | sort | cpio --quiet --create --format=newc --reproducible --owner=0:0) |
    zstd --quiet -19 --stdout > "$root/boot/initrd.img"
