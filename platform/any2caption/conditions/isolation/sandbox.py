"""What a process that parses untrusted files may still do: compute, and answer on an open socket.

Two steps. `confine` is for the parent of the workers (`parse_server`), before it reads anything: no
new privileges, no files (Landlock), a network of its own with nothing in it. `lock_down` is for
each worker, before its first file: a user of its own, limits, and a list of the system calls that
decoding needs (seccomp); every other one fails with EPERM, among them those that open, connect,
execute, fork, signal, rename and trace. What a worker needs must be imported before.

Each layer is used where the machine has it, and holds without the others; `sandbox_report` says
which are there. The environment is cut down by whoever starts the process (`clean_environment`).

Sources: seccomp(2) and libseccomp through `pyseccomp`; landlock(7) and linux/landlock.h.
"""

import ctypes
import errno
import json
import os
import resource
import signal
import struct
import subprocess
import sys
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

_ENVIRONMENT = (
    *("PATH", "LANG", "LC_ALL", "TZ", "LD_LIBRARY_PATH", "VIRTUAL_ENV"),
    *("PYTHONPATH", "PYTHONHASHSEED", "PYTHONDONTWRITEBYTECODE", "PYTHONNOUSERSITE"),
)
_ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
# Memory goes back to the kernel with each array that is freed.
_MALLOC = {"MALLOC_ARENA_MAX": "2"}

FILES = 16
"""Open files that a worker may have; it starts with four."""
THREADS = 64
"""Threads of a worker's user."""
_FIRST_UID, _UIDS = 61_184, 4_335  # systemd's range for users that live as long as a process

_CALLS = (
    *("read", "readv", "write", "writev", "close", "lseek", "fstat", "poll", "ppoll"),
    *("recvfrom", "recvmsg", "sendto", "sendmsg"),  # an open socket's; no new one can be made
    *("brk", "munmap", "mremap", "madvise", "membarrier"),
    *("futex", "set_robust_list", "rseq", "sched_yield", "sched_getaffinity", "getcpu"),
    *("rt_sigaction", "rt_sigprocmask", "rt_sigreturn", "sigaltstack"),
    *("clock_gettime", "clock_getres", "clock_nanosleep", "nanosleep", "gettimeofday", "time"),
    *("getpid", "gettid", "getuid", "geteuid", "getgid", "getegid", "getppid", "getrandom"),
    *("getrusage", "times", "sysinfo", "uname", "restart_syscall", "exit", "exit_group"),
)

_PR_SET_PDEATHSIG, _PR_SET_DUMPABLE, _PR_SET_NO_NEW_PRIVS, _PR_SET_NAME = 1, 4, 38, 15
_PR_SET_SECCOMP, _SECCOMP_FILTER, _INSTRUCTION = 22, 2, 8  # bytes of one `struct sock_filter`
_PROT_EXEC = 4
_CLONE_NEWUSER, _CLONE_NEWNET, _CLONE_THREAD = 0x1000_0000, 0x4000_0000, 0x1_0000
_LANDLOCK_CREATE, _LANDLOCK_RESTRICT = 444, 446  # the same number on every architecture
_LANDLOCK_FILES = {1: 13, 2: 14, 3: 15, 5: 16}  # ABI -> access rights it knows
_LANDLOCK_TCP, _LANDLOCK_SCOPES = (4, 0b11), (6, 0b11)  # ABI, rights

Layer = tuple[str, bool, str]
"""Name, whether it is active, and why not (or what it does)."""


def clean_environment(environment: Mapping[str, str]) -> dict[str, str]:
    """Return what a parsing process needs of an environment: paths and language, never a key."""
    kept = {name: environment[name] for name in _ENVIRONMENT if name in environment}
    return {**kept, **_ONE_THREAD, **_MALLOC}


def confine() -> list[Layer]:
    """Give up new privileges, the network and all files; say which of it could be done.

    Files that are open stay open. Threads that exist already are not confined: call it before any.
    """
    _prctl(_PR_SET_NO_NEW_PRIVS, 1)
    return [("no new privileges", True, ""), _no_network(), _no_files()]


def lock_down(memory: int, calls: bytes | None) -> list[Layer]:
    """Make this process a worker: its own user, limits, few system calls; ends with its parent.

    Args:
        memory: bytes of address space, of which code takes about 0.3 GB.
        calls: what `compiled_calls` returned before files were given up.
    """
    layers = [_own_user()]
    # After the change of user, which would undo both.
    _prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    _prctl(_PR_SET_DUMPABLE, 0)
    limits = {
        resource.RLIMIT_AS: memory,
        resource.RLIMIT_CORE: 0,
        resource.RLIMIT_FSIZE: 0,
        resource.RLIMIT_NOFILE: FILES,
    }
    if layers[0][1]:  # else it would count what else the user runs
        limits[resource.RLIMIT_NPROC] = THREADS
    for which, value in limits.items():
        resource.setrlimit(which, (value, value))
    return [*layers, ("limits", True, f"{memory / 1e9:g} GB, no files"), _few_calls(calls)]


