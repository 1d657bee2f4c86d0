"""Example requests: `request.json` and `requests/*.json` of the repository's `examples`."""

import json
from dataclasses import dataclass
from pathlib import Path

import any2caption
from any2caption.conditions.io.files import read_parts
from any2caption.conditions.roles import IMAGE_ROLES
from any2caption.playground.request import Item, Request


@dataclass(frozen=True, slots=True)
class Example:
    """A request that loads with one click."""

    title: str
    file: Path

    def load(self) -> Request:
        """Read it with its files."""
        told = json.loads(self.file.read_text(encoding="utf-8"))
        items = []
        for kind, paths in told["conditions"].items():
            for given in paths:
                path, _, role = given.rpartition(":")
                if role not in IMAGE_ROLES:
                    path, role = given, ""
                parts = tuple(read_parts(self._root() / path))
                name = told.get("names", {}).get(given, "")
                items.append(Item(kind, parts, role or None, name))
        return Request(told["text"], tuple(items), told.get("choices", {}))

    def _root(self) -> Path:
        nested = self.file.parent.name == "requests"
        return self.file.parent.parent if nested else self.file.parent


def examples(folder: Path | None = None) -> list[Example]:
    """Return the examples of a folder (default: the repository's); none where there is none."""
    for root in (folder, Path("examples"), Path(any2caption.__file__).parents[2] / "examples"):
        if root and (first := root / "request.json").is_file():
            more = sorted((root / "requests").glob("*.json"))
            return [Example(_title(file), file) for file in (first, *more)]
    return []


def _title(file: Path) -> str:
    told = json.loads(file.read_text(encoding="utf-8"))
    return str(told.get("title", told["text"]))
