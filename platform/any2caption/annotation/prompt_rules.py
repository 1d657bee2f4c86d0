"""The paper's rules for short prompts, per kind: what to leave out, what to say, how to check it.

Printed in the paper (arXiv 2503.24379, appendix) for identities and depth; pose and camera follow
from its principle that a prompt omits what its condition says already.
"""

import re
from collections.abc import Collection
from dataclasses import dataclass

MAX_WORDS = 100
_BULLET = re.compile(r"(?m)^\s*(?:[-*•]|\d+[.)])\s")
_CAMERA_VERB = re.compile(
    r"\b(?:(?:camera|shot|view|lens)\b[^.]{0,40}\b(?:pan|tilt|roll|doll(?:y|ie)|truck|pedestal|"
    r"orbit|zoom|move|track|push|pull|glide|sweep|rotate|rise|descend|follow)(?:s|es|ing|ies|d)?|"
    r"(?:pan|tilt|dolly|truck|zoom|orbit)(?:s|ning|ing|ling)?\s+"
    r"(?:left|right|up|down|in|out|around))\b",
    re.IGNORECASE,
)
_RESTATED_LAYOUT = re.compile(r"\bdepth[ -]?(?:maps?|conditions?)\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Rule:
    """One kind's rule: caption parts that are left out, and what a writer is told."""

    leave_out: frozenset[str]
    instruction: str


RULES: dict[str, Rule] = {
    "image:identity": Rule(
        frozenset({"main_object"}),
        "Identity pictures are given, stitched side by side from left to right. Say first where "
        "these targets are and what they do over time, then background, style and camera. Describe "
        "new objects that no picture shows. Never repeat what the pictures show: no looks, clothes "
        "or faces. Name a style only if it differs from the pictures'.",
    ),
    "depth:sparse": Rule(
        frozenset(),
        "Depth maps are given in time order, from left to right. The layout is known from them: "
        "never restate geometry, positions or distances. They are few and give outlines only: say "
        "the look, the environment, the interaction, how it goes on, the camera and the style.",
    ),
    "depth:dense": Rule(
        frozenset({"action", "camera"}),
        "Depth maps are given in time order, from left to right, taken from a dense sequence. "
        "Layout, motion and camera are known from it: never restate them. Write about look and "
        "atmosphere.",
    ),
    "pose": Rule(
        frozenset({"action"}),
        "Skeletons of the people are given in time order. Body movement is known from them: never "
        "say how limbs or bodies move. Say who the people are, how they look, where they are.",
    ),
    "camera": Rule(
        frozenset({"camera"}),
        "The camera path is given. Never use a camera verb and never say how the camera moves. Say "
        "what is to be seen, in the order in which it comes into view.",
    ),
    "image:style": Rule(
        frozenset({"style"}),
        "A style picture is given. Never describe the style.",
    ),
    "image:first_frame": Rule(
        frozenset({"main_object", "background", "style"}),
        "The first frame is given. Never describe what it shows; say what happens from there on.",
    ),
    "image:last_frame": Rule(
        frozenset({"main_object", "background", "style"}),
        "The last frame is given. Never describe what it shows; say what leads to it.",
    ),
    "video": Rule(
        frozenset({"action"}),
        "A clip is given whose movement is to be followed: never restate its movement.",
    ),
    "segmentation": Rule(
        frozenset(),
        "Masks are given: never restate shapes or positions; say what the masked things are.",
    ),
    "sketch": Rule(
        frozenset(),
        "A sketch is given: never restate outlines; say materials, colours, light, what happens.",
    ),
    "motion": Rule(
        frozenset({"action"}),
        "Object tracks are given: never say along which way things move.",
    ),
}


def rules_for(kinds: Collection[str]) -> list[Rule]:
    """Return the rules of these kinds in the table's order."""
    return [rule for kind, rule in RULES.items() if kind in kinds]


def left_out(kinds: Collection[str]) -> frozenset[str]:
    """Return the caption's parts that the conditions say already."""
    return frozenset().union(*(rule.leave_out for rule in rules_for(kinds)))


def word_count(text: str) -> int:
    """Count words as white space separates them."""
    return len(text.split())


def violations(prompt: str, kinds: Collection[str]) -> list[str]:
    """Return which rules a prompt breaks, as far as words alone can tell."""
    found = []
    if (words := word_count(prompt)) > MAX_WORDS:
        found.append(f"{words} words; at most {MAX_WORDS} are allowed")
    if _BULLET.search(prompt):
        found.append("it is a list; continuous sentences are wanted")
    if "camera" in kinds or "depth:dense" in kinds:
        verb = _CAMERA_VERB.search(prompt)
        if verb:
            found.append(f"it says how the camera moves ({verb.group()!r}); that is given")
    if {"depth:sparse", "depth:dense"} & set(kinds) and _RESTATED_LAYOUT.search(prompt):
        found.append("it talks about the depth map itself")
    return found
