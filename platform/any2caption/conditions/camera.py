"""Camera condition: RealEstate10K text.

Line 1 is a header (a URL, a dummy, or empty) and is never read as a pose. Each further line is a
pose of 19 columns: time; fx fy cx cy as fractions of width and height; two unused; the 3×4
world-to-camera matrix row by row (OpenCV axes: x right, y down, z forward). Order is line order;
times are not used.
"""

import json
import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from any2caption.conditions.base import Limits, Notes, Options, Parsed
from any2caption.conditions.sniff import sniff
from any2caption.conditions.text import decode_utf8
from any2caption.conditions.types import Camera, Part
from any2caption.errors import InputError

ROTATION_TOLERANCE = 0.02
"""How far a matrix may be from orthonormal (largest |singular value − 1|) and still be repaired."""

COLUMNS = (
    *("time", "fx", "fy", "cx", "cy", "k1", "k2"),
    *("r11", "r12", "r13", "t1", "r21", "r22", "r23", "t2", "r31", "r32", "r33", "t3"),
)
FORMAT = "RealEstate10K text"
_ACCEPTED = f"accepted: {FORMAT} (a header line, then lines of {len(COLUMNS)} numbers)"
_MAX_FOCAL = 50.0
_MAX_CENTRE = 3.0
_MAX_TRANSLATION = 1e9
_BY_COLUMNS = {2: "2-D points", 4: "text of 4×4 matrices", 8: "TUM text", 12: "KITTI text"}
Floats = NDArray[np.float64]


def parse_camera(parts: Sequence[Part], _: Options, limits: Limits) -> Parsed:
    """Parse one RealEstate10K text file to a path relative to its first pose.

    Raises:
        InputError: another format (named), a wrong count of columns, NaN, a matrix that is no
            rotation; names the file, the line and the field.
    """
    (part,) = parts
    notes = Notes()
    name = sniff(part.data)
    if name not in ("text", "an empty file") and not _header_only_odd(part, name):
        raise _other_format(part, _json_name(part) if name == "JSON" else name)
    lines, rows = _read_rows(part, limits, notes)
    intrinsics = _intrinsics(part, lines, rows)
    matrices = rows[:, 7:].reshape(-1, 3, 4)
    rotations = _rotations(part, lines, matrices[:, :, :3], notes)
    w2c = relative_to_first(rotations, matrices[:, :, 3])
    return notes.parsed(Camera(intrinsics, w2c), FORMAT)


def _header_only_odd(part: Part, name: str) -> bool:
    """Whether only line 1, a free dummy, made the content look like JSON."""
    lines = part.data.split(b"\n", 2)
    return name == "JSON" and len(lines) > 1 and len(lines[1].split()) == len(COLUMNS)


def relative_to_first(rotations: Floats, translations: Floats) -> Floats:
    """Make world-to-camera poses (T×3×3, T×3) relative to pose 0: T×3×4, starting at identity."""
    relative = rotations @ rotations[0].T
    moved = translations - relative @ translations[0]
    w2c = np.concatenate([relative, moved[:, :, None]], axis=2)
    w2c[0] = np.eye(3, 4)
    return w2c


def _other_format(part: Part, name: str) -> InputError:
    return InputError(
        f"{name} is not an accepted camera format; {_ACCEPTED}", file=part.name, field="format"
    )


def _json_name(part: Part) -> str:
    """Name the JSON camera format, for the message only."""
    try:
        value = json.loads(part.data)
    except (ValueError, RecursionError):
        return "JSON"
    if isinstance(value, list) and value and isinstance(value[0], list):
        return "MotionCtrl JSON (a list of 12-number rows)"
    keys = list(value) if isinstance(value, dict) else []
    if "frames" in keys:
        return "NeRF-style transforms JSON"
    if "parameters" in keys:
        return "Open3D camera trajectory JSON"
    return "ReCamMaster JSON" if any(key.startswith("frame") for key in keys) else "JSON"


def _read_rows(part: Part, limits: Limits, notes: Notes) -> tuple[list[int], Floats]:
    """Numbers of all pose lines (N×19) with their 1-based line numbers."""
    text = decode_utf8(part)
    if not text.strip():
        raise InputError("the file is empty", file=part.name, field="poses")
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    if len(lines[0].split()) == len(COLUMNS):
        notes.warn("line 1 looks like a pose, but is the header line of this format: not read")
    numbers: list[int] = []
    rows: list[list[float]] = []
    for number, line in enumerate(lines[1:], start=2):
        cells = line.split()
        if not cells:
            continue
        if limits.frames and len(rows) >= limits.frames:
            raise InputError(
                f"more than {limits.frames:,} poses",
                file=part.name,
                record=f"line {number}",
                field="poses",
            )
        if len(cells) != len(COLUMNS):
            raise _wrong_columns(part, lines, number, cells)
        rows.append([_number(part, number, *pair) for pair in zip(COLUMNS, cells, strict=True)])
        numbers.append(number)
    if not rows:
        raise _no_pose(part, lines)
    table = np.array(rows, dtype=np.float64)
    if np.any(table[:, 5:7] != 0):
        notes.warn("columns 6 and 7 (distortion) are not zero; they are not used")
    return numbers, table


