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
for rights in "$from"/*.d; do
    install -D -m 644 "$rights/rights.conf" "$1/$(basename "$rights")/rights.conf"
done
# At each start of the machine a restore that a power cut has interrupted is finished.
install -d "$1/multi-user.target.wants"
ln -sf ../centralino-helper@.service "$1/multi-user.target.wants/centralino-helper@restore.service"
