#!/bin/sh
# Makes the pictures of the installation guide: packs the image where that is missing, walks from the
# download to the first call on the emulated board (a quarter of an hour), and draws what was seen.
# As root, on Debian 13; needs ImageMagick.
set -eu
cd "$(dirname "$0")/.."

command -v convert >/dev/null || { echo "sudo apt-get install imagemagick" >&2; exit 1; }
ls build/image/centralino-*.img.xz >/dev/null 2>&1 || make image
PICTURES=1 .venv/bin/python -m pytest -q tests/journeys/test_download_to_first_call.py
for picture in first-user plant message; do
    for language in it en; do
        convert "build/screens/installation-$picture-$language-desk.png" -strip -resize 1024x +dither -colors 64 \
            -define png:compression-level=9 "PNG8:docs/img/installation-$picture.$language.png"
    done
done
