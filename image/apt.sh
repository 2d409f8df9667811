#!/bin/sh
# Sets up apt for arm64 in a folder of its own: nothing of this machine's is changed. The mirrors are
# those from which this machine gets its Debian.
#   image/apt.sh FOLDER; afterwards APT_CONFIG=FOLDER/apt.conf apt-get ...
set -eu
folder=$1
mkdir -p "$folder/lists/partial" "$folder/archives/partial"
: > "$folder/status"

# Backports are read by the variant for the Pi 5 alone; packages come from them only by name.
# shellcheck disable=SC2016 # apt fills these in
apt-get indextargets --format '$(REPO_URI) $(RELEASE) $(SIGNED_BY)' \
    'Created-By: Packages' 'Origin: Debian' | sort -u |
    while read -r uri release keyring; do
        echo "deb [arch=arm64${keyring:+ signed-by=$keyring}] $uri $release main non-free-firmware"
    done > "$folder/sources.list"
[ -s "$folder/sources.list" ] || { echo "image: apt knows no Debian mirror: apt-get update" >&2; exit 1; }

cat > "$folder/apt.conf" <<END
APT::Architecture "arm64";
APT::Architectures "arm64";
APT::Install-Recommends "false";
Acquire::Languages "none";
Dir::Etc::sourcelist "$folder/sources.list";
Dir::Etc::sourceparts "/dev/null";
Dir::State "$folder";
Dir::State::status "$folder/status";
Dir::Cache "$folder";
Dir::Cache::archives "$folder/archives";
END
APT_CONFIG=$folder/apt.conf apt-get update -qq
