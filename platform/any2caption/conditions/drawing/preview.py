"""A picture or a short video of a parsed condition, for people to check what was read."""

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image as Pictures
from PIL import ImageDraw

from any2caption.conditions.drawing.colour_maps import (
    depth_colours,
    draw_regions,
    id_colours,
    normal_colours,
)
from any2caption.conditions.io.clips import encode_mp4
from any2caption.conditions.io.images import encode_png
from any2caption.conditions.sampling import sample_frames
from any2caption.conditions.types import (
    Camera,
    Condition,
    Depth,
    DrawnPose,
    Image,
    MaskedImage,
    Motion,
    Normals,
    Pose,
    Regions,
    Segmentation,
    Sketch,
    Video,
)
from any2caption.errors import InputError

SUFFIXES = (".png", ".mp4")
DEFAULT_FPS = 8.0
_TILES = 8
_COLUMNS = 4
_TILE = 384
_MOST_SIDE = 1280
_LABELLED = 12
Frames = NDArray[np.uint8]
FramesOf = Callable[[Sequence[int]], Frames]


def draw_preview(condition: Condition, path: Path) -> None:
    """Write the preview to `path`: up to eight frames in one PNG, or all of them as MP4.

    Depth in colours (near red), masks in colours with their ids, regions outlined, camera paths
    with frusta, skeletons as lines.

    Raises:
        InputError: another suffix, or a kind without a picture (text).
    """
    if path.suffix.lower() not in SUFFIXES:
        raise InputError("a preview ends with .png or .mp4", file=str(path), field="preview")
    if not path.parent.is_dir():
        raise InputError("no such folder", file=str(path.parent), field="preview")
    if _drawn_elsewhere(condition, path):
        return
    count, frames, fps = _frames_of(condition)
    if path.suffix.lower() == ".mp4":
        picked = frames(range(count))
        path.write_bytes(encode_mp4(np.stack([_small(one, _MOST_SIDE) for one in picked]), fps))
        return
    picks = sorted(set(sample_frames(count, min(_TILES, count)).tolist()))
    tiles = [
        _numbered(_small(one, _TILE if count > 1 else _MOST_SIDE), at if count > 1 else None)
        for at, one in zip(picks, frames(picks), strict=True)
    ]
    path.write_bytes(encode_png(_sheet(tiles)))


def _drawn_elsewhere(condition: Condition, path: Path) -> bool:
    """Camera paths and skeletons have drawers of their own."""
    payload = condition.payload
    if isinstance(payload, Camera):
        from any2caption.conditions.drawing.preview_camera import (
            draw_camera_path,  # loads matplotlib
        )

        draw_camera_path(payload, path)
        return True
    if isinstance(payload, Pose | DrawnPose | Motion):
        from any2caption.conditions.drawing.preview_pose import draw_pose_preview

        draw_pose_preview(payload, path)
        return True
    return False


def _frames_of(condition: Condition) -> tuple[int, FramesOf, float]:  # noqa: PLR0911 - one a kind
    """Number of frames, a function from their indices to pictures, and the rate."""
    payload = condition.payload
    if isinstance(payload, Image | MaskedImage):
        return 1, lambda _: payload.pixels[None], DEFAULT_FPS
    if isinstance(payload, Video):
        return len(payload.frames), lambda at: payload.frames[list(at)], payload.fps
    if isinstance(payload, Depth):
        return len(payload.maps), lambda at: depth_colours(payload.maps[list(at)]), DEFAULT_FPS
    if isinstance(payload, Segmentation):
        return len(payload.ids), lambda at: _masks(payload, at), DEFAULT_FPS
    if isinstance(payload, Sketch):
        return len(payload.strokes), lambda at: _grey(255 - payload.strokes[list(at)]), DEFAULT_FPS
    if isinstance(payload, Normals):
        return (
            len(payload.vectors),
            lambda at: normal_colours(Normals(payload.vectors[list(at)])),
            DEFAULT_FPS,
        )
    if isinstance(payload, Regions):
        return len(payload.frames), lambda at: _regions(payload, at), DEFAULT_FPS
    raise InputError("this kind has no picture to preview", field=condition.kind)


def _grey(frames: Frames) -> Frames:
    return np.repeat(frames[..., None], 3, axis=-1)


def _masks(masks: Segmentation, at: Sequence[int]) -> Frames:
    """Masks in colours; the largest objects carry their id (and category)."""
    names = dict(masks.names)
    pictures = []
    for ids in masks.ids[list(at)]:
        picture = Pictures.fromarray(id_colours(ids[None])[0])
        pen = ImageDraw.Draw(picture)
        found, counts = np.unique(ids[ids != 0], return_counts=True)
        for ident in found[np.argsort(-counts)[:_LABELLED]].tolist():
            rows, columns = np.nonzero(ids == ident)
            middle = len(rows) // 2  # a pixel of the object, whatever its shape
            said = f"{ident} {names[ident]}" if ident in names else str(ident)
            _write(pen, (int(columns[middle]), int(rows[middle])), said)
        pictures.append(np.asarray(picture))
    return np.stack(pictures)


def _regions(regions: Regions, at: Sequence[int]) -> Frames:
    ground = np.full((360, 640, 3), 255, np.uint8) if regions.overlay is None else regions.overlay
    pictures = []
    for index in at:
        inside = regions.frames[index]
        picture = Pictures.fromarray(draw_regions(ground, inside))
        pen = ImageDraw.Draw(picture)
        for region in inside[:_LABELLED]:
            x, y = region.points.min(axis=0) * (picture.width - 1, picture.height - 1)
            _write(pen, (int(x) + 4, int(y) + 4), region.label)
        pictures.append(np.asarray(picture))
    return np.stack(pictures)


def _write(pen: ImageDraw.ImageDraw, where: tuple[int, int], text: str) -> None:
    shown = text.encode("latin-1", "replace").decode("latin-1")[:40]
    pen.text(where, shown, fill="white", stroke_width=2, stroke_fill="black", font_size=16)


def _small(pixels: Frames, side: int) -> Frames:
    height, width = pixels.shape[:2]
    scale = min(1.0, side / max(height, width))
    size = max(1, round(width * scale)), max(1, round(height * scale))
    return np.asarray(Pictures.fromarray(pixels).resize(size, Pictures.Resampling.BOX))


def _numbered(pixels: Frames, index: int | None) -> Frames:
    if index is None:
        return pixels
    picture = Pictures.fromarray(pixels)
    _write(ImageDraw.Draw(picture), (4, 4), f"frame {index + 1}")
    return np.asarray(picture)


def _sheet(tiles: Sequence[Frames]) -> Frames:
    columns = min(_COLUMNS, len(tiles))
    rows = -(-len(tiles) // columns)
    height, width = tiles[0].shape[:2]
    sheet = np.full((rows * height, columns * width, 3), 255, np.uint8)
    for place, tile in enumerate(tiles):
        row, column = divmod(place, columns)
        sheet[row * height : (row + 1) * height, column * width : (column + 1) * width] = tile
    return sheet
