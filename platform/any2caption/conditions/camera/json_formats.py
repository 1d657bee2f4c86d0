"""Camera paths in JSON: MotionCtrl, ReCamMaster, GenDoP and NeRF transforms, Open3D trajectory.

What the formats mean (their own tools, and the real files' labels, agree): MotionCtrl is a list of
3×4 world-to-camera rows with OpenCV axes. ReCamMaster is `frameN → camNN →` a 4×4 for ROW vectors,
camera to world, in Unreal's left-handed axes and centimetres. Transforms are camera to world with
OpenGL axes, lens in pixels or as `camera_angle_x`. Open3D's trajectory is world to camera, both its
matrices column by column, OpenCV axes.
"""

import math
import re
from collections import ChainMap
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from any2caption.conditions.camera.raw_path import (
    Floats,
    Place,
    RawPath,
    Source,
    check_affine,
    check_intrinsics,
    read_matrix,
    read_value,
    read_values,
)
from any2caption.conditions.io.files import natural_key

MOTIONCTRL, RECAMMASTER = "MotionCtrl JSON", "ReCamMaster JSON"
GENDOP, NERF = "GenDoP transforms JSON", "NeRF transforms JSON"
OPEN3D = "Open3D trajectory JSON"
_UE_CENTIMETRES = 100.0
_ROW = re.compile(r"\[([^\[\]]*)\]")
_FRAME = re.compile(r"frame_?(\d{1,9})")
_POSES = re.compile(rb'"(transform_matrix|extrinsic)"\s*:|"frame_?\d+"\s*:\s*\{\s*"cam\d+"\s*:')
_NUMBER, _OPEN = rb"\s*-?\d[\d.eE+-]*\s*", rb"(?:\xef\xbb\xbf)?\s*\[\s*\["
_ROW_OF_4 = rb"\s*\[" + _NUMBER + rb"(?:," + _NUMBER + rb"){3}\]\s*"
_FIRST_POSE = re.compile(
    _OPEN + rb"(?:(?:" + _NUMBER + rb",){11}(?:(?:" + _NUMBER + rb",){4})?" + _NUMBER + rb"\]"
    rb"|" + _ROW_OF_4 + rb"(?:," + _ROW_OF_4 + rb"){2,3}\])"
)
"""A list whose first item has 12 (or 16) numbers, or three (or four) rows of four."""
_LENS = ("fl_x", "fl_y", "cx", "cy")
_NUMBERED = re.compile(r"\d").search


def looks_like(value: Any) -> str | None:
    """Name the format of a JSON value by its outermost keys, or None."""
    if isinstance(value, list):
        return MOTIONCTRL if not value or isinstance(value[0], list) else None
    if not isinstance(value, dict):
        return None
    if isinstance(value.get("frames"), list):
        frames = [frame for frame in value["frames"] if isinstance(frame, dict)]
        return GENDOP if any("monst3r_im_id" in frame for frame in frames) else NERF
    if "parameters" in value or ("extrinsic" in value and "intrinsic" in value):
        return OPEN3D
    return RECAMMASTER if any(_FRAME.fullmatch(key) for key in value) else None


def opens_like(head: bytes) -> bool:
    """Whether a file that begins so is one of these formats, among documents of any kind.

    Stricter than `looks_like`, and without the whole document: it must show a pose.
    """
    return bool(_POSES.search(head) or _FIRST_POSE.match(head))


def read(source: Source, value: Any, format_: str) -> RawPath:
    """Read a JSON value as the named format."""
    if format_ == MOTIONCTRL:
        return _motionctrl(source, value)
    if not isinstance(value, dict):
        raise source.at().error(f"{format_} is an object, not a {type(value).__name__}", "JSON")
    if format_ == RECAMMASTER:
        return _recammaster(source, value)
    if format_ == OPEN3D:
        return _open3d(source, value)
    return _transforms(source, value, format_)


def _motionctrl(source: Source, value: Any) -> RawPath:
    if not isinstance(value, list):
        raise source.at().error("a list of poses is wanted", "poses")
    source.check_count(len(value))
    records = tuple(f"pose {number}" for number in range(1, len(value) + 1))
    stack = np.stack(
        [
            read_matrix(row, source.at(record), "matrix")
            for row, record in zip(value, records, strict=True)
        ]
    )
    return RawPath(
        format=MOTIONCTRL,
        rotations=stack[:, :, :3],
        translations=stack[:, :, 3],
        records=records,
        direction="world_to_camera",
        rotation_field="matrix",
        leaves_open=("axes", "direction"),
    )


