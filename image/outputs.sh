#!/bin/sh
# Packs the disk and writes what goes with it: .img.xz, .bmap, .sha256, os_list.json for Raspberry Pi
# Imager, the list of packages, and the SBOM.
#   image/outputs.sh DISK; IMAGE_URL, the web folder from which it will be fetched, may be given
set -eu
cd "$(dirname "$0")/.."
. image/common.sh
disk=$1
name=$(basename "$disk" .img)
python=${PYTHON:-.venv/bin/python}

# Two blocks at a time: as many as a small machine has processors, and the same bytes on a large one.
xz --keep --force --stdout -6 --threads=2 "$disk" > "$out/$name.img.xz"
bmaptool --quiet create --output "$out/$name.bmap" "$disk"
cp appliance/console/static/icon.svg "$out/centralino.svg"
# shellcheck disable=SC2086 # a list of names
"$python" image/os_list.py "$disk" "$out/$name.img.xz" "${IMAGE_URL:-file://$out}" "$version" "$SOURCE_DATE_EPOCH" \
    "$title" "$experimental" $imager > "$out/os_list.json"
"$python" image/sbom.py "$work/root" "$version" "$SOURCE_DATE_EPOCH" > "$out/$name.cdx.json"
sed -n '/^Package: /s///p; /^Version: /s///p' "$work/root/var/lib/dpkg/status" | paste - - |
    sort > "$out/$name.packages"
(cd "$out" && sha256sum "$name.img.xz" "$name.bmap" "$name.cdx.json" "$name.packages" > "$name.sha256")
ls -sh "$out/$name.img.xz"
