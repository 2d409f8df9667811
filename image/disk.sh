#!/bin/sh
# Puts the image together: variables of U-Boot, firmware partition, slot A, empty slot B, /data.
# Only files are written; no loop device, nothing mounted.
#   image/disk.sh DISK
set -eu
cd "$(dirname "$0")/.."
. image/common.sh
disk=$1
fat_mib=64
data_mib=64 # grown to the medium's end at the first boot
export MTOOLS_SKIP_CHECK=1

rm -rf "$work/fat" "$work/fat.img" "$work/data" "$work/data.ext4"
mkdir -p "$work/fat" "$work/data"
cp "$work/u-boot/usr/lib/u-boot/rpi_arm64/u-boot.bin" "$(of_variant config.txt)" "$(of_variant cmdline.txt)" "$work/fat/"
for file in $firmware; do
    cp "$work/firmware/usr/lib/raspi-firmware/$file" "$work/fat/"
done
if [ -n "$firmware" ]; then
    mkdir "$work/fat/overlays"
    cp "$work"/firmware/usr/lib/raspi-firmware/overlays/* "$work/fat/overlays/"
    for overlay in image/boot/overlays/*.dts; do
        dtc -q -I dts -O dtb -o "$work/fat/overlays/$(basename "$overlay" .dts).dtbo" "$overlay"
    done
fi
for tree in $trees; do
    cp "$work/trees/$tree.dtb" "$work/fat/"
done
[ -z "$second_name" ] || cp "$work/trees/${second_name#*=}.dtb" "$work/fat/${second_name%=*}.dtb"
mkenvimage -s 0x4000 -o "$work/fat/uboot.env" image/boot/uboot.env.txt
mkimage -q -A arm64 -T script -C none -n centralino -d image/boot/boot.cmd "$work/fat/boot.scr" > /dev/null
cp image/fat/* "$work/fat/"
[ ! -d "image/variants/$variant/fat" ] || cp "image/variants/$variant"/fat/* "$work/fat/"
find "$work/fat" "$work/data" -exec touch --date="@$SOURCE_DATE_EPOCH" {} +
mkfs.vfat -C -F 32 -n CENTRALINO -i "$disk_id" --invariant "$work/fat.img" $((fat_mib * 1024)) > /dev/null
mcopy -s -m -i "$work/fat.img" "$work"/fat/* ::/

# Blocks and inodes as for the whole card, with room in the table for 512 GiB: by what suits 64 MiB a
# card of 32 GB would lose 2 to tables of inodes once it is grown.
mke2fs -q -t ext4 -b 4096 -i 16384 -m 1 -L data -U 43454e54-0000-4000-8000-000000000003 \
    -E hash_seed=43454e54-0000-4000-8000-000000000004,root_owner=0:0,lazy_itable_init=0,resize=134217728 \
    -d "$work/data" "$work/data.ext4" "${data_mib}M"

rm -f "$disk"
truncate -s $((4 + fat_mib + 2 * slot_mib + data_mib))M "$disk"
sfdisk --quiet "$disk" <<END
label: dos
label-id: 0x$disk_id
start=4MiB, size=${fat_mib}MiB, type=c, bootable
start=$((4 + fat_mib))MiB, size=${slot_mib}MiB, type=83
start=$((4 + fat_mib + slot_mib))MiB, size=${slot_mib}MiB, type=83
start=$((4 + fat_mib + 2 * slot_mib))MiB, size=${data_mib}MiB, type=83
END
put() { dd if="$1" of="$disk" bs=1M seek="$2" conv=notrunc,sparse status=none; }
printf 'BOOT_ORDER=A\nBOOT_A_LEFT=3\nBOOT_B_LEFT=3\n' | mkenvimage -s 0x4000 -o "$work/variables" -
put "$work/variables" 1
put "$work/fat.img" 4
put "$work/slot.ext4" $((4 + fat_mib))
put "$work/data.ext4" $((4 + fat_mib + 2 * slot_mib))
say "disk: $(du -m "$disk" | cut -f1) MiB written of $(du -m --apparent-size "$disk" | cut -f1)"
