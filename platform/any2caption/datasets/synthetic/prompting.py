"""Short prompts that state some facts and leave out the others.

Nothing that is left out leaks: the noun is singular or an adjective unless the number is stated,
verbs are gerunds, and "in red" serves people and objects alike.
"""

from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from random import Random

from any2caption.captions.lexicon import PLACES, PLURALS, camera_gerund, camera_phrase
from any2caption.datasets.synthetic.world import Scene

_OPENINGS = (
    "A video of {subject}",
    "Show {subject}",
    "Make a short clip: {subject}",
    "I want a clip with {subject}",
    "Generate {subject}",
    "{subject}",
)
_NOTHING = ("Make a short video.", "Create a clip from this.", "A video, please.", "")
_STYLES = ("in a {} look", "{} style", "with a {} look")


def prompt_of(
    scene: Scene, stated: AbstractSet[str], references: Sequence[str], rng: Random
) -> str:
    """Write a prompt that states exactly these slots; `references` point at conditions."""
    facts = []
    if "action" in stated:
        facts.append(str(scene.answer("action")))
    if "background" in stated:
        facts.append(PLACES[scene.background])
    if "style" in stated:
        facts.append(rng.choice(_STYLES).format(scene.answer("style")))
    if "camera" in stated:
        wording = rng.random() < 1 / 2
        facts.append(
            f"the camera {camera_phrase(scene.camera)}"
            if wording
            else f"camera {camera_gerund(scene.camera)}"
        )
    subject = _subject(scene, stated)
    if not facts and subject is None:
        text = rng.choice(_NOTHING)
        if references:
            text = f"Make a short video, {', '.join(references)}."
        return text
    if rng.random() < 1 / 2:
        rng.shuffle(facts)
    if subject is None:
        subject = "a scene"
    opening = rng.choice(_OPENINGS).format(subject=subject)
    text = ", ".join([opening, *facts, *references])
    return text[0].upper() + text[1:] + ("." if rng.random() < 0.8 else "")  # noqa: PLR2004


def _subject(scene: Scene, stated: AbstractSet[str]) -> str | None:
    """Return the noun phrase for what is stated of kind, count, colour and shape, or None."""
    colour = scene.answer("colour") if "colour" in stated else None
    if "count" in stated:
        noun = "subject"
        if "shape" in stated and scene.shape:
            noun = scene.shape
        elif "kind" in stated:
            noun = scene.kind
        noun = noun if scene.count == 1 else PLURALS[noun]
        phrase = f"{scene.answer('count')} {noun}"
        if colour and "shape" in stated and scene.shape:
            return f"{scene.answer('count')} {colour} {noun}"
        return f"{phrase} in {colour}" if colour else phrase
    if "shape" in stated and scene.shape:
        phrase = f"{scene.shape}-shaped subject"
        return _with_article(f"{colour} {phrase}" if colour else phrase)
    if "kind" in stated:
        phrase = "a human subject" if scene.kind == "person" else "an object as the subject"
    elif colour:
        phrase = "a subject"
    else:
        return None
    return f"{phrase}, in {colour}" if colour else phrase


def _with_article(phrase: str) -> str:
    return f"{'an' if phrase[0] in 'aeiou' else 'a'} {phrase}"
