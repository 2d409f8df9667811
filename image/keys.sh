#!/bin/sh
# Gives the build the certificates whose updates the slot will take: work/keys/cert.pem. From the folder
# `keys` (image/common.sh): its cert.pem, by whose key updates are signed, and those in its trusted/, of
# a key that is to come, or of one whose boxes are not yet all on the new one. Where there is none yet a
# pair is made.
set -eu
cd "$(dirname "$0")/.."
. image/common.sh
if [ -z "${KEYS:-}" ] && [ ! -s "$keys/cert.pem" ]; then
    if [ -s build/image/keys/key.pem ]; then # where it lay before, for `make clean` to delete
        (umask 077 && mkdir -p "$keys")
        cp -p build/image/keys/cert.pem build/image/keys/key.pem "$keys/"
    else
        image/new_key.sh "$keys"
    fi
    say "keys: boxes with this image take updates that are signed by $keys/key.pem alone: keep a copy of it"
fi
openssl x509 -in "$keys/cert.pem" -noout || fail "$keys has no certificate cert.pem"
rm -rf "$work/keys"
mkdir -p "$work/keys"
for each in "$keys/cert.pem" "$keys"/trusted/*.pem; do
    [ ! -e "$each" ] || openssl x509 -in "$each" || fail "$each is no certificate"
done > "$work/keys/cert.pem"
