"""Masks that were resized smoothly have edges, and edges are no objects."""

import numpy as np
import pytest
from PIL import Image, ImageDraw

from any2caption.conditions.inspect.detect import detect_kind
from any2caption.conditions.registry import parse_condition

from .conftest import picture

SMOOTH = {
    "bilinear": Image.Resampling.BILINEAR,
    "bicubic": Image.Resampling.BICUBIC,
    "lanczos": Image.Resampling.LANCZOS,
    "box": Image.Resampling.BOX,
}


def mask(colours=((255,),), size=(80, 60), mode="L"):
    """A disc and, with a second colour, a triangle on black."""
    canvas = Image.new(mode, size)
    pen = ImageDraw.Draw(canvas)
    pen.ellipse((8, 8, 40, 48), fill=colours[0] if mode == "RGB" else colours[0][0])
    if len(colours) > 1:
        last = colours[1] if mode == "RGB" else colours[1][0]
        pen.polygon((50, 50, 75, 50, 60, 10), fill=last)
    return canvas


def ids_of(canvas, **options):
    return parse_condition("segmentation", [picture(np.asarray(canvas))], options=options)


@pytest.mark.parametrize("name", SMOOTH)
@pytest.mark.parametrize("factor", [0.5, 0.7, 1.3, 2, 2.5])
def test_a_resized_mask_is_one_mask(name, factor):
    source = mask()
    size = (round(80 * factor), round(60 * factor))
    condition = ids_of(source.resize(size, SMOOTH[name]))
    assert condition.format == "mask PNG"
    wanted = np.asarray(source.resize(size, Image.Resampling.NEAREST)) > 0
    assert np.mean((condition.payload.ids[0] == 1) == wanted) > 0.97
    assert np.unique(condition.payload.ids).tolist() == [0, 1]
    assert detect_kind([picture(np.asarray(source.resize(size, SMOOTH[name])))])[0] in {
        "segmentation",
        "sketch",
    }


@pytest.mark.parametrize("name", ["bilinear", "bicubic"])
@pytest.mark.parametrize("mode", ["L", "RGB"])
def test_edges_of_several_objects_are_given_to_the_objects(name, mode):
    colours = ((100,), (200,)) if mode == "L" else ((200, 30, 40), (30, 90, 220))
    source = mask(colours, mode=mode)
    resized = source.resize((160, 120), SMOOTH[name])
    condition = ids_of(resized)
    whole = ids_of(source.resize((160, 120), Image.Resampling.NEAREST))
    assert np.unique(condition.payload.ids).tolist() == np.unique(whole.payload.ids).tolist()
    assert np.mean(condition.payload.ids == whole.payload.ids) > 0.97
    assert "fill no area" in condition.warnings[0]
    assert not whole.warnings
    kept = ids_of(resized, values="index" if mode == "L" else "panoptic")
    assert len(np.unique(kept.payload.ids)) > 3


def test_small_objects_and_borders_of_ids_stay_objects():
    ids = np.zeros((60, 80), np.uint8)
    ids[10:30, 10:30] = 255
    ids[12:28, 12:28] = 3
    ids[40, 40] = 7
    ids[45:47, 50:52] = 9
    found = ids_of(Image.fromarray(ids))
    assert np.unique(found.payload.ids).tolist() == [0, 3, 7, 9, 255]
    np.testing.assert_array_equal(found.payload.ids[0], ids)
    assert not found.warnings
