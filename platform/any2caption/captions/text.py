"""The printed form of a structured caption: `1. Dense caption: …` to `6. Action caption: …`.

`render` and `parse` are exact inverses. Text that people or other models wrote is read tolerantly:
labels in any order and case, with or without number, colon, bold marks or the word "caption".
"""

import re
from itertools import zip_longest

from pydantic import ValidationError

from any2caption.captions.schema import PARTS, StructuredCaption
from any2caption.errors import InputError

_STRICT = re.compile(
    r"\A"
    + r"\n".join(
        rf"{number}\. {label}: (?P<{part}>[^\n]+)"
        for number, (part, label) in enumerate(PARTS.items(), 1)
    )
    + r"\n?\Z"
)
_NAMES = {
    "dense": r"dense",
    "main_object": r"main[ _-]+object",
    "background": r"background",
    "camera": r"camera",
    "style": r"style",
    "action": r"action",
}
_ANY_NAME = "|".join(f"(?P<{part}>{name})" for part, name in _NAMES.items())
_NUMBER = r"(?:\(?\d\s*[.):-]\s*)"
# At the start of a line a label needs the word "caption" or a colon; inside a line it needs both a
# number and the word "caption", so that prose that mentions "the style" is not cut apart.
_AT_LINE = rf"^[\s#>*_-]*{_NUMBER}?[*_\s]*(?:{_ANY_NAME})(?:[ _-]+caption\b[*_\s]*:?|[*_\s]*:)[*_]*"
_LABEL = re.compile(_AT_LINE, re.IGNORECASE | re.MULTILINE)
_INLINE = re.compile(
    rf"{_NUMBER}[*_\s]*(?:{_ANY_NAME})[ _-]+caption\b[*_\s]*:?[*_]*", re.IGNORECASE
)


def render(caption: StructuredCaption) -> str:
    """Return the numbered text form: six lines in the paper's order, no final line break."""
    return "\n".join(
        f"{number}. {label}: {getattr(caption, part)}"
        for number, (part, label) in enumerate(PARTS.items(), 1)
    )


def parse(text: str, *, name: str | None = None) -> StructuredCaption:
    """Read a caption from text; `name` is the file named in errors.

    Raises:
        InputError: a part is missing, empty or there twice; the message names the parts.
    """
    strict = _STRICT.match(text)
    found = strict.groupdict() if strict else _tolerant(text, name)
    missing = [label for part, label in PARTS.items() if not found.get(part, "").strip()]
    if missing:
        raise InputError(
            f"the caption lacks {', '.join(missing)}; "
            f"it needs the six parts {', '.join(PARTS.values())}",
            file=name,
            field=missing[0],
        )
    try:
        return StructuredCaption(**found)
    except ValidationError as error:
        raise InputError(f"not a structured caption: {error}", file=name) from error


def strict(text: str) -> bool:
    """Whether a text is the printed form to the letter: six labelled lines in their order."""
    return _STRICT.match(text) is not None


def unlabelled(text: str) -> str:
    """Return a caption's text without the labels of its parts, one line a part."""
    lines = _INLINE.sub("\n", _LABEL.sub("", text)).splitlines()
    return "\n".join(line.strip() for line in lines if line.strip())


def _tolerant(text: str, name: str | None) -> dict[str, str]:
    labels = list(_LABEL.finditer(text))
    if len({_part_of(label) for label in labels}) < len(PARTS):
        inline = list(_INLINE.finditer(text))
        if len({_part_of(label) for label in inline}) == len(PARTS):
            labels = inline
    found: dict[str, str] = {}
    for label, following in zip_longest(labels, labels[1:]):
        part = _part_of(label)
        if part in found:
            raise InputError(f"{PARTS[part]} is there twice", file=name, field=PARTS[part])
        body = text[label.end() : following.start() if following else len(text)]
        found[part] = body.strip().removeprefix(":").strip(" \t\r\n")
    return found


def _part_of(label: re.Match[str]) -> str:
    return next(part for part, value in label.groupdict().items() if value)
