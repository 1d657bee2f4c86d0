"""RealEstate10K text: a header line, then a line of 19 numbers a pose.

Line 1 is a header (a URL, a dummy, or empty) and is never read as a pose. Each further line is a
pose of 19 columns: time in microseconds; fx fy cx cy as fractions of width and height; two unused;
the 3×4 world-to-camera matrix row by row (OpenCV axes). Order is line order.
"""

from collections.abc import Sequence

import numpy as np

from any2caption.conditions.camera.raw_path import (
    MAX_TRANSLATION,
    Floats,
    Place,
    RawPath,
    Source,
    check_intrinsics,
    read_cell,
)
from any2caption.errors import InputError

COLUMNS = (
    *("time", "fx", "fy", "cx", "cy", "k1", "k2"),
    *("r11", "r12", "r13", "t1", "r21", "r22", "r23", "t2", "r31", "r32", "r33", "t3"),
)
FORMAT = "RealEstate10K text"
_BY_COLUMNS = {2: "2-D points", 4: "text of 4×4 matrices", 12: "KITTI text"}


def looks_like(lines: Sequence[str]) -> bool:
    """Whether any line after the header has this format's count of columns, and is not prose."""
    rows = (line.split() for line in lines[1:])
    return any(len(cells) == len(COLUMNS) and not _wordy(cells) for cells in rows)


def read(source: Source, lines: Sequence[str], accepted: str) -> RawPath:
    """Read all pose lines. `accepted` is said where the content is another format."""
    numbers, table = _rows(source, lines, accepted)
    records = tuple(f"line {number}" for number in numbers)
    intrinsics = table[:, 1:5].copy()
    if size := source.size():
        intrinsics /= size * 2
    for record, row in zip(records, intrinsics, strict=True):
        check_intrinsics(row, source.at(record), COLUMNS[1:5])
    matrices = table[:, 7:].reshape(-1, 3, 4)
    return RawPath(
        format=FORMAT,
        rotations=matrices[:, :, :3],
        translations=matrices[:, :, 3],
        records=records,
        direction="world_to_camera",
        intrinsics=intrinsics,
        times=table[:, 0] / 1e6,
    )


def _rows(source: Source, lines: Sequence[str], accepted: str) -> tuple[list[int], Floats]:
    """Numbers of all pose lines (N×19) with their 1-based line numbers."""
    if len(lines[0].split()) == len(COLUMNS):
        source.notes.warn(
            "line 1 looks like a pose, but is the header line of this format: not read"
        )
    numbers: list[int] = []
    rows: list[list[float]] = []
    for number, line in enumerate(lines[1:], start=2):
        cells = line.split()
        if not cells:
            continue
        source.check_count(len(rows) + 1, f"line {number}")
        if len(cells) != len(COLUMNS) or _wordy(cells):
            raise _wrong_columns(source, lines, number, cells, accepted)
        place = source.at(f"line {number}")
        rows.append([_number(place, *pair) for pair in zip(COLUMNS, cells, strict=True)])
        numbers.append(number)
    if not rows:
        hint = " (line 1 is the header and is not read)" if lines[0].strip() else ""
        raise source.at().error(f"no pose line{hint}; {accepted}", "poses")
    table = np.array(rows, dtype=np.float64)
    if np.any(table[:, 5:7] != 0):
        source.notes.warn("columns 6 and 7 (distortion) are not zero; they are not used")
    return numbers, table


def _number(place: Place, field: str, cell: str) -> float:
    value = read_cell(cell, place, field)
    if field[0] == "t" and field != "time" and abs(value) > MAX_TRANSLATION:
        raise place.error(f"{value:g} is out of range", field)
    return value


def _wrong_columns(
    source: Source, lines: Sequence[str], number: int, cells: list[str], accepted: str
) -> InputError:
    known = "prose" if _wordy(cells) else _other_text(lines)
    if known and not looks_like(lines):
        return source.at().error(f"{known} is not an accepted camera format; {accepted}", "format")
    return source.at(f"line {number}").error(
        f"{len(cells)} columns instead of {len(COLUMNS)}; {accepted}", "columns"
    )


def _other_text(lines: Sequence[str]) -> str | None:
    """Name another text format by the count of numbers in its lines."""
    filled = [line for line in lines if line.strip() and not line.lstrip().startswith("#")]
    counts = {len(line.replace(",", " ").split()) for line in filled}
    return _BY_COLUMNS.get(counts.pop()) if len(counts) == 1 else None


def _wordy(cells: list[str]) -> bool:
    """Whether most cells are words, so that a count of columns would be a useless message."""
    words = sum(cell[0].isalpha() and cell.lower() not in ("nan", "inf") for cell in cells)
    return words > len(cells) / 2
