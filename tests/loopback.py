"""Ports on loopback for servers under test."""

import os
import socket
from contextlib import ExitStack

_EACH = 4000  # of a worker: three shares end below 32768, where what the kernel gives begins
_FIRST = 20000 + _EACH * (int(os.environ.get("PYTEST_XDIST_WORKER", "gw0")[2:]) % 3)
_next = os.getpid() * 17 % _EACH  # two suites on one machine begin apart


def free_ports(count: int) -> int:
    """Return the first of `count` consecutive free ports; the next call goes on behind them.

    No two workers are given the same, though a server takes its port only later.
    """
    global _next
    for _ in range(_EACH):
        offset = _next if _next + count <= _EACH else 0
        first, _next = _FIRST + offset, offset + count
        with ExitStack() as held:
            try:
                for port in range(first, first + count):
                    held.enter_context(socket.socket()).bind(("127.0.0.1", port))
            except OSError:
                continue
        return first
    raise AssertionError(f"no {count} free ports in {_FIRST} … {_FIRST + _EACH - 1}")


def free_port() -> int:
    """Return one free port."""
    return free_ports(1)
