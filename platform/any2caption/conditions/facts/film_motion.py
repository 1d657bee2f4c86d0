"""How a clip's camera moves, from its pixels alone: block matching and one common motion a step.

Each step between two frames is cut into blocks; phase correlation gives each block's shift, and a
robust fit the motion (shift, turn, growth) that most of the picture follows. Steps are long, so
that slow movements show; where too little of the picture follows, a step is halved. From the steps
a camera path is made that would shift the picture alike: turns for shifts, a longer lens for
growth. So the words are those of any path (`camera.movements`), though a picture alone does not
tell a pan from a truck, nor a zoom from a dolly.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from any2caption.conditions.rotations import from_vectors
from any2caption.conditions.types import Camera

Floats = NDArray[np.float32]
Pixels = NDArray[np.uint8]

WIDTH = 128
"""Frames are looked at about so wide."""
MOST_STEPS = 64
_STRIDE = 4
"""Frames (of those looked at) that a step spans at first."""
_BLOCK = 32
_TEXTURE = 3.0
"""Grey levels (standard deviation) from which a block shows a shift."""
_LEAST_BLOCKS = 5
_NEAR = 0.7
"""Pixels within which a block follows the common motion."""
_ROUNDS = 8
_STILL, _AT_REST = 0.3, 0.6
"""Pixels within which a block stays, and the share of blocks from which the picture does."""
_TRUSTED = 0.55
"""A step counts if so much of the picture follows it; else it is halved, or nothing is known."""
_LENS = 1.0
"""Focal length in picture widths that is taken for granted: 53 degrees across."""
_LENSES = (0.05, 50.0)
_CUT, _CUT_RATIO = 0.08, 3.0
_CUT_FIT = 0.5
_EPSILON = 1e-12


@dataclass(frozen=True, slots=True)
class FilmMotion:
    """What was measured of a clip.

    `camera` is the path that would shift the picture alike, one pose a frame of those looked at
    (evenly spaced). `fit` is the share of the textured picture that follows it (0…1; 0 where
    nothing could be told). `cuts` are frames of the clip at which another shot begins.
    `change` is the mean difference of neighbouring frames, 0…1.
    """

    camera: Camera
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
    stops = sorted({*range(0, len(small), _STRIDE), len(small) - 1})
    parts = [_between(small, one, other) for one, other in pairwise(stops)]
    steps = [step for part in parts for step in part]
    cuts = [end for end, step in steps if _is_cut(end - 1, step, changes)]
    spans = np.diff([0, *(end for end, _ in steps)])
    fits = [(step.fit, span) for (end, step), span in zip(steps, spans, strict=True)]
    shots = [pair for pair, (end, _) in zip(fits, steps, strict=True) if end not in cuts]
    fit = sum(share * span for share, span in shots) / max(sum(span for _, span in shots), 1)
    return FilmMotion(
        camera=_path(steps, spans.tolist()),
        fit=float(fit),
        cuts=tuple(int(picked[end]) for end in cuts),
        change=float(np.median(changes)),
    )


def _between(small: Floats, start: int, end: int) -> list[tuple[int, _Step]]:
    """The steps from one frame to another with the frame at which each ends: one if it holds."""
    step = _step(small[start], small[end])
    if step.fit >= _TRUSTED or end - start == 1:
        return [(end, step)]
    middle = (start + end) // 2
    return _between(small, start, middle) + _between(small, middle, end)


def _small(frame: Pixels) -> Floats:
    """A frame's green, shrunk by a whole number to about `WIDTH`."""
    height, width, _ = frame.shape
    by = max(1, min(width // WIDTH, height // (2 * _BLOCK)))
    fine = max(1, by // 3)
    grey = frame[::fine, ::fine, 1]
    by //= fine
    rows, columns = grey.shape[0] // by, grey.shape[1] // by
    total = np.zeros((rows, columns), np.float32)
    for row in range(by):
        for column in range(by):
            total += grey[row : rows * by : by, column : columns * by : by]
    return np.asarray(total / (by * by), np.float32)


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
    """Fit one motion to the blocks; what does not follow it loses its weight."""
    still = float((np.hypot(*shifts.T) < _STILL).mean())
    if still >= _AT_REST:
        return _REST._replace(fit=still)
    rows = np.concatenate([places, np.ones((len(places), 1))], axis=1)
    solution = np.zeros((3, 2))
    solution[2] = np.median(shifts, axis=0)
    for _ in range(_ROUNDS):
        misfit = np.hypot(*(rows @ solution - shifts).T)
        root = np.sqrt(quality) / (1 + (misfit / _NEAR) ** 2)
        solution = np.linalg.lstsq(rows * root[:, None], shifts * root[:, None], rcond=None)[0]
    misfit = np.hypot(*(rows @ solution - shifts).T)
    (wider, tilted), (sheared, higher), (across, down) = solution
    return _Step(
        across=float(across) / width,
        down=float(down) / width,
        turn=_agreed(float(tilted), float(-sheared)),
        growth=1 + _agreed(float(wider), float(higher)),
        fit=float((misfit < _NEAR).mean()),
    )


def _agreed(one: float, other: float) -> float:
    """What both say: near things that pass far ones shear the picture, and turn nothing."""
    return float(np.sign(one)) * min(abs(one), abs(other)) if one * other > 0 else 0.0


def _path(steps: Sequence[tuple[int, _Step]], spans: Sequence[int]) -> Camera:
    """The path of a camera that turns and zooms so that the picture shifts as measured.

    A step that nothing can be trusted of is a rest.
    """
    rotation, focal = np.eye(3), _LENS
    rotations, focals = [rotation], [focal]
    for (_, measured), span in zip(steps, spans, strict=True):
        step = measured if measured.fit >= _TRUSTED else _REST
        # What moves left in the picture is what a camera sees that turns right.
        turn = np.array([-step.down / focal, step.across / focal, step.turn]) / span
        once, growth = from_vectors(turn[None])[0], step.growth ** (1 / span)
        for _ in range(span):
            rotation = once @ rotation
            focal = float(np.clip(focal * growth, *_LENSES))
            rotations.append(rotation)
            focals.append(focal)
    count = len(rotations)
    w2c = np.zeros((count, 3, 4))
    w2c[:, :, :3] = rotations
    lens = np.array(focals)
    half = np.full(count, 0.5)
    return Camera(np.stack([lens, lens, half, half], axis=1), w2c)
