#!/usr/bin/env bash
# Prints the home of a JDK (java, javac, jar) of at least some version. Usage: jdk.sh VERSION WORKDIR
# The first that is new enough of ES_JAVA_HOME, JAVA_HOME, javac on the path, /usr/lib/jvm; else OpenJDK 21 of Debian 13, which is unpacked below
# WORKDIR and runs with its own loader and libraries on a Debian of any release. Installs nothing.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/debian.sh"
need=${1:?VERSION}
work=$(mkdir -p "${2:?WORKDIR}" && cd "$2" && pwd)
on_path=$(readlink -f "$(command -v javac || echo /none/bin/javac)")
for home in "${ES_JAVA_HOME:-}" "${JAVA_HOME:-}" "${on_path%/bin/javac}" /usr/lib/jvm/*; do
  [ -n "$home" ] && [ -x "$home/bin/javac" ] && [ -x "$home/bin/jar" ] || continue
  major=$("$home/bin/javac" -version 2>&1 | sed -n 's/^javac \([0-9]*\).*/\1/p')
  if [ "${major:-0}" -ge "$need" ]; then
    echo "$home"
    exit 0
  fi
done

[ "$need" -le 21 ] || { echo "no JDK (with javac) $need or later found: install one, or set JAVA_HOME" >&2; exit 1; }
exec 9>"$work/lock"
flock -w 300 9
root=$work/root
home=$work/home
unpack trixie "$root" openjdk-21-jdk-headless
if [ ! -x "$home/bin/java" ]; then
  # Its settings are links to /etc, as if it were installed.
  find "$root/usr/lib/jvm" -type l -lname '/*' | while read -r link; do
    target=$root$(readlink "$link")
    [ ! -e "$target" ] || ln -sfn "$target" "$link"
  done
  real=$(dirname "$(find "$root/usr/lib/jvm" -path '*/bin/javac')")
  rm -rf "$home"
  mkdir -p "$home/bin.tmp"
  for program in java javac jar; do
    printf '#!/bin/sh\nexec "%s" --library-path "%s" --argv0 "%s" "%s" "$@"\n' \
      "$(loader_of "$root")" "$(libraries_of "$root")" "$real/$program" "$real/$program" >"$home/bin.tmp/$program"
    chmod +x "$home/bin.tmp/$program"
  done
  mv "$home/bin.tmp" "$home/bin"
fi
echo "$home"
