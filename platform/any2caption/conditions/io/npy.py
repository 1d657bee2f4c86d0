"""NumPy's npy files of plain numbers, held to what their header promises before anything is read.

Source: https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html
"""

import io
import math
import tokenize
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from any2caption.conditions.types import Part
from any2caption.errors import InputError

_MAX_HEADER = 10_000  # bytes, as NumPy's own default
_READERS = {
    (1, 0): np.lib.format.read_array_header_1_0,
    (2, 0): np.lib.format.read_array_header_2_0,
}


@dataclass(frozen=True, slots=True)
class Npy:
    """A file whose header was read: the shape and type of its array, not the array."""

    part: Part
    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    start: int
    """Where the numbers begin, in bytes."""
    fortran: bool = False
    """Whether the first axis varies fastest."""

    def array(self) -> NDArray[Any]:
        """Return the numbers as a view of the file's bytes: no copy, and none can be written.

        Raises:
            InputError: the file holds more or fewer than its header says.
        """
        wanted, have = math.prod(self.shape) * self.dtype.itemsize, len(self.part.data) - self.start
        if have != wanted or any(side < 0 for side in self.shape):
            raise InputError(
                f"{have:,} bytes of numbers, {wanted:,} wanted: damaged or truncated",
                file=self.part.name,
                field="data",
            )
        flat = np.frombuffer(self.part.data, self.dtype, offset=self.start)
        return flat.reshape(self.shape, order="F" if self.fortran else "C")


def open_npy(part: Part) -> Npy:
    """Read a file's header.

    Raises:
        InputError: it is damaged, or the file holds objects, not numbers.
    """
    stream = io.BytesIO(part.data)
    try:
        reader = _READERS[np.lib.format.read_magic(stream)]
        shape, fortran, dtype = reader(stream, max_header_size=_MAX_HEADER)
    except (
        *(ValueError, KeyError, TypeError, OverflowError, RecursionError, MemoryError),
        *(SyntaxError, tokenize.TokenError),  # NumPy gives an odd header to Python's own tokenizer
    ) as error:
        raise InputError("a damaged npy header", file=part.name, field="header") from error
    if dtype.kind not in "fiu":
        raise InputError(
            f"values of type {dtype}; numbers are wanted", file=part.name, field="dtype"
        )
    return Npy(part, tuple(int(side) for side in shape), dtype, stream.tell(), fortran)
