"""A parse server whose kinds do what a hostile file would, had it taken over its decoder."""

import ctypes
import json
import mmap
import os
import select
import socket
import sys
import threading
from pathlib import Path

from any2caption.conditions import registry
from any2caption.conditions.isolation import parse_server
from any2caption.conditions.kind import MEGA, ConditionKind, Limits, Parsed

PTRACE_ATTACH = 16
PTRACE_CALL = 101  # x86-64


def spin(parts, options, limits):
    while True:
        pass


def hoard(parts, options, limits):
    held = []
    while True:
        held.append(b"\1" * 100 * MEGA)


def crash(parts, options, limits):
    ctypes.string_at(0)


def fail(parts, options, limits):
    return 1 // 0


def lie(parts, options, limits):
    return Parsed({"array": 7, "dtype": "O", "shape": [-3]}, "nonsense")


def attempt(parts, options, limits):
    """Try everything; the file says against whom. The payload is JSON: attempt to outcome."""
    told = json.loads(parts[0].data)
    libc = ctypes.CDLL(None, use_errno=True)

    def call(*arguments):
        if libc.syscall(*arguments) < 0:
            raise OSError(ctypes.get_errno(), "refused")

    def fork_bomb():
        for _ in range(1000):
            if not os.fork():
                os._exit(0)

    def start_thread():
        thread = threading.Thread(target=lambda: None)
        thread.start()
        thread.join()

    attempts = {
        "connect": lambda: socket.socket().connect(("127.0.0.1", told["port"])),
        "unix socket": lambda: socket.socket(socket.AF_UNIX),
        "datagram": lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM),
        "execute": lambda: os.execv(sys.executable, [sys.executable, "-c", "0"]),  # noqa: S606 - it must fail
        "unlink": lambda: Path(told["file"]).unlink(),
        "rename": lambda: Path(told["file"]).rename(told["file"] + ".moved"),
        "write": lambda: Path(told["file"]).write_text("gone"),
        "read": lambda: Path(told["file"]).read_text(),
        "read /etc/passwd": lambda: Path("/etc/passwd").read_text(),
        "list": lambda: list(Path("/").iterdir()),
        "make": lambda: Path(told["file"] + ".d").mkdir(),
        "fork bomb": fork_bomb,
        "signal": lambda: os.kill(told["pid"], 0),
        "trace": lambda: call(PTRACE_CALL, PTRACE_ATTACH, told["pid"], 0, 0),
        "trace the server": lambda: call(PTRACE_CALL, PTRACE_ATTACH, os.getppid(), 0, 0),
        "memory": lambda: Path(f"/proc/{told['pid']}/mem").read_bytes(),
        "code": lambda: mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_EXEC),
        "become root": lambda: os.setuid(0),
        "thread": start_thread,
    }
    outcome = {}
    for name, one in attempts.items():
        try:
            one()
            outcome[name] = "done"
        except OSError as error:
            outcome[name] = type(error).__name__
    outcome["environment"] = sorted(os.environ)
    outcome["open files"] = [number for number in range(3, 64) if _is_open(number)]
    return Parsed(json.dumps(outcome), "report")


def _is_open(number):
    poll = select.poll()
    poll.register(number, 0)
    return not any(event & select.POLLNVAL for _, event in poll.poll(0))


for parse in (spin, hoard, crash, fail, lie, attempt):
    registry.KINDS[parse.__name__] = ConditionKind(
        name=parse.__name__,
        summary="hostile",
        formats=("any",),
        limits=Limits(part_bytes=MEGA, total_bytes=MEGA),
        parse=parse,
        forms=(),
    )

if __name__ == "__main__":
    parse_server.main(sys.argv[1:])