def _recammaster(source: Source, value: dict[str, Any]) -> RawPath:
    frames = _numbered_frames(source, value)
    source.check_count(len(frames))
    camera = _chosen(source, value[frames[0]])
    matrices = []
    for frame in frames:
        cameras = value[frame]
        place = source.at(frame)
        if not isinstance(cameras, dict) or camera not in cameras:
            raise place.error("this camera is missing here", camera)
        matrices.append(_rows_matrix(cameras[camera], place, camera))
    stack = np.stack(matrices)
    return RawPath(
        format=RECAMMASTER,
        rotations=stack[:, :, :3],
        translations=stack[:, :, 3],
        records=tuple(f"{frame}: {camera}" for frame in frames),
        direction="camera_to_world",
        axes="unreal",
        rotation_field="matrix",
        unit=_UE_CENTIMETRES,
        unit_name="centimetres in the file and metres here",
        metric=True,
        leaves_open=("axes", "direction"),
    )


def _numbered_frames(source: Source, value: dict[str, Any]) -> list[str]:
    """Keys `frameN` in the order of N; other keys, doubles and gaps are refused."""
    numbered: dict[int, str] = {}
    for key in value:
        shown = "".join(char for char in key if char.isprintable())[:40]
        match = _FRAME.fullmatch(key)
        if match is None:
            raise source.at().error(f"the key {shown!r} is not a frame", "frames")
        if int(match[1]) in numbered:
            raise source.at(key).error("this frame comes twice", "frames")
        numbered[int(match[1])] = key
    numbers = sorted(numbered)
    for before, after in pairwise(numbers):
        if after != before + 1:
            raise source.at(f"frame{before + 1}").error("this frame is missing", "frames")
    return [numbered[number] for number in numbers]


def _chosen(source: Source, cameras: Any) -> str:
    names = sorted(cameras, key=natural_key) if isinstance(cameras, dict) else []
    if not names:
        raise source.at("first frame").error("no camera", "cameras")
    listed = ", ".join("".join(c for c in name if c.isprintable())[:40] for name in names[:20])
    select = str(source.options.get("select", names[0]))
    if select not in names:
        raise source.at().error(f"no camera {select!r}; there are: {listed}", "select")
    if len(names) > 1 and "select" not in source.options:
        source.notes.assume(
            f"{len(names)} cameras ({listed}): {select} is taken; select=… overrides"
        )
    return str(select)


def _rows_matrix(value: Any, place: Place, camera: str) -> Floats:
    """3×4 for column vectors from a 4×4 for row vectors, as text `[…] […] […] […]` or lists."""
    rows: Any = value
    if isinstance(value, str):
        if _ROW.sub("", value).strip():
            raise place.error("not four rows of numbers in brackets", camera)
        cells = [row.replace(",", " ").split() for row in _ROW.findall(value)]
        try:
            rows = [[float(cell) for cell in row if "_" not in cell] for row in cells]
        except ValueError as error:
            raise place.error("not four rows of numbers in brackets", camera) from error
    if not isinstance(rows, list) or len(rows) != 4:  # noqa: PLR2004
        raise place.error("not four rows of four numbers", camera)
    for row in rows:
        if not isinstance(row, list) or len(row) != 4:  # noqa: PLR2004
            raise place.error("not four rows of four numbers", camera)
    matrix = read_values(rows, 16, place, camera).reshape(4, 4).T
    check_affine(matrix, place, camera)
    return matrix[:3]


def _open3d(source: Source, value: dict[str, Any]) -> RawPath:
    items = value.get("parameters", [value])
    if not isinstance(items, list):
        raise source.at().error("a list is wanted", "parameters")
    source.check_count(len(items))
    matrices, lenses, records = [], [], []
    for number, item in enumerate(items, start=1):
        place = source.at(f"pose {number}")
        if not isinstance(item, dict):
            raise place.error("an object is wanted", "parameters")
        matrix = read_values(item.get("extrinsic"), 16, place, "extrinsic").reshape(4, 4).T
        check_affine(matrix, place, "extrinsic")
        matrices.append(matrix[:3])
        lenses.append(_open3d_lens(item.get("intrinsic"), place))
        records.append(place.record or "")
    stack = np.stack(matrices)
    return RawPath(
        format=OPEN3D,
        rotations=stack[:, :, :3],
        translations=stack[:, :, 3],
        records=tuple(records),
        direction="world_to_camera",
        rotation_field="extrinsic",
        intrinsics=np.array(lenses),
    )


def _open3d_lens(value: Any, place: Place) -> list[float]:
    if value is None:
        return [math.nan] * 4
    if not isinstance(value, dict):
        raise place.error("an object is wanted", "intrinsic")
    matrix = read_values(value.get("intrinsic_matrix"), 9, place, "intrinsic_matrix")
    matrix = matrix.reshape(3, 3).T
    if np.abs(matrix[2] - (0, 0, 1)).max() > 1e-9:  # noqa: PLR2004
        raise place.error("does not end in 0 0 1, column by column", "intrinsic_matrix")
    size = [_size(value.get(name), place, name) for name in ("width", "height")]
    lens = [
        *(matrix[0, 0] / size[0], matrix[1, 1] / size[1]),
        *(matrix[0, 2] / size[0], matrix[1, 2] / size[1]),
    ]
    check_intrinsics(lens, place, ("fx", "fy", "cx", "cy"))
    return lens


