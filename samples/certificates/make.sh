#!/bin/sh
# Makes a certificate authority (DIR/ca.crt, DIR/ca.key), if there is none yet, and for each NAME a certificate that it
# has signed, with its key (DIR/NAME.crt, DIR/NAME.key). To try things out: they last 30 days, and the keys lie about.
set -eu
if [ $# -lt 2 ]; then
  echo 'usage: make.sh DIR NAME...' >&2
  exit 2
fi
dir=$1
shift
mkdir -p "$dir"
umask 077

quietly() {
  "$@" 2>"$dir/openssl.log" || { cat "$dir/openssl.log" >&2; exit 1; }
  rm "$dir/openssl.log"
}

if [ ! -e "$dir/ca.crt" ]; then
  printf '[req]\ndistinguished_name = name\n[name]\n[ca]\nbasicConstraints = critical, CA:TRUE\nkeyUsage = critical, keyCertSign, cRLSign\nsubjectKeyIdentifier = hash\n' >"$dir/openssl.cnf"
  quietly openssl req -x509 -newkey rsa:2048 -nodes -days 30 -subj '/CN=Example CA' -config "$dir/openssl.cnf" -extensions ca \
    -keyout "$dir/ca.key" -out "$dir/ca.crt"
  rm "$dir/openssl.cnf"
fi
for name in "$@"; do
  quietly openssl req -new -newkey rsa:2048 -nodes -subj "/CN=$name" -keyout "$dir/$name.key" -out "$dir/$name.csr"
  printf 'subjectAltName = DNS:%s\nbasicConstraints = CA:FALSE\nauthorityKeyIdentifier = keyid\n' "$name" >"$dir/$name.cnf"
  quietly openssl x509 -req -days 30 -in "$dir/$name.csr" -CA "$dir/ca.crt" -CAkey "$dir/ca.key" -CAcreateserial \
    -extfile "$dir/$name.cnf" -out "$dir/$name.crt"
  rm "$dir/$name.csr" "$dir/$name.cnf"
done
