"""From poses as a file states them to the canonical path: the geometry that all formats share."""

import numpy as np

from any2caption.conditions.camera.raw_path import MAX_TRANSLATION, Floats, Place, RawPath
from any2caption.conditions.kind import Notes, Options
from any2caption.conditions.types import Camera

ROTATION_TOLERANCE = 0.02
"""How far a matrix may be from orthonormal (largest |singular value − 1|) and still be repaired."""

MAX_EXTENT = 1e5
"""How far a path may lead from its first pose, along an axis, after scaling."""

AXES: dict[str, tuple[str, Floats]] = {
    "opencv": ("x right, y down, z forward", np.eye(3)),
    "opengl": ("x right, y up, z backward", np.diag([1.0, -1.0, -1.0])),
    "unreal": (
        "x forward, y right, z up, left-handed",
        np.array([[0.0, 1, 0], [0, 0, -1], [1, 0, 0]]),
    ),
    "flu": ("x forward, y left, z up", np.array([[0.0, -1, 0], [0, 0, -1], [1, 0, 0]])),
    "frd": ("x forward, y right, z down", np.array([[0.0, 1, 0], [0, 0, 1], [1, 0, 0]])),
}
"""Camera axes by name: words, and the matrix that takes their coordinates to OpenCV's."""


def canonical(raw: RawPath, file: str, options: Options, notes: Notes) -> Camera:
    """Return the path with OpenCV axes, world to camera, relative to frame 0.

    Relative poses are conjugated with the axes' matrix, so that a left-handed source turns into
    proper rotations; the world's own axes do not matter, since pose 0 becomes the identity.

    Raises:
        InputError: a matrix that is not a rotation, poses of which only some are mirrored, a move
            out of range; names the file, the record and the field.
    """
    axes, direction, chained = _conventions(raw, options, notes)
    _check_range(raw, raw.translations, file)
    rotations = _proper(raw, nearest_rotations(raw, file, notes), file, notes)
    translations = raw.translations
    if direction == "camera_to_world":
        rotations, translations = invert(rotations, translations)
    if chained:
        rotations, translations = chain(rotations, translations)
        _check_range(raw, translations, file)
    w2c = relative_to_first(rotations, translations)
    turn = AXES[axes][1]
    if axes != "opencv":
        w2c[:, :, :3] = turn @ w2c[:, :, :3] @ turn.T
        w2c[:, :, 3] = w2c[:, :, 3] @ turn.T
    unit = float(options.get("scale", raw.unit))
    w2c[:, :, 3] /= unit
    _check_extent(raw, w2c[:, :, 3], unit, file)
    if raw.unit_name and "scale" not in options:
        notes.assume(f"lengths are {raw.unit_name}; scale=… overrides")
    w2c[0] = np.eye(3, 4)
    distance = None if raw.scene_distance is None else raw.scene_distance / unit
    return Camera(
        intrinsics=_lens(raw, len(w2c)),
        w2c=w2c,
        times=_times(raw, len(w2c), notes),
        scene_distance=distance,
        metric=raw.metric and "scale" not in options,
    )


def _conventions(raw: RawPath, options: Options, notes: Notes) -> tuple[str, str, bool]:
    """What holds for axes, direction and chaining; an assumption for each that nobody stated."""
    axes = str(options.get("axes", raw.axes))
    direction = str(options.get("direction", raw.direction))
    chained = raw.chained if "poses" not in options else options["poses"] == "relative"
    said = {
        "axes": f"camera axes are {axes} ({AXES[axes][0]})",
        "direction": f"matrices are {direction.replace('_', ' ')}",
        "poses": f"poses are {'frame to frame and accumulated' if chained else 'absolute'}",
        "quaternion": "quaternions are x y z w (w last)",
    }
    for name in raw.leaves_open:
        if name not in options and name in said:
            notes.assume(f"{raw.format} does not tell: {said[name]}; {name}=… overrides")
    return axes, direction, chained


def _check_range(raw: RawPath, translations: Floats, file: str) -> None:
    far = np.abs(translations).max(axis=1) > MAX_TRANSLATION
    if far.any():
        at = int(np.argmax(far))
        record = raw.records[min(at, len(raw.records) - 1)]
        value = float(np.abs(translations[at]).max())
        raise Place(file, record).error(f"{value:g} is out of range", "translation")


