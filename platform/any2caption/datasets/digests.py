"""Many SHA-256 digests to look others up in: 32 bytes each, where a set of strings takes 150."""

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from collections.abc import Iterable

    import pyarrow as pa

_BYTES, _DIGITS = 32, 64
_NO_DIGIT = 0xFF


def _values() -> NDArray[np.uint8]:
    table = np.full(256, _NO_DIGIT, np.uint8)
    table[np.frombuffer(b"0123456789abcdef", np.uint8)] = np.arange(16)
    return table


_VALUES = _values()


class Digests:
    """Digests in order of their bytes."""

    def __init__(self, data: bytearray) -> None:
        """Take digests one after the other, 32 bytes each; the buffer is sorted in place."""
        self._sorted = np.frombuffer(data, f"S{_BYTES}")
        self._sorted.sort()

    @classmethod
    def of(cls, digests: "Iterable[str] | Digests") -> "Digests":
        """Collect digests of 64 lower-case hexadecimal digits each.

        Raises:
            ValueError: one is none.
        """
        if isinstance(digests, Digests):
            return digests
        data = bytearray()
        for digest in digests:
            value = bytes.fromhex(digest)
            if len(value) != _BYTES:
                raise ValueError(f"{digest[:80]!r} is no SHA-256 digest")
            data += value
        return cls(data)

    def __len__(self) -> int:
        return len(self._sorted)

    def holds(self, digests: "pa.Array") -> NDArray[np.bool_]:
        """Return for each of these strings whether it is a digest that is here."""
        found = np.zeros(len(digests), np.bool_)
        if not len(digests) or not len(self._sorted):
            return found
        _, offsets, data = digests.buffers()
        at = np.frombuffer(offsets, np.int32)[digests.offset : digests.offset + len(digests) + 1]
        whole = np.flatnonzero(np.diff(at) == _DIGITS)
        if data is None or not len(whole):
            return found
        digits = _VALUES[np.frombuffer(data, np.uint8)[at[whole, None] + np.arange(_DIGITS)]]
        asked = (digits[:, ::2] << 4 | digits[:, 1::2]).view(f"S{_BYTES}").reshape(-1)
        places = np.searchsorted(self._sorted, asked)
        equal = self._sorted[np.minimum(places, len(self) - 1)] == asked
        found[whole] = equal & (digits != _NO_DIGIT).all(axis=1)
        return found
