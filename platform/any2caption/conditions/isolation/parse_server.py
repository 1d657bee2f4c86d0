"""Starts parse workers: a process that has loaded every parser and forks itself when asked.

`python -m any2caption.conditions.isolation.parse_server FD MEMORY` serves the socket FD
(SOCK_SEQPACKET): any message is answered with a worker's process id, its pidfd and a socket to it.
The worker serves that socket: a frame with files in, a frame with the condition or the refusal out.
The server itself reads no file of anybody's; it ends when its parent's end of FD closes, and its
workers with it. It always has the next worker ready.

A fork takes a few milliseconds where a new interpreter takes half a second, so a worker need not
outlive the request that it parses for: nothing of one caller is left when the next one's file
comes, and all its memory goes back.
"""

import gc
import importlib
import os
import pkgutil
import select
import signal
import socket
import struct
import sys
import threading
import traceback
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any, NoReturn

from any2caption.conditions.isolation import sandbox
from any2caption.conditions.isolation.frames import pack_frame, read_frame
from any2caption.conditions.part import Part
from any2caption.errors import InputError

TEXT_IMPORTS = (
    "any2caption.conditions.isolation.wire",
    "any2caption.conditions.registry",
    "encodings.cp437",
    "encodings.latin_1",
    "encodings.utf_16",
    "encodings.utf_16_be",
    "encodings.utf_16_le",
    "encodings.utf_8_sig",
    "heapq",
    "numpy.ma",  # of `numpy.unique`
)
"""What parsers of numbers and text import only when they need it; a worker can open no file."""
LATE_IMPORTS = (
    *TEXT_IMPORTS,
    "any2caption.conditions.pictures.small",
    "PIL.GifImagePlugin",
    "PIL.JpegImagePlugin",
    "PIL.MpoImagePlugin",  # of a JPEG with several pictures
    "PIL.PngImagePlugin",
    "PIL.TiffImagePlugin",  # a picture's EXIF
    "PIL.WebPImagePlugin",
    "scipy.interpolate",
    "scipy.optimize",
    "scipy.spatial.transform",
)
"""What parsers of pictures and clips import late, too."""
Answering = Callable[[Mapping[str, Any], list[bytearray]], tuple[dict[str, Any], list[Any]]]
"""From a request and its files to an answer and its arrays."""
_PID = struct.Struct("=i")
_WORKER = threading.Event()  # set in workers
_CHUNK = 1 << 20
_MOST_TRACE = 4_000


def ask_for_worker(control: socket.socket) -> tuple[int, int, socket.socket]:
    """Have the server hand out a worker; return its process id, its pidfd and a socket to it.

    Raises:
        OSError: the server is gone, or cannot fork.
    """
    control.send(b"1")
    message, descriptors, _, _ = socket.recv_fds(control, _PID.size, 2)
    if not message or len(descriptors) != 2:  # noqa: PLR2004 - pidfd and socket
        raise OSError("no parse worker could be started")
    return _PID.unpack(message)[0], descriptors[0], socket.socket(fileno=descriptors[1])


def preload_parsers() -> None:
    """Import all that parsers need."""
    import av

    decoders = {module.name for module in pkgutil.walk_packages(av.__path__, "av.")}
    decoders -= {"av.__main__", "av.datasets"}  # a command, and downloads
    for name in (*LATE_IMPORTS, *sorted(decoders)):
        importlib.import_module(name)
    from PIL import Image

    Image.preinit()


def main(
    arguments: Sequence[str],
    preload: Callable[[], None] | None = None,
    answering: Answering | None = None,
) -> None:
    """Load what workers need, give up what they do not need, hand out workers on request.

    By default they are parsers; `answering` is what else they answer frames with.
    """
    control, memory = socket.socket(fileno=int(arguments[0])), int(arguments[1])
    (preload or preload_parsers)()
    answering = answering or answer
    calls = sandbox.compiled_calls()
    sandbox.confine()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's to handle
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # the dead leave no zombies
    gc.freeze()  # a collection in a worker would copy every page that it shares with this process
    spare: _Spare | None = None
    while True:
        spare = spare or _fork(control, memory, calls, answering)
        if not control.recv(1):
            return
        if spare is None or _has_ended(spare.descriptor):
            spare = _fork(control, memory, calls, answering)
        if spare is None:
            control.send(_PID.pack(0))
            continue
        ends = [spare.descriptor, spare.end.fileno()]
        socket.send_fds(control, [_PID.pack(spare.pid)], ends)
        os.close(spare.descriptor)
        spare.end.close()
        spare = None


