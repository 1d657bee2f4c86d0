"""What a camera path sees: a plain scene of previs, filmed along any path."""

import numpy as np
from numpy.typing import NDArray

from any2caption.captions.schema import StructuredCaption
from any2caption.conditions.camera.movements import own_distance
from any2caption.conditions.io.images import encode_png
from any2caption.conditions.sampling import sample_frames
from any2caption.conditions.types import Camera
from any2caption.generation.previs import backdrops, raster
from any2caption.generation.previs.camera_path import SUBJECT_DISTANCE
from any2caption.generation.previs.generator import actors
from any2caption.generation.previs.scene import read_stage

_SCENE = StructuredCaption(
    dense="A person stands in a park.",
    main_object="A person in red.",
    background="A park by day.",
    camera="The camera is static.",
    style="Plain.",
    action="The person stands still.",
)
_SIZE, _MOMENTS = 192, 6
_LENS = 0.9


def film(camera: Camera, moments: int, size: int = _SIZE) -> NDArray[np.uint8]:
    """Return so many moments T×size×size×3 of a plain scene along the path.

    The unit of most paths is not known: a path that is not in metres is scaled so that its own
    scene lies where the person stands.
    """
    stage, _ = read_stage(_SCENE, generator="previs")
    place, scenery = backdrops.PLACES[stage.place], backdrops.scenery(stage.place, 0)
    horizon = np.array(place.sky[1])
    known = camera.scene_distance or (SUBJECT_DISTANCE if camera.metric else own_distance(camera))
    scale = SUBJECT_DISTANCE / 2 / known if known and not camera.metric else 1.0
    bodies, shadows = actors(stage, 0.0, 0.0)
    pictures = []
    for index in sample_frames(len(camera.w2c), min(moments, len(camera.w2c))).tolist():
        turn = camera.w2c[index, :, :3].T
        centre = -turn @ camera.w2c[index, :, 3] * scale
        pose = np.concatenate([turn, centre[:, None]], axis=1)
        across = camera.intrinsics[index, 0]
        focal = float(across) if np.isfinite(across) else _LENS
        rays = backdrops.rays(size, focal, turn)
        ground = backdrops.backdrop(place, stage.light, rays, centre, shadows, 0.0)
        view = raster.View(pose, focal, (1.0, 1.0, 1.0), horizon)
        faces = raster.polygons([*scenery, *bodies], view)
        pictures.append(raster.draw(ground, faces, outline=False))
    return np.stack(pictures)


def strip(camera: Camera) -> bytes:
    """Return six moments in two rows, in time order, as PNG."""
    moments = list(film(camera, _MOMENTS))
    moments += [np.full_like(moments[0], 255)] * (_MOMENTS - len(moments))
    rows = (moments[: _MOMENTS // 2], moments[_MOMENTS // 2 :])
    return encode_png(np.concatenate([np.concatenate(row, axis=1) for row in rows]))
