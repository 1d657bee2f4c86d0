"""What a set of media files is: parsed by the condition registry, remembered by content.

A media set is the files of one condition, by digest, with all that its parser sees. The result of a
parse is small (format, frames, size, assumptions); pixels never leave the function.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import Any

from any2caption import __version__, conditions
from any2caption.conditions.camera.vocabulary import path_keys
from any2caption.conditions.registry import form_of
from any2caption.conditions.types import Camera, Condition, Image, Part, Video
from any2caption.datasets.duplicates.fingerprints import fingerprint, fingerprint_clip
from any2caption.datasets.ingest.source_records import Problem
from any2caption.errors import A2CError, InputError

_FORM = 3  # of a `Probe`; another one makes cached probes stale
_NOT_PARSING = ("drawing", "inspect")  # packages of `conditions` that no probe depends on
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
    movements: tuple[str, ...] = ()
    """What a camera path shows by geometry, the largest first (`camera_words.path_keys`)."""


def probe(media: MediaSet, data: Sequence[bytes]) -> Probe | Problem:
    """Parse one media set; what is wrong with it comes back as a Problem, never as an exception.

    Raises:
        A2CError: what is no fault of the data, for example a store that does not answer.
    """
    from any2caption.conditions.isolation.parse import parse_condition

    parts = [Part(name, content) for (name, _), content in zip(media.parts, data, strict=True)]
    try:
        condition = parse_condition(
            media.kind, parts, role=media.role, options=json.loads(media.options)
        )
        return summarise(condition)
    except InputError as error:
        field = ": ".join(part for part in (error.record, error.field) if part)
        return Problem(error.reason, field or media.kind, error.file or "")
    except A2CError:
        raise
    except Exception as error:  # noqa: BLE001 - a parser's bug must not end the whole ingest
        return Problem(f"the parser failed: {type(error).__name__}: {error}"[:500], media.kind)


def summarise(condition: Condition) -> Probe:
    """Return a parsed condition's format, frame count, size, fingerprints and movements."""
    payload = condition.payload
    frames, height, width = form_of(payload).extent(payload)
    seconds: float | None = None
    hashes: tuple[str, ...] = ()
    moves: tuple[str, ...] = ()
    if isinstance(payload, Image):
        hashes = fingerprint([payload.pixels])
    elif isinstance(payload, Video):
        seconds = round(frames / payload.fps, 3) if payload.fps > 0 else None
        hashes = fingerprint_clip(payload.frames)
    elif isinstance(payload, Camera):
        moves = path_keys(payload)
    return Probe(
        condition.format,
        frames,
        condition.role,
        height,
        width,
        condition.assumptions,
        seconds,
        hashes,
        moves,
    )


def to_document(outcome: Probe | Problem) -> dict[str, Any]:
    """Return an outcome as the cache keeps it."""
    return {"bad": isinstance(outcome, Problem), **asdict(outcome)}


def from_document(document: Mapping[str, Any]) -> Probe | Problem:
    """Read an outcome back from the cache."""
    values = {key: value for key, value in document.items() if key != "bad"}
    if document["bad"]:
        return Problem(**values)
    lists = {name: tuple(values[name]) for name in ("assumptions", "hashes", "movements")}
    return Probe(**{**values, **lists})


@cache
def parser_version() -> str:
    """Return a digest of the parsers' source code: any change to it makes cached probes stale."""
    return digest_of_parsers(Path(conditions.__file__).parent)


def digest_of_parsers(root: Path) -> str:
    """Digest the modules below `root` by path and content, but those that only draw or tell."""
    digest = hashlib.sha256(f"{__version__}/{_FORM}".encode())
    for source in sorted(root.rglob("*.py")):
        name = source.relative_to(root)
        if name.parts[0] not in _NOT_PARSING:
            digest.update(name.as_posix().encode() + b"\0" + source.read_bytes())
    return digest.hexdigest()[:16]
