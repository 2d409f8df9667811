#!/bin/sh
# Records the demonstration as a terminal shows it, in each language: docs/img/demo.LANGUAGE.svg.
# Needs asciinema and termtosvg; the recording is as long as the demonstration, a minute.
set -eu
cd "$(dirname "$0")/.."

for tool in asciinema termtosvg; do
    command -v "$tool" >/dev/null || { echo "sudo apt-get install $tool" >&2; exit 1; }
done
made=$(mktemp -d)
trap 'rm -rf "$made"' EXIT
for language in en it de; do
    LANG=$language.UTF-8 asciinema rec --quiet --cols 100 --rows 36 --command "make demo" "$made/$language.cast"
    termtosvg render "$made/$language.cast" "docs/img/demo.$language.svg" -t gjm8 -m 200 -D 10000
done
