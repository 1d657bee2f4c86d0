"""Which fields of a table's row are the short prompt, and which are parts of the caption. Pure.

The rule: the prompt is a field called short, else a prompt, else a caption or text. A field called
dense, long or detailed is the caption's dense part, `<part>_caption` another part (MiraData's
columns). A longer prompt, caption or text beside the prompt is the dense part, where no field is
called so. GenDoP's captions: what it calls concise is the prompt, detailed is the dense part, and
the movement is the camera part.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from any2caption.captions.schema import PARTS

_SHORT = ("short_prompt", "short_caption", "brief_caption", "concise_interaction")
_PROMPT = ("prompt", "prompt_en", "input_text")
_CAPTION = ("caption", "text")
_DENSE = (
    "dense_caption", "long_caption", "long_prompt", "detailed_caption", "detailed_prompt",
    "enhanced_prompt", "augmented_prompt", "refined_prompt", "rewritten_prompt",
    "beautiful_prompt", "detailed_interaction",
)  # fmt: skip
_GENDOP = {"movement", "concise_interaction", "detailed_interaction"}
_WORDS = re.compile(r"[\s_-]+")


@dataclass(frozen=True, slots=True)
class Texts:
    """A row's short prompt, stated parts of the caption by name, and the fields they come from."""

    prompt: str
    parts: Mapping[str, str]
    fields: frozenset[str]

    def __bool__(self) -> bool:
        return bool(self.prompt or self.parts)


def read_texts(row: Mapping[str, Any]) -> Texts:
    """Read a row's texts; blank ones and other values are none."""
    named = {
        _WORDS.sub("_", name.strip().lower()): (name, " ".join(value.split()))
        for name, value in row.items()
        if isinstance(value, str) and value.strip()
    }
    found = dict(_parts(named))
    general = [name for name in (*_SHORT, *_PROMPT, *_CAPTION) if name in named]
    prompt = general[0] if general else ""
    if "dense" not in found:
        length = len(named[prompt][1]) if prompt else 0
        if longer := [name for name in general[1:] if len(named[name][1]) > length]:
            found["dense"] = longer[0]
    used = [name for name in (prompt, *found.values()) if name]
    return Texts(
        prompt=named[prompt][1] if prompt else "",
        parts={part: named[found[part]][1] for part in PARTS if part in found},
        fields=frozenset(named[name][0] for name in used),
    )


def _parts(named: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield (part, field) of the fields that are called like one."""
    if dense := next((name for name in _DENSE if name in named), ""):
        yield "dense", dense
    for part in PARTS:
        if part != "dense" and f"{part}_caption" in named:
            yield part, f"{part}_caption"
    if "movement" in named and _GENDOP.issuperset(named):
        yield "camera", "movement"
