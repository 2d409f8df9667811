#!/bin/sh
# Copies the units into a folder, and the sandbox that all services share (systemd.unit(5): a drop-in
# of centralino- is one of each unit whose name begins so): install.sh FOLDER
set -eu
from=$(dirname "$0")
install -d "$1"
install -m 644 "$from"/*.service "$from"/*.socket "$from"/*.path "$1/"
for name in centralino centralino-; do
    install -D -m 644 "$from/hardening.conf" "$1/$name.service.d/10-hardening.conf"
done
