"""Canonical forms: what every parser produces and everything else consumes.

Arrays are NumPy, never views of a caller's buffer. T frames, P people, K keypoints, H height,
W width.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from any2caption.conditions.part import Part

__all__ = [
    "Camera",
    "Condition",
    "Depth",
    "DrawnPose",
    "Image",
    "MaskedImage",
    "Motion",
    "Normals",
    "Part",
    "Payload",
    "Pose",
    "Region",
    "Regions",
    "Segmentation",
    "Sketch",
    "Video",
]


@dataclass(frozen=True, slots=True)
class Image:
    """A still picture: `pixels` uint8 H×W×3, upright (EXIF applied), alpha laid over white."""

    pixels: NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Video:
    """A clip: `frames` uint8 T×H×W×3 and its mean frame rate `fps`."""

    frames: NDArray[np.uint8]
    fps: float


@dataclass(frozen=True, slots=True)
class Depth:
    """Relative depth: `maps` float32 T×H×W in 0…1, near = 1, holes = NaN.

    `nearest` and `farthest` are the distances in metres that 1 and 0 stand for, where the source
    has a unit (2nd and 98th percentile of all readings). Between them nearness is linear in 1 / m.
    """

    maps: NDArray[np.float32]
    nearest: float | None = None
    farthest: float | None = None

    @property
    def sparse(self) -> bool:
        """Whether the maps are key frames (≤ 5) rather than a clip."""
        return len(self.maps) <= 5  # noqa: PLR2004 - the paper's own bound


@dataclass(frozen=True, slots=True)
class Pose:
    """People over time: `keypoints` float32 T×P×K×3 = (x, y, confidence).

    x and y are fractions of the canvas (values outside 0…1 are off screen); confidence 0 = missing,
    and then x = y = 0. People are in a stable order over time. `layout` names the keypoint order,
    for example `COCO_18` or `BODY_25`. `aspect` is the canvas' width over its height: shapes and
    lengths are measured in (aspect · x, y). `clip` is False where the frames are pictures of their
    own, which show no movement. `depth` float32 T×P×K is how far each point lies behind the picture
    plane, in canvas heights (0 where missing); None = a picture says nothing of it.
    """

    keypoints: NDArray[np.float32]
    layout: str
    fps: float | None = None
    aspect: float = 1.0
    clip: bool = True
    depth: NDArray[np.float32] | None = None


@dataclass(frozen=True, slots=True)
class DrawnPose:
    """People as somebody's drawing: `frames` uint8 T×H×W×3 and the mean frame rate `fps`.

    A skeleton or body-part clip whose points are not known. `ground` is the colour of its
    background; the motion encoder sees the drawing as it is, on black.
    """

    frames: NDArray[np.uint8]
    fps: float
    ground: tuple[int, int, int] = (0, 0, 0)


@dataclass(frozen=True, slots=True)
class Motion:
    """Paths of points over the picture: `tracks` float32 T×N×2 = (x, y), NaN = not there.

    x and y are fractions of the canvas (values outside 0…1 are off screen); `aspect` is the canvas'
    width over its height.
    """

    tracks: NDArray[np.float32]
    fps: float | None = None
    aspect: float = 1.0


@dataclass(frozen=True, slots=True)
class Camera:
    """A camera path, relative to frame 0.

    `intrinsics` float64 T×4 = fx, fy, cx, cy as fractions of width and height (NaN = unknown);
    `w2c` float64 T×3×4 world-to-camera, OpenCV axes (x right, y down, z forward), det R = +1;
    `times` float64 T in seconds as the source states them, increasing; None = not known.
    `scene_distance` is how far away the scene is, in the path's unit, where the source states it;
    `metric`: that unit is the metre, by the format's own definition.
    """

    intrinsics: NDArray[np.float64]
    w2c: NDArray[np.float64]
    times: NDArray[np.float64] | None = None
    scene_distance: float | None = None
    metric: bool = False


@dataclass(frozen=True, slots=True)
class Segmentation:
    """Object masks: `ids` int32 T×H×W, 0 = no object; an object keeps its id over time.

    `names`: (id, category) of the objects whose category the source tells.
    """

    ids: NDArray[np.int32]
    names: tuple[tuple[int, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Sketch:
    """Strokes: `strokes` uint8 T×H×W, 255 = a full stroke, 0 = ground (whatever the source's).

    `drawn` bool T: frames that carry a condition; the others are empty on purpose.
    """

    strokes: NDArray[np.uint8]
    drawn: NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Normals:
    """Surface normals: `vectors` float32 T×H×W×3 of length 1, NaN = no reading.

    Axes: x right, y up, z towards the camera (OpenGL).
    """

    vectors: NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class MaskedImage:
    """A picture with holes to fill: `pixels` uint8 H×W×3 (holes grey), `holes` bool H×W."""

    pixels: NDArray[np.uint8]
    holes: NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Region:
    """One labelled place: `points` float64 N×2, x and y as fractions of width and height (0…1).

    A box has two points (left top, right bottom), a polygon three and more.
    """

    label: str
    shape: Literal["box", "polygon", "point"]
    points: NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Regions:
    """Labelled regions, frame by frame, and the picture they lie on where it was given.

    `overlay` is uint8 H×W×3, or None.
    """

    frames: tuple[tuple[Region, ...], ...]
    overlay: NDArray[np.uint8] | None = None


Payload = (
    str
    | Image
    | Video
    | Depth
    | Pose
    | DrawnPose
    | Motion
    | Camera
    | Segmentation
    | Sketch
    | Normals
    | MaskedImage
    | Regions
)


@dataclass(frozen=True, slots=True)
class Condition:
    """One parsed condition; `number` is its 1-based number among its kind ("picture 1")."""

    kind: str
    payload: Payload
    format: str
    role: str | None = None
    number: int = 1
    assumptions: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
