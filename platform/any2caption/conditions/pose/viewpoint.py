"""From which side people in space are looked at: up, across the picture, and away from the viewer.

Everything parallel to the line of sight is flattened into the picture, and kept as depth. Up is the
axis along which people stand most of the time (option `up`); they are seen from the front as they
stand at first (option `view`).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from any2caption.conditions.kind import Notes, Options
from any2caption.conditions.pose.keypoint_json import Frame, Where
from any2caption.conditions.pose.layouts import Layout

Floats = NDArray[np.float64]
_TORSO = tuple(f"{side}_{name}" for name in ("shoulder", "hip") for side in ("l", "r"))


@dataclass(frozen=True, slots=True)
class View:
    """Unit vectors in the source's axes: right in the picture, up, away from the viewer."""

    right: Floats
    up: Floats
    away: Floats

    def apply(self, places: Floats) -> Floats:
        """Return places …×3 as (x right, y down, depth away)."""
        return np.stack([places @ self.right, -(places @ self.up), places @ self.away], axis=-1)


def upward_of(rise: Floats, options: Options, notes: Notes) -> Floats:
    """The direction of up, by how the shoulders lie over the feet (T×3)."""
    middle = np.median(rise, axis=0)
    if "up" in options:
        axis = "xyz".index(str(options["up"]))
    else:
        axis = int(np.argmax(np.abs(middle)))
        notes.assume(f"up is the {'xyz'[axis]} axis, along which the person stands (option up)")
    return np.asarray(np.eye(3)[axis] * (-1.0 if middle[axis] < 0 else 1.0))


def view_of(across: Floats, up: Floats, options: Options) -> View:
    """The view of somebody whose left side lies in the direction `across`.

    Seen from the front, the person's left is at the right of the picture.
    """
    level = across - (across @ up) * up
    length = float(np.linalg.norm(level))
    if length < 1e-9:  # noqa: PLR2004 - lying on the side: any level direction will do
        level, length = np.roll(up, 1), 1.0
    left = level / length
    ahead = np.cross(left, up)
    side = str(options.get("view", "front"))
    right = {"front": left, "back": -left, "left": -ahead, "right": ahead}[side]
    return View(right, up, np.cross(up, right))


def flattened(
    frames: Sequence[Frame], layout: Layout, options: Options, file: str, notes: Notes
) -> list[Frame]:
    """People in space, K×4 = (x, y, confidence, z), as the picture shows them, with depth for z.

    Raises:
        InputError: nobody whose shoulders and hips are all there.
    """
    people = np.stack([person for frame in frames for person in frame.people])
    at: Mapping[str, int] = {name: place for place, name in enumerate(layout.points)}
    places = people[..., [0, 1, 3]]
    whole = (people[:, [at[name] for name in _TORSO], 2] > 0).all(axis=1)
    if not whole.any():
        raise Where(file).error("nobody's shoulders and hips are all there", "keypoints")
    left, right = (
        sum(places[whole, at[f"{side}_{name}"]] for name in ("shoulder", "hip")) for side in "lr"
    )
    shoulders = places[whole][:, [at["l_shoulder"], at["r_shoulder"]]].mean(axis=1)
    hips = places[whole][:, [at["l_hip"], at["r_hip"]]].mean(axis=1)
    up = upward_of(shoulders - hips, options, notes)
    view = view_of(np.asarray(left - right)[0], up, options)
    if "view" not in options:
        notes.assume("people in space are seen from the front of the first one (option view)")

    def seen(person: Floats) -> Floats:
        shown = view.apply(person[:, [0, 1, 3]])
        out = np.column_stack([shown[:, :2], person[:, 2], shown[:, 2]])
        out[person[:, 2] == 0] = 0
        return out

    return [replace(frame, people=tuple(map(seen, frame.people))) for frame in frames]