def _size(value: Any, place: Place, field: str) -> float:
    size = read_value(value, place, field)
    if size <= 0:
        raise place.error(f"{size:g} is not above 0", field)
    return size


def _transforms(source: Source, value: dict[str, Any], format_: str) -> RawPath:
    items = value.get("frames")
    if not isinstance(items, list):
        raise source.at().error("a list of frames is wanted", "frames")
    source.check_count(len(items))
    for number, item in enumerate(items, start=1):
        if not isinstance(item, dict) or "transform_matrix" not in item:
            raise source.at(f"frame {number}").error("is missing", "transform_matrix")
    order = _frame_order(source, items)
    records = tuple(f"frame {index + 1}" for index in order)
    places = [source.at(record) for record in records]
    frames = [items[index] for index in order]
    stack = np.stack(
        [
            read_matrix(frame["transform_matrix"], place, "transform_matrix")
            for frame, place in zip(frames, places, strict=True)
        ]
    )
    lens = [
        _lens(source, ChainMap(frame, value), place)
        for frame, place in zip(frames, places, strict=True)
    ]
    return RawPath(
        format=format_,
        rotations=stack[:, :, :3],
        translations=stack[:, :, 3],
        records=records,
        direction="camera_to_world",
        axes="opengl",
        rotation_field="transform_matrix",
        intrinsics=np.array(lens),
        leaves_open=("axes", "direction"),
    )


def _frame_order(source: Source, items: Sequence[dict[str, Any]]) -> list[int]:
    """Frames by `monst3r_im_id` where each has one, else by the numbers of their file names."""
    order = list(range(len(items)))
    if all("monst3r_im_id" in item for item in items):
        ids = [
            read_value(item["monst3r_im_id"], source.at(f"frame {at + 1}"), "monst3r_im_id")
            for at, item in enumerate(items)
        ]
        seen: set[float] = set()
        for at, one in enumerate(ids):
            if one in seen:
                raise source.at(f"frame {at + 1}").error(
                    f"the number {one:g} comes twice", "monst3r_im_id"
                )
            seen.add(one)
        if ids != sorted(ids):
            source.notes.warn("frames are not in the order of monst3r_im_id; sorted by it")
            order.sort(key=lambda at: ids[at])
        return order
    if source.options.get("order") == "listed":
        return order
    paths = [item.get("file_path") for item in items]
    names = [path for path in paths if isinstance(path, str)]
    by_name = sorted(order, key=lambda at: natural_key(str(paths[at])))
    if names == sorted(names, key=natural_key):
        return order
    if len(names) < len(items) or len(set(names)) < len(names) or not all(map(_NUMBERED, names)):
        source.notes.warn(
            "frames are not in the order of their file names; the listed order is kept"
        )
        return order
    source.notes.assume(
        "frames are listed out of order: the numbers of their file names give it; order=listed "
        "keeps the list's"
    )
    return by_name


def _lens(
    source: Source, value: Mapping[str, Any], place: Place
) -> tuple[float, float, float, float]:
    """Fractions fx fy cx cy from pixels (fl_x, w …) or from angles of view; NaN where unknown."""
    size = [
        _size(value[key], place, key) if key in value else float(source.options.get(name, math.nan))
        for key, name in (("w", "width"), ("h", "height"))
    ]
    if "fl_x" in value:
        fl_x = _size(value["fl_x"], place, "fl_x")
        fl_y = _size(value["fl_y"], place, "fl_y") if "fl_y" in value else fl_x
        centre = [
            read_value(value[key], place, key) if key in value else side / 2
            for key, side in zip(("cx", "cy"), size, strict=True)
        ]
        lens = (fl_x / size[0], fl_y / size[1], centre[0] / size[0], centre[1] / size[1])
        if any(math.isnan(number) for number in lens):
            source.notes.warn(
                "the lens is in pixels of a picture of unknown size; width=…, height=…"
            )
    elif "camera_angle_x" in value:
        lens = _angles(source, value, size, place)
    else:
        return (math.nan,) * 4
    check_intrinsics(lens, place, _LENS)
    return lens


def _angles(
    source: Source, value: Mapping[str, Any], size: Sequence[float], place: Place
) -> tuple[float, float, float, float]:
    def fraction(field: str) -> float:
        angle = read_value(value[field], place, field)
        if not 0 < angle < math.pi:
            raise place.error(f"{angle:g} is not an angle of view in radians", field)
        return 0.5 / math.tan(angle / 2)

    across = fraction("camera_angle_x")
    if "camera_angle_y" in value:
        return across, fraction("camera_angle_y"), 0.5, 0.5
    aspect = size[0] / size[1]
    if math.isnan(aspect):
        source.notes.assume("the picture is square; width=…, height=… override")
        aspect = 1.0
    return across, across * aspect, 0.5, 0.5
