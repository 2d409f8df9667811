#!/bin/sh
# Makes the Debian packages build/deb/centralino_VERSION_ARCH.deb, by default for arm64 and amd64,
# from the files under version control. The same files give the same bytes.
#   scripts/deb.sh [ARCH ...]; OUT, PYTHON (one with pip), VERSION, SOURCE_DATE_EPOCH and MAINTAINER may
#   be given
set -eu
cd "$(dirname "$0")/.."
here=$PWD
python=${PYTHON:-.venv/bin/python}
version=${VERSION:-$(sed -n 's/^__version__ = "\(.*\)"$/\1/p' appliance/__init__.py)}
out=${OUT:-build/deb}
export SOURCE_DATE_EPOCH="${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct)}"
export LC_ALL=C TZ=UTC
command -v dh >/dev/null || scripts/apt.sh debhelper || exec scripts/skipped.sh "deb" "debhelper is missing"
command -v mkdocs >/dev/null || scripts/apt.sh mkdocs-material || exec scripts/skipped.sh "deb" "mkdocs-material is missing"

machine() { # what wheels call an architecture of Debian's
    case $1 in arm64) echo aarch64 ;; amd64) echo x86_64 ;; *) echo "no package for $1" >&2; exit 1 ;; esac
}

fetch() { # architecture, folder: the wheels, by their hashes; all of them native to Debian 13
    set -- "$1" "$2" "$(machine "$1")"
    "$python" -m pip download --quiet --disable-pip-version-check --no-deps --require-hashes \
        --only-binary :all: --python-version 3.13 --implementation cp --abi cp313 --abi abi3 --abi none \
        --platform "manylinux_2_17_$3" --platform "manylinux2014_$3" \
        --platform "manylinux_2_26_$3" --platform "manylinux_2_28_$3" \
        --requirement "debian/wheels-$1.txt" --dest "$2"
}

make_deb() { # architecture
    stage=$out/$1/centralino
    rm -rf "${out:?}/$1"
    mkdir -p "$stage/wheels"
    git ls-files -z appliance debian docs hw_tests share systemd README.md README.it.md SECURITY.md \
        CHANGELOG.md CONTRIBUTING.md LICENSE |
        tar --null --files-from=- --create | tar --extract --directory "$stage"
    # A release's version is its tag's: the programme says the same one as its package.
    sed -i "s/^__version__ = .*/__version__ = \"$version\"/" "$stage/appliance/__init__.py"
    (cd "$stage" && PYTHONDONTWRITEBYTECODE=1 "$(command -v "$here/$python" || command -v "$python")" -m appliance.text)
    fetch "$1" "$stage/wheels"
    "$python" -m scripts.docs_site "$stage/help" >/dev/null
    [ -z "${MAINTAINER:-}" ] || sed -i "s|^Maintainer: .*|Maintainer: $MAINTAINER|" "$stage/debian/control"
    printf 'centralino (%s) trixie; urgency=medium\n\n  * See changelog.gz.\n\n -- %s  %s\n' "$version" \
        "$(sed -n 's/^Maintainer: //p' "$stage/debian/control")" "$(date -R -d "@$SOURCE_DATE_EPOCH")" \
        > "$stage/debian/changelog"
    find "$stage" -exec touch --no-dereference --date="@$SOURCE_DATE_EPOCH" {} +
    (cd "$stage" && dpkg-buildpackage --build=binary --no-sign --no-check-builddeps --host-arch "$1") \
        > "$out/$1/log" 2>&1 || { cat "$out/$1/log"; exit 1; }
    mv "$out/$1/centralino_${version}_$1.deb" "$out/"
    rm -rf "$stage"
    ls -sh "$out/centralino_${version}_$1.deb"
}

for architecture in "${@:-arm64 amd64}"; do
    # shellcheck disable=SC2086 # the default is two words
    for one in $architecture; do make_deb "$one"; done
done
