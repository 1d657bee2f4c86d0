#!/usr/bin/env bash
# Check what pip cannot install: Python 3.11 with its shared library (Triton's stub loads it) and a
# C++ compiler (DeepSpeed builds extensions on demand), and libseccomp (parse workers' sandbox); with `test`
# as second word also what only the tests need: PostgreSQL, WordNet, Chromium. As root on Debian or Ubuntu it installs them.
set -euo pipefail
python=${1:-python3.11} purpose=${2:-}

install() {
  if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    echo "setup: apt-get install $*"
    apt-get update -qq >/dev/null
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq "$@" >/dev/null
  else
    echo "setup: needs $*; install it (Debian/Ubuntu: apt-get install $*) and run again" >&2
    exit 2
  fi
}

command -v "$python" >/dev/null || install python3.11 python3.11-venv
version=$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])')
if [ "$version" != 3.11 ]; then
  echo "setup: $python is Python $version; set PYTHON to a Python 3.11" >&2
  exit 2
fi
"$python" -c 'import ensurepip, venv' 2>/dev/null || install python3.11-venv
has_library() {
  "$python" - <<'PY'
import ctypes, os, sys, sysconfig
name = f"libpython{sys.version_info[0]}.{sys.version_info[1]}.so.1.0"
for place in (os.path.join(sysconfig.get_config_var("LIBDIR") or "", name), name):
    try:
        ctypes.CDLL(place)
    except OSError:
        continue
    sys.exit(0)
sys.exit(1)
PY
}
if ! has_library; then
  case $(readlink -f "$(command -v "$python")") in
    /usr/bin/*) install libpython3.11 ;;
    *)
      echo "setup: $python has no shared library (build it with --enable-shared, or use PYTHON=/usr/bin/python3.11)" >&2
      exit 2
      ;;
  esac
fi
command -v g++ >/dev/null || install g++
"$python" -c 'import ctypes; ctypes.CDLL("libseccomp.so.2")' 2>/dev/null || install libseccomp2
if [ "$purpose" = test ] && ! command -v initdb >/dev/null && ! compgen -G '/usr/lib/postgresql/*/bin/initdb' >/dev/null; then
  install postgresql
fi
if [ "$purpose" = test ] && ! test -e /usr/share/wordnet/data.noun; then
  install wordnet-base
fi
if [ "$purpose" = test ] && ! command -v chromium >/dev/null && ! command -v google-chrome >/dev/null; then
  install chromium
fi
