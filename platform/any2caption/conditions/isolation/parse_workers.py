"""The asking side of parse workers: start them, send them files, wait within bounds, kill them."""

import logging
import os
import select
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any

from any2caption.conditions.isolation import parse_server, sandbox
from any2caption.conditions.isolation.frames import pack_frame, read_frame
from any2caption.errors import CancelledError, InputError, UnavailableError

MEMORY = 2_000_000_000
"""Bytes of address space that a worker may have."""
PATIENCE = 120.0
"""Longest time for one condition where all files are one caller's: ingest, the command line."""
SLICE = 0.05
"""Seconds between two questions whether somebody still waits."""
_START = 60.0  # a loaded machine; half a second on an idle one
_CHUNK = 1 << 20
SLOWER = 5
"""How much nicer a worker that takes long is than the process that asks."""

_LOG = logging.getLogger(__name__)

Cancelled = Callable[[], bool]
"""Whether nobody waits for the answer any more."""


def never() -> bool:
    """Somebody always waits."""
    return False


def go_on(cancelled: Cancelled) -> None:
    """Return while somebody waits.

    Raises:
        CancelledError: nobody does.
    """
    if cancelled():
        raise CancelledError("the request was cancelled")


class GoneError(Exception):
    """The worker ended, or did not answer in time; never leaves `conditions`."""


def refusal_of(answer: Mapping[str, Any], file: str, kind: str) -> InputError:
    """Return the worker's refusal; nothing of it but lines of text is believed."""
    wrong = answer["error"] if isinstance(answer["error"], dict) else {}
    if "trace" in answer:
        _LOG.error("a parser of %s failed on %r:\n%s", kind, file, answer["trace"])
    words = {
        name: None if wrong.get(name) is None else str(wrong[name])
        for name in ("file", "record", "field")
    }
    return InputError(str(wrong.get("reason", "refused")), **words)


class Server:
    """The process that forks workers (`parse_server`), started when the first one is wanted.

    `module` is run with a socket, `memory` and the `arguments`.
    """

    def __init__(self, module: str, memory: int, *arguments: str) -> None:
        self._module, self._arguments = module, (str(memory), *arguments)
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._control: socket.socket | None = None

    @property
    def pid(self) -> int | None:
        """Its process id; None while none runs."""
        return self._process.pid if self._process else None

    def worker(self) -> "Worker":
        """Return a new worker.

        Raises:
            UnavailableError: none can be started.
        """
        with self._lock:
            with suppress(OSError):  # a server that died since is replaced, once
                if self._control is not None:
                    return Worker(*parse_server.ask_for_worker(self._control))
            self._stop()
            try:
                return Worker(*parse_server.ask_for_worker(self._start()))
            except OSError as error:
                self._stop()
                raise UnavailableError(f"no parse worker can be started: {error}") from error

    def close(self) -> None:
        """End the server, and with it its workers."""
        with self._lock:
            self._stop()

    def _start(self) -> socket.socket:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        ours.settimeout(_START)
        path = os.pathsep.join(filter(None, sys.path))
        with theirs:
            self._process = subprocess.Popen(
                [sandbox.interpreter(), "-m", self._module, str(theirs.fileno()), *self._arguments],
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                env={**sandbox.clean_environment(os.environ), "PYTHONPATH": path},
            )
        self._control = ours
        return ours

    def _stop(self) -> None:
        control, self._control = self._control, None
        process, self._process = self._process, None
        if control is not None:
            control.close()
        if process is not None:
            process.kill()
            process.wait()


class Worker:
    """A worker process and the socket to it."""

    def __init__(self, pid: int, descriptor: int, end: socket.socket) -> None:
        self.pid, self.uses = pid, 0
        self._descriptor, self._end = descriptor, end
        end.setblocking(False)

    def ask(
        self,
        request: Mapping[str, Any],
        blobs: Sequence[bytes],
        until: float,
        cancelled: Cancelled,
    ) -> tuple[dict[str, Any], list[bytearray]]:
        """Send files and return the answer.

        Raises:
            GoneError: it died, or it is `until` now.
            CancelledError: `cancelled` said so.
        """
        self.uses += 1
        go_on(cancelled)
        for chunk in pack_frame(request, blobs):
            view = memoryview(chunk)
            while view:
                self._wait(select.POLLOUT, until, cancelled)
                with suppress(BlockingIOError):
                    view = view[self._send(view) :]

        def receive(size: int) -> bytearray:
            data = bytearray(size)
            left = memoryview(data)
            while left:
                self._wait(select.POLLIN, until, cancelled)
                with suppress(BlockingIOError):
                    left = left[self._receive(left) :]
            return data

        return read_frame(receive)

    def slow_down(self) -> None:
        """Let others go first, a third of their time left to it where all are busy."""
        nice = min(os.getpriority(os.PRIO_PROCESS, 0) + SLOWER, 19)
        with suppress(PermissionError, ProcessLookupError):  # root without CAP_SYS_NICE; it ended
            os.setpriority(os.PRIO_PROCESS, self.pid, nice)

    def close(self) -> None:
        """Kill the worker; its memory is free when this returns."""
        self._end.close()
        with suppress(ProcessLookupError):
            signal.pidfd_send_signal(self._descriptor, signal.SIGKILL)
        poll = select.poll()
        poll.register(self._descriptor, select.POLLIN)
        poll.poll(1000)
        os.close(self._descriptor)

    def _send(self, view: memoryview) -> int:
        try:
            return self._end.send(view[:_CHUNK])
        except ConnectionError as error:
            raise GoneError("the file ends its decoder") from error

    def _receive(self, view: memoryview) -> int:
        try:
            got = self._end.recv_into(view[:_CHUNK])
        except ConnectionError:
            got = 0
        if not got:
            raise GoneError("the file ends its decoder (a crash, or more memory than is allowed)")
        return got

    def _wait(self, event: int, until: float, cancelled: Cancelled) -> None:
        poll = select.poll()
        poll.register(self._end, event)
        while True:
            left = until - time.monotonic()
            if left <= 0:
                raise GoneError("no answer in time")
            if poll.poll(min(left, SLICE) * 1000):
                return
            go_on(cancelled)
