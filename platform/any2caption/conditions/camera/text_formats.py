"""Camera paths in lines of text: TUM, poses without time, odometry CSV, Open3D logs.

Quaternion lines are `[time] x y z qx qy qz qw` (w last), camera to world. A CSV names its columns
in a header. An Open3D log has a line of three integers before each 4×4 matrix, camera to world;
where the first two are `i i+1` in every block the matrices lead from one frame to the next.
"""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from any2caption.conditions.camera.raw_path import (
    Floats,
    RawPath,
    Source,
    check_affine,
    check_intrinsics,
    read_cell,
)
from any2caption.conditions.rotations import from_quaternions

TUM, POSES, CSV, LOG = "TUM text", "pose text", "odometry CSV", "Open3D log"
QUATERNION_TOLERANCE = 0.02
"""How far a quaternion's length may be from 1 and still be repaired."""

_POSE = ("x", "y", "z", "qx", "qy", "qz", "qw")
_COLUMNS = {8: (TUM, ("time", *_POSE)), 7: (POSES, _POSE)}
_OPEN = ("axes", "direction", "poses", "quaternion")
_LENS = ("fx", "fy", "cx", "cy")
# Spellings of CSV columns: what comes before the letter of a position or a quaternion.
_POSITION = re.compile(r"(?:t|p|pos|position|trans|translation|p_rs_r)?[_. ]?([xyz])")
_QUATERNION = re.compile(
    r"(?:q|quat|quaternion|rot|rotation|orientation|r|q_rs|q_wc)[_. ]?([wxyz])"
)
_TIME = ("time", "timestamp", "timestamps", "stamp", "t", "timestamp_s", "time_s", "timestamp_ns")


@dataclass(frozen=True, slots=True)
class Line:
    """A filled line: its 1-based number and its cells (commas and semicolons part them too)."""

    number: int
    cells: tuple[str, ...]


def filled_lines(lines: Sequence[str]) -> list[Line]:
    """Return the lines that are neither blank nor a comment (#)."""
    return [
        Line(number, tuple(re.sub(r"[,;]", " ", line).split()))
        for number, line in enumerate(lines, start=1)
        if line.strip(" \t,;") and not line.lstrip().startswith("#")
    ]


def looks_like(lines: Sequence[str], filled: Sequence[Line]) -> str | None:
    """Name the format of this module that the content has, or None.

    A CSV has a header that names x, y, z and a quaternion; a log three integers, then four
    numbers; else the most frequent count of columns decides (8 with time, 7 without).
    """
    header = csv_header(lines)
    if header is not None and {"x", "y", "z", "qw"} <= set(header[1]):
        return CSV
    if len(filled) > 1 and _is_ids(filled[0]) and len(filled[1].cells) == 4:  # noqa: PLR2004
        return LOG
    counts = Counter(len(line.cells) for line in filled)
    most, _ = counts.most_common(1)[0] if counts else (0, 0)
    return _COLUMNS[most][0] if most in _COLUMNS and not _words(filled) else None


def _words(filled: Sequence[Line]) -> bool:
    return all(cell[0].isalpha() for line in filled[:3] for cell in line.cells)


def _is_ids(line: Line) -> bool:
    return len(line.cells) == 3 and all(re.fullmatch(r"-?\d{1,9}", cell) for cell in line.cells)  # noqa: PLR2004


def quaternions_fit(filled: Sequence[Line]) -> bool:
    """Whether the last four numbers of each line form a quaternion of length 1."""
    try:
        ends = np.array([[float(cell) for cell in line.cells[-4:]] for line in filled])
    except ValueError:
        return False
    return bool((np.abs(np.linalg.norm(ends, axis=1) - 1) <= QUATERNION_TOLERANCE).all())


def read_quaternion_lines(source: Source, filled: Sequence[Line], format_: str) -> RawPath:
    """Read TUM text or poses without time."""
    columns = next(names for name, names in _COLUMNS.values() if name == format_)
    return _table(source, filled, columns, format_)


def csv_header(lines: Sequence[str]) -> tuple[int, tuple[str, ...]] | None:
    """Find the header of a CSV in its first lines: line number and our names ("" = not used)."""
    for number, line in enumerate(lines[:5], start=1):
        text = line.strip().lstrip("#").strip()
        cells = [cell.strip().strip("\"'") for cell in re.split(r"[,;\t]", text)]
        named = [cell for cell in cells if cell and (cell[0].isalpha() or cell[0] == "_")]
        if len(cells) > 1 and len(named) == len([cell for cell in cells if cell]):
            return number, tuple(_column(cell) for cell in cells)
    return None


def _column(cell: str) -> str:
    """Our name for a CSV column; units in brackets are cut off."""
    name = cell.casefold()
    bare = re.sub(r"[\[(].*", "", name).strip()
    if bare in _TIME:
        return "time_ns" if "ns" in name.removeprefix(bare) or bare.endswith("_ns") else "time"
    if bare in _LENS:
        return bare
    if match := _QUATERNION.fullmatch(bare):
        return f"q{match[1]}"
    match = _POSITION.fullmatch(bare)
    return match[1] if match else ""


def read_csv(source: Source, lines: Sequence[str]) -> RawPath:
    """Read an odometry CSV by the names in its header."""
    number, columns = csv_header(lines) or (1, ())
    place = source.at(f"line {number}")
    for name in columns:
        if name and columns.count(name) > 1:
            raise place.error(f"two columns mean {name}", "header")
    for name in _POSE:
        if name not in columns:
            raise place.error("the header has no such column", name)
    filled = [
        Line(at, tuple(cell.strip().strip("\"'") for cell in re.split(r"[,;\t]", line)))
        for at, line in enumerate(lines[number:], start=number + 1)
        if line.strip(" \t,;") and not line.lstrip().startswith("#")
    ]
    raw = _table(source, filled, columns, CSV)
    if raw.intrinsics is None and {"fx", "fy"} & set(columns):
        source.notes.warn(
            "intrinsics in pixels are not used; width=… and height=… make them fractions"
        )
    return raw


