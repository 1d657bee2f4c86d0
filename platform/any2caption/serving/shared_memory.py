"""Shared memory that dead Triton servers leave behind: `kill -9` leaks ≥ 1 MB an instance."""

import re
import time
from collections.abc import Iterable
from pathlib import Path

SHM = Path("/dev/shm")  # noqa: S108 - where Linux keeps POSIX shared memory
PREFIX = "triton_python_backend_shm_region_"
_YOUNG_SECONDS = 2.0


def mapped_regions(proc: Path = Path("/proc"), pids: Iterable[int] | None = None) -> frozenset[str]:
    """Names of the backend's regions that some readable live process maps, or one of `pids`."""
    found: set[str] = set()
    everybody = proc.glob("[0-9]*/maps")
    for maps in everybody if pids is None else [proc / str(pid) / "maps" for pid in pids]:
        try:
            text = maps.read_text(errors="replace")
        except OSError:  # ended meanwhile, or not ours to read
            continue
        found.update(re.findall(rf"/({PREFIX}\S+)", text))
    return frozenset(found)


def stale_regions(folder: Path = SHM, *, younger: float = _YOUNG_SECONDS) -> list[Path]:
    """Regions that nobody maps; one younger than `younger` seconds may be just being created."""
    regions = sorted(folder.glob(f"{PREFIX}*"))
    if not regions:
        return []
    live = mapped_regions()
    limit = time.time() - younger
    stale = []
    for region in regions:
        try:
            old = region.stat().st_ctime <= limit
        except FileNotFoundError:
            continue
        if old and region.name not in live:
            stale.append(region)
    return stale


def remove(names: Iterable[str], folder: Path = SHM) -> None:
    """Remove regions whose processes the caller has ended."""
    for name in names:
        (folder / name).unlink(missing_ok=True)


def clean(folder: Path = SHM, *, younger: float = _YOUNG_SECONDS) -> int:
    """Remove the regions of dead servers; return how many. Live servers keep theirs."""
    stale = stale_regions(folder, younger=younger)
    for region in stale:
        region.unlink(missing_ok=True)
    return len(stale)
