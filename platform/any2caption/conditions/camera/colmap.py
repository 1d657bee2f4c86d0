"""COLMAP's images.txt and images.bin: world to camera, OpenCV axes, quaternion w first.

Two lines an image: the pose `ID QW QX QY QZ TX TY TZ CAMERA_ID NAME`, then its points (which may be
none). Images are listed in the order in which they were registered; here the numbers in their names
give the order. The binary form holds the same, little-endian.
Source: https://colmap.github.io/format.html
"""

import re
import struct
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from any2caption.conditions.camera.raw_path import RawPath, Source, read_cell
from any2caption.conditions.camera.text_formats import quaternion_matrices
from any2caption.conditions.io.files import natural_key

FORMAT = "COLMAP images"
_COLUMNS = ("IMAGE_ID", "QW", "QX", "QY", "QZ", "TX", "TY", "TZ", "CAMERA_ID", "NAME")
_POSE = re.compile(
    r"\s*\d+(?:\s+[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?){7}\s+\d+\s+(?=\S*[^\d\s.eE+-])\S.*"
)
_HEAD, _POINT = struct.Struct("<IdddddddI"), 24
_LONGEST_NAME = 1_000


@dataclass(frozen=True, slots=True)
class _Image:
    record: str
    name: str
    numbers: tuple[float, ...]  # qw qx qy qz tx ty tz


def looks_like(lines: Sequence[str]) -> bool:
    """Whether text is COLMAP's list of images: its own comment, or a pose line with a name."""
    head = [line for line in lines[:20] if line.strip()]
    if any("QW" in line and "CAMERA_ID" in line for line in head if line.lstrip().startswith("#")):
        return True
    plain = [line for line in head if not line.lstrip().startswith("#")]
    return bool(plain) and _POSE.fullmatch(plain[0]) is not None


def looks_binary(data: bytes) -> bool:
    """Whether bytes begin like images.bin: a count, then a pose whose quaternion has length 1."""
    if len(data) < 8 + _HEAD.size:
        return False
    (count,) = struct.unpack_from("<Q", data)
    quaternion = np.array(_HEAD.unpack_from(data, 8)[1:5])
    fits = 0 < count <= len(data) // _HEAD.size and np.isfinite(quaternion).all()
    return bool(fits and abs(np.linalg.norm(np.clip(quaternion, -2, 2)) - 1) < 1e-3)  # noqa: PLR2004


def read_text(source: Source, lines: Sequence[str]) -> RawPath:
    """Read images.txt."""
    images, awaits_points = [], False
    for number, line in enumerate(lines, start=1):
        if line.lstrip().startswith("#"):
            continue
        if awaits_points:  # an image without points has an empty line here, or none at all
            awaits_points = False
            if _POSE.fullmatch(line) is None:
                continue
        if not line.strip():
            continue
        cells = line.split(None, 9)
        place = source.at(f"line {number}")
        if len(cells) != len(_COLUMNS):
            raise place.error(
                f"{len(cells)} columns instead of 10 ({', '.join(_COLUMNS)})", "columns"
            )
        values = tuple(
            read_cell(cell, place, column)
            for cell, column in zip(cells[1:8], _COLUMNS[1:8], strict=True)
        )
        images.append(_Image(f"line {number}", cells[9], values))
        awaits_points = True
    return _path(source, images)


def read_binary(source: Source) -> RawPath:
    """Read images.bin."""
    data, images, at = source.part.data, [], 8
    (count,) = struct.unpack_from("<Q", data)
    source.check_count(count)
    for number in range(1, count + 1):
        record = f"image {number}"
        name_at = at + _HEAD.size
        end = data.find(b"\0", name_at, name_at + _LONGEST_NAME)
        if end < 0 or end + 9 > len(data):
            raise source.at(record).error("the file ends in it: damaged or truncated", "images")
        values = _HEAD.unpack_from(data, at)
        (points,) = struct.unpack_from("<Q", data, end + 1)
        at = end + 9 + _POINT * points
        if at > len(data) or not np.isfinite(values[1:8]).all():
            raise source.at(record).error("the file ends in it: damaged or truncated", "images")
        name = data[name_at:end].decode("utf-8", "replace")
        images.append(_Image(record, name, tuple(values[1:8])))
    return _path(source, images)


def _path(source: Source, images: Sequence[_Image]) -> RawPath:
    source.check_count(len(images))
    ordered = sorted(images, key=lambda image: natural_key(image.name))
    if list(images) != ordered:
        source.notes.assume(
            f"{FORMAT} are listed as they were registered: the numbers in their names order them"
        )
    numbers = np.array([image.numbers for image in ordered])
    records = tuple(image.record for image in ordered)
    return RawPath(
        format=FORMAT,
        rotations=quaternion_matrices(source, numbers[:, [1, 2, 3, 0]], records),
        translations=numbers[:, 4:],
        records=records,
        direction="world_to_camera",
        rotation_field="QW…QZ",
    )
