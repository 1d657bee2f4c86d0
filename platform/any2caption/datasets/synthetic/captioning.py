"""Gold six-part captions: one wording per composition, slot phrases from the lexicon.

Facts stand between punctuation marks, and never depend on verb agreement. The wording of each part
is chosen by the digest of the composition, so a split by caption holds out whole compositions.
"""

from any2caption.captions.lexicon import PLACES, PLURALS, camera_phrase
from any2caption.captions.schema import StructuredCaption
from any2caption.datasets.synthetic.world import Scene

_DENSE = (
    (
        "The clip shows {subject}, {action}, {place}. The movement can be followed from the "
        "first moment to the last. Meanwhile the camera {camera}, and the whole scene has a "
        "{style} look."
    ),
    (
        "In this short clip we see {subject}, {place}. From beginning to end the picture shows "
        "the same activity, {action}. The camera {camera}, and everything is rendered in a "
        "{style} look."
    ),
    (
        "A {style} look sets the tone: {subject}, {action}, {place}. As the moment unfolds, "
        "nothing else enters the picture, and the camera {camera}, until the clip ends."
    ),
)
_OBJECTS = (
    "The main subject is {subject}, large in the frame and easy to recognise by its outline.",
    "The clip is about {subject}, drawn with a clear outline and filling the middle of the frame.",
    "We look at {subject}, simple in form, with even shading and a clean edge.",
)
_PEOPLE = (
    "The main subject is {subject}, shown from head to toe, wearing dark trousers.",
    "The clip is about {subject}, visible in full figure, with short hair and dark trousers.",
    "We look at {subject}, seen at full length in the middle of the frame, in plain clothes.",
)
_BACKGROUNDS = {
    "beach": (
        "The scene is set, {place}, where calm water meets the shore under a bright sky.",
        "Behind the subject lies the sea, {place}, in clear daylight with gentle waves.",
    ),
    "meadow": (
        "The scene is set, {place}, with low hills and fresh stems under an open sky.",
        "Behind the subject the land is soft and open, {place}, in mild daylight.",
    ),
    "street": (
        "The scene is set, {place}, between tall buildings with many windows and a paved road.",
        "Behind the subject stand rows of houses, {place}, in even daylight.",
    ),
    "room": (
        "The scene is set, {place}, with planks along the wall and a small window.",
        "Behind the subject is an indoor wall, {place}, lit softly through a window.",
    ),
    "mountain": (
        "The scene is set, {place}, with sharp peaks in the distance and cold clear air.",
        "Behind the subject rise high peaks, {place}, in crisp winter light.",
    ),
}
_CAMERAS = (
    "A full shot at eye level, in which the camera {camera}, from the first frame to the last.",
    "Over the whole clip the camera {camera}, keeping an even pace and a full view of the scene.",
    "Seen at eye level, the camera {camera}, without any cut.",
)
_STYLES = {
    "cartoon": "The clip has a {style} look, with bold outlines, even areas and a dark frame.",
    "cinematic": "The clip has a {style} look, with dark bars above and below and a cool mood.",
    "vintage": "The clip has a {style} look, with warm tones and corners that fall into shadow.",
    "watercolour": "The clip has a {style} look, with soft edges that fade into pale paper.",
    "documentary": "The clip has a {style} look, with coarse noise and a rough, direct mood.",
}
_ACTIONS = (
    "Throughout the clip the subject is seen, {action}, at a natural pace.",
    "The movement is simple and clear, {action}, from the start until the end.",
    "What happens over time can be said in few words, {action}, with nothing in between.",
)


def caption_of(scene: Scene) -> StructuredCaption:
    """Return the scene's gold caption, a function of its composition alone."""
    digits = scene.composition
    words = {
        "subject": subject_phrase(scene),
        "action": scene.answer("action"),
        "place": PLACES[scene.background],
        "camera": camera_phrase(scene.camera),
        "style": scene.answer("style"),
    }

    def said(variants: tuple[str, ...], digit: int) -> str:
        return variants[digits[digit] % len(variants)].format(**words)

    return StructuredCaption(
        dense=said(_DENSE, 0),
        main_object=said(_OBJECTS if scene.shape else _PEOPLE, 1),
        background=said(_BACKGROUNDS[scene.background], 2),
        camera=said(_CAMERAS, 3),
        style=said((_STYLES[scene.style],), 4),
        action=said(_ACTIONS, 5),
    )


def subject_phrase(scene: Scene) -> str:
    """Return `two red balls`, `one person in a red shirt` or `two people in red shirts`."""
    number, colour = scene.answer("count"), scene.answer("colour")
    single = scene.count == 1
    if scene.shape:
        return f"{number} {colour} {scene.shape if single else PLURALS[scene.shape]}"
    article = "an" if str(colour)[0] in "aeiou" else "a"
    if single:
        return f"{number} person in {article} {colour} shirt"
    return f"{number} people in {colour} shirts"
