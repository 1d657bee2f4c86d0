"""Still pictures and PNG: decode untrusted bytes within limits, encode arrays.

Everything is bounded before it is decoded: bytes by the caller, pixels from the header. Clips are
in `clips`, whose functions are also offered here.
"""

import io
import struct
import warnings
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image as PilImage
from PIL import ImageOps

from any2caption.conditions.io.clips import Clip, decode_video, encode_mp4
from any2caption.conditions.io.png_chunks import without_texts
from any2caption.conditions.io.sniff import IMAGE_FORMATS, sniff
from any2caption.conditions.io.upright import Turn, square_size
from any2caption.conditions.kind import Notes
from any2caption.conditions.types import Part
from any2caption.errors import InputError

__all__ = [
    "DECODE_ERRORS",
    "MAX_PIXELS",
    "Clip",
    "Header",
    "decode_image",
    "decode_video",
    "encode_mp4",
    "encode_png",
    "image_header",
    "load_image",
    "warn_of_odd",
]

MAX_PIXELS = 40_000_000
DECODE_ERRORS = (
    OSError,
    SyntaxError,
    ValueError,
    TypeError,
    EOFError,
    struct.error,
    IndexError,
    KeyError,
    OverflowError,
    MemoryError,
)
_SIXTEEN_BIT = ("I;16", "I;16B", "I;16L", "I;16N", "I")
_PNG_HEAD = 26
_DEEP = 16
_BLACK, _DEEP_BLACK = 7, 255
"""Values of 8 and of 16 bits that nobody sees."""


@dataclass(frozen=True, slots=True)
class Header:
    """What a picture's header says, read without decoding; the size is in pixels as stored."""

    format: str
    width: int
    height: int
    bits: int
    """Bits a channel; 8 unless a PNG says otherwise."""
    channels: int
    """Channels as stored (palette = 1)."""
    turn: Turn
    """How EXIF says that the picture is shown."""
    animated: bool
    """More than one frame (PNG, WebP)."""
    aspect: float = 1.0
    """Width of a pixel over its height, where the file states both."""

    @property
    def upright_size(self) -> tuple[int, int]:
        """(height, width) after the EXIF orientation is applied."""
        size = (self.height, self.width)
        return size[::-1] if self.turn.transposed else size


def _open(part: Part, max_pixels: int) -> PilImage.Image:
    name = sniff(part.data)
    if name not in IMAGE_FORMATS:
        accepted = ", ".join(IMAGE_FORMATS)
        raise InputError(
            f"not a picture: this is {name}; accepted: {accepted}", file=part.name, field="format"
        )
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            picture = PilImage.open(io.BytesIO(without_texts(part.data)), formats=[name.upper()])
    except PilImage.DecompressionBombError as error:
        raise _too_large(part, "far more pixels", max_pixels) from error
    except DECODE_ERRORS as error:
        raise InputError(
            f"a damaged or truncated {name}", file=part.name, field="header"
        ) from error
    width, height = picture.size
    if width * height > max_pixels:
        raise _too_large(part, f"{width}×{height} pixels", max_pixels)
    if width < 1 or height < 1:
        raise InputError(f"{width}×{height} pixels", file=part.name, field="size")
    return picture


def _too_large(part: Part, size: str, max_pixels: int) -> InputError:
    return InputError(
        f"{size}; at most {max_pixels / 1e6:g} megapixels are taken", file=part.name, field="size"
    )


def image_header(part: Part, max_pixels: int = MAX_PIXELS) -> Header:
    """Read a picture's header only.

    Raises:
        InputError: not a PNG, JPEG or WebP, or over `max_pixels`.
    """
    picture = _open(part, max_pixels)
    name = sniff(part.data)
    bits = part.data[24] if name == "PNG" and len(part.data) >= _PNG_HEAD else 8
    return Header(
        format=name,
        width=picture.width,
        height=picture.height,
        bits=bits,
        channels=len(picture.getbands()),
        turn=Turn.of_exif(_orientation(picture)),
        animated=name != "JPEG" and getattr(picture, "n_frames", 1) > 1,
        aspect=_aspect(picture),
    )


