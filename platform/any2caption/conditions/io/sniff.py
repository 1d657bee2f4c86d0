"""Name a file's format from its first bytes, so that a refusal can say what the file really is.

The file's name is never looked at: a `.png` may be a JPEG. Pure functions; nothing is decoded here.
"""

from collections.abc import Sequence

from any2caption.conditions.part import Part

_MAGIC: tuple[tuple[bytes, str], ...] = (
    (b"\x89PNG\r\n\x1a\n", "PNG"),
    (b"\xff\xd8\xff", "JPEG"),
    (b"GIF87a", "GIF"),
    (b"GIF89a", "GIF"),
    (b"\x93NUMPY", "npy"),
    (b"PK\x03\x04", "ZIP or npz"),
    (b"\x1f\x8b", "gzip"),
    (b"BM", "BMP"),
    (b"II*\x00", "TIFF"),
    (b"MM\x00*", "TIFF"),
    (b"v/1\x01", "OpenEXR"),
    (b"%PDF", "PDF"),
    (b"\x89HDF", "HDF5"),
    (b"\x80\x04", "pickle"),
    (b"\x80\x05", "pickle"),
)
_FTYP_STILL = {b"heic": "HEIC", b"heix": "HEIC", b"mif1": "HEIF", b"avif": "AVIF", b"avis": "AVIF"}
_HEAD = 4096
_PRINTABLE_CONTROLS = {9, 10, 12, 13}

IMAGE_FORMATS = ("PNG", "JPEG", "WebP")
VIDEO_FORMATS = ("MP4", "WebM", "GIF")


def sniff(data: bytes) -> str:
    """Return the format's name: `PNG`, `JPEG`, `WebP`, `GIF`, `MP4`, `WebM`, `npy`, `JSON`, `text`.

    Unknown binary content is `"binary data"`, no content at all `"an empty file"`.
    """
    if not data:
        return "an empty file"
    for magic, name in _MAGIC:
        if data.startswith(magic):
            return name
    if data[:4] == b"RIFF":
        return {b"WEBP": "WebP", b"AVI ": "AVI"}.get(data[8:12], "RIFF data")
    if data[4:8] == b"ftyp":
        return _FTYP_STILL.get(data[8:12], "MP4")
    if data[:4] == b"\x1a\x45\xdf\xa3":
        return "WebM" if b"webm" in data[:64] else "Matroska"
    return _sniff_text(data[:_HEAD])


def _sniff_text(head: bytes) -> str:
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):
        return "UTF-16 text"
    if any(byte < 32 and byte not in _PRINTABLE_CONTROLS for byte in head):  # noqa: PLR2004
        return "binary data"
    start = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    if start.startswith(b"HIERARCHY"):
        return "BVH"
    if start.startswith((b"PF\n", b"Pf\n")):
        return "PFM"
    return "JSON" if start.startswith((b"{", b"[")) else "text"


def beside_pictures(parts: Sequence[Part]) -> Part | None:
    """The first JSON file among pictures; None where there are others, or only one of the two."""
    names = [sniff(part.data) for part in parts]
    if not set(names) & set(IMAGE_FORMATS) or not set(names) <= {*IMAGE_FORMATS, "JSON"}:
        return None
    return parts[names.index("JSON")] if "JSON" in names else None


def is_image(data: bytes) -> bool:
    """Whether the content is one of the accepted still-image formats."""
    return sniff(data) in IMAGE_FORMATS
