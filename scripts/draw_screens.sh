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
every="login desk-transfer inbox-message request-new appointments calls call handover"
for language in it de en; do
    draw "readme-$language-desk" "docs/img/desk.$language.png"
    for name in $every; do
        draw "$name-$language-desk" "docs/img/$name.$language.png"
    done
done
for name in desk-ringing desk-return desk-drafted; do
    draw "$name-it-desk" "docs/img/$name.it.png"
done
draw desk-return-de-desk docs/img/desk-return.de.png
draw desk-appointment-en-desk docs/img/desk-appointment.en.png
