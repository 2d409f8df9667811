#!/bin/sh
# Makes the keys by which an organisation signs its updates and releases, and says where each belongs.
# docs/image.md says how they are kept, changed and revoked.
#   image/new_key.sh FOLDER [NAME]           all of them, in a folder that has none
#   image/new_key.sh --renew FOLDER          another signing key by the same root; the one of before is kept
#   image/new_key.sh --revoke FOLDER CERT    no box takes what CERT's key signs, once its slot is newer
# FOLDER: root/ (offline), key.pem, cert.pem and minisign.key (who signs), root.pem and minisign.pub (public)
set -eu
fail() { echo "$0: $*" >&2; exit 1; }
what=make
case ${1:-} in --renew | --revoke) what=${1#--}; shift ;; esac
folder=${1:-}
[ -n "$folder" ] || fail "name the folder for the keys, like KEYS=/media/safe/keys"
# The first day is long past: a box without a clock may be years behind. A name tells two keys apart.
begin=20250101000000Z
end=20550101000000Z
umask 077

pair() { # key, certificate, name, and what openssl is told beside
    key=$1 cert=$2 named=$3
    shift 3
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj "$named" \
        -not_before $begin -not_after $end -keyout "$key" -out "$cert" "$@" 2> "$folder/said" ||
        { cat "$folder/said" >&2; rm -f "$folder/said"; exit 1; }
    rm -f "$folder/said"
}
signing_pair() { # by the root, whose name it bears
    owner=$(openssl x509 -in "$folder/root/cert.pem" -noout -subject -nameopt multiline | sed -n 's/^ *organizationName *= //p')
    pair "$folder/key.pem" "$folder/cert.pem" "/O=$owner/CN=signing $(openssl rand -hex 4)" \
        -CA "$folder/root/cert.pem" -CAkey "$folder/root/key.pem" \
        -addext basicConstraints=critical,CA:FALSE -addext keyUsage=critical,digitalSignature
}
by_root() { # asks the root's list of revoked certificates
    (cd "$folder/root" && openssl ca -batch -config openssl.cnf "$@" 2> said) ||
        { cat "$folder/root/said" >&2; exit 1; }
}
publish() { # what every image carries: the root, and what it has revoked
    by_root -gencrl -crl_lastupdate $begin -crl_nextupdate $end -out revoked.pem
    cat "$folder/root/cert.pem" "$folder/root/revoked.pem" > "$folder/root.pem"
    rm -f "$folder/root/said"
    chmod 644 "$folder/cert.pem" "$folder/root.pem" "$folder/minisign.pub"
}
has_root() {
    [ -s "$folder/root/key.pem" ] || fail "$folder/root has no key.pem: bring the root back from where it is kept"
}

case $what in
make)
    name=${2:-Centralino updates}
    for each in key.pem root minisign.key; do
        [ ! -e "$folder/$each" ] || fail "there is a key in $folder already: name another folder"
    done
    command -v minisign > /dev/null || fail "minisign is missing: apt install minisign"
    mkdir -p "$folder/root"
    pair "$folder/root/key.pem" "$folder/root/cert.pem" "/O=$name/CN=root $(openssl rand -hex 4)" \
        -addext basicConstraints=critical,CA:TRUE -addext keyUsage=critical,keyCertSign,cRLSign
    : > "$folder/root/index"
    echo 01 > "$folder/root/crlnumber"
    cat > "$folder/root/openssl.cnf" <<END
[ca]
default_ca = root
[root]
database = index
crlnumber = crlnumber
certificate = cert.pem
private_key = key.pem
default_md = sha256
crl_extensions = crl
[crl]
authorityKeyIdentifier = keyid:always
END
    signing_pair
    minisign -G -W -p "$folder/minisign.pub" -s "$folder/minisign.key" > /dev/null
    publish
    cat <<END
$folder/root/
    the root: into a safe, on two encrypted media in two places, and deleted here.
    It is needed to renew or to revoke the signing key. Lost: no other signing key can be made.
$folder/key.pem, cert.pem, minisign.key
    sign updates and releases: on the machine that builds, for who signs. A copy lies with the root.
    Lost: renew (image/new_key.sh --renew). Stolen: renew and revoke.
$folder/root.pem, minisign.pub
    public: every image carries them; minisign.pub is published where releases are announced.
END
    ;;
renew)
    has_root
    number=1
    while [ -e "$folder/before-$number.pem" ]; do number=$((number + 1)); done
    mv "$folder/cert.pem" "$folder/before-$number.pem"
    rm -f "$folder/key.pem"
    signing_pair
    chmod 644 "$folder/cert.pem"
    echo "$folder/key.pem is new; the certificate of before is before-$number.pem, for --revoke"
    ;;
revoke)
    has_root
    cert=$(realpath -- "${2:-}") || fail "name the certificate to revoke, like $folder/before-1.pem"
    openssl verify -CAfile "$folder/root/cert.pem" "$cert" > /dev/null 2>&1 || fail "$cert is no certificate of this root"
    by_root -revoke "$cert"
    publish
    echo "$folder/root.pem is new: make and publish an update, signed by a key that is not revoked"
    ;;
esac
