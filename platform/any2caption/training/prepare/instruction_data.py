"""General instruction data: conversations about pictures (LLaVA-150K) and instructions (Alpaca).

The paper mixes them into its later stages against forgetting (arXiv 2503.24379, section 4). Read
are JSON lists and JSONL files whose rows are, by their keys,

    {"id", "image", "conversations": [{"from": "human" | "gpt" | "system", "value"}, …]}
    {"instruction", "input", "output"}

A conversation keeps all its turns: the replies are learned, what the human says is not. Its picture
lies below `images`, or else below the folder of the file; `<image>` marks are taken out, since the
prompt states pictures in its own way. A row that cannot be used is quarantined with its reason and
never stops the rest; a file of which no row can be used is an error.
"""

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from any2caption.conditions.types import Condition, Part
from any2caption.errors import ConfigError
from any2caption.model.processing.processor import Processor
from any2caption.storage.digest import file_digest

MOST_CHARACTERS = 20_000
"""A longer text is not an instruction: it would not fit into the model's positions."""
_SPEAKERS = {"human": "user", "user": "user", "gpt": "model", "assistant": "model"}
_MARKS = re.compile(r"<(?:image|video)>")


@dataclass(frozen=True, slots=True)
class GeneralFile:
    """A file and the SPDX licence that its user states for it."""

    path: Path
    licence: str
    images: Path | None = None

    @property
    def folder(self) -> Path:
        """Where its pictures' paths begin."""
        return self.images or self.path.parent


@dataclass(frozen=True, slots=True)
class GeneralRow:
    """One conversation: `turns` are (what the human says, the reply), at least one."""

    id: str
    turns: tuple[tuple[str, str], ...]
    image: Path | None = None


@dataclass(frozen=True, slots=True)
class Refused:
    """A row that is not used. `row` counts from 1."""

    file: str
    row: int
    reason: str


def parse_argument(text: str) -> GeneralFile:
    """Read `FILE=LICENCE` or `FILE=LICENCE=PICTURES`.

    Raises:
        ConfigError: the licence is missing, or there is no such file or folder.
    """
    path, _, rest = text.partition("=")
    licence, _, images = rest.partition("=")
    if not licence.strip():
        raise ConfigError(
            f"--general {text}: state its licence, as in --general {path}=CC-BY-NC-4.0"
        )
    file = GeneralFile(Path(path), licence.strip(), Path(images) if images else None)
    if not file.path.is_file():
        raise ConfigError(f"--general {path}: no such file")
    if not file.folder.is_dir():
        raise ConfigError(f"--general {text}: no such folder of pictures: {images}")
    return file


def identity(files: Iterable[GeneralFile]) -> list[dict[str, str]]:
    """What decides the content: name, SHA-256 and licence of every file."""
    return [
        {"file": file.path.name, "sha256": file_digest(file.path), "licence": file.licence}
        for file in files
    ]


def read_general(files: Sequence[GeneralFile]) -> tuple[list[GeneralRow], list[Refused]]:
    """Read all rows of all files; ids are `<file>:<row>`.

    Raises:
        ConfigError: a file is not a JSON list or JSONL, or has no row that can be used.
    """
    rows: list[GeneralRow] = []
    refused: list[Refused] = []
    for file in files:
        before, bad = len(rows), len(refused)
        for number, data in _rows(file.path):
            found = parse_row(data, f"{file.path.name}:{number}", file.folder)
            if isinstance(found, str):
                refused.append(Refused(file.path.name, number, found))
            else:
                rows.append(found)
        if len(rows) == before:
            why = f": row {refused[bad].row}: {refused[bad].reason}" if len(refused) > bad else ""
            raise ConfigError(f"{file.path}: no row of general instruction data{why}")
    return rows, refused


def parse_row(data: Any, name: str, folder: Path) -> GeneralRow | str:
    """Return a row, or why it cannot be used."""
    if not isinstance(data, dict):
        return "not valid JSON" if data is None else f"a {type(data).__name__}, not an object"
    if "conversations" in data:
        return _conversation(data, name, folder)
    if "instruction" in data:
        return _instruction(data, name)
    return "neither conversations nor an instruction"


