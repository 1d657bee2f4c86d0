"""Facts as the lines of text that a model reads beside its prompt.

One serialiser for training and serving, so a model reads in service what it was taught to read.
"""

from any2caption.conditions.fact import Aspect, Fact
from any2caption.grounding.facts import Facts

HEAD = "Facts:"
_NAMES: dict[Aspect, str] = {
    "subject": "subjects",
    "count": "number",
    "identity": "who",
    "relation": "where",
    "action": "actions",
    "background": "place",
    "layout": "layout",
    "camera": "camera",
    "style": "style",
    "written_text": "written",
}
_WITHOUT = "without"
_GUESS = "estimated"


def fact_lines(facts: Facts) -> str:
    r"""Return the facts that stand, a line an aspect; "" where nothing is stated.

        Facts:
        subjects: a dog; a small red cartoon figure
        camera: dollies in while trucking left (camera 1)
        without: people

    What a condition states names the condition; what another input overruled is left out. Line
    breaks in the user's words become spaces, so a line is always one aspect. The order in which
    conditions were given does not count. What recognisers saw is left out: training data were never
    looked at, and the check holds captions to it all the same.
    """
    stand = {
        aspect: sorted((one for one in facts.of(aspect) if one.certainty != _GUESS), key=_place)
        for aspect in _NAMES
    }
    named = [
        (name, [_said(fact) for fact in stand[aspect] if not fact.negated])
        for aspect, name in _NAMES.items()
    ]
    denied = [_said(fact) for found in stand.values() for fact in found if fact.negated]
    lines = [
        f"{name}: {'; '.join(dict.fromkeys(said))}"
        for name, said in (*named, (_WITHOUT, denied))
        if said
    ]
    return "\n".join([HEAD, *lines]) if lines else ""


def _place(fact: Fact) -> tuple[bool, str]:
    """The user's words first, then condition by condition."""
    return fact.source.input != "text", fact.source.input


def _said(fact: Fact) -> str:
    who = fact.value.get("who") if fact.aspect == "action" else None
    words = " ".join(f"{who or ''} {fact.text}".split())
    return words if fact.source.input == "text" else f"{words} ({fact.source.input})"
