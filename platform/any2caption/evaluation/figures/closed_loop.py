"""Closed loop: does the path that is filmed from a caption go where the condition's path goes?

A caption's camera part is filmed (`generation.previs`), and the filmed path held to the condition's
own: both camera-to-world, relative to frame 0, float64, at 16 moments of the clip, each scaled so
that its farthest moment lies one unit from its start (words tell no metres). Summed over moments:

* RotErr: the angle between the two orientations, in radians;
* TransErr: the distance between the two places;
* CamMC: the Frobenius norm of the difference of the two 3×4 matrices.

A path that does not translate cannot be scaled: its places count as the start, and it has no
TransErr. Words are coarse, so that even the gold caption's path is off: what counts is the excess
over it. `static` never moves; `shuffled` films another record's gold caption.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Any

import numpy as np
from numpy.typing import NDArray

from any2caption.captions.schema import StructuredCaption
from any2caption.conditions.camera.vocabulary import path_keys
from any2caption.conditions.types import Camera
from any2caption.datasets.records import Record
from any2caption.evaluation.slices import in_hash_order
from any2caption.generation.previs.generator import filmed

Poses = NDArray[np.float64]
"""T×3×4."""
MOMENTS = 16
_MOST = 240
_TRAVELS = frozenset({"dolly", "truck", "pedestal", "orbit"})
FIGURES = ("rot_err", "trans_err", "cam_mc")


@dataclass(frozen=True, slots=True)
class PathError:
    """RotErr (radians), TransErr (None where the right path stays in place) and CamMC."""

    rot_err: float
    trans_err: float | None
    cam_mc: float


def camera_to_world(w2c: Poses) -> Poses:
    """Invert world-to-camera poses, and make them relative to frame 0."""
    poses = np.tile(np.eye(4), (len(w2c), 1, 1))
    poses[:, :3] = w2c
    found: Poses = (poses[0] @ np.linalg.inv(poses))[:, :3]
    return found


def path_error(found: Poses, right: Poses, *, translates: bool = True) -> PathError:
    """Hold one path to another, both camera-to-world and relative to frame 0.

    `translates` says whether the right one does; if not, places count for neither.

    Raises:
        ValueError: not as many poses.
    """
    if found.shape != right.shape:
        raise ValueError(f"{len(found)} poses for {len(right)}")
    one, other = (_scaled(np.asarray(path, dtype=np.float64)) for path in (found, right))
    if not translates:
        one, other = (np.concatenate([p[:, :, :3], 0 * p[:, :, 3:]], axis=2) for p in (one, other))
    # The angle from its sine and its cosine: arccos alone loses half of the digits near zero.
    turn = one[:, :, :3] @ other[:, :, :3].transpose(0, 2, 1)
    cosine = (np.trace(turn, axis1=1, axis2=2) - 1) / 2
    sine = np.linalg.norm(turn - turn.transpose(0, 2, 1), axis=(1, 2)) / np.sqrt(8)
    apart = np.linalg.norm(one[:, :, 3] - other[:, :, 3], axis=1)
    return PathError(
        rot_err=float(np.arctan2(sine, cosine).sum()),
        trans_err=float(apart.sum()) if translates else None,
        cam_mc=float(np.linalg.norm(one - other, axis=(1, 2)).sum()),
    )


def _scaled(path: Poses) -> Poses:
    farthest = np.linalg.norm(path[:, :, 3], axis=1).max()
    scaled = path.copy()
    if farthest > np.finfo(np.float64).eps:
        scaled[:, :, 3] /= farthest
    return scaled


def caption_error(caption: StructuredCaption | None, camera: Camera) -> PathError:
    """Film a caption, or nothing but a still view, and hold its path to a condition's."""
    poses = camera.w2c
    if len(poses) > _MOST:
        poses = poses[np.linspace(0, len(poses) - 1, _MOST).round().astype(int)]
    moments = np.linspace(0, len(poses) - 1, MOMENTS).round().astype(int)
    right = camera_to_world(poses)[moments]
    if caption is None:
        made = np.tile(np.eye(3, 4), (MOMENTS, 1, 1))
    else:
        made = camera_to_world(filmed(caption, len(poses)).w2c)[moments]
    return path_error(made, right, translates=translates(camera))


def translates(camera: Camera) -> bool:
    """Whether a path leaves its place, by what its geometry shows; a trembling hand does not."""
    return any(key.partition("_")[0] in _TRAVELS for key in path_keys(camera))


Write = Callable[[Record], StructuredCaption | None]


def closed_loop(
    records: Sequence[Record], cameras: Mapping[str, Camera], writers: Mapping[str, Write]
) -> dict[str, Any]:
    """Return the mean errors of `gold`, of each writer, of `static` and of `shuffled`, as JSON.

    Only records with a path in `cameras` count; none of them: an empty result. A writer without a
    caption (None, a broken structure) is filmed as a still view, and counted as `unread`.
    """
    filming = [one for one in in_hash_order(records) if one.id in cameras]
    if not filming:
        return {}
    others = {one.id: another_caption(filming, at) for at, one in enumerate(filming)}
    rows: dict[str, Write] = {
        "gold": lambda record: record.caption,
        **writers,
        "shuffled": lambda record: others[record.id],
        "static": lambda _: None,
    }
    table = {}
    for name, write in rows.items():
        captions = [write(record) for record in filming]
        errors = [
            caption_error(caption, cameras[record.id])
            for caption, record in zip(captions, filming, strict=True)
        ]
        table[name] = {figure: _mean(errors, figure) for figure in FIGURES}
        if name in writers:
            table[name]["unread"] = sum(caption is None for caption in captions)
    gold = table["gold"]
    excess = {
        name: {
            figure: None if row[figure] is None else row[figure] - gold[figure]
            for figure in FIGURES
        }
        for name, row in table.items()
        if name != "gold"
    }
    moving = sum(translates(cameras[one.id]) for one in filming)
    return {
        "paths": len(filming),
        "without_translation": len(filming) - moving,
        "moments": MOMENTS,
        "errors": table,
        "excess": excess,
    }


def another_caption(records: Sequence[Record], at: int) -> StructuredCaption | None:
    """Return the caption of the next record that has another one, None where there is none."""
    following = (*records[at + 1 :], *records[:at])
    own = records[at].caption
    return next((one.caption for one in following if one.caption != own), None)


def _mean(errors: Sequence[PathError], figure: str) -> Any:
    values = [value for one in errors if (value := getattr(one, figure)) is not None]
    return fmean(values) if values else None
