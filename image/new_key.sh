#!/bin/sh
# Makes the pair by which an organisation signs its updates: FOLDER/key.pem, for nobody else's eyes, and
# FOLDER/cert.pem, which every image carries. docs/image.md says how it is kept and changed.
#   image/new_key.sh FOLDER [NAME]
set -eu
folder=$1
name=${2:-Centralino updates}
[ ! -e "$folder/key.pem" ] || { echo "$0: there is a key in $folder already: name another folder" >&2; exit 1; }
(umask 077 && mkdir -p "$folder")
umask 077
# The first day is long past: a box without a clock may be years behind. The name tells two pairs apart.
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes \
    -subj "/O=$name/CN=$(openssl rand -hex 4)" -not_before 20250101000000Z -not_after 20550101000000Z \
    -addext basicConstraints=critical,CA:TRUE -keyout "$folder/key.pem" -out "$folder/cert.pem" 2> /dev/null
chmod 644 "$folder/cert.pem"
