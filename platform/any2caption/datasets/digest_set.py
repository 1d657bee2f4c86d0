"""Many SHA-256 digests to look others up in: 32 bytes each, where a set of strings takes 150."""

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from collections.abc import Iterable

    import pyarrow as pa

_BYTES, _DIGITS, _SIZE = 32, 64, 8
_COMPACT = 100_000  # rows at least before repetitions are looked for
_NO_DIGIT = 0xFF


def _values() -> NDArray[np.uint8]:
    table = np.full(256, _NO_DIGIT, np.uint8)
    table[np.frombuffer(b"0123456789abcdef", np.uint8)] = np.arange(16)
    return table


_VALUES = _values()


class DistinctRows:
    """Rows of `width` bytes without repetitions; compacted whenever there are twice as many."""

    def __init__(self, width: int) -> None:
        self._width = width
        self._data = bytearray()
        self._limit = _COMPACT * width

    def __len__(self) -> int:
        return len(self.unique())

    def add(self, row: bytes) -> None:
        """Take a row of `width` bytes."""
        self._data += row
        if len(self._data) >= self._limit:
            self._data = bytearray(self.unique().tobytes())
            self._limit = max(2 * len(self._data), _COMPACT * self._width)

    def unique(self) -> NDArray[np.bytes_]:
        """Return the distinct rows in order."""
        return np.unique(np.frombuffer(self._data, f"S{self._width}"))


class MediaTally:
    """Counts distinct objects and their bytes, 40 bytes of memory each."""

    def __init__(self) -> None:
        self._rows = DistinctRows(_BYTES + _SIZE)

    def add(self, sha256: str, size: int) -> None:
        """Take an object; the same one again counts once."""
        self._rows.add(bytes.fromhex(sha256) + size.to_bytes(_SIZE, "big"))

    def summary(self) -> dict[str, int]:
        """Return how many objects, and their bytes."""
        rows = self._rows.unique().view(np.uint8).reshape(-1, _BYTES + _SIZE)
        sizes = np.ascontiguousarray(rows[:, _BYTES:]).view(">u8")
        return {"objects": len(rows), "bytes": int(sizes.sum())}


class Digests:
    """Distinct digests in order of their bytes."""

    def __init__(self, rows: NDArray[np.bytes_]) -> None:
        """Take digests of 32 bytes each, in order."""
        self._sorted = rows

    @classmethod
    def of(cls, digests: "Iterable[str] | Digests") -> "Digests":
        """Collect digests of 64 lower-case hexadecimal digits each.

        Raises:
            ValueError: one is none.
        """
        if isinstance(digests, Digests):
            return digests
        rows = DistinctRows(_BYTES)
        for digest in digests:
            value = bytes.fromhex(digest)
            if len(value) != _BYTES:
                raise ValueError(f"{digest[:80]!r} is not a SHA-256 digest")
            rows.add(value)
        return cls(rows.unique())

    @classmethod
    def from_bytes(cls, data: bytes) -> "Digests":
        """Read what `to_bytes` wrote."""
        return cls(np.frombuffer(data, f"S{_BYTES}"))

    def to_bytes(self) -> bytes:
        """Return the digests one after the other."""
        return self._sorted.tobytes()

    def __len__(self) -> int:
        return len(self._sorted)

    def __ge__(self, other: "Digests") -> bool:
        """Whether every digest of the other one is here."""
        if not len(self):
            return not len(other)
        places = np.searchsorted(self._sorted, other._sorted)
        return bool((self._sorted[np.minimum(places, len(self) - 1)] == other._sorted).all())

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
