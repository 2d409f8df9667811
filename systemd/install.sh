#!/bin/sh
# Copies the units into a folder, beside each service the sandbox that all share: install.sh FOLDER
set -eu
from=$(dirname "$0")
install -d "$1"
install -m 644 "$from"/*.service "$from"/*.socket "$from"/*.path "$1/"
for unit in "$from"/*.service; do
    install -D -m 644 "$from/hardening.conf" "$1/$(basename "$unit").d/10-hardening.conf"
done
