"""Draw a camera path for people: the way it takes, where it looks, where it starts."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from any2caption.conditions.camera.canonical import invert
from any2caption.conditions.camera.vocabulary import describe_camera
from any2caption.conditions.io.clips import encode_mp4
from any2caption.conditions.sampling import sample_frames
from any2caption.conditions.types import Camera

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_CLIP_FRAMES = 48  # a plot takes a tenth of a second
_FPS = 8.0
_FRUSTA = 9
_DEFAULT_LENS = (0.5, 0.889, 0.5, 0.5)
_SMALL = 1e-9


def draw_camera_path(camera: Camera, path: Path) -> None:
    """Write `.png`, a plot, or `.mp4`, the camera moving through it (at most 48 frames).

    The path in 3-D with frusta, equal scales, named axes, start and end marked. The plot's axes are
    x (right), z (forward) and height (up, −y), seen from behind and above the first camera. Unknown
    intrinsics are drawn as a wide lens.
    """
    figure, axes, size = _scene(camera)
    if path.suffix.lower() == ".mp4":
        path.write_bytes(encode_mp4(_moving(camera, figure, axes, size), _FPS))
    else:
        figure.savefig(path, format="png")


def _scene(camera: Camera) -> "tuple[Figure, Any, float]":
    """The plot, and how long its frusta are."""
    from matplotlib.figure import Figure

    _, centres = invert(camera.w2c[:, :, :3], camera.w2c[:, :, 3])
    extent = float(np.ptp(centres, axis=0).max())
    size = 0.18 * extent if extent > _SMALL else 0.3
    figure = Figure(figsize=(8, 7), dpi=110, layout="tight")
    axes = figure.add_subplot(projection="3d")
    axes.plot(*_plot(centres), color="0.35", linewidth=1.2)
    shown = np.unique(np.linspace(0, len(centres) - 1, min(_FRUSTA, len(centres))).astype(int))
    for index in shown:
        colour = (0.1, 0.2 + 0.6 * index / max(len(centres) - 1, 1), 0.8)
        for line in _frustum(camera, int(index), size):
            axes.plot(*_plot(line), color=colour, linewidth=0.9)
    axes.scatter(*_plot(centres[:1]), color="green", s=45, label="start (frame 0)")
    axes.scatter(*_plot(centres[-1:]), color="red", s=30, label=f"end (frame {len(centres) - 1})")
    axes.set_xlabel("x: right")
    axes.set_ylabel("z: forward")
    axes.set_zlabel("−y: up")
    axes.set_title(_wrapped(str(describe_camera(camera)["words"])), fontsize=9)
    axes.legend(loc="upper left", fontsize=8)
    _equal(axes, centres, size)
    axes.set_box_aspect((1, 1, 1))
    axes.view_init(elev=28, azim=-70)
    return figure, axes, size


def _moving(camera: Camera, figure: "Figure", axes: Any, size: float) -> np.ndarray:
    """Frames T×H×W×3, uint8, of the plot with one more frustum that takes the path."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    canvas: Any = FigureCanvasAgg(figure)  # matplotlib leaves it untyped
    count = len(camera.w2c)
    lines = [
        axes.plot(*_plot(line), color="darkorange", linewidth=2.2)[0]
        for line in _frustum(camera, 0, size)
    ]
    frames = []
    for index in sample_frames(count, min(count, _CLIP_FRAMES)).tolist():
        for line, points in zip(lines, _frustum(camera, index, size), strict=True):
            line.set_data_3d(*_plot(points))
        canvas.draw()
        frames.append(np.asarray(canvas.buffer_rgba())[..., :3].copy())
    return np.stack(frames)


def _plot(points: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """OpenCV coordinates N×3 as the plot's x, y, z: right, forward, up."""
    return points[:, 0], points[:, 2], -points[:, 1]


def _frustum(camera: Camera, index: int, size: float) -> list[np.ndarray]:
    """Lines (each N×3, world) of one frame's view: the picture's frame, its edges, its top."""
    lens = np.where(np.isfinite(camera.intrinsics[index]), camera.intrinsics[index], _DEFAULT_LENS)
    corners = np.array([(0.0, 0.0), (1.0, 0.0), (1.0, 1.0), (0.0, 1.0)])
    rays = np.ones((4, 3))
    rays[:, :2] = (corners - lens[2:]) / lens[:2]
    rotation, translation = camera.w2c[index, :, :3], camera.w2c[index, :, 3]
    world = (rays * size - translation) @ rotation
    centre = -translation @ rotation
    above = ((rays[0] + rays[1]) / 2 + (0, -0.25, 0)) * size
    roof = np.stack([world[0], (above - translation) @ rotation, world[1]])
    return [world[[0, 1, 2, 3, 0]], roof, *(np.stack([centre, corner]) for corner in world)]


def _equal(axes: object, centres: np.ndarray, margin: float) -> None:
    """Give the three axes one scale, so that turns look right."""
    low, high = centres.min(axis=0), centres.max(axis=0)
    middle, half = (low + high) / 2, float((high - low).max()) / 2 + 1.5 * margin
    for name, value in (("x", middle[0]), ("y", middle[2]), ("z", -middle[1])):
        getattr(axes, f"set_{name}lim")(value - half, value + half)


def _wrapped(text: str, width: int = 100, lines: int = 4) -> str:
    import textwrap

    return "\n".join(textwrap.wrap(text, width, max_lines=lines, placeholder=" …"))
