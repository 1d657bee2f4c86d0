"""A request as the page holds it: words, conditions in memory, choices; and the file that keeps it.

The file is a ZIP of `request.json` and the conditions' files (`files/1/dog.jpg`), so that what the
page copies as a command runs beside it once it is unpacked.
"""

import io
import json
import re
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import PurePosixPath
from typing import Any, cast

from any2caption.captions.schema import PARTS
from any2caption.conditions.io.files import natural_key
from any2caption.conditions.registry import KINDS
from any2caption.conditions.types import Part
from any2caption.errors import InputError
from any2caption.grounding.options import Options
from any2caption.serving.client import Asked, FileElement

FORMAT = "a2c.request/1"
DOCUMENT = "request.json"
MOST_BYTES = 512_000_000
MOST_FILES = 10_000
_FRAMES = 3
_NAME = re.compile(r"[^\W\d_]\w*")
_MENTION = re.compile(r"(?<![\w@])@([^\W\d_]\w*)")
_NUMBER = re.compile(r"\d+")


@dataclass(frozen=True, slots=True)
class Item:
    """One condition: its files as they came, and what the user says of them.

    `name` is what the prompt calls it (`anna` for `@anna`), "" without a name.
    """

    kind: str
    parts: tuple[Part, ...]
    role: str | None = None
    name: str = ""
    options: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Request:
    """All that is asked. `locked` are parts that stay word for word: part → text."""

    text: str = ""
    items: tuple[Item, ...] = ()
    choices: Mapping[str, str] = field(default_factory=dict)
    locked: Mapping[str, str] = field(default_factory=dict)

    def numbered(self) -> list[tuple[int, Item]]:
        """Return each condition with its 1-based number among its kind, in the order given."""
        seen: dict[str, int] = {}
        found = []
        for item in self.items:
            seen[item.kind] = seen.get(item.kind, 0) + 1
            found.append((seen[item.kind], item))
        return found

    def names(self) -> dict[str, str]:
        """Return `picture 1` → `@anna` for the conditions that have a name."""
        return {word_of(item.kind, n): f"@{item.name}" for n, item in self.numbered() if item.name}

    def said(self) -> str:
        """Return the prompt as it is sent: `@anna` becomes "Anna of picture 1", then "Anna".

        Raises:
            InputError: the prompt mentions a name that no condition has.
        """
        known = {name[1:].casefold(): word for word, name in self.names().items()}
        told: set[str] = set()

        def plain(mention: re.Match[str]) -> str:
            name = mention[1]
            low = name.casefold()
            # `@image1` is no name: prompts number conditions that way, and the platform reads it.
            if low not in known:
                if low.rstrip("0123456789") in _numbered_words():
                    return mention[0]
                named = ", ".join(f"@{one}" for one in known) or "no condition has a name yet"
                raise InputError(f"@{name} is the name of no condition; {named}", field="prompt")
            first = low not in told
            told.add(low)
            called = name[0].upper() + name[1:]
            return f"{called} of {known[low]}" if first else called

        return _MENTION.sub(plain, self.text)

    def elements(self) -> dict[str, list[FileElement]]:
        """Return the conditions as they go over the wire: kind → files with descriptions."""
        found: dict[str, list[FileElement]] = {}
        for number, item in self.numbered():
            for part in item.parts:
                info = {
                    "name": part.name,
                    "condition": number - 1,
                    "role": item.role,
                    "options": dict(item.options),
                }
                found.setdefault(item.kind, []).append(FileElement(part.data, info))
        return found

    def asked(self) -> Asked:
        """Return the choices that were made."""
        return cast("Asked", dict(self.choices))

    def added(self, items: Iterable[Item]) -> "Request":
        """Return the request with more conditions."""
        return replace(self, items=(*self.items, *items))

    def without(self, place: int) -> "Request":
        """Return the request without the condition at a place."""
        return replace(self, items=self.items[:place] + self.items[place + 1 :])

    def changed(self, place: int, item: Item) -> "Request":
        """Return the request with another condition at a place."""
        return replace(self, items=(*self.items[:place], item, *self.items[place + 1 :]))


def _numbered_words() -> set[str]:
    words = {"image", "picture", "photo", "video", "clip", *KINDS}
    return words | {kind.reading.word for kind in KINDS.values() if kind.reading}


def word_of(kind: str, number: int) -> str:
    """Return what prompts call a condition: `picture 1`."""
    reading = KINDS[kind].reading
    return f"{reading.word if reading else kind} {number}"


