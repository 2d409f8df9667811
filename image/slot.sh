#!/bin/sh
# Makes a slot: the base, the programme, the kernel and what is in image/overlay, as work/slot.ext4.
# Nothing for arm64 is run here: what maintainer scripts of the programme's package do on a running
# machine is done on the folder, by this machine's own tools.
#   image/slot.sh BASE DEB
set -eu
cd "$(dirname "$0")/.."
. image/common.sh
base=$1
deb=$2
root=$work/root
python=${PYTHON:-.venv/bin/python}
"$python" -c 'import sys; sys.exit(sys.version_info[:2] != (3, 13))' ||
    fail "bytecode for the slot is made by Python 3.13, and $python is another"

rm -rf "$root"
mkdir -p "$root"
tar -C "$root" --numeric-owner -xf "$base.tar"
rm -rf "${root:?}"/dev/* # the kernel makes them
dpkg-deb -x "$deb" "$root"

register() { # package file: dpkg -l in the box, and the SBOM, tell of it like of every other
    { dpkg-deb -f "$1" | sed '/^Package: /a Status: install ok installed'; echo; } >> "$root/var/lib/dpkg/status"
    dpkg-deb --fsys-tarfile "$1" | tar -t | sed 's/^\.//; s/\/$//; s/^$/\/./' \
        > "$root/var/lib/dpkg/info/$(dpkg-deb -f "$1" Package).list"
}
register "$deb"
licence() { # package file, and what of its documents is taken
    dpkg-deb --fsys-tarfile "$1" | tar -C "$root" -x --wildcards "./usr/share/doc/$2"
}
while read -r file; do
    register "$file"
    # a package of several has but a link to where its fellows' is
    licence "$file" '*/copyright' 2> /dev/null || licence "$file" "$(dpkg-deb -f "$file" Package)"
done < "$work/boot.list"

# The kernel, with the modules that this box can meet. Packed, because U-Boot unpacks gzip alone.
kernel=$(ls "$work/kernel/usr/lib/modules")
modules=usr/lib/modules/$kernel
mkdir -p "$root/$modules/kernel" "$root/boot/firmware" "$root/data" "$root/.slot"
sed '/^#/d' image/boot/modules > "$work/modules"
[ ! -e "image/variants/$variant/modules" ] || sed '/^#/d' "image/variants/$variant/modules" >> "$work/modules"
tar -C "$work/kernel/$modules/kernel" -cf "$work/modules.tar" --files-from="$work/modules"
tar -C "$root/$modules/kernel" -xf "$work/modules.tar"
cp "$work/kernel/$modules"/modules.builtin* "$work/kernel/$modules/modules.order" "$root/$modules/"
depmod --basedir "$root" "$kernel"
gzip -9nc < "$work/vmlinuz" > "$root/boot/vmlinuz.gz"
image/initramfs.sh "$root" "$kernel"

# Who the box is: its name, the version, the partitions. What is written at run time is on /data.
echo centralino > "$root/etc/hostname"
printf '127.0.0.1 localhost\n127.0.1.1 centralino\n::1 localhost ip6-localhost ip6-loopback\n' > "$root/etc/hosts"
printf 'VERSION=%s\nBUILD=%s\nVARIANT=%s\n' "$version" "$(date -d "@$SOURCE_DATE_EPOCH" +%F)" "$label" \
    > "$root/etc/centralino-release"
