"""Masked-image condition: a picture with holes that are to be filled.

Either one picture whose transparent pixels are the holes, or a picture and its mask. Stated rules:
the mask is the file of black and white (by name, `mask`, where both are), and white is the hole, as
in inpainting (option `hole`).
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from any2caption.conditions.io.images import MAX_PIXELS, load_image, to_rgb
from any2caption.conditions.io.sniff import sniff
from any2caption.conditions.io.stored_pixels import IMAGE_FORMATS, is_two_valued
from any2caption.conditions.kind import Limits, Notes, Options, Parsed
from any2caption.conditions.types import MaskedImage, Part
from any2caption.errors import InputError

HOLES = ("white", "black")
FORMATS = ("PNG with holes", "WebP with holes", "picture and mask")
HOLE_GREY = 128
_HALF = 128


def parse_masked_image(parts: Sequence[Part], options: Options, limits: Limits) -> Parsed:
    """Parse a picture with transparent holes, or a picture and a mask of its size.

    Raises:
        InputError: no hole, nothing left of the picture, sizes that differ, two masks.
    """
    notes = Notes()
    for part in parts:
        if sniff(part.data) not in IMAGE_FORMATS:
            raise InputError(
                f"this is {sniff(part.data)}; accepted: {', '.join(IMAGE_FORMATS)}",
                file=part.name,
                field="format",
            )
    if len(parts) == 1:
        return _one(parts[0], limits, notes)
    picture, mask = _which(parts, limits, notes)
    pixels = to_rgb(load_image(picture, limits.pixels or MAX_PIXELS))
    values = _grey(mask, limits)
    if pixels.shape[:2] != values.shape:
        raise InputError(
            f"{values.shape[1]}×{values.shape[0]} pixels, but {picture.name} has "
            f"{pixels.shape[1]}×{pixels.shape[0]}",
            file=mask.name,
            field="size",
        )
    holes = values >= _HALF if values.max() > 1 else values == 1
    if options.get("hole") == "black":
        holes = ~holes
    elif "hole" not in options:
        notes.assume("white of the mask is the hole (option hole=black for the reverse)")
    return _done(pixels, holes, "picture and mask", mask.name, notes)


def _one(part: Part, limits: Limits, notes: Notes) -> Parsed:
    picture = load_image(part, limits.pixels or MAX_PIXELS)
    if picture.mode not in ("RGBA", "LA", "PA") and "transparency" not in picture.info:
        raise InputError(
            "no transparent pixels and no mask beside it: nothing says where the holes are",
            file=part.name,
            field="mask",
        )
    rgba = np.asarray(picture.convert("RGBA"))
    format_ = f"{sniff(part.data)} with holes"
    return _done(rgba[:, :, :3].copy(), rgba[:, :, 3] < _HALF, format_, part.name, notes)


def _which(parts: Sequence[Part], limits: Limits, notes: Notes) -> tuple[Part, Part]:
    """(picture, mask)."""
    flags = [_is_mask(part, limits) for part in parts]
    if flags[0] == flags[1]:
        flags = ["mask" in part.name.casefold() for part in parts]
        if flags[0] == flags[1]:
            raise InputError(
                f"cannot tell which of {parts[0].name} and {parts[1].name} is the mask: it should "
                "be black and white, or have 'mask' in its name",
                file=parts[1].name,
                field="mask",
            )
    mask = parts[flags.index(True)]
    notes.assume(f"{mask.name} is the mask")
    return parts[flags.index(False)], mask


def _grey(part: Part, limits: Limits) -> NDArray[np.uint8]:
    picture = load_image(part, limits.pixels or MAX_PIXELS)
    if picture.mode == "P":
        index: NDArray[np.uint8] = np.minimum(np.asarray(picture), 1).astype(np.uint8)
        return index
    if picture.mode.startswith("I"):
        deep = np.asarray(picture).astype(np.int64)
        scaled = deep * 255 if deep.max() <= 1 else deep >> 8
        grey: NDArray[np.uint8] = scaled.astype(np.uint8)
        return grey
    return to_rgb(picture)[:, :, 1].copy()


def _is_mask(part: Part, limits: Limits) -> bool:
    picture = load_image(part, limits.pixels or MAX_PIXELS)
    if picture.mode == "P":
        return len(np.unique(np.asarray(picture))) <= 2  # noqa: PLR2004
    rgb = to_rgb(picture) if not picture.mode.startswith("I") else None
    if rgb is None:
        return len(np.unique(np.asarray(picture))) <= 2  # noqa: PLR2004
    if np.ptp(rgb.astype(np.int16), axis=2).max() > 24:  # noqa: PLR2004 - colour
        return False
    grey = rgb[:, :, 1]
    return bool(len(np.unique(grey)) <= 2) or is_two_valued(grey)  # noqa: PLR2004


def _done(
    pixels: NDArray[np.uint8], holes: NDArray[np.bool_], format_: str, file: str, notes: Notes
) -> Parsed:
    if not holes.any():
        raise InputError("there is no hole in it", file=file, field="mask")
    if holes.all():
        raise InputError("nothing is left of the picture", file=file, field="mask")
    pixels[holes] = HOLE_GREY
    return notes.parsed(MaskedImage(pixels, holes), format_)
