"""Perceptual fingerprints of pictures and clips, and the pairs of them that are nearly equal.

A picture has one 64-bit pHash (`imagehash.phash`), a clip one for each of four spaced frames. A
frame without structure (all black, one colour) has none: all such frames would be "equal".

`near_pairs` finds all pairs within a Hamming distance without comparing all with all: two hashes
that differ in at most `bits` bits differ in at most `bits // 4` of the bits of one of their four
16-bit bands (pigeonhole), so only hashes with a nearly equal band are compared. Exact, no false
negatives.
"""

from collections.abc import Iterator, Sequence
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from any2caption.conditions.sampling import sample_frames

FRAMES = 4  # of a clip
BITS = 6  # of 64: see `bench/data_duplicates.py` for how this separates
_BANDS, _BAND_BITS = 4, 16
_FLAT = 2.0  # standard deviation of grey levels, of 255
_SIDE = 64  # pixels; a picture is reduced before it is looked at
_BLOCK = 1_000_000  # candidate pairs in memory at once, 60 bytes each
Hashes = NDArray[np.uint64]


def fingerprint(frames: Sequence[NDArray[np.uint8]]) -> tuple[str, ...]:
    """Return a hash of 16 hexadecimal digits per frame (uint8 H×W×3), "" where it is flat."""
    return tuple(_hash(frame) for frame in frames)


def fingerprint_clip(frames: NDArray[np.uint8]) -> tuple[str, ...]:
    """Return the hashes of four frames of a clip (uint8 T×H×W×3)."""
    return fingerprint([frames[place] for place in sample_frames(len(frames), FRAMES)])


def near_pairs(hashes: Hashes, bits: int = BITS) -> NDArray[np.int64]:
    """Return all pairs (i < j) of places whose hashes differ in at most `bits` bits, as P×2."""
    pairs = np.concatenate([np.empty((0, 2), np.int64), *_near_blocks(hashes, bits)])
    return np.unique(pairs, axis=0) if len(pairs) else pairs


def _near_blocks(hashes: Hashes, bits: int) -> Iterator[NDArray[np.int64]]:
    """Yield the pairs of `near_pairs` block by block; a pair may come several times."""
    masks = _masks(bits // _BANDS)
    for band_number in range(_BANDS):
        shift = np.uint64(band_number * _BAND_BITS)
        band = ((hashes >> shift) & np.uint64(0xFFFF)).astype(np.int64)
        order = np.argsort(band, kind="stable")
        starts = np.zeros((1 << _BAND_BITS) + 1, np.int64)
        np.cumsum(np.bincount(band, minlength=1 << _BAND_BITS), out=starts[1:])
        for mask in masks:
            wanted = band ^ mask
            yield from _compare(hashes, order, starts[wanted], starts[wanted + 1], bits)


def _compare(
    hashes: Hashes,
    order: NDArray[np.int64],
    low: NDArray[np.int64],
    high: NDArray[np.int64],
    bits: int,
) -> Iterator[NDArray[np.int64]]:
    """Compare each hash with the candidates order[low:high], a block of pairs at a time."""
    counts = high - low
    ends = np.cumsum(counts)
    first = 0
    while first < len(hashes):
        before = ends[first - 1] if first else 0
        last = max(first + 1, int(np.searchsorted(ends, before + _BLOCK, side="right")))
        part = counts[first:last]
        left = np.repeat(np.arange(first, last), part)
        within = np.arange(len(left)) - np.repeat(np.cumsum(part) - part, part)
        right = order[np.repeat(low[first:last], part) + within]
        keep = left < right
        left, right = left[keep], right[keep]
        near = np.bitwise_count(hashes[left] ^ hashes[right]) <= bits
        yield np.stack([left[near], right[near]], axis=1)
        first = last


def clusters(rows: NDArray[np.uint64], bits: int = BITS) -> NDArray[np.int64]:
    """Return a cluster number per row of N×F hashes (0 = flat frame).

    Two rows are near when every frame is within `bits` (flat only near flat); clusters are what is
    connected by near rows.
    """
    unique, inverse = np.unique(rows, axis=0, return_inverse=True)
    labels = np.arange(len(unique))
    for pairs in _row_pairs(unique, bits):
        labels = _join(labels, pairs)
    return np.asarray(labels[inverse.reshape(-1)], np.int64)


def _join(labels: NDArray[np.int64], pairs: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the labels after each pair's two clusters became one.

    Done block by block: ten thousand pictures that look alike are fifty million pairs.
    """
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    ends = labels[pairs]
    ends = ends[ends[:, 0] != ends[:, 1]]
    if not len(ends):
        return labels
    count = int(labels.max()) + 1
    graph = coo_array((np.ones(len(ends), np.bool_), ends.T), shape=(count, count))
    return np.asarray(connected_components(graph, directed=False)[1][labels], np.int64)


def _row_pairs(rows: NDArray[np.uint64], bits: int) -> Iterator[NDArray[np.int64]]:
    """Yield pairs of near rows, pattern of flat frames by pattern.

    Near rows are near in every frame, so the frame that tells most rows apart finds them all.
    """
    patterns = (rows != 0) @ (1 << np.arange(rows.shape[1]))
    for pattern in np.unique(patterns[patterns > 0]):
        places = np.flatnonzero(patterns == pattern)
        filled = [column for column in range(rows.shape[1]) if pattern >> column & 1]
        column = max(filled, key=lambda column: len(np.unique(rows[places, column])))
        for block in _near_blocks(rows[places, column], bits):
            pairs = places[block]
            yield pairs[_near_rows(rows[pairs[:, 0]], rows[pairs[:, 1]], bits)]


def _near_rows(left: NDArray[np.uint64], right: NDArray[np.uint64], bits: int) -> NDArray[np.bool_]:
    return np.asarray((np.bitwise_count(left ^ right) <= bits).all(axis=1), np.bool_)


def _masks(flips: int) -> list[int]:
    return [
        sum(1 << bit for bit in chosen)
        for count in range(flips + 1)
        for chosen in combinations(range(_BAND_BITS), count)
    ]


def _hash(frame: NDArray[np.uint8]) -> str:
    import imagehash
    from PIL import Image

    small = Image.fromarray(frame).convert("L")
    small.thumbnail((4 * _SIDE, 4 * _SIDE), Image.Resampling.BOX)
    if np.asarray(small, np.float32).std() < _FLAT:
        return ""
    return str(imagehash.phash(small))
