"""Checks of `a2c doctor` on the machine: interpreters, room, GPU, clock, files, leftovers."""

import email.utils
import json
import os
import platform
import shutil
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterable, Iterator
from importlib import metadata
from pathlib import Path
from typing import Any

from any2caption.serving import server_version, shared_memory
from any2caption.settings import Settings
from any2caption.stack import ports
from any2caption.stack.finding import Check, Finding

PYTHONS = ((3, 11), (3, 12))
LEAST_DISK, LEAST_SHARED = 5 * 10**9, 256 * 2**20
_SKEW = 300.0  # seconds; S3 servers refuse signatures from 15 minutes on
_SECONDS = 20.0
_NUMPY_2 = 2
_SHARED_WITH_OTHERS = 0o077
_PROBE = """
import ctypes, importlib.util, json, os, sys, sysconfig
from importlib import metadata

name = f"libpython{sys.version_info[0]}.{sys.version_info[1]}.so.1.0"
for place in (os.path.join(sysconfig.get_config_var("LIBDIR") or "", name), name):
    try:
        ctypes.CDLL(place)
        name = ""
        break
    except OSError:
        pass

def version(package):
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return ""

print(json.dumps({"python": list(sys.version_info[:2]), "missing_library": name,
                  "numpy": version("numpy"), "pytriton": version("nvidia-pytriton")}))
"""


def python(_settings: Settings) -> Iterable[Finding]:
    """The interpreter of the platform itself."""
    if sys.version_info[:2] not in PYTHONS:
        yield Finding(
            "danger",
            f"Python {platform.python_version()} runs a2c; it needs 3.11 or 3.12",
            "make a new environment with python3.11: `make setup`",
        )


def serving_environment(settings: Settings) -> Iterable[Finding]:
    """What Triton's Python steps need of their interpreter."""
    interpreter = settings.serve_python
    setup = "`make setup` makes .venv-serve, or set A2C_SERVE_PYTHON"
    try:
        found = probe(interpreter)
    except (OSError, ValueError, subprocess.SubprocessError) as error:
        yield Finding("warning", f"no serving environment: {interpreter}: {error}", setup)
        return
    name = ".".join(map(str, found["python"]))
    if found["missing_library"]:
        yield Finding(
            "danger",
            f"Triton's steps need {found['missing_library']}, and {interpreter} has none",
            f"apt-get install libpython{name}, or a Python built with --enable-shared",
        )
    if not found["pytriton"] and not os.environ.get("TRITON_SERVER_VERSION"):
        yield Finding("warning", f"{interpreter} has no Triton (nvidia-pytriton)", setup)
    major = int(found["numpy"].partition(".")[0] or 0)
    if major >= _NUMPY_2 and not server_version.takes_numpy_2(server_version.version()):
        yield Finding(
            "danger",
            f"NumPy {found['numpy']} in the serving environment: this Triton's Python steps crash "
            "with NumPy 2",
            f"{interpreter} -m pip install 'numpy<2', or `make setup`",
        )


def probe(interpreter: str) -> dict[str, Any]:
    """Ask an interpreter for its version, its shared library, NumPy and Triton.

    Raises:
        OSError: it can't be started.
        subprocess.SubprocessError: it fails, or does not answer.
    """
    done = subprocess.run(
        [interpreter, "-c", _PROBE], capture_output=True, text=True, timeout=_SECONDS, check=True
    )
    told: dict[str, Any] = json.loads(done.stdout)
    return told


def taken_ports(settings: Settings) -> Iterable[Finding]:
    """Ports that `a2c up` needs and somebody else has."""
    from any2caption.stack import environment, supervisor
    from any2caption.stack.services import services

    if supervisor.is_running(settings.home):
        return
    swift = environment.uses_swift(settings)
    for service in services(settings, with_swift=swift):
        for port in service.ports:
            if not ports.is_free(port.number):
                yield Finding(
                    "warning",
                    f"port {port.number} for {port.service} is taken by another program",
                    f"stop it, or set {port.setting} to a free port",
                )


def disk(settings: Settings) -> Iterable[Finding]:
    """Room for the state folder."""
    place = existing(settings.home)
    free = shutil.disk_usage(place).free
    if free < LEAST_DISK:
        yield Finding(
            "warning",
            f"{free / 1e9:.1f} GB are free at {place}: snapshots, checkpoints and releases need "
            f"{LEAST_DISK / 1e9:.0f} GB and more",
            "make room, or set A2C_HOME to a folder elsewhere",
        )


def shared(_settings: Settings) -> Iterable[Finding]:
    """Shared memory, by which Triton hands tensors to its Python steps."""
    folder = shared_memory.SHM
    if not folder.is_dir() or (free := shutil.disk_usage(folder).free) < LEAST_SHARED:
        have = f"{free / 2**20:.0f} MiB" if folder.is_dir() else "nothing"
        yield Finding(
            "warning",
            f"{have} is free in {folder}: Triton's Python steps need {LEAST_SHARED >> 20} MiB",
            "docker run --shm-size=1g, or mount -o remount,size=1g /dev/shm",
        )
    if folder.is_dir() and (left := shared_memory.stale_regions(folder)):
        yield Finding(
            "warning",
            f"{len(left)} shared memory regions in {folder} belong to no living process",
            "`a2c down` removes them, or rm " + " ".join(map(str, left[:3])),
        )


