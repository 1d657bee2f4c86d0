#!/usr/bin/env bash
# Resolve each environment's *.in into its committed lock.
#
# torch is installed first, by its exact pin, and so left out of the locks: the same lock then serves a CPU build
# and a CUDA build. The packages that only a CUDA build needs are left out with it; pip adds them beside a CUDA torch.
# triton is one of them, but dev takes it on any machine: its kernels are tested by its interpreter.
set -euo pipefail
cd "$(dirname "$0")"
uv=${UV:-../.venv/bin/uv}
cuda_only=(torch cuda-bindings cuda-pathfinder cuda-toolkit
  nvidia-{cublas,cuda-cupti,cuda-nvrtc,cuda-runtime,cudnn-cu13,cufft,cufile,curand,cusolver,cusparse,cusparselt-cu13,nccl-cu13,nvjitlink,nvshmem-cu13,nvtx})
[ "$#" -gt 0 ] || set -- dev control train serve
for environment in "$@"; do
  constraint=() left_out=("${cuda_only[@]}")
  [ "$environment" = dev ] || left_out+=(triton)
  case $environment in control | train) constraint=(--constraint dev.lock) ;; esac
  "$uv" pip compile --quiet --upgrade --python-version 3.11 "$environment.in" --output-file "$environment.lock" \
    --no-emit-index-url --no-emit-find-links --custom-compile-command "make lock" \
    "${constraint[@]}" "${left_out[@]/#/--no-emit-package=}"
  echo "$environment.lock: $(grep -c '==' "$environment.lock") packages"
done
