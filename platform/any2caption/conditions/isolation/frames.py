"""The messages between a process and its workers: JSON and raw bytes, never pickle.

A frame is 8 bytes of length, JSON, then the blobs whose sizes the JSON gives.
"""

import json
import struct
from collections.abc import Callable, Mapping, Sequence
from typing import Any

MOST_ANSWER = 1_000_000_000
"""Bytes of all arrays of one condition."""
_MOST_JSON = 64_000_000

Read = Callable[[int], bytearray]
"""Returns exactly that many bytes, or raises."""


class NonsenseError(Exception):
    """What came is not a frame, or no canonical value; never leaves `conditions`."""


def pack_frame(header: Mapping[str, Any], blobs: Sequence[Any]) -> list[bytes]:
    """Return the pieces of one message: length, JSON with the blobs' sizes, blobs."""
    text = json.dumps({**header, "blobs": [memoryview(blob).nbytes for blob in blobs]}).encode()
    return [struct.pack(">Q", len(text)) + text, *blobs]


def read_frame(read: Read) -> tuple[dict[str, Any], list[bytearray]]:
    """Read one message; sizes are checked before memory is taken.

    Raises:
        NonsenseError: it is not a frame, or too large.
    """
    (length,) = struct.unpack(">Q", read(8))
    if length > _MOST_JSON:
        raise NonsenseError("a header of this size")
    try:
        header = json.loads(bytes(read(length)))
        sizes = [int(size) for size in header["blobs"]]
    except (ValueError, KeyError, TypeError, RecursionError, OverflowError) as error:
        raise NonsenseError("no header") from error
    if min(sizes, default=0) < 0 or sum(sizes) > MOST_ANSWER:
        raise NonsenseError("blobs of this size")
    return header, [read(size) for size in sizes]
