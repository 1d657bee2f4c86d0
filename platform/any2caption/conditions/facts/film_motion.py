"""How a clip's camera moves, from its pixels alone: block matching and a similarity a step.

Each step from one frame to the next is cut into blocks; phase correlation gives each block's shift,
and a robust fit the one similarity (shift, turn, scale) that most of the picture follows. From the
steps a camera path is made that would shift the picture alike: turns for shifts, a longer lens for
growth. So the words are those of any path (`camera.movements`), though a picture alone does not
tell a pan from a truck, nor a zoom from a dolly.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from any2caption.conditions.types import Camera

Floats = NDArray[np.float32]
Pixels = NDArray[np.uint8]

WIDTH = 128
"""Frames are looked at about so wide."""
MOST_STEPS = 64
_BLOCK = 32
_TEXTURE = 3.0
"""Grey levels (standard deviation) from which a block shows a shift."""
_LEAST_BLOCKS = 5
_NEAR = 0.7
"""Pixels within which a block follows the common motion."""
_ROUNDS = 8
_LENS = 1.0
"""Focal length in picture widths that is taken for granted: 53 degrees across."""
_CUT, _CUT_RATIO = 0.08, 3.0
_CUT_FIT = 0.5
_EPSILON = 1e-12


@dataclass(frozen=True, slots=True)
class FilmMotion:
    """What was measured of a clip.

    `camera` is the path that would shift the picture alike, one pose a frame of `frames` (indices
    into the clip). `fit` is the share of the textured picture that follows it (0…1; 0 where nothing
    could be told). `cuts` are frames of the clip at which another shot begins. `change` is the mean
    difference of neighbouring frames, 0…1.
    """

    camera: Camera
    frames: NDArray[np.intp]
    fit: float
    cuts: tuple[int, ...]
    change: float


class _Step(NamedTuple):
    """Shift of the picture in widths, its turn in radians, its growth, and the share that fits."""

    across: float
    down: float
    turn: float
    growth: float
    fit: float


_REST = _Step(0.0, 0.0, 0.0, 1.0, 0.0)


def film_motion(clip: Pixels) -> FilmMotion | None:
    """Measure a clip T×H×W×3; None of fewer than three frames, or of tiny ones."""
    count, height, width, _ = clip.shape
    if count < 3 or min(height, width) < 2 * _BLOCK:  # noqa: PLR2004
        return None
    picked = np.unique(np.linspace(0, count - 1, min(count, MOST_STEPS + 1)).round().astype(int))
    small = np.stack([_small(clip[at]) for at in picked.tolist()])
    changes = np.abs(np.diff(small, axis=0)).mean(axis=(1, 2)) / 255
    steps = [_step(small[at], small[at + 1]) for at in range(len(small) - 1)]
    cuts = [at for at, step in enumerate(steps) if _is_cut(at, step, changes)]
    for at in cuts:
        steps[at] = _REST
    kept = [step for at, step in enumerate(steps) if at not in cuts]
    fits = [step.fit for step in kept]
    return FilmMotion(
        camera=_path(steps),
        frames=picked,
        fit=float(np.mean(fits)) if fits else 0.0,
        cuts=tuple(int(picked[at + 1]) for at in cuts),
        change=float(np.median(changes)),
    )


def _small(frame: Pixels) -> Floats:
    """A frame in grey, shrunk by a whole number to about `WIDTH`."""
    height, width, _ = frame.shape
    by = max(1, min(width // WIDTH, height // (2 * _BLOCK)))
    fine = max(1, by // 4)
    grey = frame[::fine, ::fine] @ np.array([0.299, 0.587, 0.114], np.float32)
    by //= fine
    rows, columns = grey.shape[0] // by, grey.shape[1] // by
    blocks = grey[: rows * by, : columns * by].reshape(rows, by, columns, by)
    return np.asarray(blocks.mean(axis=(1, 3)), np.float32)


def _is_cut(at: int, step: _Step, changes: NDArray[np.float32]) -> bool:
    around = np.delete(changes[max(0, at - 4) : at + 5], min(at, 4))
    usual = float(np.median(around)) if len(around) else 0.0
    return bool(changes[at] > max(_CUT, _CUT_RATIO * usual) and step.fit < _CUT_FIT)


def _step(before: Floats, after: Floats) -> _Step:
    """The common motion from one frame to the next."""
    whole, _ = _shifts(before[None], after[None])
    coarse = whole[0].round().astype(int)
    places, shifts, quality = _block_shifts(before, after, coarse)
    if len(places) < _LEAST_BLOCKS:
        return _REST
    middle = np.array([before.shape[1], before.shape[0]], np.float64) / 2
    return _fitted(places - middle, shifts, quality, before.shape[1])


def _block_shifts(
    before: Floats, after: Floats, coarse: NDArray[np.intp]
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Middles N×2, shifts N×2 (x, y) and weights of the blocks that have texture."""
    height, width = before.shape
    across, down = int(coarse[0]), int(coarse[1])
    tops = np.unique(np.linspace(0, height - _BLOCK, max(3, height // 20)).astype(int))
    lefts = np.unique(np.linspace(0, width - _BLOCK, max(4, width // 20)).astype(int))
    corners = [
        (top, left)
        for top in tops.tolist()
        for left in lefts.tolist()
        if 0 <= top + down <= height - _BLOCK and 0 <= left + across <= width - _BLOCK
    ]
    if not corners:
        return np.zeros((0, 2)), np.zeros((0, 2)), np.zeros(0)
    one = np.stack([before[t : t + _BLOCK, left : left + _BLOCK] for t, left in corners])
    two = np.stack(
        [
            after[t + down : t + down + _BLOCK, left + across : left + across + _BLOCK]
            for t, left in corners
        ]
    )
    textured = one.std(axis=(1, 2)) > _TEXTURE
    shifts, quality = _shifts(one[textured], two[textured])
    places = np.array([(left, top) for top, left in corners], np.float64)[textured] + _BLOCK / 2
    return places, shifts + coarse, quality


def _shifts(one: Floats, two: Floats) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Shift N×2 (x, y) from each picture to its partner, and how sharp the peak is (0…1)."""
    count, height, width = one.shape
    if not count:
        return np.zeros((0, 2)), np.zeros(0)
    window = np.hanning(height)[:, None] * np.hanning(width)
    first = np.fft.rfft2((one - one.mean(axis=(1, 2), keepdims=True)) * window)
    second = np.fft.rfft2((two - two.mean(axis=(1, 2), keepdims=True)) * window)
    cross = second * first.conj()
    # Between correlation and phase correlation: sharp, and calm where there is only noise.
    cross /= np.sqrt(np.abs(cross)) + 1e-6
    surface = np.fft.irfft2(cross, s=(height, width))
    flat = surface.reshape(count, -1)
    peak = flat.argmax(axis=1)
    rows, columns = np.divmod(peak, width)
    each = np.arange(count)
    down = rows + _vertex(surface, each, rows, columns, axis=0)
    across = columns + _vertex(surface, each, rows, columns, axis=1)
    down = np.where(down > height / 2, down - height, down)
    across = np.where(across > width / 2, across - width, across)
    sharp = flat[each, peak] / np.maximum(np.abs(flat).sum(axis=1), 1e-9)
    return np.stack([across, down], axis=1), sharp


def _vertex(
    surface: NDArray[np.float64],
    each: NDArray[np.intp],
    rows: NDArray[np.intp],
    columns: NDArray[np.intp],
    axis: int,
) -> NDArray[np.float64]:
    """Where between its neighbours the peak lies (−0.5…0.5): the vertex of a parabola."""
    _, height, width = surface.shape
    step = (1, 0) if axis == 0 else (0, 1)
    below = surface[each, (rows - step[0]) % height, (columns - step[1]) % width]
    above = surface[each, (rows + step[0]) % height, (columns + step[1]) % width]
    top = surface[each, rows, columns]
    bend = below - 2 * top + above
    safe = np.where(np.abs(bend) > _EPSILON, bend, np.inf)
    return np.asarray(np.clip((below - above) / (2 * safe), -0.5, 0.5), np.float64)


def _fitted(
    places: NDArray[np.float64],
    shifts: NDArray[np.float64],
    quality: NDArray[np.float64],
    width: int,
) -> _Step:
    """Fit one similarity to the blocks; what does not follow it loses its weight."""
    x, y = places.T
    zero, ones = np.zeros_like(x), np.ones_like(x)
    rows = np.concatenate(
        [np.stack([x, -y, ones, zero], axis=1), np.stack([y, x, zero, ones], axis=1)]
    )
    target = np.concatenate([shifts[:, 0], shifts[:, 1]])
    weights = np.ones(len(x))
    middle = np.median(shifts, axis=0)
    solution = np.array([0.0, 0.0, *middle])
    for _ in range(_ROUNDS):
        misfit = np.hypot(*(rows @ solution - target).reshape(2, -1))
        weights = quality / (1 + (misfit / _NEAR) ** 2) ** 2
        root = np.sqrt(np.concatenate([weights, weights]))
        solution = np.linalg.lstsq(rows * root[:, None], target * root, rcond=None)[0]
    misfit = np.hypot(*(rows @ solution - target).reshape(2, -1))
    fit = float((misfit < _NEAR).mean())
    grown, turned = 1 + solution[0], solution[1]
    return _Step(
        across=float(solution[2]) / width,
        down=float(solution[3]) / width,
        turn=float(np.arctan2(turned, grown)),
        growth=float(np.hypot(grown, turned)),
        fit=fit,
    )


def _path(steps: list[_Step]) -> Camera:
    """The path of a camera that turns and zooms so that the picture shifts as measured."""
    from scipy.spatial.transform import Rotation

    rotation, focal = np.eye(3), _LENS
    rotations, focals = [rotation], [focal]
    for step in steps:
        # What moves left in the picture is what a camera sees that turns right.
        turn = Rotation.from_rotvec([-step.down / focal, step.across / focal, step.turn])
        rotation = turn.as_matrix() @ rotation
        focal = float(np.clip(focal * step.growth, 0.05, 50.0))
        rotations.append(rotation)
        focals.append(focal)
    count = len(rotations)
    w2c = np.zeros((count, 3, 4))
    w2c[:, :, :3] = rotations
    lens = np.array(focals)
    half = np.full(count, 0.5)
    return Camera(np.stack([lens, lens, half, half], axis=1), w2c)
