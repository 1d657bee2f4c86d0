"""A plain folder's listing, with what its files are: the ground that `shapes` works on.

Media are told apart by suffix here, because a listing has nothing else; the parsers then decide by
content. Text files are opened.
"""

import re
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from posixpath import basename, dirname, join, normpath, splitext
from unicodedata import normalize

from any2caption.conditions.camera.json_formats import opens_like
from any2caption.conditions.io.files import natural_key
from any2caption.errors import InputError

IMAGES = (".png", ".jpg", ".jpeg", ".webp")
VIDEOS = (".mp4", ".webm", ".gif", ".mov")
TEXTS = (".txt", ".json", ".jsonl", ".csv")
MAX_FILES = 1_000_000
_MAX_TEXT = 64 << 20
# A folder that is called like this says what its files are.
FOLDER_KINDS = {
    "depth": "depth",
    "depths": "depth",
    "mask": "segmentation",
    "masks": "segmentation",
    "segmentation": "segmentation",
    "annotations": "segmentation",
    "canny": "sketch",
    "scribble": "sketch",
    "sketch": "sketch",
    "sketches": "sketch",
    "lineart": "sketch",
    "normal": "normal",
    "normals": "normal",
    "pose": "pose",
    "poses": "pose",
    "openpose": "pose",
    "camera": "camera",
    "cameras": "camera",
    "trajectories": "camera",
}
ABOUT_FILES = re.compile(r"(readme|notice|copying|.*licen[cs]es?)\b", re.IGNORECASE)
"""Texts about a folder, which are no prompts."""
_NUMBERS = re.compile(rb"[\d\s.,eE+-]+")
_HEAD, _LOOK = 65_536, 40  # bytes and lines of a text that are looked at
_POINTS = 3  # numbers in a line of a track: x, y and perhaps time; also lines of phi, theta, radius


@dataclass(frozen=True)
class Folder:
    """Paths below a source's root, and how to read one. `kind` overrides what files are."""

    where: str
    paths: Sequence[str]
    read: Callable[[str], bytes]
    kinds: Collection[str]
    kind: str = ""
    joining: Collection[str] = ()
    """Kinds of which several files are one condition."""
    notes: list[str] = field(default_factory=list)
    known: set[str] = field(default_factory=set)
    """Text files that no record uses, of which a note says why."""
    _kinds_found: dict[str, str] = field(default_factory=dict)

    @cached_property
    def names(self) -> frozenset[str]:
        """Every path."""
        return frozenset(self.paths)

    @cached_property
    def by_folder(self) -> dict[str, list[str]]:
        """Files by the folder they lie in, both in natural order."""
        found: dict[str, list[str]] = {}
        for path in sorted(self.paths, key=natural_key):
            found.setdefault(dirname(path), []).append(path)
        return found

    @cached_property
    def media(self) -> list[str]:
        """Files that can be conditions, in natural order."""
        return [path for path in sorted(self.paths, key=natural_key) if self.kind_of(path)]

    @cached_property
    def _composed(self) -> dict[str, str]:
        """Paths by their spelling with composed accents."""
        return {normalize("NFC", path): path for path in self.paths}

    @cached_property
    def _by_name(self) -> dict[str, list[str]]:
        found: dict[str, list[str]] = {}
        for path in self.paths:
            found.setdefault(basename(path), []).append(path)
        return found

    def text(self, path: str) -> str:
        """Return a text file's content; UTF-8, a BOM is dropped, all line ends are read."""
        data = self.read(path)
        if len(data) > _MAX_TEXT:
            raise InputError(f"{len(data)} bytes of text, at most {_MAX_TEXT}", file=path)
        try:
            text = data.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            raise InputError(f"not UTF-8 (byte {error.start})", file=path) from None
        return text.replace("\r\n", "\n").replace("\r", "\n")

    def lines(self, path: str) -> list[str]:
        """Return a text file's lines without blank ones at the end."""
        return [line.strip() for line in self.text(path).rstrip().split("\n")]

    def kind_of(self, path: str) -> str:
        """Return the condition kind a file has, or "" for text and unknown files.

        Rule: the option, else the nearest folder named like a kind, else the suffix; a text file
        of numbers, and JSON that begins with a camera's pose, is a camera path. More than three
        lines of two or three numbers are no camera's but a point's way over the picture.
        """
        if path not in self._kinds_found:
            self._kinds_found[path] = self._find_kind(path)
        return self._kinds_found[path]

    def _find_kind(self, path: str) -> str:
        suffix = splitext(path)[1].lower()
        media = suffix in (*IMAGES, *VIDEOS, ".npy", ".bvh")
        numbers = self._numbers(path) if suffix == ".txt" else ""
        named = self._kind_of_folder(path)
        if self.kind and (media or numbers or suffix == ".json"):
            return self.kind
        if numbers:
            return numbers if numbers == "motion" else named or numbers
        if suffix in {".json", ".csv"} and named in {"camera", "pose"}:
            return "" if self._is_prompts(path) else named
        if suffix == ".json" and "camera" in self.kinds and opens_like(self.read(path)[:_HEAD]):
            return "camera"
        if not media:
            return ""
        plain = "image" if suffix in IMAGES else "video" if suffix in VIDEOS else ""
        other = {".npy": "depth", ".bvh": "pose"}.get(suffix, "")
        return named or plain or (other if other in self.kinds else "")

    def _numbers(self, path: str) -> str:
        """Return the kind that a text's lines of numbers are; "" for another text."""
        widths = self._widths(path)
        kind = "motion" if len(widths) > _POINTS >= max(widths) else "camera" if widths else ""
        return kind if kind in self.kinds else ""

    def _widths(self, path: str) -> list[int]:
        """Return how many numbers each of a text's first lines has; nothing for other texts.

        The first line is not looked at: in camera paths it may be a URL.
        """
        data = self.read(path)
        lines = [line.strip() for line in data[:_HEAD].splitlines()][1:_LOOK]
        lines = [line for line in lines if line and not line.startswith(b"#")]
        if not all(_NUMBERS.fullmatch(line) for line in lines):
            return []
        return [len(line.replace(b",", b" ").split()) for line in lines]

    def _is_prompts(self, path: str) -> bool:
        return path.endswith(".json") and b'"prompt' in self.read(path)[:_HEAD]

    def namesakes(self, path: str) -> list[str]:
        """Return the files of this name that lie in folders named like a kind."""
        found = self._by_name.get(basename(path), [])
        return [item for item in found if self._kind_of_folder(item)] if len(found) > 1 else []

    def _kind_of_folder(self, path: str) -> str:
        for name in reversed(dirname(path).lower().split("/")):
            found = FOLDER_KINDS.get(name, name if name in self.kinds else "")
            if found and found in self.kinds and found != "text":
                return found
        return ""

    def find(self, path: str, beside: str) -> str:
        """Return the file that a table names: relative to it, to the root, or by its own name.

        The last only when one file has that name, and it is noted. A path that is not there is
        returned as it was written, so that the record is rejected with it.
        """
        plain = path.strip().removeprefix("./")
        if plain.startswith("/") or ".." in plain.split("/"):
            return plain
        for candidate in (normpath(join(dirname(beside), plain)), normpath(plain)):
            if candidate in self.names:
                return candidate
            if (composed := normalize("NFC", candidate)) in self._composed:
                return self._composed[composed]
        found = self.namesakes(plain) or self._by_name.get(basename(plain), [])
        if len(found) == 1:
            note = f"{beside} names files by paths that are not here; they are found by name"
            if note not in self.notes:
                self.notes.append(note)
            return found[0]
        return plain