@dataclass(frozen=True, slots=True)
class _Spare:
    """A worker that nobody has asked for yet."""

    pid: int
    descriptor: int
    end: socket.socket


def _fork(
    control: socket.socket, memory: int, calls: bytes | None, answering: Answering
) -> _Spare | None:
    """Return a new worker; None where the system has no room for one."""
    end, workers_end = socket.socketpair()
    with workers_end:
        try:
            pid = os.fork()
            if not pid:
                end.close()
                control.close()
                _be_worker(workers_end, memory, calls, answering)
            return _Spare(pid, os.pidfd_open(pid), end)
        except OSError:
            end.close()
            return None


def _has_ended(descriptor: int) -> bool:
    poll = select.poll()
    poll.register(descriptor, select.POLLIN)
    return bool(poll.poll(0))


def _be_worker(
    end: socket.socket, memory: int, calls: bytes | None, answering: Answering
) -> NoReturn:
    try:
        _WORKER.set()
        sandbox.lock_down(memory, calls)
        os.close(2)  # what decoders print, a file could have chosen
        serve(end, answering)
    except Exception:  # noqa: BLE001 - to the log, where it still can; the asker sees the end
        traceback.print_exc()
    finally:
        os._exit(0)  # the server's frames below this one are not the worker's to return to


def serve(end: socket.socket, answering: Answering) -> None:
    """Answer frames with files until the other side closes."""
    with suppress(EOFError, ConnectionError):
        while True:
            request, blobs = read_frame(lambda size: _receive(end, size))
            for piece in pack_frame(*answering(request, blobs)):
                end.sendall(piece)


def _receive(end: socket.socket, size: int) -> bytearray:
    data = bytearray(size)
    view = memoryview(data)
    while view:
        got = end.recv_into(view[:_CHUNK])
        if not got:
            raise EOFError
        view = view[got:]
    return data


def answer(request: Mapping[str, Any], blobs: list[bytearray]) -> tuple[dict[str, Any], list[Any]]:
    """Parse one request's files; whatever a parser raises becomes a refusal of the file.

    With `facts`, also what the condition states; without `payload`, the form itself stays here, or
    with `small` all but a small one of a picture or a clip.
    """
    from any2caption.conditions.isolation.wire import pack
    from any2caption.conditions.pictures.small import small
    from any2caption.conditions.registry import condition_facts, parse_condition

    kind, names = str(request["kind"]), request["names"]
    try:
        # One at a time: two copies of all files may be more than is allowed.
        parts = [Part(name, bytes(blobs.pop(0))) for name in names]
        arrays: list[Any] = []
        condition = parse_condition(
            kind,
            parts,
            role=request["role"],
            number=request["number"],
            options=request["options"],
        )
        facts = condition_facts(condition) if request["facts"] else ()
        told = condition
        if not request["payload"]:
            told = small(condition) if request["small"] else replace(condition, payload="")
        stated = [fact.as_json() for fact in facts]
        return {"condition": pack(told, arrays), "facts": stated}, arrays
    except Exception as error:  # noqa: BLE001 - the boundary: a parser's bug is the file's refusal
        return refusal(error, names[0], kind), []


def in_worker() -> bool:
    """Whether this process is a worker, which parses files itself."""
    return _WORKER.is_set()


def as_input_error(error: Exception, file: str, kind: str) -> InputError:
    """Return whatever a parser raised as a refusal of the file."""
    if isinstance(error, InputError):
        return error
    said = f"could not be read ({type(error).__name__}: {error})"[:300]
    if isinstance(error, MemoryError):
        said = "decoding takes more memory than is allowed"
    return InputError(said, file=file, field=kind)


def refusal(error: Exception, file: str, kind: str) -> dict[str, Any]:
    """Return the answer that says so, with the trace of what a parser was not to raise."""
    told = as_input_error(error, file, kind)
    where = {"file": told.file, "record": told.record, "field": told.field}
    answer: dict[str, Any] = {"error": {"reason": told.reason, **where}}
    if not isinstance(error, InputError | MemoryError):
        answer["trace"] = "".join(traceback.format_exception(error))[-_MOST_TRACE:]
    return answer


if __name__ == "__main__":
    main(sys.argv[1:])