def _table(
    source: Source, filled: Sequence[Line], columns: tuple[str, ...], format_: str
) -> RawPath:
    """Read lines of named columns; "" are skipped."""
    source.check_count(len(filled))
    rows: list[list[float]] = []
    used = [index for index, name in enumerate(columns) if name]
    for line in filled:
        place = source.at(f"line {line.number}")
        if len(line.cells) != len(columns):
            raise place.error(f"{len(line.cells)} columns instead of {len(columns)}", "columns")
        rows.append([read_cell(line.cells[index], place, columns[index]) for index in used])
    table = np.array(rows, dtype=np.float64)
    at = {columns[index]: place for place, index in enumerate(used)}
    named = format_ == CSV
    quaternions = table[:, [at[name] for name in _POSE[3:]]]
    if not named and source.options.get("quaternion") == "wxyz":
        quaternions = quaternions[:, [1, 2, 3, 0]]
    records = tuple(f"line {line.number}" for line in filled)
    times = table[:, at["time"]] if "time" in at else None
    if "time_ns" in at:
        times = table[:, at["time_ns"]] / 1e9
    return RawPath(
        format=format_,
        rotations=quaternion_matrices(source, quaternions, records),
        translations=table[:, [at["x"], at["y"], at["z"]]],
        records=records,
        direction="camera_to_world",
        rotation_field="qx…qw",
        intrinsics=_lens(source, table, at, records),
        times=times,
        leaves_open=tuple(name for name in _OPEN if not (named and name == "quaternion")),
    )


def _lens(
    source: Source, table: Floats, at: dict[str, int], records: Sequence[str]
) -> Floats | None:
    """Columns fx fy cx cy in pixels as fractions, where the picture's size is given."""
    size = source.size()
    if not {*_LENS} <= set(at) or size is None:
        return None
    lens: Floats = table[:, [at[name] for name in _LENS]] / (size * 2)
    for record, row in zip(records, lens, strict=True):
        check_intrinsics(row, source.at(record), _LENS)
    return lens


def quaternion_matrices(source: Source, quaternions: Floats, records: Sequence[str]) -> Floats:
    """Rotation matrices of quaternions x y z w; slightly off lengths are repaired."""
    off = np.abs(np.linalg.norm(quaternions, axis=1) - 1)
    if (off > QUATERNION_TOLERANCE).any():
        at = int(np.argmax(off > QUATERNION_TOLERANCE))
        length = float(np.linalg.norm(quaternions[at]))
        raise source.at(records[at]).error(
            f"not a rotation: a quaternion of length {length:.3g} instead of 1", "qx…qw"
        )
    return from_quaternions(quaternions)


def read_log(source: Source, filled: Sequence[Line]) -> RawPath:
    """Read an Open3D log: blocks of a line of three integers and four lines of four numbers."""
    source.check_count((len(filled) + 4) // 5)
    ids: list[tuple[int, int]] = []
    matrices: list[Floats] = []
    records: list[str] = []
    for start in range(0, len(filled), 5):
        head, *rows = filled[start : start + 5]
        place = source.at(f"line {head.number}")
        if not _is_ids(head):
            raise place.error("three integers are wanted before each 4×4 matrix", "ids")
        if len(rows) != 4:  # noqa: PLR2004
            raise place.error(f"the matrix after it has {len(rows)} lines instead of 4", "matrix")
        for row in rows:
            if len(row.cells) != 4:  # noqa: PLR2004
                raise source.at(f"line {row.number}").error(
                    f"{len(row.cells)} columns instead of 4", "columns"
                )
        matrix = np.array(
            [
                [read_cell(cell, source.at(f"line {row.number}"), "matrix") for cell in cells]
                for row in rows
                for cells in [row.cells]
            ]
        )
        check_affine(matrix, place, "matrix")
        ids.append((int(head.cells[0]), int(head.cells[1])))
        matrices.append(matrix)
        records.append(f"line {head.number}")
    stack = np.stack(matrices)
    return RawPath(
        format=LOG,
        rotations=stack[:, :3, :3],
        translations=stack[:, :3, 3],
        records=tuple(records),
        direction="camera_to_world",
        rotation_field="matrix",
        chained=_is_chained(source, ids, records),
        leaves_open=("axes", "direction", "poses"),
    )


def _numbers(source: Source, line: Line) -> list[float]:
    return [read_cell(cell, source.at(f"line {line.number}"), "matrix") for cell in line.cells]


def _is_chained(source: Source, ids: Sequence[tuple[int, int]], records: Sequence[str]) -> bool:
    """Whether every block names two neighbouring frames; pairs of other frames are no path."""
    pairs = [index for index, (one, two) in enumerate(ids) if one != two]
    if not pairs:
        if any(two[0] - one[0] != 1 for one, two in pairwise(ids)):
            source.notes.warn("frame numbers do not go up by one; the order of the file is kept")
        return False
    for index, (one, two) in enumerate(ids):
        follows = index == 0 or one == ids[index - 1][1]
        if two != one + 1 or not follows:
            raise source.at(records[index]).error(
                f"frames {one} and {two}: a path needs absolute poses or each frame to the next",
                "ids",
            )
    return True
