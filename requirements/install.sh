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

install() { # a file of pins with hashes
  local file=$1
  shift
  "$python" -m pip --disable-pip-version-check install --quiet --quiet --progress-bar off \
    --require-hashes --no-deps --no-build-isolation --use-pep517 --requirement "$file" "$@"
}

# Given hashes, pip prefers files whose address carries one, so the index's build to one in a folder. It is asked
# for its choice without them, and that is what must be in the lock.
install_torch() {
  local pin digest index=(${TORCH_INDEX:+--index-url "$TORCH_INDEX"})
  pin=$(grep -oE '^torch==[^ ]+' "$here/torch.lock")
  digest=$("$python" -m pip --disable-pip-version-check install --dry-run --quiet --quiet --report - --ignore-installed \
    --no-deps "${index[@]}" "$pin" | grep -oE 'sha256(=|": ")[0-9a-f]{64}' | head -n 1 | grep -oE '[0-9a-f]{64}')
  if ! grep -q "sha256:$digest" "$here/torch.lock"; then
    echo "setup: torch.lock has no hash of the build of $pin that pip finds ($digest); \`make lock\` adds it" >&2
    exit 2
  fi
  install <(echo "$pin --hash=sha256:$digest") "${index[@]}"
}

wants_cuda() {
  "$python" -c 'from importlib.metadata import requires
import sys
sys.exit(not any(name.startswith(("nvidia", "cuda")) for name in requires("torch")))'
}

install "$here/build.lock"
locks=()
for name in "$@"; do
  if [ "$name" = torch ]; then
    install_torch
    if wants_cuda; then
      install "$here/cuda.lock"
    fi
  else
    install "$here/$name.lock"
  fi
  locks+=("$here/$name.lock")
done
"$python" "$here/guard.py" "${locks[@]}"
