#!/bin/sh
# Makes a release from a tag, build/release/VERSION: image, update, packages, SBOM, notes, Imager's list
# and the signed list of checksums. The version is the tag's. As root, on Debian 13.
#   BASE_URL=https://… KEYS=FOLDER scripts/release.sh
# BASE_URL is the web folder in which the release will lie; KEYS the folder that `make keys` made
set -eu
cd "$(dirname "$0")/.."
python=${PYTHON:-.venv/bin/python}
command -v minisign > /dev/null || scripts/apt.sh minisign || exec scripts/skipped.sh "release" "minisign is missing"
version=$("$python" image/release.py version)
out=$PWD/build/release
work=$out/work/$version
SOURCE_DATE_EPOCH=$(git log -1 --format=%ct)
export SOURCE_DATE_EPOCH VERSION="$version"

mkdir -p "$work/parts"
OUT=$work/deb scripts/deb.sh
OUT=$work/image IMAGE_URL=$BASE_URL image/build.sh
# The slot is the same each time, its signature is not (a random salt, the time of signing): an update
# is signed once for each slot, key and version, and kept.
slot=$work/image/work/slot.ext4
signed=$work/signed/$({ sha256sum < "$slot"; cat "$KEYS/cert.pem"; echo "$version"; } | sha256sum | cut -c1-16)
if [ ! -s "$signed/latest.json" ]; then
    rm -rf "$signed.new"
    image/bundle.sh "$slot" "$version" "$signed.new"
    mv "$signed.new" "$signed"
fi
for part in "$work"/deb/*.deb "$work/image/centralino-$version".* "$work/image/os_list.json" \
    "$work/image/centralino.svg" "$signed/centralino-$version.raucb" "$signed/latest.json"; do
    ln -f "$part" "$work/parts/" 2> /dev/null || cp "$part" "$work/parts/"
done
"$python" image/release.py assemble "$work/parts" "$out"
