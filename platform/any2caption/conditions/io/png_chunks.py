"""PNG files without their large texts: workflows and profiles that no picture needs.

Tools write whole workflows into text chunks; Pillow refuses files whose texts unpack to more than a
megabyte, though the picture is sound. Chunks are left out before it sees them.
Source: https://www.w3.org/TR/png-3/#5Chunk-layout
"""

_SIGNATURE = 8
_FRAME = 12  # a chunk's length, name and checksum
_NAMES = (b"tEXt", b"zTXt", b"iTXt", b"iCCP")
_SMALL = 900
"""Bytes that cannot unpack to a megabyte (at most 1,032 to 1)."""
_ORIENTATION = b"Raw profile type exif"


def without_texts(data: bytes) -> bytes:
    """Return a PNG without large texts and profiles; any other content as it is."""
    if not data.startswith(b"\x89PNG"):
        return data
    kept: list[bytes] = []
    at = start = _SIGNATURE
    while at + _FRAME <= len(data):
        end = at + _FRAME + int.from_bytes(data[at : at + 4], "big")
        if _is_left_out(data, at, end):
            kept.append(data[start:at])
            start = end
        at = end
    return data[:_SIGNATURE] + b"".join([*kept, data[start:]]) if kept else data


def _is_left_out(data: bytes, at: int, end: int) -> bool:
    if data[at + 4 : at + 8] not in _NAMES or end > len(data):
        return False
    return end - at > _SMALL and not data.startswith(_ORIENTATION, at + 8)
