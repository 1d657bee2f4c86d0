"""Write an .npy file row by row: no array of the whole is ever in memory."""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from any2caption.closing import Closing


class NpyWriter(Closing):
    """Appends to an array N×`row`; the file is what `numpy.save` of the whole array writes.

    NumPy's header leaves room for the first axis to grow, so that it is written twice in place.
    """

    def __init__(self, path: Path, dtype: DTypeLike, row: tuple[int, ...] = ()) -> None:
        self._dtype, self._row = np.dtype(dtype), row
        self._file = path.open("wb")
        self.rows = 0
        self._write_header()
        self._begin = self._file.tell()

    def append(self, values: NDArray[Any]) -> tuple[int, int]:
        """Append rows (n×`row`); return the first one's number and that behind the last one."""
        first = self.rows
        found = np.ascontiguousarray(values, self._dtype).reshape(-1, *self._row)
        self._file.write(found.data if found.size else b"")
        self.rows += len(found)
        return first, self.rows

    def close(self) -> None:
        """Enter the number of rows and close the file."""
        self._file.seek(0)
        self._write_header()
        assert self._file.tell() == self._begin  # noqa: S101 - the header has room to grow
        self._file.close()

    def _write_header(self) -> None:
        header = {
            "descr": np.lib.format.dtype_to_descr(self._dtype),
            "fortran_order": False,
            "shape": (self.rows, *self._row),
        }
        np.lib.format.write_array_header_1_0(self._file, header)
