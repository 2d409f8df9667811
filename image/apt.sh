#!/bin/sh
# Sets up apt for arm64 in a folder of its own: nothing of this machine's is changed. The mirrors are
# those from which this machine gets its Debian.
#   image/apt.sh FOLDER [SUITE]; afterwards APT_CONFIG=FOLDER/apt.conf apt-get ...
# SUITE is one more of the same mirror's, as trixie-backports.
set -eu
folder=$1
more=${2:-}
mkdir -p "$folder/lists/partial" "$folder/archives/partial"
: > "$folder/status"

mirrors() { # none are known before the first update, nor for a moment in one that goes on beside us
    # shellcheck disable=SC2016 # apt fills these in
    apt-get indextargets --format '$(REPO_URI) $(RELEASE) $(SIGNED_BY)' \
        'Created-By: Packages' 'Origin: Debian' | sort -u
}
found=$(mirrors)
[ -n "$found" ] || { apt-get update -qq -o DPkg::Lock::Timeout=400 && found=$(mirrors); }
[ -n "$found" ] || { echo "image: apt knows no mirror of Debian's" >&2; exit 1; }
echo "$found" | while read -r uri release keyring; do
    echo "deb [arch=arm64${keyring:+ signed-by=$keyring}] $uri $release main non-free-firmware"
done > "$folder/sources.list"
[ -z "$more" ] || sed -i "s/^\(deb .*\) ${more%-*} main .*/&\n\1 $more main/" "$folder/sources.list"

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
