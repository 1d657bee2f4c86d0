"""Camera paths as plain matrices: KITTI text, lines of 4×4, and NumPy stacks (npy, npz).

KITTI's poses are camera to world with OpenCV axes, the upper 3×4 row by row (12 numbers a line).
Lines of 16 numbers are whole 4×4 matrices, row by row. A stack is T×3×4 or T×4×4 (or T×12, T×16);
its names (`c2w`, `w2c`) or else an assumption say what it maps.
"""

import io
import zipfile
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from any2caption.conditions.camera.raw_path import (
    Direction,
    Floats,
    RawPath,
    Source,
    check_affine,
    read_cell,
)
from any2caption.conditions.camera.text_formats import Line
from any2caption.conditions.io.npy import open_npy
from any2caption.conditions.types import Part
from any2caption.errors import InputError

KITTI, MATRICES, STACK = "KITTI text", "matrix text", "NumPy stack"
_WIDTHS = {12: KITTI, 16: MATRICES}
_CHECKED = 50
_ORTHONORMAL = 0.05
_MOST_BYTES = 64_000_000
_WORLD_TO_CAMERA = ("w2c", "world_to_camera", "world2cam", "extrinsic", "extrinsics")
_CAMERA_TO_WORLD = (
    "c2w",
    "camera_to_world",
    "cam2world",
    "cam_c2w",
    "poses",
    "pose",
    "camera_poses",
)


def looks_like(filled: Sequence[Line]) -> str | None:
    """Name the text format whose every line is a matrix with orthonormal rows, or None."""
    widths = {len(line.cells) for line in filled[:_CHECKED]}
    if len(widths) != 1 or not widths <= set(_WIDTHS):
        return None
    try:
        rows = np.array([[float(cell) for cell in line.cells] for line in filled[:_CHECKED]])
    except ValueError:
        return None
    return _WIDTHS[widths.pop()] if _rigid(rows.reshape(len(rows), -1, 4)) else None


def _rigid(stack: NDArray[Any]) -> bool:
    """Whether T×(3 or 4)×4 matrices begin with rotations (mirrored ones too)."""
    rotations = np.asarray(stack[:, :3, :3], np.float64)
    if not np.isfinite(rotations).all() or np.abs(rotations).max(initial=0) > 2:  # noqa: PLR2004
        return False
    gram = rotations @ rotations.transpose(0, 2, 1)
    return bool(np.abs(gram - np.eye(3)).max(initial=0) <= _ORTHONORMAL)


def read_lines(source: Source, filled: Sequence[Line], format_: str) -> RawPath:
    """Read KITTI text or lines of 4×4 matrices."""
    width = next(count for count, name in _WIDTHS.items() if name == format_)
    source.check_count(len(filled))
    rows = []
    for line in filled:
        place = source.at(f"line {line.number}")
        if len(line.cells) != width:
            raise place.error(f"{len(line.cells)} columns instead of {width}", "columns")
        rows.append([read_cell(cell, place, "matrix") for cell in line.cells])
    stack = np.array(rows).reshape(len(rows), -1, 4)
    for line, matrix in zip(filled, stack, strict=True):
        check_affine(matrix, source.at(f"line {line.number}"), "matrix")
    records = tuple(f"line {line.number}" for line in filled)
    known = format_ == KITTI
    return _path(format_, stack, records, None, () if known else ("axes", "direction"))


def is_stack(part: Part) -> bool:
    """Whether an npy or npz file holds one stack of camera matrices."""
    try:
        if not part.data.startswith(b"PK") and not _may_be(open_npy(part).shape):
            return False
        found = _arrays(part)
    except (InputError, ValueError, OSError, zipfile.BadZipFile):
        return False
    return any(_shaped(array) is not None for array in found.values())


def read_stack(source: Source) -> RawPath:
    """Read a stack from an npy file, or the one stack of matrices in an npz file.

    Raises:
        InputError: no stack of this shape, or several in one file that `select` does not tell.
    """
    part, place = source.part, source.at()
    try:
        arrays = _arrays(part)
    except (ValueError, OSError, zipfile.BadZipFile) as error:
        raise place.error("damaged, or not an array of plain numbers", "data") from error
    stacks = {
        name: found for name, array in arrays.items() if (found := _shaped(array)) is not None
    }
    if not stacks:
        listed = ", ".join(f"{name or 'the array'} {array.shape}" for name, array in arrays.items())
        raise place.error(f"T×4×4 or T×3×4 is wanted; there is: {listed[:200]}", "shape")
    name = str(source.options.get("select", next(iter(stacks))))
    if name not in stacks or (len(stacks) > 1 and "select" not in source.options):
        raise place.error(
            f"several stacks: {', '.join(stacks)[:200]}; select=… takes one", "select"
        )
    stack = stacks[name]
    source.check_count(len(stack))
    records = tuple(f"pose {number}" for number in range(1, len(stack) + 1))
    for record, matrix in zip(records, stack, strict=True):
        if not np.isfinite(matrix).all():
            raise source.at(record).error("not a finite number", "matrix")
        check_affine(matrix, source.at(record), "matrix")
    direction = _direction(name)
    left = ("axes", "direction") if direction is None else ("axes",)
    return _path(STACK, stack, records, direction, left)


def _direction(name: str) -> Direction | None:
    plain = name.casefold()
    if any(word in plain for word in _WORLD_TO_CAMERA):
        return "world_to_camera"
    return "camera_to_world" if any(word in plain for word in _CAMERA_TO_WORLD) else None


def _arrays(part: Part) -> dict[str, NDArray[Any]]:
    """The arrays of a file by name ("" for a bare npy). ValueError where one holds objects."""
    if not part.data.startswith(b"PK"):
        return {"": open_npy(part).array()}
    with zipfile.ZipFile(io.BytesIO(part.data)) as archive:
        if sum(entry.file_size for entry in archive.infolist()) > _MOST_BYTES:
            raise ValueError("more than 64 MB of arrays")
    with np.load(io.BytesIO(part.data), allow_pickle=False) as archive:
        return {name: archive[name] for name in archive.files}


def _shaped(array: NDArray[Any]) -> Floats | None:
    """T×3×4 or T×4×4 of an array of that many numbers whose rows are rotations, else None."""
    if array.dtype.kind not in "fiu" or not _may_be(array.shape):
        return None
    stack = array.reshape(len(array), -1, 4)
    return np.asarray(stack, np.float64) if _rigid(stack[:_CHECKED]) else None


def _may_be(shape: tuple[int, ...]) -> bool:
    """Whether an array of this shape can be a stack: T×12, T×16, T×3×4 or T×4×4."""
    return shape[:1] > (0,) and shape[1:] in ((12,), (16,), (3, 4), (4, 4))


def _path(
    format_: str,
    stack: Floats,
    records: tuple[str, ...],
    direction: Direction | None,
    leaves_open: tuple[str, ...],
) -> RawPath:
    return RawPath(
        format=format_,
        rotations=stack[:, :3, :3],
        translations=stack[:, :3, 3],
        records=records,
        direction=direction or "camera_to_world",
        rotation_field="matrix",
        leaves_open=leaves_open,
    )
