"""Prompts of several sentences: each goes to the part that most of its facts belong to."""

import re
from collections.abc import Mapping, Sequence

from any2caption.conditions.fact import Aspect, Fact
from any2caption.grounding.compose.material import TEXT, Material, Said
from any2caption.grounding.compose.prompt import Own

_PRONOUN = re.compile(
    r"(?:it|its|they|their|he|his|she|her|this|these|as|finally|meanwhile|then)\b", re.IGNORECASE
)
_SETTING = re.compile(
    r"(?:in )?the (?:background|backdrop|setting)\b(?! (?:hum|music|noise|sound|sun))",
    re.IGNORECASE,
)
_LEANING = 0.3
_PLACED = 0.3
"""Share of its facts that say where, in a sentence that tells the background."""
PROSE = 3
LONG = 60
"""From so many sentences and words on, a prompt is told in its own sentences in every part."""
_ASPECTS: Mapping[str, tuple[Aspect, ...]] = {
    "main_object": ("subject", "count", "identity", "relation", "written_text"),
    "background": ("background", "layout"),
    "action": ("action",),
}


def allotted(material: Material, own: Sequence[Own]) -> dict[str, list[Said]]:
    """Return the parts that a prompt of several sentences fills with sentences of its own.

    A sentence stands in one part only, so that no two parts are the same; one that speaks of the
    camera only where a part would have none.
    """
    if len(own) < PROSE or sum(len(one.words.split()) for one in own) < LONG:
        return {}
    camera = material.facts.of("camera", source=TEXT)
    filming = [
        one
        for one in own
        if "camera" in one.words.casefold() or any(one.holds(fact) for fact in camera)
    ]
    out: dict[str, list[Said]] = {part: [] for part in _ASPECTS}
    left = [one for one in own if one not in filming]
    for _ in range(material.most(1, 2, 4)):
        _share_out(left, out, material)
    _share_out(filming, {part: said for part, said in out.items() if not said}, material)
    order = {one.source: at for at, one in enumerate(own)}
    return {
        part: sorted(said, key=lambda one: order[one.sources[0]])
        for part, said in out.items()
        if said
    }


def _share_out(left: list[Own], out: Mapping[str, list[Said]], material: Material) -> None:
    """Give each part the sentence of those left that most belongs to it."""
    for part, said in out.items():
        facts = material.of(*_ASPECTS[part], source=TEXT)
        least = _PLACED if part == "background" else 0.0
        weights = [_weight(one, facts, material, least) for one in left]
        for at, one in enumerate(left):
            if _SETTING.match(one.words):  # "in the background, a lake glitters"
                weights[at] = weights[at] + 1.0 if part == "background" else 0.0
        if part == "main_object":  # who is who is told early
            weights = [weight / (1 + at) ** 2 for at, weight in enumerate(weights)]
        if not weights or max(weights) <= 0:
            continue
        best = left.pop(weights.index(max(weights)))
        held = tuple(fact for fact in facts if best.holds(fact))
        said.append(Said(best.words, held, sources=(best.source,)))


def _weight(one: Own, facts: Sequence[Fact], material: Material, least: float) -> float:
    """How much of a sentence's facts are these: many count more, a pronoun in front less.

    0 where they are less than `least` of all.
    """
    here = sum(one.holds(fact) for fact in facts)
    every = sum(one.holds(fact) for fact in material.found)
    weight = here * here / every if every and here >= least * every else 0.0
    return weight * (_LEANING if _PRONOUN.match(one.words) else 1.0)
