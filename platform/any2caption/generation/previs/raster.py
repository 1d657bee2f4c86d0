"""Perspective drawing of meshes: back faces dropped, near plane clipped, painter's algorithm."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image as Pictures
from PIL import ImageDraw

from any2caption.generation.previs.meshes import Mesh

Array = NDArray[np.float64]

NEAR = 0.12
_SUN = np.array([-0.45, -0.8, -0.4]) / np.linalg.norm([-0.45, -0.8, -0.4])
_AMBIENT, _DIFFUSE, _HAZE_DISTANCE = 0.62, 0.46, 70.0
_TRIANGLE = 3


@dataclass(frozen=True, slots=True)
class View:
    """A camera-to-world 3×4, a focal length as a fraction of the width, and picture colours."""

    c2w: Array
    focal: float
    tint: tuple[float, float, float]
    horizon: Array


@dataclass(frozen=True, slots=True)
class Polygon:
    """A face ready to draw: `points` N×2 in fractions of the picture, sorted by `depth`."""

    layer: int
    depth: float
    inner: float
    points: Array
    colour: tuple[int, int, int]


def polygons(meshes: list[Mesh], view: View) -> list[Polygon]:
    """Return the visible faces, farthest first."""
    found: list[Polygon] = []
    rotation, centre = view.c2w[:, :3], view.c2w[:, 3]
    tint = np.array(view.tint)
    for mesh in meshes:
        points = (mesh.vertices - centre) @ rotation
        if points[:, 2].max() < NEAR:
            continue
        depth = float(np.linalg.norm(points.mean(axis=0)))
        haze = 1 - np.exp(-depth / _HAZE_DISTANCE)
        firsts = np.array([face[:3] for face in mesh.faces])
        edges = points[firsts[:, 1:]] - points[firsts[:, :1]]
        normals = np.cross(edges[:, 0], edges[:, 1])
        facing = np.einsum("ij,ij->i", normals, points[firsts[:, 0]]) < 0
        colours = mesh.colours
        if not mesh.glow:
            lengths = np.maximum(np.linalg.norm(normals, axis=1), 1e-12)
            lit = np.maximum(normals @ rotation.T @ _SUN / lengths, 0.0)[:, None]
            colours = colours * (_AMBIENT + _DIFFUSE * lit) * tint
            colours = colours + haze * (view.horizon - colours)
        colours = np.clip(colours, 0, 255).astype(int)
        layer = (1 if mesh.glow else 0) if mesh.backdrop else 2
        for index in np.flatnonzero(facing).tolist():
            corners = points[list(mesh.faces[index])]
            if corners[:, 2].min() < NEAR:
                corners = clip_near(corners)
                if len(corners) < _TRIANGLE:
                    continue
            flat = corners[:, :2] / corners[:, 2:] * view.focal + 0.5
            red, green, blue = colours[index].tolist()
            inner = float(corners[:, 2].mean())
            # What hangs on a wall is drawn in the order it was hung.
            far = (0.0, 0.0) if layer == 1 else (depth, inner)
            found.append(Polygon(layer, *far, flat, (red, green, blue)))
    found.sort(key=lambda polygon: (polygon.layer, -polygon.depth, -polygon.inner))
    return found


def clip_near(corners: Array) -> Array:
    """Cut a polygon at the near plane (Sutherland-Hodgman against z = NEAR)."""
    kept = []
    for index, point in enumerate(corners):
        previous = corners[index - 1]
        if (point[2] >= NEAR) != (previous[2] >= NEAR):
            share = (NEAR - previous[2]) / (point[2] - previous[2])
            kept.append(previous + share * (point - previous))
        if point[2] >= NEAR:
            kept.append(point)
    return np.array(kept).reshape(-1, 3)


def draw(ground: Array, faces: list[Polygon], *, outline: bool) -> NDArray[np.uint8]:
    """Paint the faces over the backdrop (H×W×3) at twice its size, and scale down smoothly."""
    size = ground.shape[0]
    picture = Pictures.fromarray(np.clip(ground, 0, 255).astype(np.uint8))
    picture = picture.resize((size * 2, size * 2), Pictures.Resampling.BILINEAR)
    pen = ImageDraw.Draw(picture)
    for face in faces:
        points = np.clip(face.points * size * 2, -30000, 30000)
        edge = tuple(int(c * 0.72) for c in face.colour) if outline else face.colour
        pen.polygon([(x, y) for x, y in points.tolist()], fill=face.colour, outline=edge)
    return np.asarray(picture.reduce(2))
