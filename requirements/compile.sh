#!/usr/bin/env bash
# Resolve each environment's *.in into its committed lock, with the hash of every file of every version.
# With --keep the versions that stand in the locks stay: for new lines in an *.in, or hashes that are missing.
#
# torch comes as a CPU or as a CUDA build, so it has a lock of its own with the hashes of both, and what only a
# CUDA build needs is in cuda.lock. triton is there too, but dev takes it on any machine: its kernels are tested
# by its interpreter.
set -euo pipefail
cd "$(dirname "$0")"
python=${PYTHON:-../.venv/bin/python}
upgrade=(--upgrade)
[ "${1:-}" != --keep ] || { upgrade=() && shift; }
[ "$#" -gt 0 ] || set -- build torch pytriton smol metrics cuda dev control train serve perception

compile() { # NAME.in to NAME.lock
  local name=$1
  shift
  "$python" -m uv pip compile --quiet "${upgrade[@]}" --python-version 3.11 --generate-hashes "$name.in" \
    --output-file "$name.lock" --no-emit-index-url --no-emit-find-links --custom-compile-command "make lock" "$@"
  echo "$name.lock: $(names "$name.lock" | wc -l) packages"
}

names() { grep -oE '^[A-Za-z0-9._-]+' "$1"; }
hashes() { grep -oE 'sha256:[0-9a-f]{64}'; }

# The CPU build comes from another index than the rest, which uv does not ask: what pip finds here is added. What
# stood in the lock of this version stays, because where pip finds the CUDA build it finds no CPU build.
torch_lock() {
  local pin found version
  pin=$(grep '^torch==' torch.in)
  found=$(grep -qs "^$pin " torch.lock && hashes <torch.lock || true)
  compile torch --no-deps
  found+=$(printf '\n' && hashes <torch.lock)
  for version in 3.11 3.12; do # the platform's Python, and that of the serve image
    found+=$(printf '\n' && "$python" -m pip --disable-pip-version-check install --dry-run --quiet --report - \
      --ignore-installed --no-deps --only-binary=:all: --python-version "$version" --target . "$pin" 2>/dev/null |
      grep -oE '"sha256": "[0-9a-f]{64}"' | sed -E 's/.*"([0-9a-f]+)"/sha256:\1/')
  done
  {
    printf '# CUDA builds and the CPU build, by: make lock\n%s' "$pin"
    grep sha256 <<<"$found" | sort -u | while read -r one; do printf ' \\\n    --hash=%s' "$one"; done
    printf '\n'
  } >torch.part
  mv torch.part torch.lock
}

for name in "$@"; do
  case $name in
    build | pytriton | smol | metrics) compile "$name" --no-deps ;;
    torch) torch_lock ;;
    cuda)
      shared=(torch filelock fsspec jinja2 markupsafe mpmath networkx setuptools sympy typing-extensions)
      compile cuda "${shared[@]/#/--no-emit-package=}"
      ;;
    perception) # what the environments that it is added to have already stays theirs
      mapfile -t left_out < <(names torch.lock && names cuda.lock && names build.lock && names serve.lock)
      compile perception --constraint dev.lock "${left_out[@]/#/--no-emit-package=}"
      ;;
    *)
      mapfile -t left_out < <(echo torch && names cuda.lock)
      [ "$name" != dev ] || mapfile -t left_out < <(printf '%s\n' "${left_out[@]}" | grep -vx triton)
      constraint=()
      case $name in control | train) constraint=(--constraint dev.lock) ;; esac
      compile "$name" "${constraint[@]}" "${left_out[@]/#/--no-emit-package=}"
      ;;
  esac
done
