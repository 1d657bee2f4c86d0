"""Decode untrusted media in a process of its own: a hostile file can end that process only.

`parse_condition` here does what the registry's does. Clips, large pictures and animated ones go to
a worker process that is started once and reused; small files are parsed here, where that is faster
than sending them. The worker has a limit on memory and no right to write files; a timer ends it;
the next file gets a new one.

No pickle: requests and answers are JSON with raw arrays behind it, so a worker that was taken over
cannot run anything here. Frames on the pipe: 8 bytes of length, JSON, then the blobs it names.

Measured on two busy cores with a clip of 49 frames (50.8 MB of pixels): 0.3 s once to start the
process; then 0.16 to 0.21 s there beside 0.12 to 0.14 s here, about 1 ms a MB on the pipe.
"""

import atexit
import fcntl
import json
import os
import select
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import IO, Any

import numpy as np

from any2caption.conditions import registry, types
from any2caption.conditions.base import OptionValue
from any2caption.conditions.media import MAX_PIXELS, image_header
from any2caption.conditions.sniff import IMAGE_FORMATS, VIDEO_FORMATS, sniff
from any2caption.conditions.types import Condition, Part
from any2caption.errors import InputError

SECONDS = 120.0
"""Longest time for one condition."""
MEMORY = 4_000_000_000
"""Bytes of address space that a worker may have."""
SMALL_PIXELS = 4_000_000
"""Pictures up to this are decoded in this process."""
_MOST_ANSWER = 3_000_000_000
_MOST_JSON = 64_000_000
_GRACE = 5.0
_READ = 1 << 20
_ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")


class _Gone(Exception):  # noqa: N818 - not an error of the platform; never leaves this module
    """The worker ended or did not answer in time."""


def needs_isolation(kind: str, parts: Sequence[Part]) -> bool:
    """Whether these files are decoded elsewhere: clips, and pictures that are large or animated."""
    if kind in ("text", "camera"):
        return False
    for part in parts:
        name = sniff(part.data)
        if name in VIDEO_FORMATS:
            return True
        if name in IMAGE_FORMATS:
            header = image_header(part, MAX_PIXELS)
            if header.animated or header.width * header.height > SMALL_PIXELS:
                return True
    return False


def parse_condition(  # noqa: PLR0913 - the registry's own arguments
    kind: str,
    parts: Sequence[Part],
    *,
    role: str | None = None,
    number: int = 1,
    options: Mapping[str, OptionValue] | None = None,
    seconds: float = SECONDS,
) -> Condition:
    """Parse a condition as `registry.parse_condition` does; risky files in the worker process.

    Raises:
        InputError: as the registry's, and when a file ends its decoder, or takes longer than
            `seconds`, or more memory than `MEMORY`.
    """
    known = kind in registry.KINDS
    if known:
        registry.check_parts(kind, parts)
    if not known or not needs_isolation(kind, parts):
        return registry.parse_condition(kind, parts, role=role, number=number, options=options)
    return _shared().parse(kind, parts, role, number, dict(options or {}), seconds)


