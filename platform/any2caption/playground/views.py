"""The page's own pieces of HTML: what was understood, and an answer with its sources."""

import base64
from collections.abc import Mapping, Sequence
from typing import Any

from markupsafe import Markup

from any2caption.captions.schema import PARTS
from any2caption.conditions.fact import Fact
from any2caption.conditions.types import Camera
from any2caption.grounding.facts import Facts
from any2caption.pages import render
from any2caption.playground.compare import Pair
from any2caption.playground.look import Seen, overrides
from any2caption.playground.making.turned import PITCH, YAW, lines
from any2caption.playground.request import Request
from any2caption.playground.sources import called, legend, told
from any2caption.serving.client import CaptionResult
from any2caption.serving.following import STAGE_OF, STAGES

_PACKAGE = "any2caption.playground"
_WRITERS = {
    "compose": "Composed from the facts of the request",
    "model": "Written by the model and held to the facts of the request",
    "endpoint": "Written by the endpoint and held to the facts of the request",
}


def data_uri(data: bytes) -> str:
    """Return a JPEG or PNG as an address that loads nothing; "" for no picture."""
    if not data:
        return ""
    kind = "png" if data.startswith(b"\x89PNG") else "jpeg"
    return f"data:image/{kind};base64,{base64.b64encode(data).decode()}"


def understood(request: Request, seen: Sequence[Seen], facts: Facts | None, error: str = "") -> str:
    """Return what was understood of a request."""
    names = request.names()
    return render(
        _PACKAGE,
        "understood.html",
        error=error,
        conflicts=[one.text for one in facts.conflicts] if facts else [],
        sent=facts.text if facts and facts.text != request.text else "",
        prompt_facts=[one for one in facts.found if one.source.input == "text"] if facts else [],
        seen=[_seen(one, names) for one in seen],
        notes=facts.notes if facts else [],
    )


def _seen(one: Seen, names: Mapping[str, str]) -> dict[str, Any]:
    shape = dict(one.told or {})
    frames = int(shape.get("frames", 1))
    size = f", {shape['width']}×{shape['height']} pixels" if "width" in shape else ""
    count = f", {frames} frames" if frames > 1 else ""
    role = f" as {one.item.role.replace('_', ' ')}" if one.item.role else ""
    return {
        "title": called(one.word, names),
        "error": one.error,
        "what": f"{one.condition.format if one.condition else ''}{role}{count}{size}",
        "picture": data_uri(one.picture),
        "sees": data_uri(one.sees),
        "turned": _turned(one),
        "alt": in_words((*one.seen, *one.facts)) or f"what was read of {one.word}",
        "facts": (*one.seen, *one.facts),
        "assumptions": one.condition.assumptions if one.condition else (),
        "warnings": one.condition.warnings if one.condition else (),
        "overrides": overrides(one.item.kind),
    }


def card(one: Seen, names: Mapping[str, str]) -> str:
    """Return one condition in short, for the list of those that were added."""
    parts = one.item.parts
    more = f" and {len(parts) - 1} more" if len(parts) > 1 else ""
    told_ = {name: value for name, value in _seen(one, names).items() if name in _CARD}
    return render(_PACKAGE, "card.html", files=f"{parts[0].name}{more}", **told_)


def shown_path(one: Seen) -> str:
    """Return a path as it was read back: in words, in 3-D, and what such a camera sees."""
    words = f"Read back as: {in_words(one.facts)}"
    sees = data_uri(one.sees)
    return render(_PACKAGE, "path.html", words=words, turned=_turned(one), sees=sees)


def _turned(one: Seen) -> Markup:
    """A camera path in space, to be turned; nothing for what is no path."""
    if one.condition is None or not isinstance(one.condition.payload, Camera):
        return Markup()
    told_ = {"words": in_words(one.facts), "yaw": YAW, "pitch": PITCH}
    html = render(_PACKAGE, "turned.html", lines=lines(one.condition.payload), **told_)
    return Markup(html)  # noqa: S704 - what the template escaped


def prompt(told: Mapping[str, object], encoder: str) -> str:
    """Return a generator's prompt with its size and what was cut."""
    return render(_PACKAGE, "prompt.html", prompt=told, encoder=encoder, labels=PARTS)


def progress(now: int, seconds: float) -> str:
    """Return how far a request is, as a list of the stages that lead to a caption."""
    stages = STAGES[: STAGE_OF["check"] + 1]
    return render(_PACKAGE, "progress.html", stages=stages, now=now, seconds=int(seconds))


def checked(lines: Sequence[str], heading: str = "The check objects") -> str:
    """Return what a check, or a preview, has to say; without lines that all is well."""
    return render(_PACKAGE, "checked.html", lines=lines, heading=heading)


def sides(pair: Pair, sent: str, *, reveal: bool) -> str:
    """Return two answers beside each other; who wrote them only with `reveal`."""
    shown = []
    for name, (side, result) in (("Left", pair.left), ("Right", pair.right)):
        html = answer(
            result,
            pair.request,
            where=side.where,
            sent=sent,
            blind="" if reveal else f"Caption on the {name.lower()}",
        )
        shown.append((name, side.told() if reveal else "", Markup(html)))  # noqa: S704 - ours
    return render(_PACKAGE, "sides.html", sides=shown)


def problem(error: object) -> str:
    """Return an error as it stands beside its input."""
    return render(_PACKAGE, "problem.html", text=" ".join(str(error).split()), good=False)


def good(text: str) -> str:
    """Return a short report as it stands beside its input."""
    return render(_PACKAGE, "problem.html", text=text, good=True)


def in_words(facts: Sequence[Fact]) -> str:
    """Return facts as one line."""
    return "; ".join(fact.text for fact in facts)


def answer(  # noqa: PLR0913 - all that a page shows of an answer
    result: CaptionResult,
    request: Request,
    *,
    where: str,
    sent: str,
    seconds: float | None = None,
    locked: Sequence[str] = (),
    blind: str = "",
) -> str:
    """Return an answer with the source of every sentence; `blind` shows who wrote it as that."""
    info, names = result.info, request.names()
    parts = told(info, sent, names)
    options = info.get("options", {})
    shown = [] if blind else [(name, options[name]) for name in _CHOICES if name in options]
    return render(
        _PACKAGE,
        "answer.html",
        id=f"s{abs(hash((result.text, where, blind))) % 10**8}",
        writer=blind or _WRITERS.get(result.writer, result.writer),
        choices=shown,
        release="" if blind else info.get("release", ""),
        where="one of the two" if blind else where,
        seconds="" if seconds is None else f"{seconds:.1f}",
        repeats=not blind and result.writer == "compose",
        scope="" if blind else (info.get("scope") or {}).get("why", ""),
        legend=[(called(name, names), tone) for name, tone in legend(info).items()],
        parts=[(part, label, *parts[part]) for part, label in PARTS.items()],
        locked=locked,
        lists=[
            ("Conflicts", result.conflicts),
            ("Assumptions", info.get("assumptions", [])),
            ("Warnings", info.get("warnings", [])),
            ("Good to know", [] if blind else result.notes),
        ],
    )


_CHOICES = ("mode", "length", "policy")
_CARD = ("title", "error", "what", "picture", "alt")
