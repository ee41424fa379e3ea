#!/usr/bin/env bash
# Ends the server that start.sh started there; its data stays. Usage: stop.sh WORKDIR [--kill]     --kill: as in a crash
set -u
pid=$(cat "${1:?WORKDIR}/pid" 2>/dev/null) || exit 0
if [ "${2:-}" = --kill ]; then kill -9 "$pid"; else kill "$pid"; fi 2>/dev/null
for _ in $(seq 200); do
  kill -0 "$pid" 2>/dev/null || break
  sleep 0.1
done
rm -f "$1/pid"