def _check_extent(raw: RawPath, moves: Floats, unit: float, file: str) -> None:
    """Refuse a path that leads further than any scene: it would drown every other number."""
    far = np.abs(moves).max(axis=1)
    at = int(np.argmax(far))
    if not far[at] <= MAX_EXTENT:
        record = raw.records[min(at, len(raw.records) - 1)]
        raise Place(file, record).error(
            f"{far[at]:g} from the first pose, after a scale of {unit:g}; at most {MAX_EXTENT:g} "
            "is taken (option scale: units of the file per unit of the path)",
            "translation",
        )


def nearest_rotations(raw: RawPath, file: str, notes: Notes) -> Floats:
    """Nearest orthonormal matrices of nearly orthonormal ones (they may be mirrored)."""
    left, stretch, right = np.linalg.svd(np.clip(raw.rotations, -1e6, 1e6))
    off = np.abs(stretch - 1).max(axis=1)
    if (off > ROTATION_TOLERANCE).any():
        at = int(np.argmax(off > ROTATION_TOLERANCE))
        worst = stretch[at][np.argmax(np.abs(stretch[at] - 1))]
        raise Place(file, raw.records[at]).error(
            f"not a rotation: stretches by {worst:.3g} "
            f"(at most {ROTATION_TOLERANCE:g} away from 1 is repaired)",
            raw.rotation_field,
        )
    if (off > 1e-4).any():  # noqa: PLR2004 - printed digits explain less
        notes.warn("rotations slightly off were replaced by the nearest rotation")
    nearest: Floats = left @ right
    return nearest


def _proper(raw: RawPath, rotations: Floats, file: str, notes: Notes) -> Floats:
    improper = np.linalg.det(rotations) < 0
    if improper.any() and (raw.chained or not improper.all()):
        odd = int(np.argmax(improper if raw.chained else improper != improper[0]))
        why = "" if raw.chained else " (determinant changes its sign between poses)"
        raise Place(file, raw.records[odd]).error(
            f"not a rotation: mirrored{why}", raw.rotation_field
        )
    if improper.any():
        notes.assume(
            "all rotations are mirrored (determinant −1); the path relative to the first pose is "
            "proper and is used"
        )
    return rotations


def invert(rotations: Floats, translations: Floats) -> tuple[Floats, Floats]:
    """Invert poses: camera to world becomes world to camera and the other way."""
    inverse = rotations.transpose(0, 2, 1)
    return inverse, -np.einsum("tij,tj->ti", inverse, translations)


def chain(rotations: Floats, translations: Floats) -> tuple[Floats, Floats]:
    """Accumulate N world-to-camera steps from a frame to the next: N + 1 poses from identity."""
    turns, moves = [np.eye(3)], [np.zeros(3)]
    for rotation, translation in zip(rotations, translations, strict=True):
        turns.append(rotation @ turns[-1])
        moves.append(rotation @ moves[-1] + translation)
    return np.stack(turns), np.stack(moves)


def relative_to_first(rotations: Floats, translations: Floats) -> Floats:
    """Make world-to-camera poses (T×3×3, T×3) relative to pose 0: T×3×4, starting at identity."""
    relative = rotations @ rotations[0].T
    moved = translations - relative @ translations[0]
    w2c = np.concatenate([relative, moved[:, :, None]], axis=2)
    w2c[0] = np.eye(3, 4)
    return w2c


def _lens(raw: RawPath, count: int) -> Floats:
    if raw.intrinsics is None:
        return np.full((count, 4), np.nan)
    extra = count - len(raw.intrinsics)
    return np.concatenate([np.repeat(raw.intrinsics[:1], extra, axis=0), raw.intrinsics])


def _times(raw: RawPath, count: int, notes: Notes) -> Floats | None:
    """Times as stated, if there is one per pose; constant ones are dummies and dropped."""
    if raw.times is None or len(raw.times) != count:
        return None
    steps = np.diff(raw.times)
    if count > 1 and not steps.any():
        return None
    if (steps <= 0).any():
        notes.warn("time stamps do not increase; the order of the file is kept")
        return None
    return raw.times
