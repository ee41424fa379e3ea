#!/usr/bin/env bash
# Starts a real PostgreSQL server on 127.0.0.1. Usage: start.sh WORKDIR
# Prints its URL (user postgres, no password, database postgres) on stdout, of the running one where there is one; all else goes to stderr
# and WORKDIR/log. Data stays in WORKDIR/data. Writes only under WORKDIR. PostgreSQL refuses to run as root: there, the user nobody runs it.
#   PG_VERSION   default: 18 (of Debian sid); 15 (of Debian 12)
#   PG_PORT      default: any free one
#   PG_OPTS     further options of postgres, such as '-c default_transaction_read_only=on'
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/../debian.sh"
work=$(mkdir -p "${1:?WORKDIR}" && cd "$1" && pwd)
root=$work/root
version=${PG_VERSION:-18}
case $version in
  18) release=sid ;;
  15) release=bookworm ;;
  *) echo "postgres: there is no version $version here" >&2; exit 1 ;;
esac
programs=$root/usr/lib/postgresql/$version/bin
exec 9>"$work/lock"
flock -w 300 9
if [ -s "$work/pid" ] && kill -0 "$(cat "$work/pid")" 2>/dev/null; then
  cat "$work/url"
  exit 0
fi
unpack "$release" "$root" "postgresql-$version"
mkdir -p "$work/data"
user=()
if [ "$(id -u)" = 0 ]; then
  # Folders on the way may be root's own: nobody may read them all the same.
  user=(setpriv --reuid=nobody --regid=nogroup --clear-groups --inh-caps +dac_read_search --ambient-caps +dac_read_search)
  chown nobody:nogroup "$work/data"
fi
loader=$(loader_of "$root")
libraries=$(libraries_of "$root")
# initdb looks for postgres beside itself and runs it: so a script stands in its place, which runs it by the loader.
if [ ! -e "$programs/postgres.bin" ]; then
  mv "$programs/postgres" "$programs/postgres.bin"
  printf '#!/bin/sh\nexec "%s" --library-path "%s" --argv0 "%s" "%s" "$@"\n' \
    "$loader" "$libraries" "$programs/postgres" "$programs/postgres.bin" >"$programs/postgres"
  chmod a+rx "$programs/postgres"
fi
if [ ! -s "$work/data/PG_VERSION" ]; then
  "${user[@]}" "$loader" --library-path "$libraries" --argv0 "$programs/initdb" "$programs/initdb" \
    -D "$work/data" -U postgres -A trust -E UTF8 --no-locale -L "$root/usr/share/postgresql/$version" >"$work/init.log" 2>&1 ||
    { echo "initdb: $(tail -n3 "$work/init.log")" >&2; exit 1; }
fi
port=${PG_PORT:-$(free_port)}
echo "postgres://postgres@127.0.0.1:$port/postgres" >"$work/url"
# What the last run said must not be taken for this one's.
: >"$work/log"
# shellcheck disable=SC2086 # options are words
"${user[@]}" "$programs/postgres" -D "$work/data" -p "$port" -c listen_addresses=127.0.0.1 -c unix_socket_directories= \
  -c dynamic_library_path="$root/usr/lib/postgresql/$version/lib" ${PG_OPTS:-} >"$work/log" 2>&1 </dev/null 9>&- &
pid=$!
wait_for "$work/log" 'ready to accept connections' "$pid" || { echo "postgres did not start: $(tail -n3 "$work/log")" >&2; exit 1; }
echo "$pid" >"$work/pid"
cat "$work/url"
