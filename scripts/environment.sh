#!/bin/sh
# Makes the virtual environment .venv with the system's Python (Debian 13, Raspberry Pi OS: 3.13), or
# with "3.11" .venv-3.11 where a python3.11 is found; versions as in constraints.txt. "fuzz" adds what
# guides fuzzing by coverage. Needs nothing but python3 and its venv module.
set -eu
cd "$(dirname "$0")/.."

make_environment() { # python, folder
    "$1" -m venv "$2"
    "$2/bin/python" -m pip install --quiet --disable-pip-version-check \
        --constraint constraints.txt --editable '.[dev,fieldtest]'
    "$2/bin/python" -m appliance.text
}

case ${1:-} in
3.11)
    old=$(command -v python3.11) && "$old" -c 'import ensurepip, venv' 2>/dev/null || exit 0
    make_environment "$old" .venv-3.11
    exit
    ;;
fuzz)
    # There are wheels for few machines; without it inputs are mutated blindly.
    .venv/bin/python -c 'import atheris' 2>/dev/null ||
        .venv/bin/python -m pip install --quiet --disable-pip-version-check --only-binary :all: \
            'atheris>=3.0' || echo "no atheris for this machine: fuzzing is not guided by coverage"
    exit
    ;;
esac

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
make_environment "$main" .venv
