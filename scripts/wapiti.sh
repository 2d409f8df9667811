#!/bin/sh
# The scanner wapiti (PyPI wapiti3), in an environment of its own: its libraries are many, and none
# of them is the product's. tests/console/attack/test_wapiti.py uses it, or skips.
set -eu
cd "$(dirname "$0")/.."
[ -x build/wapiti/bin/wapiti ] && exit 0
main=$(command -v /usr/bin/python3 || command -v python3)
"$main" -m venv build/wapiti
build/wapiti/bin/python -m pip install --quiet --disable-pip-version-check 'wapiti3>=3.2,<4' ||
    { echo "not installed (its tests are skipped): wapiti"; rm -rf build/wapiti; }
