"""Short prompts and their long versions in two text files: line k of one belongs to line k.

Tools that rewrite prompts publish them so. Two files are paired when their names differ only in
words such as `short` and `long`, in folders or in their own name, when they have equally many
texts, and when the long ones are longer in all (or the others are called short). The short text is
the prompt, the long one the dense part of the caption.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from posixpath import basename, splitext

from any2caption.datasets.ingest.shapes.draft import Draft
from any2caption.datasets.ingest.shapes.folder import Folder

_LONG = frozenset((
    "long", "longer", "dense", "detail", "detailed", "details", "enhanced", "augmented", "aug",
    "beautiful", "refined", "rewrite", "rewritten", "rewrites", "extended", "expanded", "upsampled",
    "recaption", "recaptioned", "polished",
))  # fmt: skip
_SHORT = frozenset(("short", "shorter", "original", "orig", "raw", "brief", "simple", "concise"))
_PLAIN = frozenset((
    "prompt", "prompts", "caption", "captions", "text", "texts", "gpt", "gpt4", "glm", "qwen",
    "llm", "llama", "excerpt",
))  # fmt: skip
"""Words that say nothing about which texts these are, and who wrote the long ones."""
_SEPARATORS = re.compile(r"[/_\-. ]+")


@dataclass(frozen=True, slots=True)
class _Name:
    path: str
    long: bool
    whole: frozenset[str]
    own: frozenset[str]

    @classmethod
    def of(cls, path: str) -> "_Name":
        words = _words(splitext(path)[0])
        skipped = _LONG | _SHORT | _PLAIN
        own = _words(splitext(basename(path))[0])
        return cls(path, bool(words & _LONG), words - skipped, own - skipped)


def pair_versions(folder: Folder, files: Mapping[str, Sequence[Draft]]) -> list[Draft]:
    """Return the files' records, with one for each pair of texts instead of two.

    `files`: one record a line or row, in order, by path. What looks like a pair and is none is
    noted.
    """
    longs = dict(_pairs([_Name.of(path) for path in files]))
    paired: dict[str, list[Draft]] = {}
    for long, short in longs.items():
        stated = bool(_words(splitext(short)[0]) & _SHORT)
        if why := _why_not(files[short], files[long], stated=stated):
            folder.notes.append(f"{short} and {long} look like short and long versions, but {why}")
            continue
        paired[long] = [
            replace(
                both[1],
                prompt=both[0].prompt,
                parts={"dense": both[1].prompt, **both[1].parts, **both[0].parts},
                texts=(short, long),
            )
            if both[1].prompt
            else both[1]
            for both in zip(files[short], files[long], strict=True)
        ]
    gone = {longs[long] for long in paired}
    if paired:
        long = next(iter(paired))
        more = f", and {len(paired) - 1} more pairs" if len(paired) > 1 else ""
        folder.notes.append(
            f"line k of {long} is the long version of line k of {longs[long]}{more}"
        )
    return [
        draft
        for path, drafts in files.items()
        if path not in gone
        for draft in paired.get(path, drafts)
    ]


def _pairs(names: Sequence[_Name]) -> Iterator[tuple[str, str]]:
    """Yield (long, short): of names with the same other words, else of files called alike."""
    left = list(names)
    for same in ("whole", "own"):
        for long in [name for name in left if name.long]:
            key = getattr(long, same)
            shorts = [name for name in left if not name.long and getattr(name, same) == key]
            if len(shorts) == 1 and (long.own or long.whole == shorts[0].whole):
                yield long.path, shorts[0].path
                left.remove(long)
        taken = {name.whole for name in names if name.long and name not in left}
        left = [name for name in left if name.long or name.whole not in taken]


def _why_not(short: Sequence[Draft], long: Sequence[Draft], *, stated: bool) -> str:
    """Return why two files are no pair; `stated`: the one is called short, the other long."""
    if len(short) != len(long):
        return f"have {len(short)} and {len(long)} texts"
    if [draft.conditions for draft in short] != [draft.conditions for draft in long]:
        return "name different files"
    if not stated and sum(map(_length, short)) >= sum(map(_length, long)):
        return "the long ones are not longer"
    if any(bool(one.prompt) != bool(two.prompt) for one, two in zip(short, long, strict=True)):
        return "not each text has both"
    if any("dense" in draft.parts for draft in (*short, *long)):
        return "have dense captions beside their texts"
    return ""


def _length(draft: Draft) -> int:
    return len(draft.prompt)


def _words(text: str) -> frozenset[str]:
    return frozenset(word for word in _SEPARATORS.split(text.lower()) if word)
