"""COCO run-length masks, read without trusting them.

Runs alternate between background and object, column by column. The compressed form writes each run
as 5-bit groups in characters from `0` on, from the fourth run on as the difference to the run two
before (the format of `pycocotools`, whose C code does not check what it reads: a test holds the two
against each other).
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from any2caption.conditions.io.untrusted_json import number, numbers, shown
from any2caption.errors import InputError

_MOST_GROUPS = 7  # 35 bits: more than any picture has pixels
_FIRST, _LAST = 48, 111
MOST_RUNS = 2_000_000
"""Runs of one mask."""
_DENSE = 64  # pixels a run under which a mask is written as a whole


@dataclass(frozen=True, slots=True)
class Runs:
    """One mask as it is stored: `runs` int32, background and object in turn, column by column."""

    height: int
    width: int
    runs: NDArray[np.int32]

    @property
    def area(self) -> int:
        """Pixels of the object."""
        return int(self.runs[1::2].sum(dtype=np.int64))

    @property
    def work(self) -> int:
        """What painting costs, in pixels and runs."""
        return self.area + len(self.runs)

    def mask(self) -> NDArray[np.bool_]:
        """Return the mask bool H×W."""
        flags = np.zeros(len(self.runs), np.bool_)
        flags[1::2] = True
        return np.repeat(flags, self.runs).reshape(self.width, self.height).T

    def paint(self, canvas: NDArray[np.uint16], ident: int) -> None:
        """Write `ident` into the object's pixels of a canvas W×H (column by column).

        Takes time for the object's own pixels and runs, however large the picture is.
        """
        if len(self.runs) * _DENSE > self.height * self.width:
            canvas.T[self.mask()] = ident
            return
        flat = canvas.reshape(-1)
        ends = np.cumsum(self.runs, dtype=np.int64)
        for start, end in zip(ends[::2].tolist(), ends[1::2].tolist(), strict=False):
            flat[start:end] = ident


def read_runs(value: Any, file: str, record: str, max_pixels: int) -> Runs:
    """Return the runs of `{"size": [height, width], "counts": …}`; nothing is decoded.

    Raises:
        InputError: no such object, too large, or runs that do not fill the picture exactly.
    """
    height, width = mask_size(value, file, record, max_pixels)
    counts = value.get("counts")
    if not isinstance(counts, str | list):
        raise InputError(f"{shown(counts)} are no runs", file=file, record=record, field="counts")
    if len(counts) > MOST_RUNS * (_MOST_GROUPS if isinstance(counts, str) else 1):
        raise InputError(
            f"more than {MOST_RUNS:,} runs in one mask", file=file, record=record, field="counts"
        )
    if isinstance(counts, str):
        runs = _decompress(counts, file, record)
    else:
        whole = numbers(counts, file, record, "counts")
        runs = np.clip(np.asarray(whole, np.float64), -1, 2**40).astype(np.int64)
    if (runs < 0).any() or int(runs.sum()) != height * width:
        raise InputError(
            f"the runs cover {int(runs.sum()):,} pixels, the picture has {height * width:,}",
            file=file,
            record=record,
            field="counts",
        )
    return Runs(height, width, runs.astype(np.int32))


def mask_size(value: Any, file: str, record: str, max_pixels: int) -> tuple[int, int]:
    """Return (height, width) of a run-length mask, within the limit on pixels."""
    size = value.get("size") if isinstance(value, dict) else None
    if not isinstance(size, list) or len(size) != 2:  # noqa: PLR2004
        raise InputError(
            f"{shown(size)}; [height, width] is wanted", file=file, record=record, field="size"
        )
    height, width = (int(min(number(side, file, record, "size"), 1e9)) for side in size)
    if height < 1 or width < 1 or height * width > max_pixels:
        raise InputError(
            f"{width}×{height} pixels; 1 to {max_pixels:,} are taken",
            file=file,
            record=record,
            field="size",
        )
    return height, width


def _decompress(text: str, file: str, record: str) -> NDArray[np.int64]:
    codes = np.frombuffer(text.encode("ascii", "replace"), np.uint8).astype(np.int64)
    bad = (codes < _FIRST) | (codes > _LAST)
    if bad.any():
        at = int(np.argmax(bad))
        raise InputError(
            f"character {shown(text[at])} at {at}", file=file, record=record, field="counts"
        )
    codes -= _FIRST
    ends = np.flatnonzero((codes & 32) == 0)
    if not len(codes) or not len(ends) or ends[-1] != len(codes) - 1:
        raise InputError("cut off", file=file, record=record, field="counts")
    starts = np.concatenate([[0], ends[:-1] + 1])
    lengths = ends - starts + 1
    if lengths.max() > _MOST_GROUPS:
        raise InputError("a run of too many digits", file=file, record=record, field="counts")
    place = np.arange(len(codes)) - np.repeat(starts, lengths)
    values = np.add.reduceat((codes & 31) << (5 * place), starts)
    values = np.where(codes[ends] & 16, values - (np.int64(1) << (5 * lengths)), values)
    # From the fourth run on: the difference to the run two before.
    values[1::2] = np.cumsum(values[1::2])
    values[2::2] = np.cumsum(values[2::2])
    return values
