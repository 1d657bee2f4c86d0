"""What every camera reader hands over: the poses as a file states them, not yet canonical.

Also the small checks all readers share: finite numbers, counts, JSON without doubt.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from any2caption.conditions.io.untrusted_json import plain_numbers
from any2caption.conditions.kind import Limits, Notes, Options
from any2caption.conditions.types import Part
from any2caption.errors import InputError

Floats = NDArray[np.float64]
Direction = Literal["camera_to_world", "world_to_camera"]
DIRECTIONS: tuple[Direction, ...] = ("camera_to_world", "world_to_camera")

MAX_TRANSLATION = 1e9
_MIN_FOCAL, _MAX_FOCAL = 0.01, 50.0
"""As fractions of the width: 178 degrees to half a degree across."""
_MAX_CENTRE = 3.0
_AFFINE_TOLERANCE = 1e-6


@dataclass(frozen=True, slots=True, kw_only=True)
class RawPath:
    """Poses as written: N rotations 3×3 and translations in the source's own axes and direction.

    `records` names each pose in messages ("line 7"). `intrinsics` N×4 are fractions of width and
    height (NaN = unknown). `unit` is how many file units make one canonical unit. `chained`:
    each pose leads from one frame to the next. `scene_distance` is how far away the scene is, in
    file units, where the format says so. `metric`: the canonical unit is the metre, by the format's
    definition. `leaves_open` lists the options (axes, direction,
    …) whose value the content cannot tell.
    """

    format: str
    rotations: Floats
    translations: Floats
    records: tuple[str, ...]
    direction: Direction
    axes: str = "opencv"
    rotation_field: str = "r11…r33"
    intrinsics: Floats | None = None
    times: Floats | None = None
    unit: float = 1.0
    unit_name: str = ""
    chained: bool = False
    scene_distance: float | None = None
    metric: bool = False
    leaves_open: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Source:
    """One camera file with what its reader needs: options, limits, and where to note things."""

    part: Part
    options: Options
    limits: Limits
    notes: Notes

    def at(self, record: str | None = None) -> "Place":
        """Return a place inside this file."""
        return Place(self.part.name, record)

    def check_count(self, count: int, record: str | None = None) -> None:
        """Refuse no pose at all and more poses than the kind takes."""
        if not count:
            raise self.at().error("no pose", "poses")
        if self.limits.frames and count > self.limits.frames:
            raise self.at(record).error(f"more than {self.limits.frames:,} poses", "poses")

    def size(self) -> tuple[float, float] | None:
        """The picture's width and height in pixels, where both options are given."""
        if "width" not in self.options or "height" not in self.options:
            return None
        return float(self.options["width"]), float(self.options["height"])


@dataclass(frozen=True, slots=True)
class Place:
    """Where in a file we are, for messages."""

    file: str
    record: str | None = None

    def error(self, message: str, field: str) -> InputError:
        """Build the error for this place."""
        return InputError(message, file=self.file, record=self.record, field=field)


def read_cell(cell: str, place: Place, field: str) -> float:
    """Read a number of a text file; refused when it is none or not finite."""
    try:
        value = float(cell) if "_" not in cell else math.nan
    except ValueError as error:
        raise place.error(f"{cell[:20]!r} is not a number", field) from error
    if not math.isfinite(value):
        raise place.error(f"{cell[:20]!r} is not a finite number", field)
    return value


def read_value(value: Any, place: Place, field: str) -> float:
    """Read a number of a JSON file; text, booleans and numbers out of range are refused."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        shown = str(value)[:20]
        raise place.error(f"{type(value).__name__} {shown!r} is not a number", field)
    try:
        number = float(value)
    except OverflowError:
        number = math.inf
    if not math.isfinite(number):
        raise place.error("not a finite number", field)
    return number


def read_values(values: Any, count: int, place: Place, field: str) -> Floats:
    """Read a flat or nested JSON list of exactly `count` numbers, row by row."""
    flat: list[Any] = []
    for row in values if isinstance(values, list) else [values]:
        flat.extend(row if isinstance(row, list) else [row])
    if not isinstance(values, list) or len(flat) != count:
        found = f"{len(flat)} numbers" if isinstance(values, list) else type(values).__name__
        raise place.error(f"{found} instead of {count}", field)
    plain = plain_numbers(flat)
    if plain is not None:
        return plain
    return np.array([read_value(value, place, field) for value in flat], dtype=np.float64)


def read_matrix(values: Any, place: Place, field: str) -> Floats:
    """Read a 3×4 or 4×4 matrix, flat or nested: 3×4. A 4×4 must end in the row 0 0 0 1."""
    rows = values if isinstance(values, list) else []
    nested = bool(rows) and all(isinstance(row, list) for row in rows)
    if nested and any(len(row) != 4 for row in rows):  # noqa: PLR2004
        raise place.error("not 3 or 4 rows of 4 numbers", field)
    length = 4 * len(rows) if nested else len(rows)
    if length not in (12, 16):
        found = f"{length} numbers" if isinstance(values, list) else type(values).__name__
        raise place.error(f"{found} instead of 12 (3×4) or 16 (4×4)", field)
    matrix = read_values(values, length, place, field).reshape(-1, 4)
    check_affine(matrix, place, field)
    return matrix[:3]


def check_affine(matrix: Floats, place: Place, field: str) -> None:
    """Refuse a 4×4 whose last row is not 0 0 0 1: it is transposed, or no pose."""
    if len(matrix) == 4 and np.abs(matrix[3] - (0, 0, 0, 1)).max() > _AFFINE_TOLERANCE:  # noqa: PLR2004
        transposed = np.abs(matrix[:, 3] - (0, 0, 0, 1)).max() <= _AFFINE_TOLERANCE
        hint = "; it looks transposed" if transposed else ""
        raise place.error(f"the matrix does not end in the row 0 0 0 1{hint}", field)


def check_intrinsics(row: Sequence[float], place: Place, fields: Sequence[str]) -> None:
    """Refuse fx fy cx cy that cannot be fractions of width and height; NaN is unknown."""
    ranges = (*([(_MIN_FOCAL, _MAX_FOCAL)] * 2), *([(-_MAX_CENTRE, _MAX_CENTRE)] * 2))
    for field, value, (low, high) in zip(fields, row, ranges, strict=True):
        fits = low <= value <= high
        if not fits and not math.isnan(value):
            raise place.error(
                f"{value:g} is not a fraction of the picture's width or height (pixels?)", field
            )