[ -z "$experimental" ] || printf 'VARIANT="%s"\nVARIANT_ID=%s\n' "$title" "$label" >> "$root/usr/lib/os-release"
ln -sf ../run/systemd/resolve/stub-resolv.conf "$root/etc/resolv.conf"
install -D -m 644 "$work/keys/cert.pem" "$root/etc/rauc/keyring.pem"
install -D -m 644 "$work/keys/minisign.pub" "$root/etc/rauc/minisign.pub"
# Without a network the clock begins here, and not in the year in which systemd was made.
touch --date="@$SOURCE_DATE_EPOCH" "$root/usr/lib/clock-epoch"
install -D -m 644 "$root/usr/share/centralino/centralino.toml" "$root/etc/centralino/centralino.toml"
cp -R --preserve=mode,links image/overlay/. "$root/"
sed -i "s/^compatible=.*/compatible=$compatible/; s/^bundle-formats=.*/bundle-formats=$format/" "$root/etc/rauc/system.conf"
# RAUC takes nothing at all where it shall look at a list and there is none.
grep -q 'BEGIN X509 CRL' "$root/etc/rauc/keyring.pem" || sed -i '/^check-crl=/d' "$root/etc/rauc/system.conf"
if [ -e "$work/keys/throw-away" ]; then
    echo TEST=yes >> "$root/etc/centralino-release"
    cp image/test-image.txt "$root/etc/motd"
fi
chown -R --no-dereference 0:0 "$root/usr/lib/centralino"

# Accounts and units, by what the package and the overlay say.
systemd-sysusers --root="$root" > /dev/null
units=$(grep '^.dh_installsystemd ' debian/rules | tr ' ' '\n' | grep '^centralino.*\.')
[ -n "$units" ] || fail "debian/rules names no units"
ours=$([ ! -e image/enabled ] || sed '/^#/d' image/enabled)
# shellcheck disable=SC2086 # a list of names
systemctl --root="$root" --quiet enable systemd-networkd.service $units
# shellcheck disable=SC2086 # a list of names
[ -z "$ours" ] || systemctl --root="$root" --quiet enable $ours
# Programmes of other machines, which are run by emulators, have no business here.
systemctl --root="$root" --quiet mask systemd-binfmt.service proc-sys-fs-binfmt_misc.automount
grep -q '^root:[*!]' "$root/etc/shadow" || fail "root has a password"

# One programme alone gives its caller another's rights: sudo, to the technician.
find "$root" -xdev -type f -perm /6000 ! -path "$root/usr/bin/sudo" -exec chmod ug-s {} +

# What update-ca-certificates does: a link for each authority, one by its hash, all in one file.
authorities=$root/etc/ssl/certs
rm -f "$authorities"/*
(cd "$root/usr/share/ca-certificates" && find mozilla -name '*.crt' | sort) > "$root/etc/ca-certificates.conf"
while read -r one; do
    ln -s "../../../usr/share/ca-certificates/$one" "$authorities/$(basename "$one" .crt).pem"
done < "$root/etc/ca-certificates.conf"
openssl rehash "$authorities"
(cd "$root/usr/share/ca-certificates" && xargs -d '\n' cat) < "$root/etc/ca-certificates.conf" > "$authorities/ca-certificates.crt"
clamp "$root"
# Nothing changes under a read-only root: bytecode need not be compared with its source.
"$python" -m compileall -q -f -j 2 -s "$root" -p / --invalidation-mode unchecked-hash -x '/(tests?|lib2to3)/' \
    "$root/usr/lib/python3.13" "$root/usr/lib/python3" "$root/usr/lib/centralino"
# What is made anew when /usr is newer than /etc and /var is made here, not at each start.
journalctl --root="$root" --update-catalog
clamp "$root"
for folder in etc var; do touch -r "$root/usr" "$root/$folder/.updated"; done

# Read-only in use: no journal. A tenth of room, because the file system is made to measure.
megabytes=$(($(du -sm --apparent-size "$root" | cut -f1) * 115 / 100 + 24))
[ $megabytes -le "$slot_mib" ] || fail "the slot needs $megabytes MiB of $slot_mib"
rm -f "$work/slot.ext4"
mke2fs -q -t ext4 -O ^has_journal,^resize_inode,^metadata_csum_seed -m 0 -N 40000 -L slot \
    -U 43454e54-0000-4000-8000-000000000001 \
    -E hash_seed=43454e54-0000-4000-8000-000000000002,root_owner=0:0,lazy_itable_init=0 \
    -d "$root" "$work/slot.ext4" "${megabytes}M"
say "slot: $megabytes MiB, kernel $kernel"
