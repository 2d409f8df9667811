#!/bin/sh
# Gives the build the certificate whose updates the slot will take: work/keys/cert.pem, key.pem. From
# the technician's folder KEYS, which stays outside the image and the repository; without it from a
# throw-away pair in build/image/keys, which is good for trying things out and for nothing else.
set -eu
cd "$(dirname "$0")/.."
. image/common.sh
keys=${KEYS:-$out/keys}
if [ -z "${KEYS:-}" ] && [ ! -s "$keys/cert.pem" ]; then
    (umask 077 && mkdir -p "$keys")
    # the first day is long past: boxes without a clock may be years behind
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj '/O=Centralino/CN=throw-away key' \
        -not_before 20250101000000Z -not_after 20450101000000Z -addext basicConstraints=critical,CA:TRUE \
        -keyout "$keys/key.pem" -out "$keys/cert.pem" 2> /dev/null
    say "keys: a throw-away pair in $keys"
fi
openssl x509 -in "$keys/cert.pem" -noout || fail "KEYS=$keys has no certificate cert.pem"
rm -rf "$work/keys"
mkdir -p "$work/keys"
cp "$keys/cert.pem" "$work/keys/"
