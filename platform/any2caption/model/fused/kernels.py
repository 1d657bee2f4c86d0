"""Which implementation of the fused operations runs: a GPU's kernels or their eager twins.

| `kernels` | Plücker patches | loss of the language head |
|---|---|---|
| `eager` | PyTorch | PyTorch, in chunks of rows |
| `triton` | this project's Triton kernel | PyTorch, in chunks of rows |
| `liger` | this project's Triton kernel | Liger's fused linear cross-entropy |

`auto` takes the most of these that the device and the installed packages allow, with one exception:
the loss of a head that is trained stays in chunks, which measured faster than Liger's
(`bench/README.md`).

Only `auto` falls back: a kernel asked for by name that cannot run is an error before any work.
"""

import os
from functools import cache
from importlib.util import find_spec
from typing import TYPE_CHECKING, Literal

from any2caption.errors import ConfigError

if TYPE_CHECKING:
    import torch

Kernels = Literal["auto", "eager", "triton", "liger"]


@cache
def installed(package: str) -> bool:
    """Whether a package can be imported."""
    return find_spec(package) is not None


def chosen(kernels: Kernels, device: "torch.device") -> Literal["eager", "triton", "liger"]:
    """What `kernels` means on a device."""
    if kernels != "auto":
        return kernels
    if device.type != "cuda" or not installed("triton"):
        return "eager"
    return "liger" if installed("liger_kernel") else "triton"


def check_kernels(kernels: Kernels, *, gpu: bool) -> None:
    """Raise ConfigError where a kernel asked for by name cannot run on this machine."""
    if kernels in {"auto", "eager"}:
        return
    needed = {"triton": ("triton",), "liger": ("triton", "liger_kernel")}[kernels]
    if missing := [name for name in needed if not installed(name)]:
        raise ConfigError(
            f"kernels={kernels} needs {' and '.join(missing)} (the extra `gpu`), which is not"
            " installed; kernels=auto takes what there is"
        )
    if not gpu and not _interprets():
        raise ConfigError(f"kernels={kernels} needs a GPU and none is here; use auto or eager")


def _interprets() -> bool:
    return os.environ.get("TRITON_INTERPRET") == "1"
