"""Hand-written facts of requests, as the readers of texts and conditions give them."""

from any2caption.captions.schema import PARTS
from any2caption.conditions.fact import Fact, Source
from any2caption.grounding.compose.composer import compose
from any2caption.grounding.facts import Facts
from any2caption.grounding.gather import gather
from any2caption.grounding.words import read_text

DEMO = "A dog meets a small red cartoon figure in a quiet kitchen."


def said(text, words, aspect, value=None, **rest):
    """A fact that a text states in these words."""
    at = text.index(words)
    source = Source("text", characters=(at, at + len(words)))
    return Fact(aspect, words[:1].lower() + words[1:], source, value or {}, **rest)


def pose_action(text, who="the person", start=0.0, end=1.0, name="pose 1"):
    value = {"verb": text.split()[0], "who": who, "start": start, "end": end, "plural": False}
    return Fact("action", text, Source(name, frames=(0, 99)), value, "measured", 0.8)


def people(number, name="pose 1"):
    text = "one person" if number == 1 else f"{('two', 'three')[number - 2]} people"
    return Fact("count", text, Source(name), {"noun": "person", "number": number})


def path(text, *keys, name="camera 1"):
    return Fact("camera", text, Source(name, frames=(0, 59)), {"keys": list(keys)})


def identity(picture, noun=None):
    text = f"the {noun or 'subject'} of {picture}"
    value = {"noun": noun, "condition": picture, "role": "identity"}
    return Fact("identity", text, Source(picture), value)


def layout(text, name="depth 1", certainty="measured"):
    return Fact("layout", text, Source(name), {}, certainty, 0.8)


def demo():
    """The facts of the demo's request."""
    one = {"noun": "dog", "number": 1, "attributes": []}
    other = {"noun": "figure", "number": 1, "attributes": ["small", "red", "cartoon"]}
    return Facts(
        DEMO,
        (
            said(DEMO, "A dog", "subject", one),
            said(DEMO, "a small red cartoon figure", "subject", other),
            said(DEMO, "meets a small red cartoon figure", "action", {"who": "a dog"}),
            said(DEMO, "in a quiet kitchen", "background", {"place": "kitchen"}),
            identity("picture 1", "dog"),
            identity("picture 2"),
            people(2),
            pose_action("raises the right arm", "person 1", 0.0, 0.9),
            pose_action("raises the right leg", "person 1", 0.1, 0.8),
            pose_action("keeps still", "person 2"),
            path(
                "dollies in while trucking left and panning right, then pans left",
                *("dolly_in", "truck_left", "pan_right", "pan_left"),
            ),
            layout("near surfaces at the lower left and open space in the middle"),
        ),
    )


def texts(grounded):
    return {part: " ".join(one.text for one in grounded.parts[part]) for part in PARTS}


def asked(text, *shown):
    found, notes = read_text(text)
    return Facts(text, (*found, *shown), (), notes)


def composed(prompt, parts, conditions=()):
    """What the composer says of a request in these parts."""
    grounded = compose(gather(prompt, conditions))
    return {part: texts(grounded)[part] for part in parts}
