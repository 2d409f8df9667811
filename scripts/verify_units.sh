#!/bin/sh
# systemd-analyze verify exits 0 on a misspelt directive: its stderr must be empty too.
set -eu
cd "$(dirname "$0")/.."
command -v systemd-analyze >/dev/null || exec scripts/skipped.sh "units" "systemd-analyze is missing (package systemd)"
stage=$(mktemp -d)
trap 'rm -rf "$stage"' EXIT
mkdir -p "$stage/usr/bin" "$stage/etc/systemd/system" "$stage/usr/lib/systemd"
printf '#!/bin/sh\n' > "$stage/usr/bin/centralino"
chmod 755 "$stage/usr/bin/centralino"
cp -r /usr/lib/systemd/system "$stage/usr/lib/systemd/"
cp systemd/*.service systemd/*.socket systemd/*.target "$stage/etc/systemd/system/" 2>/dev/null || true
for unit in systemd/*.service systemd/*.socket; do
    [ -e "$unit" ] || continue
    said=$(systemd-analyze verify --man=no --root="$stage" "$(basename "$unit")" 2>&1) || { echo "$said"; exit 1; }
    [ -z "$said" ] || { echo "$unit: $said"; exit 1; }
    echo "$unit: verified"
done
