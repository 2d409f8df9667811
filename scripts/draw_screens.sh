#!/bin/sh
# Makes the pictures of the operator's guide and of the README out of what the tests in a browser
# have seen: run `PICTURES=1 make console` first. Reduced to few colours: a page is text and areas.
# Needs ImageMagick.
set -eu
cd "$(dirname "$0")/.."

command -v convert >/dev/null || { echo "sudo apt-get install imagemagick" >&2; exit 1; }

draw() { # what was seen, the picture
    seen=build/screens/$1.png
    [ -f "$seen" ] || { echo "$seen is missing: PICTURES=1 make console" >&2; exit 1; }
    convert "$seen" -strip -resize 1024x +dither -colors 64 -define png:compression-level=9 "PNG8:$2"
}

mkdir -p docs/img
draw readme-it-desk docs/img/desk.it.png
draw readme-en-desk docs/img/desk.en.png
both="login desk-transfer inbox-message request-new appointments calls call handover"
for name in $both desk-ringing desk-return desk-drafted; do
    draw "$name-it-desk" "docs/img/$name.it.png"
done
for name in $both desk-appointment; do
    draw "$name-en-desk" "docs/img/$name.en.png"
done
