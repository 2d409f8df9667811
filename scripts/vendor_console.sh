#!/bin/sh
# Fetches what the console's pages are made of from the npm registry, as built files, and lists their
# hashes. Run by hand when a version changes; the box itself needs neither npm nor a build step.
set -eu
cd "$(dirname "$0")/.."
command -v npm >/dev/null || exec scripts/skipped.sh "vendor" "npm is missing"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

unpack() { # package, version: prints the folder it is unpacked in
    mkdir -p "$work/$1"
    (cd "$work" && npm pack --silent "$1@$2" >/dev/null && tar xzf "$1-$2.tgz" -C "$1" --no-same-permissions)
    echo "$work/$1/package"
}

take() { # from, to
    install -D -m 644 "$1" "$2"
}

vendor=appliance/console/static/vendor
rm -rf "$vendor/titillium" "$vendor/htmx" "$vendor/idiomorph"

# of Bootstrap Italia its font alone: the pages have a stylesheet of their own (static/style)
from=$(unpack bootstrap-italia 2.18.3)/dist/fonts/Titillium_Web
to=$vendor/titillium
take "$from/OFL.txt" "$to/LICENSE"
take "$from/titillium-web-v10-latin-ext_latin-regular.woff2" "$to/titillium-web-400.woff2"
take "$from/titillium-web-v10-latin-ext_latin-600.woff2" "$to/titillium-web-600.woff2"

from=$(unpack htmx.org 2.0.11)
take "$from/LICENSE" "$vendor/htmx/LICENSE"
take "$from/dist/htmx.min.js" "$vendor/htmx/htmx.min.js"

from=$(unpack idiomorph 0.8.0)
take "$from/LICENSE" "$vendor/idiomorph/LICENSE"
take "$from/dist/idiomorph.min.js" "$vendor/idiomorph/idiomorph.min.js"

# for the tests alone
from=$(unpack axe-core 4.14.1)
take "$from/LICENSE" tests/console/vendor/axe-core/LICENSE
take "$from/axe.min.js" tests/console/vendor/axe-core/axe.min.js

for folder in "$vendor" tests/console/vendor; do
    (cd "$folder" && find . -type f ! -name README.md ! -name SHA256SUMS -printf '%P\n' | LC_ALL=C sort | xargs sha256sum > SHA256SUMS)
done
du -sb "$vendor"
