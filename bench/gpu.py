"""What the benchmarks of a GPU share: the card, its peak, results written as they come."""

import importlib.metadata
import json
import sys
from pathlib import Path
from typing import Any

import torch

PEAKS = {"H100": 989.4, "H200": 989.4, "A100": 312.0}
"""Dense bfloat16 TFLOP/s by the vendors' data sheets (SXM parts)."""


def gpu_or_leave(out: Path | None, what: str) -> torch.device:
    """The GPU; without one say so, write it to `out` and leave with 0."""
    if torch.cuda.is_available():
        return torch.device("cuda")
    print(f"{what}: not run, this machine has no GPU")
    if out:
        out.write_text(json.dumps({"run": False, "reason": "no GPU"}) + "\n")
    sys.exit(0)


def card(device: torch.device) -> dict[str, Any]:
    """The card and the versions that made the figures."""
    versions = {"torch": torch.__version__}
    for name in ("triton", "liger-kernel", "transformers"):
        try:
            versions[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            versions[name] = "-"
    if device.type != "cuda":
        return {"card": "CPU", **versions}
    properties = torch.cuda.get_device_properties(device)
    return {
        "card": properties.name,
        "memory_gib": round(properties.total_memory / 2**30, 1),
        **versions,
    }


def peak_of(name: str) -> float:
    """The card's dense bfloat16 TFLOP/s; 0 where it is not in the table."""
    return next((peak for known, peak in PEAKS.items() if known in name), 0.0)


class Results:
    """Printed as they come, and written whole after each."""

    def __init__(self, out: Path | None, head: dict[str, Any]) -> None:
        self.out, self.data = out, {"run": True, **head, "rows": []}
        print(json.dumps(head), flush=True)

    def add(self, **row: Any) -> None:
        self.data["rows"].append(row)
        print("  ".join(f"{k}={_short(v)}" for k, v in row.items()), flush=True)
        if self.out:
            self.out.write_text(json.dumps(self.data, indent=1) + "\n")


def _short(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)
