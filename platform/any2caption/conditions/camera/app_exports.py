"""Camera paths that apps export as JSON: nerfstudio's render path and Record3D; others by name.

nerfstudio's `camera_path` holds `camera_to_world` (16 numbers, row by row) and `fov` (degrees,
vertical); Record3D's metadata hold `poses` (qx qy qz qw x y z) and `K` (column by column). Both are
camera to world with OpenGL axes. Apps that write a file a picture (Polycam, ARKit loggers) are
refused with the way to convert them.
"""

import math
from typing import Any

import numpy as np

from any2caption.conditions.camera.raw_path import (
    Place,
    RawPath,
    Source,
    check_affine,
    check_intrinsics,
    read_value,
    read_values,
)
from any2caption.conditions.camera.text_formats import quaternion_matrices

NERFSTUDIO, RECORD3D = "nerfstudio camera path", "Record3D metadata"
_LENS = ("fx", "fy", "cx", "cy")
_MOST_FPS = 1000
_A_FILE_A_PICTURE = (
    ({"t_00", "t_13"}, "a Polycam camera, one file a picture"),
    ({"cameraPoseARFrame"}, "an ARKit frame, one file a picture"),
    ({"transform", "intrinsics", "trackingState"}, "an ARKit frame, one file a picture"),
)


def looks_like(value: Any) -> str | None:
    """Name the format of a JSON value, or None."""
    if not isinstance(value, dict):
        return None
    if isinstance(value.get("camera_path"), list):
        return NERFSTUDIO
    return RECORD3D if isinstance(value.get("poses"), list) and "K" in value else None


def refuse_single(value: Any, place: Place) -> None:
    """Refuse by name the frames of apps that write a file a picture."""
    keys = set(value) if isinstance(value, dict) else set()
    for wanted, what in _A_FILE_A_PICTURE:
        if wanted <= keys:
            raise place.error(
                f"{what}: convert the folder to transforms.json (nerfstudio's ns-process-data), "
                "or write the matrices one under the other as KITTI text",
                "format",
            )


def read(source: Source, value: dict[str, Any], format_: str) -> RawPath:
    """Read a JSON value as the named format."""
    return _nerfstudio(source, value) if format_ == NERFSTUDIO else _record3d(source, value)


def _nerfstudio(source: Source, value: dict[str, Any]) -> RawPath:
    items = value["camera_path"]
    source.check_count(len(items))
    matrices, lenses, records = [], [], []
    size = _size(value.get("render_width"), value.get("render_height"))
    for number, item in enumerate(items, start=1):
        place = source.at(f"pose {number}")
        if not isinstance(item, dict):
            raise place.error("an object is wanted", "camera_path")
        matrix = read_values(item.get("camera_to_world"), 16, place, "camera_to_world")
        check_affine(matrix.reshape(4, 4), place, "camera_to_world")
        matrices.append(matrix.reshape(4, 4)[:3])
        aspect = item.get("aspect") or (size[0] / size[1] if size else None)
        lenses.append(_from_view(item.get("fov"), aspect, place))
        records.append(place.record or "")
    stack = np.stack(matrices)
    return RawPath(
        format=NERFSTUDIO,
        rotations=stack[:, :, :3],
        translations=stack[:, :, 3],
        records=tuple(records),
        direction="camera_to_world",
        axes="opengl",
        rotation_field="camera_to_world",
        intrinsics=np.array(lenses),
        times=_even_times(value, len(items)),
        metric=True,  # ARKit's unit
    )


def _size(width: Any, height: Any) -> tuple[float, float] | None:
    """Width and height in pixels, where both are stated and above 0."""
    sides = [float(side) for side in (width, height) if isinstance(side, int | float)]
    return (sides[0], sides[1]) if len(sides) == 2 and min(sides) > 0 else None  # noqa: PLR2004


def _from_view(fov: Any, aspect: Any, place: Place) -> list[float]:
    """Fractions fx fy cx cy of a vertical angle of view in degrees; NaN where none is given."""
    if fov is None or aspect is None:
        return [math.nan] * 4
    angle = read_value(fov, place, "fov")
    if not 0 < angle < 180:  # noqa: PLR2004
        raise place.error(f"{angle:g} is not an angle of view in degrees", "fov")
    down = 0.5 / math.tan(math.radians(angle) / 2)
    ratio = read_value(aspect, place, "aspect")
    if ratio <= 0:
        raise place.error(f"{ratio:g} is not above 0", "aspect")
    lens = [down / ratio, down, 0.5, 0.5]
    check_intrinsics(lens, place, _LENS)
    return lens


def _even_times(value: dict[str, Any], count: int) -> Any:
    fps = value.get("fps")
    if isinstance(fps, int | float) and 0 < fps <= _MOST_FPS:
        return np.arange(count) / float(fps)
    return None


def _record3d(source: Source, value: dict[str, Any]) -> RawPath:
    items = value["poses"]
    source.check_count(len(items))
    records = tuple(f"pose {number}" for number in range(1, len(items) + 1))
    rows = np.array(
        [
            read_values(item, 7, source.at(record), "poses")
            for item, record in zip(items, records, strict=True)
        ]
    )
    lens = _matrix_lens(value, source.at())
    return RawPath(
        format=RECORD3D,
        rotations=quaternion_matrices(source, rows[:, :4], records),
        translations=rows[:, 4:],
        records=records,
        direction="camera_to_world",
        axes="opengl",
        rotation_field="qx…qw",
        intrinsics=np.tile(lens, (len(items), 1)),
        times=_even_times(value, len(items)),
        metric=True,  # ARKit's unit
    )


def _matrix_lens(value: dict[str, Any], place: Place) -> list[float]:
    size = _size(value.get("w"), value.get("h"))
    if size is None:
        return [math.nan] * 4
    across, down = size
    k = read_values(value["K"], 9, place, "K")
    lens = [k[0] / across, k[4] / down, k[6] / across, k[7] / down]
    check_intrinsics(lens, place, _LENS)
    return [float(number) for number in lens]
