#!/usr/bin/env bash
# Starts a real MariaDB server (10.11, of Debian 12, unless told otherwise) on 127.0.0.1. Usage: start.sh WORKDIR
# Prints its URL (user root, no password, database test) on stdout, of the running one where there is one; all else goes to stderr and
# WORKDIR/log. Data stays in WORKDIR/data. Writes only under WORKDIR.
#   MARIADB_PORT   default: any free one
#   MARIADB_OPTS   further options of mariadbd
#   MARIADB_DEBIAN the Debian release whose MariaDB it is (bookworm): trixie has 11.8
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/../debian.sh"
work=$(mkdir -p "${1:?WORKDIR}" && cd "$1" && pwd)
root=$work/root
exec 9>"$work/lock"
flock -w 300 9
if [ -s "$work/pid" ] && kill -0 "$(cat "$work/pid")" 2>/dev/null; then
  cat "$work/url"
  exit 0
fi
unpack "${MARIADB_DEBIAN:-bookworm}" "$root" mariadb-server-core
# Since 11 all has the product's own name.
share=$(dirname "$(find "$root/usr/share" -name '*_system_tables_data.sql')")
mariadbd() {
  run "$root" usr/sbin/mariadbd --no-defaults --user="$(id -un)" --basedir="$root/usr" --datadir="$work/data" \
    --lc-messages-dir="$share" --plugin-dir="$root/usr/lib/mysql/plugin" --tmpdir="$work/tmp" "$@"
}
mkdir -p "$work/tmp"
if [ ! -d "$work/data/mysql" ]; then
  rm -rf "$work/data"
  mkdir -p "$work/data"
  # What mariadb-install-db does, for a root without a password.
  {
    # A statement a line.
    printf '%s;\n' 'create database mysql' 'create database test' 'use mysql' \
      "set @auth_root_socket = null, @skip_auth_anonymous = 1, @current_hostname = 'localhost'"
    for part in system_tables performance_tables system_tables_data; do cat "$share"/m*_"$part.sql"; done
  } | mariadbd --bootstrap --silent-startup >"$work/init.log" 2>&1 || { echo "mariadb: $(tail -n2 "$work/init.log")" >&2; exit 1; }
fi
port=${MARIADB_PORT:-$(free_port)}
# What the last run said must not be taken for this one's.
: >"$work/log"
# shellcheck disable=SC2086 # options are words
mariadbd --port="$port" --bind-address=127.0.0.1 --socket="$work/mariadbd.sock" --pid-file="$work/mariadbd.pid" \
  ${MARIADB_OPTS:-} >"$work/log" 2>&1 </dev/null 9>&- &
pid=$!
echo "mysql://root@127.0.0.1:$port/test" >"$work/url"
wait_for "$work/log" "ready for connections" "$pid" || { echo "mariadb did not start: $(grep -m2 ERROR "$work/log" || tail -n3 "$work/log")" >&2; exit 1; }
cp "$work/mariadbd.pid" "$work/pid"
cat "$work/url"