def checked_name(name: str) -> str:
    """Return a condition's name without its `@`.

    Raises:
        InputError: not one word that starts with a letter.
    """
    bare = name.strip().removeprefix("@")
    if bare and not _NAME.fullmatch(bare):
        raise InputError(f"{name.strip()!r}: one word that starts with a letter", field="name")
    return bare


def read_options(given: str, kind: str) -> dict[str, str]:
    """Read `name=value` pairs, separated by commas or line breaks.

    Raises:
        InputError: no such option of the kind, or no value; the message lists those there are.
    """
    known = {option.name for option in KINDS[kind].options}
    found = {}
    for entry in re.split(r"[,\n]", given):
        if not entry.strip():
            continue
        name, equals, value = (one.strip() for one in entry.partition("="))
        if not equals or not value or name not in known:
            accepted = ", ".join(sorted(known)) or "none"
            raise InputError(
                f"{entry.strip()!r}: expected name=value; options of {kind}: {accepted}",
                field="options",
            )
        found[name] = value
    return found


def grouped(parts: Sequence[Part]) -> list[tuple[Part, ...]]:
    """Return files that came together as conditions: three and more that only a number tells apart.

    Those are the frames of one condition (`walk_000.json`, `walk_001.json` …); every other file is
    a condition of its own.
    """
    series: dict[str, list[Part]] = {}
    for part in sorted(parts, key=lambda one: natural_key(one.name)):
        series.setdefault(_NUMBER.sub("#", part.name), []).append(part)
    found: list[tuple[Part, ...]] = []
    for stem, files in series.items():
        if "#" in stem and len(files) >= _FRAMES:
            found.append(tuple(files))
        else:
            found += [(file,) for file in files]
    return found


def document(request: Request) -> dict[str, Any]:
    """Return `request.json`: everything but the files' bytes."""
    return {
        "format": FORMAT,
        "text": request.text,
        "conditions": [
            {
                "kind": item.kind,
                "role": item.role,
                "name": item.name,
                "options": dict(item.options),
                "files": [path_of(place, part) for part in item.parts],
            }
            for place, item in enumerate(request.items)
        ],
        "choices": dict(request.choices),
        "locked": dict(request.locked),
    }


def path_of(place: int, part: Part) -> str:
    """Return where a condition's file lies in the request's file."""
    return f"files/{place + 1}/{PurePosixPath(part.name).name or 'file'}"


def pack(request: Request) -> bytes:
    """Return the request as one file."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(DOCUMENT, json.dumps(document(request), ensure_ascii=False, indent=1))
        for place, item in enumerate(request.items):
            for part in item.parts:
                archive.writestr(path_of(place, part), part.data)
    return buffer.getvalue()


def unpack(data: bytes, file: str = DOCUMENT) -> Request:
    """Read a request's file.

    Raises:
        InputError: not such a file; the message names the entry and the field.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            return _read(archive, file)
    except (zipfile.BadZipFile, KeyError, RuntimeError, NotImplementedError, EOFError) as error:
        raise InputError(f"not a request that was saved here: {error}", file=file) from error
    except (ValueError, TypeError, AttributeError, RecursionError) as error:
        raise InputError(f"not a request: {error}", file=file, record=DOCUMENT) from error


def _read(archive: zipfile.ZipFile, file: str) -> Request:
    entries = archive.infolist()
    if len(entries) > MOST_FILES or sum(one.file_size for one in entries) > MOST_BYTES:
        raise InputError(
            f"more than {MOST_FILES:,} files or {MOST_BYTES:,} bytes", file=file, field="size"
        )
    told = json.loads(archive.read(DOCUMENT))
    if told.get("format") != FORMAT:
        raise InputError(f"{told.get('format')!r} is not {FORMAT}", file=file, field="format")
    items = []
    for record in told["conditions"]:
        if record["kind"] not in KINDS or record["kind"] == "text":
            raise InputError(f"{record['kind']!r}: no such kind", file=file, field="kind")
        parts = tuple(Part(PurePosixPath(one).name, archive.read(one)) for one in record["files"])
        options, name = dict(record["options"]), checked_name(record["name"])
        items.append(Item(record["kind"], parts, record["role"] or None, name, options))
    choices = {str(name): str(value) for name, value in told["choices"].items()}
    Options.read(choices)
    locked = {part: str(text) for part, text in told["locked"].items() if part in PARTS}
    return Request(str(told["text"]), tuple(items), choices, locked)
