"""What was understood of a request: each condition's facts, picture and assumptions; conflicts."""

import io
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

from any2caption.conditions.fact import Fact
from any2caption.conditions.inspect.describe import describe
from any2caption.conditions.inspect.detect import detect_kind
from any2caption.conditions.inspect.preview import draw_preview
from any2caption.conditions.isolation.parse import parse_condition
from any2caption.conditions.pictures.small import small
from any2caption.conditions.registry import KINDS, condition_facts, input_name
from any2caption.conditions.types import Camera, Condition, Part
from any2caption.errors import A2CError
from any2caption.grounding.facts import Facts
from any2caption.grounding.gather import gather
from any2caption.perception.eyes import Eyes
from any2caption.playground.request import Item, Request, word_of

_WIDE = 960


@dataclass(frozen=True, slots=True)
class Seen:
    """A condition as the platform reads it: no pixels but those of its picture, a JPEG.

    `error` says in one line why it can't be read; nothing else is known then.
    """

    item: Item
    number: int
    condition: Condition | None = None
    facts: tuple[Fact, ...] = ()
    told: Mapping[str, Any] | None = None
    picture: bytes = b""
    seen: tuple[Fact, ...] = ()
    note: str | None = None
    """What recognisers saw, and what is to be said of it; None where nobody looked."""
    sees: bytes = b""
    """Of a camera path: what such a camera sees of a plain scene, a strip of moments."""
    error: str = ""

    @property
    def word(self) -> str:
        """What prompts call it."""
        return word_of(self.item.kind, self.number)


def look(item: Item, number: int) -> Seen:
    """Read one condition in a parse worker, as the server would, and draw it."""
    try:
        condition = parse_condition(
            item.kind, item.parts, role=item.role, number=number, options=item.options
        )
    except A2CError as error:
        return Seen(item, number, error=str(error))
    payload = condition.payload
    facts = condition_facts(condition)
    looked = _eyes().look(small(condition))
    sees = b""
    if isinstance(payload, Camera):
        from any2caption.playground.making.camera_view import strip

        sees = strip(payload)
    else:
        condition = replace(condition, payload="")
    described = Condition(item.kind, payload, condition.format, condition.role, number)
    return Seen(
        item,
        number,
        condition,
        facts,
        describe(described),
        _picture(described),
        looked.facts if looked else (),
        looked.note if looked else None,
        sees,
    )


@cache
def _eyes() -> Eyes:
    """The recognisers that are installed here, in processes of their own."""
    return Eyes()


def guess_kind(parts: Sequence[Part]) -> str:
    """Return the kind of files by their content.

    Raises:
        InputError: no kind reads them.
    """
    return detect_kind(parts)[0]


def gathered(request: Request, seen: Sequence[Seen]) -> Facts:
    """Return all facts of a request whose conditions were looked at, and its conflicts.

    Raises:
        InputError: the prompt mentions a name that nothing has.
    """
    by_name = {input_name(one.condition): one.facts for one in seen if one.condition}
    conditions = [one.condition for one in seen if one.condition]
    return gather(
        request.said(),
        conditions,
        seen=[fact for one in seen for fact in one.seen],
        looked={one.word: one.note for one in seen if one.note is not None},
        facts_of=lambda condition: by_name[input_name(condition)],
    )


def overrides(kind: str) -> list[str]:
    """Return in words how what was assumed of a kind's files can be overridden."""
    found = []
    for option in KINDS[kind].options:
        choices = f" ({', '.join(option.choices)})" if option.choices else ""
        found.append(f"{option.name}: {option.summary}{choices}")
    return found


def _picture(condition: Condition) -> bytes:
    """The project's own preview as JPEG, at most `_WIDE` pixels wide; empty where there is none."""
    from PIL import Image

    with tempfile.TemporaryDirectory(prefix="a2c-play-") as folder:
        path = Path(folder) / "preview.png"
        try:
            draw_preview(condition, path)
        except A2CError:
            return b""
        with Image.open(path) as picture:
            picture.thumbnail((_WIDE, _WIDE))
            shrunk = io.BytesIO()
            picture.convert("RGB").save(shrunk, "JPEG", quality=88)
    return shrunk.getvalue()
