#!/bin/sh
# Signs a slot into an update: centralino-VERSION.raucb, and latest.json for the office's server.
#   image/bundle.sh SLOT.ext4 VERSION [OUT]; VARIANT=pi5 for a slot of that variant
# KEYS: the folder with key.pem and cert.pem, this user's where none is named (docs/image.md). The key
# stays out of the image and out of the repository.
# LEVEL: how hard zstd tries (15; 5 takes a tenth of the time and makes it a tenth larger).
set -eu
cd "$(dirname "$0")/.."
slot=$(realpath "$1")
version=$2
out=${3:-build/image}
keys=${KEYS:-${XDG_DATA_HOME:-${HOME:-/root}/.local/share}/centralino/update-keys}
. "image/variants/${VARIANT:-pi}.sh" # name, compatible, format
for tool in rauc mksquashfs; do
    command -v "$tool" > /dev/null || exec scripts/skipped.sh "bundle" "$tool is missing (packages rauc, squashfs-tools)"
done
[ -s "$keys/key.pem" ] || { echo "image/bundle.sh: KEYS=$keys has no key key.pem" >&2; exit 1; }
echo "$version" | grep -Eqx '[0-9]+(\.[0-9]+){1,3}(~[a-z]+[0-9]*)?' ||
    { echo "image/bundle.sh: $version is no version; one is like 1.4.0 or 1.4.0~rc1" >&2; exit 1; }

trust=$keys/root.pem
[ -e "$trust" ] || trust=$keys/cert.pem # a pair without a root
if grep -q 'BEGIN X509 CRL' "$trust"; then
    openssl verify -crl_check -CAfile "$trust" -CRLfile "$trust" "$keys/cert.pem" > /dev/null 2>&1 ||
        { echo "image/bundle.sh: $keys/cert.pem is revoked, or not of the root in root.pem: image/new_key.sh --renew $keys" >&2; exit 1; }
fi

stage=$(mktemp -d)
trap 'rm -rf "$stage"' EXIT
mkdir -p "$stage/in" "$out"
# the slot goes in by a link, not by a copy of hundreds of megabytes
ln "$slot" "$stage/in/slot.ext4" 2> /dev/null || cp --reflink=auto "$slot" "$stage/in/slot.ext4"
cat > "$stage/in/manifest.raucm" <<END
[update]
compatible=$compatible
version=$version
[bundle]
format=${FORMAT:-$format}
[image.rootfs]
filename=slot.ext4
END
bundle=$name-$version.raucb
rm -f "$out/$bundle"
rauc bundle --cert="$keys/cert.pem" --key="$keys/key.pem" --mksquashfs-args="-comp zstd -Xcompression-level ${LEVEL:-15} -quiet" \
    "$stage/in" "$out/$bundle" > "$stage/said" 2>&1 || { cat "$stage/said" >&2; exit 1; }
rauc info --keyring="$trust" "$out/$bundle" > /dev/null 2> "$stage/said" || { cat "$stage/said" >&2; exit 1; }
printf '{"version": "%s", "bundle": "%s", "size": %s, "sha256": "%s"}\n' "$version" "$bundle" \
    "$(stat -c %s "$out/$bundle")" "$(sha256sum "$out/$bundle" | cut -d' ' -f1)" > "$out/latest.json"
ls -sh "$out/$bundle"