def load_picture(row: GeneralRow) -> Condition:
    """Parse a row's picture with the limits of every picture.

    Raises:
        InputError: it is not a picture, or too large.
        OSError: it cannot be read.
    """
    from any2caption.conditions.isolation.parse import parse_condition

    assert row.image is not None  # noqa: S101 - callers ask only where there is one
    part = Part(row.image.name, row.image.read_bytes())
    return parse_condition("image", [part], role="reference")


def _rows(path: Path) -> Iterator[tuple[int, Any]]:
    """Yield (number, row); a line that is not JSON is None."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: cannot be read: {error}") from None
    if text.lstrip().startswith("["):
        try:
            yield from enumerate(json.loads(text), 1)
        except (ValueError, RecursionError) as error:
            raise ConfigError(f"{path}: no JSON list: {error}") from None
        return
    for number, line in enumerate(text.splitlines(), 1):
        if line.strip():
            try:
                yield number, json.loads(line)
            except (ValueError, RecursionError):
                yield number, None


def _conversation(data: dict[str, Any], name: str, folder: Path) -> GeneralRow | str:
    said = _turns(data["conversations"])
    if isinstance(said, str):
        return said
    if not all(text for _, text in said):
        return "an empty turn"
    speakers = [speaker for speaker, _ in said]
    if speakers[::2].count("user") + speakers[1::2].count("model") < len(said):
        return "turns do not alternate, the human's first"
    texts = [text for _, text in said]  # a last question without a reply is left out
    turns = list(zip(texts[::2], texts[1::2], strict=False))
    image = _picture(data.get("image"), folder)
    return image if isinstance(image, str) else _checked(name, turns, image)


def _turns(listed: Any) -> list[tuple[str, str]] | str:
    """Return (speaker, text) without the system's, or why they cannot be read."""
    if not isinstance(listed, list):
        return "conversations is not a list"
    found: list[tuple[str, str]] = []
    for turn in listed:
        if not isinstance(turn, dict) or not isinstance(turn.get("value"), str):
            return "a turn without a text value"
        speaker = str(turn.get("from"))
        if speaker == "system":
            continue
        if speaker not in _SPEAKERS:
            return f"a turn from {speaker[:40]!r}"
        found.append((_SPEAKERS[speaker], _MARKS.sub("", turn["value"]).strip()))
    return found


def _picture(stated: Any, folder: Path) -> Path | str | None:
    """Return where a row's picture lies, None where it has none, or why it cannot be used."""
    if stated is None:
        return None
    image = (folder / str(stated)).resolve()
    if not image.is_relative_to(folder.resolve()):
        return f"picture {str(stated)[:60]!r} lies outside of the folder of pictures"
    return image if image.is_file() else f"picture {str(stated)[:60]!r} is missing"


def _instruction(data: dict[str, Any], name: str) -> GeneralRow | str:
    texts = [data.get(key, "") for key in ("instruction", "input", "output")]
    if not all(isinstance(text, str) for text in texts):
        return "instruction, input and output must be texts"
    asked, given, reply = (text.strip() for text in texts)
    if not asked:
        return "an empty instruction"
    if not reply:
        return "an empty output"
    return _checked(name, [(f"{asked}\n{given}".strip(), reply)], None)


def _checked(name: str, turns: Sequence[tuple[str, str]], image: Path | None) -> GeneralRow | str:
    if not turns:
        return "no reply"
    length = sum(len(said) for turn in turns for said in turn)
    if length > MOST_CHARACTERS:
        return f"{length} characters, more than {MOST_CHARACTERS}"
    return GeneralRow(name, tuple(turns), image)


def encode_turns(row: GeneralRow, processor: Processor) -> tuple[list[int], list[float]]:
    """Return the tokens behind a conversation's first turn, and their weights.

    Replies weigh 1, what the human says between them -1: it is not learned.
    """
    ids: list[int] = []
    weights: list[float] = []
    for number, (asked, reply) in enumerate(row.turns):
        between = processor.turn_ids(asked) if number else []
        said = processor.caption_ids(reply)
        ids += [*between, *said]
        weights += [-1.0] * len(between) + [1.0] * len(said)
    return ids, weights
