#!/bin/sh
# Installs Debian packages when that may be done here (root, or sudo without a question); else fails.
set -eu
run=""
if [ "$(id -u)" != 0 ]; then
    sudo -n true 2>/dev/null || exit 1
    run="sudo -n"
fi
command -v apt-get >/dev/null || exit 1
export DEBIAN_FRONTEND=noninteractive
install() { $run apt-get install -y -qq --no-install-recommends -o DPkg::Lock::Timeout=400 "$@" >/dev/null; }
# What the tests use they start themselves: a server that comes with a package stays off.
policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
    trap '$run rm -f "$policy"' EXIT
    printf '#!/bin/sh\nexit 101\n' | $run tee "$policy" >/dev/null && $run chmod 755 "$policy"
fi
install "$@" 2>/dev/null || { $run apt-get update -qq && install "$@"; }
