#!/bin/sh
# Makes the pictures of the operator's guide out of what the tests in a browser have seen: run
# `make console` first. Reduced to few colours: a page is text and areas. Needs ImageMagick.
set -eu
cd "$(dirname "$0")/.."

command -v convert >/dev/null || { echo "sudo apt-get install imagemagick" >&2; exit 1; }
mkdir -p docs/it/img
for name in login desk-ringing desk-transfer desk-return desk-drafted message request-new appointments \
    calls call handover; do
    seen=build/screens/$name-it-desk.png
    [ -f "$seen" ] || { echo "$seen is missing: make console" >&2; exit 1; }
    convert "$seen" -strip -resize 1024x +dither -colors 64 -define png:compression-level=9 \
        "PNG8:docs/it/img/$name.png"
done
