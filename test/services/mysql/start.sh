#!/usr/bin/env bash
# Starts a real MySQL server (the newest in Debian sid, 9.7 LTS when this was written) on 127.0.0.1. Usage: start.sh WORKDIR
# Prints its URL (user root, no password, database test) on stdout, of the running one where there is one; all else goes to stderr and
# WORKDIR/log. Takes 15 seconds the first time, 3 after; data stays in WORKDIR/data. Writes only under WORKDIR.
#   MYSQL_PORT   default: any free one
#   MYSQL_OPTS   further options of mysqld, such as '--max-allowed-packet=1M --sql-mode='
#   MYSQL_ROOT   where the packages are unpacked (WORKDIR/root): several servers may share one
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/../debian.sh"
work=$(mkdir -p "${1:?WORKDIR}" && cd "$1" && pwd)
root=${MYSQL_ROOT:-$work/root}
exec 9>"$work/lock"
flock -w 300 9
if [ -s "$work/pid" ] && kill -0 "$(cat "$work/pid")" 2>/dev/null; then
  cat "$work/url"
  exit 0
fi
unpack sid "$root" mysql-server-core
mysqld() {
  run "$root" usr/sbin/mysqld --no-defaults --user="$(id -un)" --basedir="$root/usr" --datadir="$work/data" \
    --lc-messages-dir="$root/usr/share/mysql" --secure-file-priv=NULL "$@"
}
if [ ! -d "$work/data/mysql" ]; then
  rm -rf "$work/data"
  mysqld --initialize-insecure >"$work/init.log" 2>&1 || { echo "mysql: $(tail -n2 "$work/init.log")" >&2; exit 1; }
fi
port=${MYSQL_PORT:-$(free_port)}
echo 'CREATE DATABASE IF NOT EXISTS test;' >"$work/init.sql"
# What the last run said must not be taken for this one's.
: >"$work/log"
# shellcheck disable=SC2086 # options are words
mysqld --port="$port" --bind-address=127.0.0.1 --mysqlx=OFF --socket="$work/mysqld.sock" --pid-file="$work/mysqld.pid" \
  --init-file="$work/init.sql" ${MYSQL_OPTS:-} >"$work/log" 2>&1 </dev/null 9>&- &
echo "mysql://root@127.0.0.1:$port/test" >"$work/url"
wait_for "$work/log" "ready for connections.*port: $port" $! ||
  { echo "mysql did not start: $(grep -m2 ERROR "$work/log" || tail -n3 "$work/log")" >&2; exit 1; }
cp "$work/mysqld.pid" "$work/pid"
cat "$work/url"
