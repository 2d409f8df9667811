#!/bin/sh
# The first process of a machine of its own: makes its root, read-only like the image's, out of this
# machine's, with what a technician installs and only that to start; then becomes systemd.
# Arguments: the folder to work in, the repository, the folder with the programme (a venv), the one with
# the libraries that it needs.
set -eu
work=$1 repository=$2 programme=$3 libraries=$4
root=$work/root
mount --make-rprivate /
mount -t tmpfs tmpfs "$work/layer"
mkdir "$work/layer/upper" "$work/layer/work"
mount -t overlay overlay -o "lowerdir=/,upperdir=$work/layer/upper,workdir=$work/layer/work" "$root"

mount -t proc proc "$root/proc"
mount -o bind,ro "$root/proc/sys" "$root/proc/sys"
mount -t sysfs -o ro sysfs "$root/sys"
mount -t tmpfs tmpfs "$root/sys/fs/cgroup"
mount -t cgroup2 cgroup2 "$root/sys/fs/cgroup"
for each in run tmp var dev; do mount -t tmpfs -o mode=755 tmpfs "$root/$each"; done
chmod 1777 "$root/tmp"
mkdir -p "$root/var/lib" "$root/var/tmp" "$root/var/log"
chmod 1777 "$root/var/tmp"
# the folder above the state's: a restore puts another in the state's place, and a mount stays
mount --bind "$work/lib" "$root/var/lib"
mkdir "$root/var/log/journal"
mount --bind "$work/journal" "$root/var/log/journal"

# The modems: lines of the exchange, under the names that udev would give them.
for each in null zero full random urandom tty; do
    touch "$root/dev/$each"
    mount --bind "/dev/$each" "$root/dev/$each"
done
mkdir "$root/dev/pts" "$root/dev/shm" "$root/dev/centralino"
mount --bind /dev/pts "$root/dev/pts"
# A node as on a machine of metal: behind it /dev/pts/ptmx is closed to all but root.
mknod -m 666 "$root/dev/ptmx" c 5 2
for each in "$work"/lines/line*; do
    [ -c "$each" ] || continue
    ln -s "$(readlink -f "$each")" "$root/dev/centralino/${each##*/}"
    chown root:dialout "$(readlink -f "$each")"
    chmod 660 "$(readlink -f "$each")"
done
# The card's FAT partition and the data partition, as the image has them.
mkdir -p "$root/boot/firmware" "$root/data"
mount -t tmpfs -o ro tmpfs "$root/boot/firmware"
mount -t tmpfs -o mode=755 tmpfs "$root/data"
# Nodes without a driver behind them: who may open one is told that there is nothing.
mknod -m 660 "$root/dev/ttyACM9" c 166 9
mknod -m 666 "$root/dev/disk" b 253 250

# What the guide installs.
rm -rf "$root"/etc/systemd/system "$root"/usr/lib/systemd/system-generators/* \
    "$root"/usr/lib/systemd/system/*.wants
mkdir -p "$root/etc/systemd/system" "$root/etc/sysusers.d" "$root/etc/centralino" "$root/opt/centralino" \
    "$root/opt/libraries" "$root/opt/brought"
"$repository/systemd/install.sh" "$root/etc/systemd/system"
cp "$repository/systemd/centralino.sysusers" "$root/etc/sysusers.d/centralino.conf"
chroot "$root" systemd-sysusers centralino.conf
mount --bind "$work/etc" "$root/etc/centralino"
mount --bind "$programme" "$root/opt/centralino"
mount -o remount,bind,ro "$root/opt/centralino"
mount --bind "$work/brought" "$root/opt/brought"
mount --bind "$libraries" "$root/opt/libraries"
mount -o remount,bind,ro "$root/opt/libraries"
ln -sf /opt/centralino/bin/centralino "$root/usr/bin/centralino"
chroot "$root" chown root:dialout /dev/ttyACM9
mknod -m 660 "$root/dev/gpiochip0" c 1 3
chroot "$root" chown root:gpio /dev/gpiochip0
chroot "$root" systemctl enable -q centralino-link.socket centralino-media.service \
    centralino.service centralino-console.service
mkdir "$root/usr/lib/systemd/system/sysinit.target.wants"
for each in systemd-journald.service systemd-journal-flush.service; do
    ln -s "../$each" "$root/usr/lib/systemd/system/sysinit.target.wants/"
done
echo machine > "$root/etc/hostname"
: > "$root/etc/fstab"
cat /proc/sys/kernel/random/uuid | tr -d - > "$root/etc/machine-id"

mkdir "$root/old"
mount -o remount,bind,ro "$root"
cd "$root"
pivot_root . old
umount -l /old
# as on a machine of metal: in containers systemd does not, and sandboxes would lie open
mount --make-rshared /
export container=lxc
exec /lib/systemd/systemd --unit=multi-user.target --log-target=journal --show-status=0
