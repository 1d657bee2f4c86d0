"""A record as a plain folder gives it, before anything of it was opened."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from posixpath import basename, splitext
from typing import Any

from any2caption.datasets.ingest.shapes.folder import Folder
from any2caption.datasets.ingest.source_records import Problem

Condition = tuple[str, str, tuple[str, ...]]
"""Kind, role or "", paths below the root."""


@dataclass(frozen=True, slots=True)
class Draft:
    """A record to be."""

    id: str
    prompt: str
    conditions: tuple[Condition, ...] = ()
    parts: Mapping[str, str] = field(default_factory=dict)
    """Parts of the caption that the folder states, by name."""
    texts: tuple[str, ...] = ()
    """Files that its texts come from."""
    problems: tuple[Problem, ...] = ()
    """What a table says that is not so; the record goes to quarantine with it."""

    def document(self) -> dict[str, Any]:
        """Return the record as a manifest would have it, without licence and source."""
        conditions = [
            {"kind": kind, "paths": list(paths), **({"role": role} if role else {})}
            for kind, role, paths in self.conditions
        ]
        parts = {"caption_parts": dict(self.parts)} if self.parts else {}
        return {"id": self.id, "prompt": self.prompt, "conditions": conditions, **parts}


def condition(folder: Folder, paths: Sequence[str], role: str = "") -> Condition:
    """Return one condition: several pictures without a kind of their own are a video's frames."""
    return with_role(folder.kind_of(paths[0]) or "image", paths, role)


def with_role(kind: str, paths: Sequence[str], role: str = "") -> Condition:
    """Return one condition; only a picture has a role: the given one, or what its name says."""
    stem = splitext(basename(paths[0]))[0].lower()
    if kind == "image" and len(paths) > 1:
        kind = "video"
    if kind != "image":
        role = ""
    elif not role:
        role = next((name for name in ("first_frame", "last_frame") if name in stem), "")
    return kind, role, tuple(paths)


def missing(folder: Folder, path: str, table: str, column: str) -> tuple[Problem, ...]:
    """Return what is wrong when a table's column names a file that is not in the folder.

    Paths that lead out are refused later, with a reason of their own.
    """
    if path in folder.names or path.startswith("/") or ".." in path.split("/"):
        return ()
    reason = f"{table} names it, but it is not in the source (links are not followed)"
    return (Problem(reason, column, path),)
