"""What a set of media files is: parsed by the condition registry, remembered by content.

A media set is the files of one condition, by digest, with all that its parser sees. The result of a
parse is small (format, frames, size, assumptions); pixels never leave the function.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cache
from importlib.resources import files
from typing import Any

from any2caption import __version__
from any2caption.conditions.types import (
    Camera,
    Condition,
    Depth,
    DrawnPose,
    Image,
    MaskedImage,
    Motion,
    Normals,
    Part,
    Pose,
    Regions,
    Segmentation,
    Sketch,
    Video,
)
from any2caption.datasets.fingerprints import fingerprint, fingerprint_clip
from any2caption.datasets.ingest.manifest import Problem
from any2caption.errors import A2CError, InputError

_FORM = 2  # of a `Probe`; another one makes cached probes stale
Options = Mapping[str, str | float | int | bool]


@dataclass(frozen=True, slots=True)
class MediaSet:
    """One condition's files, in order, as (name, SHA-256)."""

    kind: str
    role: str | None
    options: str
    parts: tuple[tuple[str, str], ...]

    @classmethod
    def of(
        cls, kind: str, role: str | None, options: Options, parts: Sequence[tuple[str, str]]
    ) -> "MediaSet":
        """Make a set; options are kept as canonical JSON so that equal sets compare equal."""
        return cls(kind, role, json.dumps(dict(options), sort_keys=True), tuple(parts))

    def key(self) -> str:
        """Return the set's name in the cache."""
        text = json.dumps([self.kind, self.role, self.options, self.parts], ensure_ascii=False)
        return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


@dataclass(frozen=True, slots=True)
class Probe:
    """What a parser found; `role` is the kind's default where none was given.

    Height and width are in pixels, where the kind has them.
    """

    format: str
    frames: int
    role: str | None = None
    height: int | None = None
    width: int | None = None
    assumptions: tuple[str, ...] = ()
    seconds: float | None = None
    hashes: tuple[str, ...] = ()
    """Perceptual hashes of a picture or of a clip's frames (`fingerprints`)."""


def probe(media: MediaSet, data: Sequence[bytes]) -> Probe | Problem:
    """Parse one media set; what is wrong with it comes back as a Problem, never as an exception.

    Raises:
        A2CError: what is no fault of the data, for example a store that does not answer.
    """
    from any2caption.conditions.isolation import parse_condition

    parts = [Part(name, content) for (name, _), content in zip(media.parts, data, strict=True)]
    try:
        condition = parse_condition(
            media.kind, parts, role=media.role, options=json.loads(media.options)
        )
    except InputError as error:
        field = ": ".join(part for part in (error.record, error.field) if part)
        return Problem(error.reason, field or media.kind, error.file or "")
    except A2CError:
        raise
    except Exception as error:  # noqa: BLE001 - a parser's bug must not end the whole ingest
        return Problem(f"the parser failed: {type(error).__name__}: {error}"[:500], media.kind)
    return summarise(condition)


def summarise(condition: Condition) -> Probe:
    """Return a parsed condition's format, frame count and size."""
    height: int | None = None
    width: int | None = None
    frames = 1
    seconds: float | None = None
    hashes: tuple[str, ...] = ()
    match condition.payload:
        case Image(pixels):
            height, width = pixels.shape[:2]
            hashes = fingerprint([pixels])
        case Video(stack, fps):
            frames, height, width = stack.shape[:3]
            seconds = round(frames / fps, 3) if fps > 0 else None
            hashes = fingerprint_clip(stack)
        case Depth(stack) | Segmentation(stack) | Sketch(stack):
            frames, height, width = stack.shape
        case Normals(vectors):
            frames, height, width = vectors.shape[:3]
        case DrawnPose(stack):
            frames, height, width = stack.shape[:3]
        case MaskedImage(holes=holes):
            height, width = holes.shape
        case Regions(frames=given):
            frames = len(given)
        case Motion(tracks):
            frames = len(tracks)
        case Pose(keypoints):
            frames = len(keypoints)
        case Camera(w2c=poses):
            frames = len(poses)
    return Probe(
        condition.format,
        frames,
        condition.role,
        height,
        width,
        condition.assumptions,
        seconds,
        hashes,
    )


def to_document(outcome: Probe | Problem) -> dict[str, Any]:
    """Return an outcome as the cache keeps it."""
    return {"bad": isinstance(outcome, Problem), **asdict(outcome)}


def from_document(document: Mapping[str, Any]) -> Probe | Problem:
    """Read an outcome back from the cache."""
    values = {key: value for key, value in document.items() if key != "bad"}
    if document["bad"]:
        return Problem(**values)
    lists = {name: tuple(values[name]) for name in ("assumptions", "hashes")}
    return Probe(**{**values, **lists})


@cache
def parser_version() -> str:
    """Return a digest of the parsers' source code: any change to them makes cached probes stale."""
    digest = hashlib.sha256(f"{__version__}/{_FORM}".encode())
    sources = (
        item for item in files("any2caption.conditions").iterdir() if item.name.endswith(".py")
    )
    for source in sorted(sources, key=lambda item: item.name):
        digest.update(source.name.encode() + b"\0" + source.read_bytes())
    return digest.hexdigest()[:16]
