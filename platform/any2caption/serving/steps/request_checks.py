"""What a request to an inner step must be before its rows are joined with other requests' rows.

A step joins the rows of a batch and cuts the result apart by counts. A request whose rows and grid
disagree would shift the cut, and so give its neighbours each other's embeddings. Each request is
therefore held to itself first, and refused alone.
"""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from any2caption.errors import InputError
from any2caption.model.config import ModelConfig
from any2caption.model.inputs import CAMERA, MOTION, TEXT, VISION, DecoderInputs

Arrays = Mapping[str, NDArray[Any]]
_KINDS = {VISION: "VISION_EMBEDS", MOTION: "MOTION_EMBEDS", CAMERA: "CAMERA_EMBEDS"}


def patch_rows(
    arrays: Arrays, rows_name: str, grid_name: str, config: ModelConfig
) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Return the patches [N, patch_dim] and grid [n, 3] of one request, with N = sum of t·h·w.

    Raises:
        InputError: rows and grid disagree, a frame does not divide into merged tokens, a value is
            not finite, or there are more rows than a prompt has places for.
    """
    merge = config.vision.merge
    most = config.text.max_positions * merge**2
    rows = _rows(arrays, rows_name, config.vision.patch_dim, most)
    grid = _array(arrays, grid_name, np.int64, 2)
    if grid.shape[1] != 3:  # noqa: PLR2004 - t, h, w
        raise InputError(f"{grid.shape[1]} numbers a row, not t, h, w", field=grid_name)
    expected = 0
    for number, (t, h, w) in enumerate(grid.tolist(), 1):
        if min(t, h, w) < 1 or h % merge or w % merge:
            raise InputError(
                f"{t}×{h}×{w} is no grid: t at least 1, h and w multiples of {merge}",
                record=f"row {number}",
                field=grid_name,
            )
        expected += math.prod((t, h, w))  # Python's integers: a product cannot wrap around
    if expected != len(rows):
        raise InputError(f"{len(rows)} rows, {grid_name} says {expected}", field=rows_name)
    return rows, grid


def pose_rows(arrays: Arrays, rows_name: str, config: ModelConfig) -> NDArray[np.float32]:
    """Return the camera rows [c·F, 16] of one request, F = config.camera.frames.

    Raises:
        InputError: not whole cameras, not finite, or more than a prompt has places for.
    """
    rows = _rows(arrays, rows_name, 16, config.text.max_positions)
    if len(rows) % config.camera.frames:
        frames = config.camera.frames
        raise InputError(f"{len(rows)} rows, not a multiple of {frames}", field=rows_name)
    return rows


def decoder_request(arrays: Arrays, config: ModelConfig) -> DecoderInputs:
    """Return one request's prompt and embeddings, each token type with as many rows as tokens.

    Raises:
        InputError: no prompt, a token, type or position outside the model's range, or embeddings
            that do not fit the prompt.
    """
    ids = _array(arrays, "INPUT_IDS", np.int64, 1)
    types = _array(arrays, "TOKEN_TYPES", np.int64, 1)
    positions = _array(arrays, "POSITION_IDS", np.int64, 2)
    most = config.text.max_positions
    room = most - config.processor.max_new_tokens
    if not len(ids):
        raise InputError("no prompt", field="INPUT_IDS")
    if len(ids) > room:
        said = f"{len(ids)} tokens, the model takes {room} ({most} less the caption's)"
        raise InputError(said, field="INPUT_IDS")
    if types.shape != ids.shape:
        raise InputError(f"{len(types)} types for {len(ids)} tokens", field="TOKEN_TYPES")
    if positions.shape != (3, len(ids)):
        shape = "×".join(map(str, positions.shape))
        raise InputError(f"{shape} positions for {len(ids)} tokens", field="POSITION_IDS")
    _within(ids, config.text.vocab_size, "INPUT_IDS")
    _within(types, len((TEXT, *_KINDS)), "TOKEN_TYPES")
    _within(positions, most, "POSITION_IDS")
    widths = {VISION: config.rows, MOTION: config.rows, CAMERA: config.text.hidden}
    embeds = {}
    for kind, name in _KINDS.items():
        embeds[kind] = _rows(arrays, name, widths[kind], most)
        expected = int((types == kind).sum())
        if len(embeds[kind]) != expected:
            raise InputError(
                f"{len(embeds[kind])} rows, the prompt has places for {expected}", field=name
            )
    return DecoderInputs(ids, positions, types, embeds[VISION], embeds[MOTION], embeds[CAMERA])


def _array(arrays: Arrays, name: str, dtype: Any, rank: int) -> NDArray[Any]:
    """One request's tensor without its leading dimension of 1."""
    array = arrays.get(name)
    if array is None:
        raise InputError("missing", field=name)
    if array.dtype != dtype:
        raise InputError(f"type {array.dtype}, not {np.dtype(dtype)}", field=name)
    if array.ndim != rank + 1 or len(array) != 1:
        shape = "×".join(map(str, array.shape))
        raise InputError(f"shape {shape}: one request of rank {rank} is expected", field=name)
    return array[0]  # type: ignore[no-any-return]


def _rows(arrays: Arrays, name: str, width: int, most: int) -> NDArray[np.float32]:
    """Finite float rows of a width; zero rows may have any (a probe knows no width)."""
    rows = _array(arrays, name, np.float32, 2)
    if len(rows) > most:
        raise InputError(f"{len(rows)} rows, at most {most}", field=name)
    if not len(rows):
        return np.zeros((0, width), np.float32)
    if rows.shape[1] != width:
        raise InputError(f"{rows.shape[1]} numbers a row, not {width}", field=name)
    if not np.isfinite(rows).all():
        raise InputError("a number that is not finite", field=name)
    return rows


def _within(values: NDArray[np.int64], end: int, name: str) -> None:
    if len(wrong := values[(values < 0) | (values >= end)]):
        raise InputError(f"{wrong[0]} is outside 0 to {end - 1}", field=name)
