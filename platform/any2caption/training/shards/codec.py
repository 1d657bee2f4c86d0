"""One training sample as the files of a tar, and back.

    meta.json    id, prompt, answers, parts, phrases, wanted, general, length; per feature kind,
                 role, regions, shape, file
    caption.npy  int32, tokens of the caption with the end token
    slots.npy    float32, 1 where a token names a slot
    prompt.npy   int32, tokens of the prompt
    trace.npy    int32, tokens of the reasoning trace, where there is one
    0.png, 1.npy …  the features' media: uint8 frames as PNG (one below the other) or .npy,
                 camera poses as float32 .npy

Only these three formats are read, each by its own decoder; arrays of objects are refused.
"""

import io
import json
import math
import re
import struct
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import NDArray

from any2caption.errors import InputError
from any2caption.model.inputs import Features

Media = Literal["png", "npy"]
NO_TOKENS: Final = np.zeros(0, np.int32)
SUFFIXES = ("json", "npy", "png")
_PNG_PIXELS = 80_000_000  # larger stacks of frames go into .npy
_MAGIC = b"\x93NUMPY\x01\x00"
_HEADER = re.compile(
    rb"\{'descr': '([<|]\w\d)', 'fortran_order': False, 'shape': \(([\d, ]*)\), \} *\n"
)
_GREY, _COLOUR = 3, 4  # dimensions of T×H×W and T×H×W×3


@dataclass(frozen=True, slots=True)
class ShardSample:
    """A record with everything that a step needs of it.

    `caption` int32 L and `slots` float32 L as in `data.prepared.Prepared`; `prompt_tokens` int32 P;
    `trace` int32 R, empty without; the rest as in `data.types.Sample`.
    """

    id: str
    prompt: str
    features: tuple[Features, ...]
    answers: Mapping[str, Mapping[str, Sequence[str]]]
    parts: Mapping[str, str]
    caption: NDArray[np.int32]
    slots: NDArray[np.float32]
    prompt_tokens: NDArray[np.int32]
    length: int
    phrases: Mapping[str, Sequence[str]] = field(default_factory=dict)
    wanted: Mapping[str, Mapping[str, Sequence[str]]] = field(default_factory=dict)
    facts: str = ""
    trace: NDArray[np.int32] = field(default_factory=lambda: NO_TOKENS)
    general: bool = False
    items: tuple[int, ...] = ()
    """The number of each feature among the distinct ones of all samples, as `Prepared` has it."""


def encode(sample: ShardSample, media: Media = "png") -> dict[str, bytes]:
    """Return the sample's files; equal samples give equal bytes."""
    files = {
        "caption.npy": _npy(sample.caption),
        "slots.npy": _npy(sample.slots),
        "prompt.npy": _npy(sample.prompt_tokens),
    }
    if len(sample.trace):
        files["trace.npy"] = _npy(sample.trace)
    features = []
    for number, feature in enumerate(sample.features):
        entry: dict[str, Any] = {"kind": str(feature["kind"]), "role": str(feature["role"])}
        if "regions" in feature:
            entry["regions"] = feature["regions"].tolist()
        if "poses" in feature:
            entry["poses"] = f"{number}.npy"
            files[entry["poses"]] = _npy(np.asarray(feature["poses"], np.float32))
        elif "frames" in feature:
            frames = np.ascontiguousarray(feature["frames"], np.uint8)
            as_png = media == "png" and 0 < frames.size <= _PNG_PIXELS
            entry |= {"frames": f"{number}.{'png' if as_png else 'npy'}", "shape": frames.shape}
            files[entry["frames"]] = _png(frames) if as_png else _npy(frames)
        if sample.items:
            entry["item"] = sample.items[number]
        features.append(entry)
    meta = {
        "id": sample.id,
        "prompt": sample.prompt,
        "answers": {
            kind: {slot: list(names) for slot, names in slots.items()}
            for kind, slots in sample.answers.items()
        },
        "parts": dict(sample.parts),
        "phrases": {part: list(phrases) for part, phrases in sample.phrases.items()},
        "wanted": {
            who: {slot: list(fact) for slot, fact in facts.items()}
            for who, facts in sample.wanted.items()
        },
        **({"facts": sample.facts} if sample.facts else {}),
        "general": sample.general,
        "length": sample.length,
        "features": features,
    }
    # Unsorted: training draws from parts and answers in the order that they were told in.
    files["meta.json"] = json.dumps(meta, ensure_ascii=False).encode()
    return files


def decode_frames(data: bytes, name: str, shape: tuple[int, ...]) -> NDArray[np.uint8]:
    """Return frames of a `shape`; `name` of the file says which of the two formats it is.

    Raises:
        ValueError, OSError: it is damaged, of another format, or holds another shape.
    """
    frames = _pixels(data, shape) if name.endswith(".png") else _array(data, np.uint8)
    if frames.shape != shape:
        raise ValueError(f"{name} has shape {frames.shape}, not {shape}")
    return frames


def _npy(array: NDArray[Any]) -> bytes:
    out = io.BytesIO()
    np.save(out, np.ascontiguousarray(array), allow_pickle=False)
    return out.getvalue()


def _array(data: bytes, dtype: type[np.generic]) -> NDArray[Any]:
    """Return the array of a .npy as this project writes them, read-only and uncopied.

    The header is matched, not evaluated: any other type, order or claimed size is refused.
    """
    wanted = np.dtype(dtype)
    start = len(_MAGIC) + 2
    start += int.from_bytes(data[len(_MAGIC) : start], "little")
    header = _HEADER.fullmatch(data[len(_MAGIC) + 2 : start])
    if not data.startswith(_MAGIC) or header is None:
        raise ValueError("is not a plain .npy")
    if header[1].decode() != wanted.str:
        raise ValueError(f"holds {header[1].decode()}, not {wanted.str}")
    shape = tuple(int(size) for size in header[2].split(b",") if size.strip())
    if math.prod(shape) * wanted.itemsize != len(data) - start:
        raise ValueError(f"an array of shape {shape} is not in {len(data)} bytes")
    return np.frombuffer(data, wanted, offset=start).reshape(shape)


def _png(frames: NDArray[np.uint8]) -> bytes:
    from PIL import Image

    if frames.ndim not in {_GREY, _COLOUR}:
        raise InputError(f"frames of shape {frames.shape} are no pictures", field="frames")
    out = io.BytesIO()
    tall = frames.reshape(-1, *frames.shape[2:])
    Image.fromarray(tall).save(out, "PNG", compress_level=1)
    return out.getvalue()


def _pixels(data: bytes, shape: tuple[int, ...]) -> NDArray[np.uint8]:
    """Decode a PNG whose header states just the expected size: nothing larger is unpacked."""
    from PIL import Image

    try:
        with Image.open(io.BytesIO(data), formats=("PNG",)) as picture:
            size = f"{picture.width}×{picture.height}×{len(picture.getbands())}"
            if picture.width * picture.height * len(picture.getbands()) != math.prod(shape):
                raise ValueError(f"PNG of {size}, not {shape}")
            return np.asarray(picture, np.uint8).reshape(shape)
    except (SyntaxError, struct.error, zlib.error, Image.DecompressionBombError) as error:
        raise ValueError(f"no PNG: {error}") from error