def gpu(_settings: Settings) -> Iterable[Finding]:
    """GPUs, their driver, and whether torch can use them."""
    devices = sorted(Path("/dev").glob("nvidia[0-9]*"))
    if not devices:
        yield Finding("note", "no NVIDIA GPU here", "`tiny` needs none; the other presets do")
        return
    try:
        done = subprocess.run(
            ["nvidia-smi", "--query-gpu=name,driver_version", "--format=csv,noheader"],
            capture_output=True, text=True, timeout=_SECONDS, check=True,
        )  # fmt: skip
    except (OSError, subprocess.SubprocessError) as error:
        yield Finding(
            "warning",
            f"{len(devices)} GPUs, but their driver does not answer: {error}",
            "install the NVIDIA driver, or give the container its GPUs (--gpus all)",
        )
        return
    yield Finding("note", f"GPU {', '.join(done.stdout.split(chr(10))).strip(', ')}", "none needed")
    try:
        build = metadata.version("torch")
    except metadata.PackageNotFoundError:
        return
    if "+cpu" in build:
        yield Finding(
            "warning",
            f"torch {build} does not use the GPU",
            "TORCH_INDEX=<index of a CUDA build> make setup",
        )


def clock(settings: Settings) -> Iterable[Finding]:
    """A clock that is off: signatures of S3 and tokens of Airflow are refused then."""
    now = time.time()
    files = [settings.home / name for name in ("env.json", "progress.jsonl", "secrets.json")]
    ahead = max((file.stat().st_mtime - now for file in files if file.exists()), default=0.0)
    if ahead > _SKEW:
        yield Finding(
            "warning",
            f"files in {settings.home} are {ahead:.0f} s younger than now: the clock was set back",
            "set the clock (timedatectl set-ntp true)",
        )
    skew = abs(_skew(settings.s3_endpoint_url)) if settings.s3_endpoint_url else 0.0
    if skew > _SKEW:
        yield Finding(
            "danger",
            f"this clock and that of {settings.s3_endpoint_url} differ by {skew:.0f} s",
            "set the clock (timedatectl set-ntp true)",
        )


def _skew(url: str) -> float:
    """Seconds by which a server's clock is ahead of ours; 0 where it does not say."""
    try:
        with urllib.request.urlopen(url, timeout=3) as answer:  # noqa: S310 - the set endpoint
            date = answer.headers["Date"]
    except urllib.error.HTTPError as error:
        date = error.headers["Date"]
    except (OSError, ValueError):
        return 0.0
    return email.utils.parsedate_to_datetime(date).timestamp() - time.time() if date else 0.0


def permissions(settings: Settings) -> Iterable[Finding]:
    """Whether the state folder can be written, and its keys be read by nobody else."""
    home = settings.home
    place = existing(home)
    if not os.access(place, os.W_OK | os.X_OK):
        yield Finding(
            "danger",
            f"{place} can't be written by this user",
            f"chown -R {os.getuid()} {place}, or set A2C_HOME to a folder of your own",
        )
    elif home.exists() and home.stat().st_uid != os.getuid():
        yield Finding(
            "warning",
            f"{home} belongs to user {home.stat().st_uid}, not to you ({os.getuid()})",
            f"chown -R {os.getuid()} {home}, or run as its owner",
        )
    for file in (home / "secrets.json", home / "env.json", settings.signing_key):
        if file.exists() and file.stat().st_mode & _SHARED_WITH_OTHERS:
            yield Finding(
                "danger", f"{file} holds keys, and others can read it", f"chmod 600 {file}"
            )


def leftovers(settings: Settings) -> Iterable[Finding]:
    """Processes of a stack that nobody supervises, and locks that a stopped process holds."""
    from any2caption import processes
    from any2caption.stack import local, supervisor
    from any2caption.stack.secrets import load

    home = settings.home
    if (home / "secrets.json").exists() and not supervisor.is_running(home):
        left = processes.marked(local.MARK, load(home).stack_id)
        if left:
            yield Finding(
                "warning",
                f"{len(left)} processes of a stack whose supervisor is gone: "
                f"{', '.join(str(one.pid) for one in left[:5])}",
                "`a2c down` stops them, `a2c up` begins anew",
            )
    for file, pid in held_locks(home):
        if _state(pid) == "T":
            yield Finding(
                "warning",
                f"{file} is locked by process {pid}, which is stopped",
                f"kill -CONT {pid} lets it go on, kill {pid} ends it",
            )


def held_locks(home: Path, table: Path = Path("/proc/locks")) -> Iterator[tuple[Path, int]]:
    """Yield the lock files under `home` that a process holds, with its id."""
    holders: dict[int, int] = {}
    for line in table.read_text().splitlines() if table.exists() else ():
        words = line.split()
        if words[1:2] == ["FLOCK"]:
            holders[int(words[5].rpartition(":")[2])] = int(words[4])
    for file in sorted(home.rglob("*.lock")) if holders and home.exists() else ():
        if (pid := holders.get(file.stat().st_ino)) is not None:
            yield file, pid


def _state(pid: int) -> str:
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return ""
    return text.rpartition(")")[2].split()[0]


def existing(path: Path) -> Path:
    """Return the path, or the nearest folder above it that exists."""
    return next(one for one in (path, *path.parents) if one.exists())


CHECKS: tuple[Check, ...] = (
    python,
    serving_environment,
    taken_ports,
    disk,
    shared,
    gpu,
    clock,
    permissions,
    leftovers,
)