def sandbox_report() -> list[Layer]:
    """Say which layers this machine has, by using them in a process that ends at once."""
    code = (
        "import json; import any2caption.conditions.isolation.sandbox as s; "
        "c = s.compiled_calls(); "
        "print(json.dumps(s.confine() + s.lock_down(2_000_000_000, c)), flush=True)"
    )
    path = os.pathsep.join(filter(None, sys.path))
    try:
        answer = subprocess.run(
            [interpreter(), "-c", code],
            env={**clean_environment(os.environ), "PYTHONPATH": path},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=60,
            check=True,
        )
        return [(name, active, said) for name, active, said in json.loads(answer.stdout)]
    except subprocess.CalledProcessError as error:
        return [("sandbox", False, (str(error.stderr).strip().splitlines() or ["no answer"])[-1])]
    except (OSError, ValueError, subprocess.SubprocessError) as error:
        return [("sandbox", False, str(error))]


def interpreter() -> str:
    """The interpreter; inside Triton the executable is a stub, so its environment is asked."""
    if "python" in Path(sys.executable or "").name and "triton" not in sys.executable:
        return sys.executable
    return str(Path(sys.prefix) / "bin" / "python3")


def _own_user() -> Layer:
    name = "own user"
    if os.geteuid() != 0:
        return name, False, "only root can change it"
    uid = _FIRST_UID + os.getpid() % _UIDS
    try:
        os.setgroups([])
        os.setresgid(uid, uid, uid)
        os.setresuid(uid, uid, uid)
    except OSError as error:
        return name, False, str(error)
    return name, True, str(uid)


def _no_network() -> Layer:
    name = "network namespace"
    flags = _CLONE_NEWNET if os.geteuid() == 0 else _CLONE_NEWNET | _CLONE_NEWUSER
    if _libc().unshare(flags):
        return name, False, os.strerror(ctypes.get_errno())
    return name, True, ""


def _no_files() -> Layer:
    """An empty rule set that handles every right: nothing on disk can be opened from now on."""
    name = "Landlock"
    libc = _libc()
    abi = libc.syscall(_LANDLOCK_CREATE, None, 0, 1)
    if abi < 1:
        return name, False, os.strerror(ctypes.get_errno())
    rights = max(count for known, count in _LANDLOCK_FILES.items() if known <= abi)
    rules = struct.pack(
        "=QQQ",
        (1 << rights) - 1,
        *(value if abi >= since else 0 for since, value in (_LANDLOCK_TCP, _LANDLOCK_SCOPES)),
    )
    size = 8 if abi < _LANDLOCK_TCP[0] else 16 if abi < _LANDLOCK_SCOPES[0] else 24
    descriptor = libc.syscall(_LANDLOCK_CREATE, rules, size, 0)
    if descriptor < 0:
        return name, False, os.strerror(ctypes.get_errno())
    failed = libc.syscall(_LANDLOCK_RESTRICT, descriptor, 0)
    why = os.strerror(ctypes.get_errno())
    os.close(descriptor)
    return (name, False, why) if failed else (name, True, f"ABI {abi}")


def _few_calls(calls: bytes | None) -> Layer:
    name = "seccomp"
    if calls is None:
        return name, False, "install pyseccomp and libseccomp2"
    program = ctypes.create_string_buffer(calls, len(calls))
    header = struct.pack("@HP", len(calls) // _INSTRUCTION, ctypes.addressof(program))
    if _libc().prctl(_PR_SET_SECCOMP, _SECCOMP_FILTER, header, 0, 0):
        return name, False, os.strerror(ctypes.get_errno())
    return name, True, ""


def compiled_calls() -> bytes | None:
    """Return the seccomp program of a worker; None where libseccomp is missing."""
    try:
        rules = _call_filter()
    except (ImportError, RuntimeError):  # pyseccomp: RuntimeError without the library
        return None
    descriptor = os.memfd_create("seccomp")
    with os.fdopen(descriptor, "w+b", buffering=0) as file:
        rules.export_bpf(file)
        file.seek(0)
        return file.read()


def _call_filter() -> Any:
    import pyseccomp as seccomp

    rules = seccomp.SyscallFilter(seccomp.ERRNO(errno.EPERM))
    for call in _CALLS:
        with suppress(ValueError, OSError):  # not every architecture has every call
            rules.add_rule(seccomp.ALLOW, call)
    data_only = seccomp.Arg(2, seccomp.MASKED_EQ, _PROT_EXEC, 0)  # what is computed is never code
    for call in ("mmap", "mprotect"):
        rules.add_rule(seccomp.ALLOW, call, data_only)
    thread = seccomp.Arg(0, seccomp.MASKED_EQ, _CLONE_THREAD, _CLONE_THREAD)
    rules.add_rule(seccomp.ALLOW, "clone", thread)
    # Its flags lie in memory, where no filter sees them: the C library then falls back to clone.
    rules.add_rule(seccomp.ERRNO(errno.ENOSYS), "clone3")
    rules.add_rule(seccomp.ALLOW, "prctl", seccomp.Arg(0, seccomp.EQ, _PR_SET_NAME))
    return rules


def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)


def _prctl(option: int, value: int) -> None:
    if _libc().prctl(option, value, 0, 0, 0):
        code = ctypes.get_errno()
        raise OSError(code, f"prctl {option}: {os.strerror(code)}")
