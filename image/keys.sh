#!/bin/sh
# Gives the build what the slot will trust, from the folder `keys` (image/common.sh): work/keys/cert.pem,
# whose updates it takes, and work/keys/minisign.pub, whose releases it believes. Beside the folder's own
# those in its trusted/, of keys that are to come, or whose boxes are not yet all on the new one. Where
# there are no keys yet they are made, and the image calls itself a test image: work/keys/throw-away.
set -eu
cd "$(dirname "$0")/.."
. image/common.sh
if [ -z "${KEYS:-}" ] && [ ! -s "$keys/cert.pem" ]; then
    image/new_key.sh "$keys" "Centralino test" > /dev/null
    echo "Made by a build for itself: an image of these keys is a test image. Keys to keep: make keys" > "$keys/throw-away"
    say "keys: made in $keys for a test image; for boxes in use make some to keep: make keys"
fi
own=$keys/root.pem
[ -e "$own" ] || own=$keys/cert.pem # a pair without a root
openssl x509 -in "$own" -noout || fail "$keys has no certificate root.pem"
rm -rf "$work/keys"
mkdir -p "$work/keys"
for each in "$own" "$keys"/trusted/*.pem; do
    [ -e "$each" ] || continue
    openssl x509 -in "$each" || fail "$each is no certificate"
    openssl crl -in "$each" 2> /dev/null || [ "$own" = "$keys/cert.pem" ] ||
        fail "$each has no list of what is revoked: take the root.pem of that folder"
done > "$work/keys/cert.pem"
cat "$keys/minisign.pub" "$keys"/trusted/*.pub > "$work/keys/minisign.pub" 2> /dev/null || true
# Keys of before there was a root, that nobody named, were made by a build too.
if [ -e "$keys/throw-away" ] || { [ -z "${KEYS:-}" ] && [ ! -e "$keys/root.pem" ]; }; then
    : > "$work/keys/throw-away"
fi
