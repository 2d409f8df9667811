#!/bin/sh
# systemd-analyze verify exits 0 on a misspelt directive: its stderr must be empty too.
set -eu
cd "$(dirname "$0")/.."
command -v systemd-analyze >/dev/null || exec scripts/skipped.sh "units" "systemd-analyze is missing (package systemd)"
# Tenths of systemd's own measure: a service without a sandbox has 90 and more. Who needs more says
# how much in its unit, and why: "# exposure 18: ...".
exposure=15
image=image/overlay/etc/systemd/system
stage=$(mktemp -d)
trap 'rm -rf "$stage"' EXIT
mkdir -p "$stage/usr/bin" "$stage/usr/lib/systemd"
printf '#!/bin/sh\n' > "$stage/usr/bin/centralino"
chmod 755 "$stage/usr/bin/centralino"
for name in flock sh; do cp "$stage/usr/bin/centralino" "$stage/usr/bin/$name"; done
cp -r /usr/lib/systemd/system "$stage/usr/lib/systemd/"
systemd/install.sh "$stage/usr/lib/systemd/system"
cp -R image/overlay/. "$stage/"
# The units of a file: a template's are its instances, those with rights of their own and those that
# every helper without a drop-in is like.
instances() { # file
    name=$(basename "$1")
    case $name in
        centralino-helper@.service)
            for each in restore update systemd/"${name%.*}"?*.d "$image/${name%.*}"?*.d; do
                each=$(basename "$each" .service.d)
                echo "${name%.*}${each#"${name%.*}"}.service"
            done | sort -u ;;
        *@.*) echo "${name%%@*}@usb.${name##*.}" ;;
        *) echo "$name" ;;
    esac
}

for unit in systemd/*.service systemd/*.socket systemd/*.path "$image"/centralino*.* "$image"/*.mount; do
    [ -f "$unit" ] || continue # a folder, with what lies over a unit
    for name in $(instances "$unit"); do
        said=$(systemd-analyze verify --man=no --root="$stage" "$name" 2>&1) || { echo "$said"; exit 1; }
        [ -z "$said" ] || { echo "$unit: $said"; exit 1; }
        echo "$unit: verified as $name"
    done
done

# --offline came with systemd 250.
for unit in systemd/*.service "$image"/centralino*.service; do
    for name in $(instances "$unit"); do
        own=$(cat "$unit" "systemd/$name.d/rights.conf" "$image/$name.d/rights.conf" 2>/dev/null |
            sed -n 's/^# exposure \([0-9]*\): .*/\1/p')
        said=$(systemd-analyze security --no-pager --offline=true --root="$stage" \
            --threshold="${own:-$exposure}" "$name" 2>&1) || {
            echo "$said" | grep -v '✓'
            echo "$name: more exposed than ${own:-$exposure} tenths"
            exit 1
        }
        echo "$name: $(echo "$said" | sed -n 's/.*exposure level for [^:]*: \([0-9.]*\).*/exposure \1/p')"
    done
done

# udevadm verify came with systemd 254 (Debian 13).
udevadm verify --help >/dev/null 2>&1 || exec scripts/skipped.sh "udev rules" "udevadm verify is missing (package udev of Debian 13)"
for rules in systemd/*.rules image/overlay/etc/udev/rules.d/*.rules; do
    said=$(udevadm verify --no-summary --resolve-names=never "$rules" 2>&1) || { echo "$said"; exit 1; }
    [ -z "$said" ] || { echo "$rules: $said"; exit 1; }
    echo "$rules: verified"
done
