#!/bin/sh
# After packages have been installed into a root: what image/base/before.sh put aside comes back, what
# belongs to one machine alone goes away.
set -eu
root=$1
for tool in /usr/sbin/update-ca-certificates /usr/bin/py3compile; do
    rm "$root$tool"
    chroot "$root" dpkg-divert --quiet --local --rename --remove $tool
done

rm -f "$root"/etc/ssh/ssh_host_* "$root/etc/machine-id" "$root/var/lib/dbus/machine-id"
# Empty, not missing: systemd binds the one it made over it (a root that cannot be written to).
: > "$root/etc/machine-id"
find "$root/var/log" "$root/var/cache" -type f -delete
rm -rf "$root"/var/lib/apt/lists/* "$root"/tmp/* "$root"/run/*
rm -f "$root"/etc/resolv.conf "$root"/etc/hostname "$root"/etc/*- "$root"/var/lib/dpkg/*-old
