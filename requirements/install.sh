#!/usr/bin/env bash
# Install locks into an environment: install.sh PYTHON NAME…, where NAME.lock stands beside this file.
#
# Every file is checked against its hash, and pip resolves nothing: what is in the lock is what is installed. Two
# packages are built from source (deepspeed, rouge-score); they are built with the setuptools of build.lock.
# Whether torch is a CPU or a CUDA build is the index's choice (TORCH_INDEX, else pip's own); a CUDA build gets
# its libraries from cuda.lock.
set -euo pipefail
python=$1
shift
here=$(dirname "$0")

install() {
  local name=$1
  shift
  "$python" -m pip --disable-pip-version-check install --quiet --quiet --progress-bar off \
    --require-hashes --no-deps --no-build-isolation --use-pep517 --requirement "$here/$name.lock" "$@"
}

wants_cuda() {
  "$python" -c 'from importlib.metadata import requires
import sys
sys.exit(not any(name.startswith(("nvidia", "cuda")) for name in requires("torch")))'
}

install build
locks=()
for name in "$@"; do
  if [ "$name" = torch ]; then
    install torch ${TORCH_INDEX:+--index-url "$TORCH_INDEX"}
    if wants_cuda; then
      install cuda
    fi
  else
    install "$name"
  fi
  locks+=("$here/$name.lock")
done
"$python" "$here/guard.py" "${locks[@]}"
