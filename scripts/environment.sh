#!/bin/sh
# Makes the virtual environments: .venv-3.13 with the system's Python (Debian 13, Raspberry Pi OS),
# .venv-3.11 too where a python3.11 is found. Needs nothing but python3 and its venv module.
set -eu
cd "$(dirname "$0")/.."

main=$(command -v /usr/bin/python3 || command -v python3)
if ! "$main" -c 'import sys; sys.exit(sys.version_info < (3, 11))'; then
    echo "Python 3.11 or newer is needed; $main is $("$main" --version)" >&2
    exit 1
fi
if ! "$main" -c 'import ensurepip, venv' 2>/dev/null; then
    scripts/apt.sh python3-venv || {
        echo "python3-venv is missing: sudo apt-get install python3-venv" >&2
        exit 1
    }
fi

make_environment() { # python, folder
    "$1" -m venv "$2"
    "$2/bin/python" -m pip install --quiet --disable-pip-version-check --editable '.[dev,fieldtest]'
}

make_environment "$main" .venv-3.13
# What guides fuzzing by coverage exists for few machines; without it mutations are used alone.
.venv-3.13/bin/python -m pip install --quiet --disable-pip-version-check --only-binary :all: \
    'atheris>=3.0' || echo "no atheris for this machine: fuzzing is not guided by coverage"
if old=$(command -v python3.11) && "$old" -c 'import ensurepip, venv' 2>/dev/null; then
    make_environment "$old" .venv-3.11
fi
