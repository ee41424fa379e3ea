# Sourced by start scripts of servers that come out of a Debian release's packages, on a Debian system of any release:
#   unpack RELEASE ROOT PACKAGE…   fetches packages and all they need by apt, and unpacks them below ROOT; installs nothing
#   run ROOT PROGRAM ARG…          runs a program of it with its own loader and libraries
# The packages keep their own licences, and are never committed.

unpack() {
  local release=$1 root=$2 work=$2.tmp deb
  shift 2
  [ -e "$root/.unpacked" ] && return 0
  rm -rf "$root" "$work"
  mkdir -p "$root" "$work/lists/partial" "$work/sources" "$work/deb/partial"
  : >"$work/status"
  sources_of "$release" "$work/sources"
  # Of its own: lists, package state and caches, so that nothing of the system's is read or changed.
  local options=(
    -o Dir::Etc::sourcelist=/dev/null -o "Dir::Etc::sourceparts=$work/sources" -o "Dir::State::Lists=$work/lists"
    -o "Dir::State::status=$work/status" -o "Dir::Cache::archives=$work/deb" -o Dir::Cache::pkgcache= -o Dir::Cache::srcpkgcache=
    -o Debug::NoLocking=1 -o APT::Sandbox::User=root
  )
  apt-get "${options[@]}" -qq update >"$work/log" 2>&1 || { echo "apt can't read $release: $(tail -n1 "$work/log")" >&2; return 1; }
  apt-get "${options[@]}" -y -qq --no-install-recommends --download-only install "$@" >>"$work/log" 2>&1 ||
    { echo "apt can't fetch $*: $(tail -n1 "$work/log")" >&2; return 1; }
  for deb in "$work"/deb/*.deb; do
    case ${deb##*/} in
      perl* | libperl* | systemd* | python* | locales*) ;; # none of the servers needs them to run
      *) dpkg-deb -x "$deb" "$root" ;;
    esac
  done
  rm -rf "$work"
  touch "$root/.unpacked"
}

# The system's first own source, with another suite: so the mirror is the one that apt uses here.
sources_of() {
  if ls /etc/apt/sources.list.d/*.sources >/dev/null 2>&1; then
    cat /etc/apt/sources.list.d/*.sources | awk 'BEGIN { RS = "" } /deb/ { print; exit }' | sed "s/^Suites:.*/Suites: $1/" >"$2/$1.sources"
  else
    awk -v release="$1" '$1 == "deb" { for (i = 2; i <= NF; i++) if ($i ~ /:\/\//) { print "deb", $i, release, "main"; exit } }' /etc/apt/sources.list >"$2/$1.list"
  fi
}

loader_of() { find "$1" -name 'ld-linux-*.so.*' | head -n1; }

libraries_of() { find "$1" -name '*.so*' -printf '%h\n' | sort -u | grep -vE '/(plugin|gconv|ossl-modules|engines[^/]*|sasl2|pgxs)$' | paste -sd:; }

run() {
  local root=$1 program=$2
  shift 2
  "$(loader_of "$root")" --library-path "$(libraries_of "$root")" --argv0 "$root/$program" "$root/$program" "$@"
}

free_port() {
  node -e "const s = require('net').createServer().listen(0, '127.0.0.1', () => { console.log(s.address().port); s.close() })"
}

# wait_for LOG PATTERN PID: until the log says so; fails when the server has ended, or after a minute.
wait_for() {
  for _ in $(seq 300); do
    grep -q "$2" "$1" && return 0
    kill -0 "$3" 2>/dev/null || return 1
    sleep 0.2
  done
  return 1
}
