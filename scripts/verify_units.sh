#!/bin/sh
# systemd-analyze verify exits 0 on a misspelt directive: its stderr must be empty too.
set -eu
cd "$(dirname "$0")/.."
command -v systemd-analyze >/dev/null || exec scripts/skipped.sh "units" "systemd-analyze is missing (package systemd)"
exposure=15 # tenths of systemd's own measure: a service without a sandbox has 90 and more
stage=$(mktemp -d)
trap 'rm -rf "$stage"' EXIT
mkdir -p "$stage/usr/bin" "$stage/etc/systemd/system" "$stage/usr/lib/systemd"
printf '#!/bin/sh\n' > "$stage/usr/bin/centralino"
chmod 755 "$stage/usr/bin/centralino"
cp -r /usr/lib/systemd/system "$stage/usr/lib/systemd/"
cp systemd/*.service systemd/*.socket systemd/*.path "$stage/etc/systemd/system/"
for unit in systemd/*.service systemd/*.socket systemd/*.path; do
    name=$(basename "$unit" | sed 's/@\./@line1./') # a template is verified as an instance
    said=$(systemd-analyze verify --man=no --root="$stage" "$name" 2>&1) || { echo "$said"; exit 1; }
    [ -z "$said" ] || { echo "$unit: $said"; exit 1; }
    echo "$unit: verified"
done

# --offline came with systemd 250.
for unit in systemd/*.service; do
    said=$(systemd-analyze security --no-pager --offline=true --threshold="$exposure" "$unit" 2>&1) || {
        echo "$said" | grep -v '✓'
        echo "$unit: more exposed than $exposure tenths"
        exit 1
    }
    echo "$unit: $(echo "$said" | sed -n 's/.*exposure level for [^:]*: \([0-9.]*\).*/exposure \1/p')"
done

# udevadm verify came with systemd 254 (Debian 13).
udevadm verify --help >/dev/null 2>&1 || exec scripts/skipped.sh "udev rules" "udevadm verify is missing (package udev of Debian 13)"
for rules in systemd/*.rules; do
    said=$(udevadm verify --no-summary "$rules" 2>&1) || { echo "$said"; exit 1; }
    [ -z "$said" ] || { echo "$rules: $said"; exit 1; }
    echo "$rules: verified"
done
