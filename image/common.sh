# shellcheck shell=sh disable=SC2034 # used where this is read
# What the parts of the image share: read with `.` from the repository's folder, by image/build.sh.
# VARIANT says for which boards: a file of image/variants, with a folder of its name for what is added
# or taken instead of image/boot; the ordinary image goes without saying.
export LC_ALL=C TZ=UTC
umask 022
variant=${VARIANT:-pi}
suite=trixie
. "image/variants/$variant.sh"
out=${OUT:-build/image}
[ -n "${OUT:-}" ] || [ "$variant" = pi ] || out=$out-$variant
version=${VERSION:-$(sed -n 's/^__version__ = "\(.*\)"$/\1/p' appliance/__init__.py)}
# The date of the build is that of the last commit: the same files give the same bytes.
SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct)}
export SOURCE_DATE_EPOCH

mkdir -p "$out"
out=$(cd "$out" && pwd)
work=$out/work
# Who signs updates: the folder KEYS; else one of this user's, which outlives `make clean` and the
# checkout; beside an OUT of its own a pair of its own, to try things out.
keys=${KEYS:-${XDG_DATA_HOME:-${HOME:-/root}/.local/share}/centralino/update-keys}
[ -n "${KEYS:-}" ] || [ -z "${OUT:-}" ] || keys=$out/keys

slot_mib=768
# The disk's signature, by which U-Boot tells the initramfs of the slot. Every card is written with the
# same, and gets one of its own at its first start (centralino-image/grow); what runs later knows the
# partitions by the disk that was started from (centralino-image/disk).
disk_id=43454e54

say() { printf '%s  %s\n' "$(date +%T)" "$*"; }
fail() { echo "image: $*" >&2; exit 1; }

of_variant() { # file of image/boot: the variant's own, where it has one
    if [ -e "image/variants/$variant/$1" ]; then echo "image/variants/$variant/$1"; else echo "image/boot/$1"; fi
}

clamp() { # folder: nothing in it is younger than the build
    find "$1" -newermt "@$SOURCE_DATE_EPOCH" -exec touch --no-dereference --date="@$SOURCE_DATE_EPOCH" {} +
}
