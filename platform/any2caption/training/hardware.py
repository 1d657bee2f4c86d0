"""What this machine can do, and the process settings that training needs on a CPU."""

import os
import shutil
from pathlib import Path
from typing import Any

# Big blocks stay in the heap instead of being mapped and unmapped for every tensor; glibc reads
# this when a process starts.
MALLOC = {
    "MALLOC_MMAP_THRESHOLD_": "1073741824",
    "MALLOC_TRIM_THRESHOLD_": "8589934592",
    "MALLOC_TOP_PAD_": "268435456",
}


def has_gpu() -> bool:
    """Whether an NVIDIA driver is there."""
    return Path("/dev/nvidiactl").exists()


def gpus() -> int:
    """How many NVIDIA GPUs this process may use."""
    return len(visible_gpus(sum(1 for _ in Path("/dev").glob("nvidia[0-9]*"))))


def visible_gpus(count: int) -> list[int]:
    """The numbers of those of `count` GPUs that CUDA_VISIBLE_DEVICES leaves, by CUDA's own rule.

    What is behind an entry that names no GPU is left out too. UUIDs are taken in order.
    """
    chosen = os.environ.get("CUDA_VISIBLE_DEVICES")
    if chosen is None:
        return list(range(count))
    found: list[int] = []
    for place, entry in enumerate(part.strip() for part in chosen.split(",")):
        number = place if entry.startswith(("GPU-", "MIG-")) else _number(entry)
        if not 0 <= number < count or number in found:
            break
        found.append(number)
    return found


def _number(text: str) -> int:
    return int(text) if text.isdecimal() else -1


def has_bf16() -> bool:
    """Whether the processor multiplies bfloat16 in hardware."""
    cpuinfo = Path("/proc/cpuinfo")
    flags = cpuinfo.read_text() if cpuinfo.exists() else ""
    return "amx_bf16" in flags or "avx512_bf16" in flags


def described() -> dict[str, Any]:
    """Return `{"processor", "cores", "memory_gb", "gpus"}` of this process, for people to read."""
    cpuinfo = _lines(Path("/proc/cpuinfo"))
    names = [line.partition(":")[2].strip() for line in cpuinfo if line.startswith("model name")]
    cards = sorted(Path("/proc/driver/nvidia/gpus").glob("*/information"))
    models = [
        line.partition(":")[2].strip()
        for card in cards
        for line in _lines(card)
        if line.startswith("Model:")
    ]
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return {
        "processor": names[0] if names else "",
        "cores": len(os.sched_getaffinity(0)),
        "memory_gb": round(memory / 1e9),
        "gpus": [models[number] for number in visible_gpus(len(models))],
    }


def _lines(file: Path) -> list[str]:
    try:
        return file.read_text().splitlines()
    except OSError:
        return []


def can_compile() -> bool:
    """Whether torch.compile finds a C++ compiler."""
    return shutil.which(os.environ.get("CXX", "g++")) is not None


def worker_environment(local_world_size: int, cache: Path) -> dict[str, str]:
    """The environment of training processes; without an NVIDIA driver DeepSpeed takes the CPU.

    One thread a rank, no spinning, compiled code kept in `cache`.
    """
    cores = len(os.sched_getaffinity(0))
    threads = str(max(1, cores // local_world_size))
    return {
        **MALLOC,
        **({} if has_gpu() else {"DS_ACCELERATOR": "cpu"}),
        "OMP_NUM_THREADS": threads,
        "MKL_NUM_THREADS": threads,
        "OMP_WAIT_POLICY": "PASSIVE",
        "TORCHINDUCTOR_CACHE_DIR": str(cache / "inductor"),
        "TORCHINDUCTOR_COMPILE_THREADS": "1",
        "TOKENIZERS_PARALLELISM": "false",
        "PYTHONUNBUFFERED": "1",
        "HF_HUB_OFFLINE": "1",
        "MLFLOW_DISABLE_TELEMETRY": "true",
    }


def bind_rank(local_rank: int, local_world_size: int) -> None:
    """Keep this process on its share of the cores; call it before threads start.

    Ranks wake each other many times a step, and Linux tends to run the woken one on the waker's
    core: unbound, two ranks on a busy machine were measured on one core while the other served
    background work.
    """
    cores = sorted(os.sched_getaffinity(0))
    share = len(cores) // local_world_size
    if share:
        os.sched_setaffinity(0, cores[local_rank * share : (local_rank + 1) * share])
