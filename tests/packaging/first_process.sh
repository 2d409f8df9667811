#!/bin/sh
# first_process.sh LOWER UPPER: becomes systemd, as PID 1, on a throw-away layer above the root LOWER.
# To be run in new namespaces (unshare --mount --pid --fork --uts --ipc --net --cgroup); UPPER is an
# empty folder that holds the layer, in memory.
set -e
mount --make-rprivate /
mount -t tmpfs tmpfs "$2"
mkdir "$2/upper" "$2/work" "$2/root"
root=$2/root
mount -t overlay -o "lowerdir=$1,upperdir=$2/upper,workdir=$2/work" overlay "$root"
mount -t proc proc "$root/proc"
mount -o bind,ro "$root/proc/sys" "$root/proc/sys"
mount -t sysfs -o ro sysfs "$root/sys"
mount -t tmpfs tmpfs "$root/sys/fs/cgroup"
mount -t cgroup2 cgroup2 "$root/sys/fs/cgroup"
mount -t tmpfs tmpfs "$root/run"
mount -t tmpfs -o mode=755 tmpfs "$root/dev"
for name in null zero full random urandom tty; do
    touch "$root/dev/$name"
    mount --bind "/dev/$name" "$root/dev/$name"
done
cp /etc/resolv.conf "$root/etc/resolv.conf"
mkdir "$root/dev/pts" "$root/dev/shm" "$root/.outside"
mount -t devpts -o newinstance,ptmxmode=666,mode=620,gid=5 devpts "$root/dev/pts"
ln -s pts/ptmx "$root/dev/ptmx"
ip link set lo up
export container=lxc
cd "$root"
# a mere chroot would keep the sandboxes of the services from being made
pivot_root . .outside
umount -l /.outside
mount --make-rshared /
exec /usr/lib/systemd/systemd --log-target=console --show-status=0 --log-level=warning
