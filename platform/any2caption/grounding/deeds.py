"""What a body does, by words: its actions, what excludes what, and on which side."""

import re
from collections.abc import Mapping

from any2caption.captions.actions import STILL, action_phrases

_SAME: Mapping[str, str] = {
    "jogging": "running",
    "sprinting": "running",
    "strolling": "walking",
    "marching": "walking",
}
POSTURES = (
    frozenset({STILL, "walking", "running", "sitting", "lying", "kneeling"}),
    frozenset({STILL, "jumping", "dancing", "sitting", "lying"}),
)
"""Groups of what one body cannot do at once."""
OTHER_SIDE: Mapping[str, str] = {
    "left": "right",
    "right": "left",
    "toward": "away",
    "away": "toward",
}
_SIDES = re.compile(
    r"\b(left|right)\s+(arm|hand|leg|foot|knee|elbow|fist)\b|\b(toward|away)s?\b|\b(left|right)\b"
)
_LIMBS = dict.fromkeys(("arm", "hand", "elbow", "fist"), "arm") | dict.fromkeys(
    ("leg", "foot", "knee"), "leg"
)
_LIMB = re.compile(r"\b(arm|hand|elbow|fist|leg|foot|knee|head)s?\b")
_JACKS = "jumping jacks"
_PLACED = re.compile(
    r"\b(?:on|at|in|to) the (?:far |lower |upper )?(?:left|right|middle|front|back|foreground"
    r"|background)\b"
)
"""Stands between a subject and its verb: "the person on the right walks"."""


def deeds(text: str) -> tuple[str, ...]:
    """Return the actions of a clause or a sentence as -ing forms; jogging is running.

    The clause may lack its subject: "walks to the left".
    """
    plain = " ".join(_PLACED.sub(" ", text.casefold()).split())
    phrases = action_phrases(f"{plain}, he {plain}")
    same = {**_SAME, "lifting": "raising"} if limbs(plain) else _SAME  # no box is raised
    both = (*phrases, "raising") if _JACKS in plain else phrases
    return tuple(dict.fromkeys(same.get(phrase, phrase) for phrase in both))


def limbs(text: str) -> frozenset[str]:
    """Return which of arm, leg and head words say that somebody moves; nothing for a whole body."""
    named = {_LIMBS.get(word, word) for word in _LIMB.findall(text.casefold())}
    return frozenset(named | ({"arm", "leg"} if _JACKS in text.casefold() else set()))


_MOTIONLESS = re.compile(
    r"\b(?:absolutely|completely|entirely|perfectly|totally|utterly) still\b|\bmotionless(?:ly)?\b"
    r"|\bwithout (?:moving|any (?:movement|motion))\b"
)


def motionless(text: str) -> bool:
    """Whether words say that nothing of a body moves: "stands completely still"."""
    return _MOTIONLESS.search(text.casefold()) is not None


_RESTING = re.compile(
    r"\b(?:arm|hand)s? (?:hang|dangl)\w*\b|\b(?:arm|hand)s? (?:down|lowered)\b"
    r"|\b(?:arm|hand)s? (?:\w+ )?(?:at|by|in) (?:his|her|its|their) (?:lap|pockets?|sides?)\b"
)


def resting(text: str) -> bool:
    """Whether words say that arms do nothing: "his arms hang down", "hands in her pockets"."""
    return _RESTING.search(text.casefold()) is not None


_AT_REST = re.compile(
    rf"^\s*(?:still|motionless(?:ly)?)\b|,?\s*(?:with )?(?:both |the |his |her |its |their )?"
    rf"(?:{_RESTING.pattern})",
    re.IGNORECASE,
)


def without_rest(text: str) -> str:
    """Return words behind a verb without those that say that nothing, or no arm, moves."""
    return " ".join(_AT_REST.sub(" ", _AT_REST.sub(" ", text)).split())


def side_of(text: str) -> tuple[str, str] | None:
    """Return (arm, leg or "", side) of the one side that words name, else None."""
    found = _SIDES.finditer(text.casefold())
    sides = {(_LIMBS.get(m[2] or "", ""), m[1] or m[3] or m[4]) for m in found}
    return sides.pop() if len(sides) == 1 else None


def excluded_by(deed: str) -> frozenset[str]:
    """Return what a body that does this cannot do."""
    groups = (group for group in POSTURES if deed in group)
    return frozenset().union(*groups) - {deed}