def _other_text(lines: Sequence[str]) -> str | None:
    """Name another text format by the count of numbers in its lines."""
    filled = [line for line in lines if line.strip() and not line.lstrip().startswith("#")]
    counts = [len(line.replace(",", " ").split()) for line in filled]
    if counts[:5] == [3, 4, 4, 4, 4]:
        return "Open3D trajectory log"
    if len(filled) == 3 and not any(cell.isalpha() for line in filled for cell in line):  # noqa: PLR2004
        return "phi-theta-radius text"
    return _BY_COLUMNS.get(counts[0]) if len(set(counts)) == 1 else None


def _wrong_columns(part: Part, lines: Sequence[str], number: int, cells: list[str]) -> InputError:
    known = _other_text(lines) or ("prose" if _wordy(cells) else None)
    if known and not any(len(line.split()) == len(COLUMNS) for line in lines):
        return _other_format(part, known)
    return InputError(
        f"{len(cells)} columns instead of {len(COLUMNS)}; {_ACCEPTED}",
        file=part.name,
        record=f"line {number}",
        field="columns",
    )


def _wordy(cells: list[str]) -> bool:
    """Whether most cells are words, so that a count of columns would be a useless message."""
    words = sum(cell[0].isalpha() and cell.lower() not in ("nan", "inf") for cell in cells)
    return words > len(cells) / 2


def _no_pose(part: Part, lines: Sequence[str]) -> InputError:
    filled = [line for line in lines if line.strip()]
    hint = " (line 1 is the header and is not read)" if filled else ""
    return InputError(f"no pose line{hint}; {_ACCEPTED}", file=part.name, field="poses")


def _number(part: Part, line: int, field: str, cell: str) -> float:
    try:
        value = float(cell) if "_" not in cell else math.nan
    except ValueError as error:
        shown = cell[:20]
        raise InputError(
            f"{shown!r} is not a number", file=part.name, record=f"line {line}", field=field
        ) from error
    if not math.isfinite(value):
        raise InputError(
            f"{cell[:20]!r} is not a finite number",
            file=part.name,
            record=f"line {line}",
            field=field,
        )
    if field[0] == "t" and field != "time" and abs(value) > _MAX_TRANSLATION:
        raise InputError(
            f"{value:g} is out of range", file=part.name, record=f"line {line}", field=field
        )
    return value


def _intrinsics(part: Part, lines: Sequence[int], rows: Floats) -> Floats:
    """Columns fx fy cx cy, checked to be fractions of the picture."""
    for line, row in zip(lines, rows, strict=True):
        for field, value in zip(COLUMNS[1:5], row[1:5], strict=True):
            focal = field.startswith("f")
            fits = 0 < value <= _MAX_FOCAL if focal else -_MAX_CENTRE <= value <= _MAX_CENTRE
            if not fits:
                raise InputError(
                    f"{value:g} is no fraction of the picture's width or height (pixels?)",
                    file=part.name,
                    record=f"line {line}",
                    field=field,
                )
    return rows[:, 1:5].copy()


def _rotations(part: Part, lines: Sequence[int], matrices: Floats, notes: Notes) -> Floats:
    """Nearest rotations of nearly orthonormal matrices; all proper or all improper."""
    rotations = np.empty_like(matrices)
    for index, (line, matrix) in enumerate(zip(lines, matrices, strict=True)):
        left, stretch, right = np.linalg.svd(np.clip(matrix, -1e6, 1e6))
        off = float(np.abs(stretch - 1).max())
        if off > ROTATION_TOLERANCE:
            raise InputError(
                f"not a rotation: stretches by {stretch[np.argmax(np.abs(stretch - 1))]:.3g} "
                f"(at most {ROTATION_TOLERANCE:g} away from 1 is repaired)",
                file=part.name,
                record=f"line {line}",
                field="r11…r33",
            )
        if off > 1e-4:  # noqa: PLR2004 - printed digits explain less
            notes.warn("rotations slightly off were replaced by the nearest rotation")
        rotations[index] = left @ right
    improper = np.linalg.det(rotations) < 0
    if improper.all():
        notes.assume(
            "all rotations are mirrored (determinant −1); the path relative to the first pose is "
            "proper and is used"
        )
    elif improper.any():
        odd = int(np.argmax(improper != improper[0]))
        raise InputError(
            "not a rotation: mirrored (determinant changes its sign between poses)",
            file=part.name,
            record=f"line {lines[odd]}",
            field="r11…r33",
        )
    return rotations