def _orientation(picture: PilImage.Image) -> int:
    try:
        return int(picture.getexif().get(0x0112, 1))
    except DECODE_ERRORS:
        return 1


def _aspect(picture: PilImage.Image) -> float:
    """From the density across and down: PNG's pHYs, JFIF's density or aspect ratio."""
    found = (
        picture.info.get("jfif_density") or picture.info.get("dpi") or picture.info.get("aspect")
    )
    try:
        across, down = (float(one) for one in found or (1, 1))
        return down / across if across > 0 and down > 0 else 1.0
    except (TypeError, ValueError):
        return 1.0


def load_image(part: Part, max_pixels: int = MAX_PIXELS) -> PilImage.Image:
    """Decode a picture completely, in its own mode, upright (EXIF orientation applied).

    Raises:
        InputError: not a picture, too large, damaged or truncated; names the file.
    """
    picture = _open(part, max_pixels)
    try:
        picture.load()
    except DECODE_ERRORS as error:
        raise InputError(
            f"a damaged or truncated {sniff(part.data)}", file=part.name, field="pixels"
        ) from error
    try:
        return ImageOps.exif_transpose(picture)
    except DECODE_ERRORS:  # damaged EXIF must not cost the picture
        return picture


def decode_image(part: Part, max_pixels: int = MAX_PIXELS) -> NDArray[np.uint8]:
    """Decode a PNG, JPEG or WebP to uint8 H×W×3.

    EXIF orientation is applied, alpha is laid over white, 16-bit grey is scaled to 8 bits, palette
    and CMYK are converted; of an animated file the first frame is taken.

    Raises:
        InputError: not a picture, too large, damaged or truncated; names the file.
    """
    picture = load_image(part, max_pixels)
    try:
        return to_rgb(picture)
    except DECODE_ERRORS as error:
        raise InputError(f"a damaged {sniff(part.data)}", file=part.name, field="pixels") from error


def to_rgb(picture: PilImage.Image) -> NDArray[np.uint8]:
    """Convert a decoded picture of any mode to uint8 H×W×3, alpha over white."""
    if picture.mode in _SIXTEEN_BIT:
        deep = np.asarray(picture).astype(np.int64).clip(0, 65535)
        grey = ((deep + 128) // 257).astype(np.uint8)
        return np.repeat(grey[:, :, None], 3, axis=2)
    if picture.mode in ("RGBA", "LA", "PA", "La", "RGBa") or "transparency" in picture.info:
        picture = picture.convert("RGBA")
        ground = PilImage.new("RGBA", picture.size, (255, 255, 255, 255))
        picture = PilImage.alpha_composite(ground, picture)
    return np.array(picture.convert("RGB"), dtype=np.uint8)


def warn_of_odd(part: Part, notes: Notes, max_pixels: int = MAX_PIXELS) -> None:
    """Warn of what is not as it looks: animations, pixels that are not square, tiny values.

    Grey with values so small that it is black to the eye is ids, or a 0/1 mask.
    """
    header = image_header(part, max_pixels)
    if header.animated:
        notes.warn("an animated picture: its first frame is taken")
    if square_size(1000, 1000, header.aspect) != (1000, 1000):
        notes.warn(
            f"pixels {header.aspect:.3g} times as wide as high are taken as square: resize the "
            "picture as it is shown"
        )
    picture = load_image(part, max_pixels)
    if picture.mode != "L" and picture.mode not in _SIXTEEN_BIT:
        return
    full, black = (255, _BLACK) if picture.mode == "L" else (65_535, _DEEP_BLACK)
    most = int(np.asarray(picture).max())
    if 0 < most <= black:
        notes.warn(
            f"a grey picture with values up to {most} of {full:,} is black to the eye: is it a "
            "mask (kind segmentation) or depth?"
        )


def encode_png(pixels: NDArray[np.uint8]) -> bytes:
    """Encode uint8 H×W or H×W×3 (or uint16 H×W) as PNG."""
    buffer = io.BytesIO()
    PilImage.fromarray(np.ascontiguousarray(pixels)).save(buffer, format="PNG")
    return buffer.getvalue()