class Isolated:
    """One worker process; calls from several threads take turns."""

    def __init__(self, memory: int = MEMORY) -> None:
        self._memory = memory
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int | None:
        """The worker's process id; None before the first file."""
        return self._process.pid if self._process else None

    def parse(  # noqa: PLR0913, PLR0917 - the registry's own arguments
        self,
        kind: str,
        parts: Sequence[Part],
        role: str | None,
        number: int,
        options: Mapping[str, OptionValue],
        seconds: float = SECONDS,
    ) -> Condition:
        """Parse in the worker; see `parse_condition`."""
        request = {
            "kind": kind,
            "names": [part.name for part in parts],
            "role": role,
            "number": number,
            "options": dict(options),
            "seconds": seconds,
        }
        with self._lock:
            began = time.monotonic()
            try:
                answer, blobs = self._ask(request, [part.data for part in parts], began + seconds)
            except _Gone as error:
                self.close()
                late = time.monotonic() - began >= seconds
                said = f"decoding took longer than {seconds:g} s" if late else str(error)
                raise InputError(said, file=parts[0].name, field=kind) from error
        if "error" in answer:
            wrong = answer["error"]
            raise InputError(
                str(wrong["reason"]),
                file=wrong["file"],
                record=wrong["record"],
                field=wrong["field"],
            )
        condition: Condition = unpack(answer["condition"], blobs)
        return condition

    def close(self) -> None:
        """End the worker."""
        process, self._process = self._process, None
        if process is None:
            return
        process.kill()
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                pipe.close()
        process.wait()

    def _ask(
        self, request: Mapping[str, Any], blobs: Sequence[bytes], until: float
    ) -> tuple[dict[str, Any], list[bytearray]]:
        process = self._start()
        sent = pack_frame(request, blobs)
        inbox, outbox = process.stdout, process.stdin
        assert inbox is not None and outbox is not None  # noqa: PT018, S101 - both are pipes
        _send(outbox, sent, until)
        return read_frame(lambda size: _receive(inbox, size, until))

    def _start(self) -> subprocess.Popen[bytes]:
        if self._process is not None and self._process.poll() is None:
            return self._process
        self.close()
        path = os.pathsep.join(filter(None, sys.path))
        self._process = subprocess.Popen(
            [_python(), "-m", "any2caption.conditions.isolation", str(self._memory)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={**os.environ, **_ONE_THREAD, "PYTHONPATH": path},
        )
        for pipe in (self._process.stdin, self._process.stdout):
            assert pipe is not None  # noqa: S101
            os.set_blocking(pipe.fileno(), False)
            with suppress(OSError):  # a limit of the system: slower, not wrong
                fcntl.fcntl(pipe.fileno(), fcntl.F_SETPIPE_SZ, _READ)
        return self._process


def _python() -> str:
    """The interpreter; inside Triton the executable is a stub, so its environment is asked."""
    if "python" in Path(sys.executable or "").name and "triton" not in sys.executable:
        return sys.executable
    return str(Path(sys.prefix) / "bin" / "python3")


def _wait(descriptor: int, until: float, *, write: bool) -> None:
    left = until + (0.0 if write else _GRACE) - time.monotonic()
    if left <= 0:
        raise _Gone("no answer in time")
    poll = select.poll()
    poll.register(descriptor, select.POLLOUT if write else select.POLLIN)
    if not poll.poll(left * 1000):
        raise _Gone("no answer in time")


def _send(pipe: IO[bytes], chunks: Sequence[bytes], until: float) -> None:
    for chunk in chunks:
        view = memoryview(chunk)
        while view:
            _wait(pipe.fileno(), until, write=True)
            try:
                view = view[os.write(pipe.fileno(), view[:_READ]) :]
            except BlockingIOError:
                continue
            except OSError as error:
                raise _Gone("the file ends its decoder") from error


def _receive(pipe: IO[bytes], size: int, until: float) -> bytearray:
    data = bytearray(size)
    view = memoryview(data)
    while view:
        _wait(pipe.fileno(), until, write=False)
        try:
            got = os.readv(pipe.fileno(), [view[:_READ]])
        except BlockingIOError:
            continue
        if not got:
            raise _Gone("the file ends its decoder (a crash, or more memory than is allowed)")
        view = view[got:]
    return data


def pack_frame(header: Mapping[str, Any], blobs: Sequence[Any]) -> list[bytes]:
    """Return the pieces of one message: length, JSON with the blobs' sizes, blobs."""
    text = json.dumps({**header, "blobs": [memoryview(blob).nbytes for blob in blobs]}).encode()
    return [struct.pack(">Q", len(text)) + text, *blobs]


def read_frame(read: Any) -> tuple[dict[str, Any], list[bytearray]]:
    """Read one message with `read(size)`; sizes are checked before memory is taken."""
    (length,) = struct.unpack(">Q", read(8))
    if length > _MOST_JSON:
        raise _Gone("the decoder answered nonsense")
    try:
        header = json.loads(bytes(read(length)))
        sizes = [int(size) for size in header["blobs"]]
    except (ValueError, KeyError, TypeError) as error:
        raise _Gone("the decoder answered nonsense") from error
    if min(sizes, default=0) < 0 or sum(sizes) > _MOST_ANSWER:
        raise _Gone("the decoder answered nonsense")
    return header, [read(size) for size in sizes]


def pack(value: Any, blobs: list[Any]) -> Any:
    """Return a canonical value as JSON data; arrays become entries of `blobs`."""
    if isinstance(value, np.ndarray):
        array = np.ascontiguousarray(value)
        blobs.append(array.reshape(-1).view(np.uint8) if array.size else b"")
        return {"array": len(blobs) - 1, "dtype": array.dtype.str, "shape": list(array.shape)}
    if is_dataclass(value) and not isinstance(value, type):
        content = {item.name: pack(getattr(value, item.name), blobs) for item in fields(value)}
        return {"type": type(value).__name__, "fields": content}
    if isinstance(value, tuple | list):
        return {"tuple": [pack(one, blobs) for one in value]}
    if isinstance(value, np.generic):
        return value.item()
    return value


def unpack(value: Any, blobs: Sequence[bytearray]) -> Any:
    """Build a canonical value from `pack`'s data; only classes of `conditions.types` are made."""
    if not isinstance(value, dict):
        return value
    if "array" in value:
        dtype = np.dtype(value["dtype"])
        if dtype.hasobject:
            raise InputError("the decoder answered nonsense", field="dtype")
        return np.frombuffer(blobs[value["array"]], dtype).reshape(value["shape"])
    if "tuple" in value:
        return tuple(unpack(one, blobs) for one in value["tuple"])
    made = getattr(types, str(value["type"]), None)
    if not (isinstance(made, type) and is_dataclass(made)):
        raise InputError("the decoder answered nonsense", field="type")
    return made(**{name: unpack(one, blobs) for name, one in value["fields"].items()})


class _Shared:
    """This process's worker; a forked child starts its own."""

    worker: Isolated | None = None
    owner = 0


def _shared() -> Isolated:
    if _Shared.worker is None or _Shared.owner != os.getpid():
        _Shared.worker, _Shared.owner = Isolated(), os.getpid()
        atexit.register(_Shared.worker.close)
    return _Shared.worker


def _serve(memory: int) -> None:
    """The worker's loop: read a request, parse, answer; ends with its parent's pipe."""
    import resource
    import signal

    import av  # noqa: F401 - loaded before the limits

    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's to handle
    inbox, outbox = sys.stdin.buffer, os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # nothing that a library prints may mix with answers

    def read(size: int) -> bytearray:
        data = bytearray(inbox.read(size))
        if len(data) != size:
            raise EOFError
        return data

    while True:
        try:
            request, blobs = read_frame(read)
        except EOFError:
            return
        signal.setitimer(signal.ITIMER_REAL, float(request["seconds"]))  # SIGALRM ends the process
        answer, arrays = _answer(request, blobs)
        signal.setitimer(signal.ITIMER_REAL, 0)
        for piece in pack_frame(answer, arrays):
            outbox.write(piece)
        outbox.flush()


def _answer(
    request: Mapping[str, Any], blobs: Sequence[bytearray]
) -> tuple[dict[str, Any], list[Any]]:
    parts = [Part(name, bytes(data)) for name, data in zip(request["names"], blobs, strict=True)]
    arrays: list[Any] = []
    try:
        condition = registry.parse_condition(
            request["kind"],
            parts,
            role=request["role"],
            number=request["number"],
            options=request["options"],
        )
        return {"condition": pack(condition, arrays)}, arrays
    except InputError as error:
        wrong = {
            "reason": error.reason,
            "file": error.file,
            "record": error.record,
            "field": error.field,
        }
        return {"error": wrong}, []
    except MemoryError:
        wrong = {
            "reason": "decoding takes more memory than is allowed",
            "file": parts[0].name,
            "record": None,
            "field": request["kind"],
        }
        return {"error": wrong}, []


if __name__ == "__main__":
    _serve(int(sys.argv[1]))
