"""The words that previs understands, beyond the closed vocabularies of `captions.lexicon`."""

import re
from collections.abc import Iterator, Mapping
from functools import cache

from any2caption.captions import lexicon

COLOURS: Mapping[str, tuple[int, int, int]] = {
    "red": (204, 52, 46),
    "orange": (235, 133, 40),
    "yellow": (240, 204, 62),
    "green": (72, 152, 72),
    "blue": (52, 98, 190),
    "purple": (128, 74, 164),
    "white": (238, 238, 232),
    "black": (42, 42, 46),
    "grey": (140, 142, 146),
    "gray": (140, 142, 146),
    "silver": (176, 180, 186),
    "pink": (236, 142, 170),
    "brown": (128, 86, 54),
    "beige": (214, 196, 164),
    "golden": (222, 178, 66),
    "gold": (222, 178, 66),
    "teal": (40, 140, 140),
    "turquoise": (64, 190, 190),
    "cyan": (70, 190, 214),
    "violet": (128, 74, 164),
    "maroon": (120, 34, 40),
    "navy": (34, 48, 96),
}
NUMBERS: Mapping[str, int] = {
    "a": 1,
    "an": 1,
    "one": 1,
    "single": 1,
    "lone": 1,
    "two": 2,
    "pair": 2,
    "couple": 2,
    "both": 2,
    "three": 3,
    "four": 4,
    "five": 5,
    "several": 4,
    "group": 4,
    "many": 6,
    "six": 6,
}
# Noun → what stands for it on the stage.
NOUNS: Mapping[str, str] = {
    **dict.fromkeys(
        [
            "person",
            "people",
            "human",
            "man",
            "men",
            "woman",
            "women",
            "boy",
            "boys",
            "girl",
            "girls",
            "child",
            "children",
            "kid",
            "kids",
            "dancer",
            "dancers",
            "actor",
            "actress",
            "couple",
            "runner",
            "athlete",
            "skater",
            "skateboarder",
            "singer",
            "chef",
            "teacher",
            "student",
            "worker",
            "soldier",
            "knight",
            "robot",
            "robots",
            "astronaut",
            "lady",
            "gentleman",
            "player",
            "players",
            "figure",
            "figures",
            "character",
            "characters",
            "friend",
            "friends",
            "musician",
            "pedestrian",
        ],
        "person",
    ),
    **dict.fromkeys(
        ["ball", "balls", "sphere", "spheres", "globe", "orb", "balloon", "balloons", "apple"],
        "ball",
    ),
    **dict.fromkeys(
        ["box", "boxes", "cube", "cubes", "crate", "package", "parcel", "block", "blocks"], "box"
    ),
    **dict.fromkeys(["cone", "cones", "pyramid", "tent"], "cone"),
    **dict.fromkeys(
        ["ring", "rings", "hoop", "hoops", "torus", "donut", "doughnut", "wheel"], "ring"
    ),
    **dict.fromkeys(["star", "stars"], "star"),
    **dict.fromkeys(
        [
            "dog",
            "dogs",
            "cat",
            "cats",
            "horse",
            "horses",
            "puppy",
            "kitten",
            "fox",
            "wolf",
            "cow",
            "sheep",
            "lion",
            "tiger",
            "bear",
            "elephant",
            "deer",
            "animal",
            "animals",
        ],
        "animal",
    ),
    **dict.fromkeys(
        ["car", "cars", "bus", "van", "vehicle", "taxi", "lorry", "jeep", "suv"], "car"
    ),
}
PLACES: Mapping[str, str] = {
    **{form: term.key for term in lexicon.BACKGROUNDS for form in (term.phrase, *term.also)},
    **dict.fromkeys(("sand", "shore", "coast", "seaside", "sea", "ocean"), "beach"),
    **dict.fromkeys(("grass", "grassy", "field", "park", "garden", "lawn", "hills"), "meadow"),
    **dict.fromkeys(("forest", "woods", "woodland", "jungle", "trees"), "forest"),
    **dict.fromkeys(("road", "city", "urban", "downtown", "buildings", "town"), "street"),
    **dict.fromkeys(
        ("indoor", "indoors", "kitchen", "living room", "office", "hall", "wall", "house"), "room"
    ),
    **dict.fromkeys(("snow", "snowy", "peaks", "alps", "ice"), "mountain"),
    **dict.fromkeys(("desert", "dunes", "dune"), "desert"),
    **dict.fromkeys(("studio", "plain background", "backdrop"), "studio"),
}
LIGHTS: Mapping[str, str] = {
    **dict.fromkeys(("night", "nighttime", "moonlight", "moonlit", "midnight"), "night"),
    **dict.fromkeys(("sunset", "sunrise", "dusk", "dawn", "golden hour"), "dusk"),
}
STYLES: Mapping[str, str] = {
    **{form: term.key for term in lexicon.STYLES for form in (term.phrase, *term.also)},
    **dict.fromkeys(("anime", "comic", "cel-shaded", "animation", "animated"), "cartoon"),
    **dict.fromkeys(("film-like", "movie", "dramatic", "epic"), "cinematic"),
    **dict.fromkeys(("sepia", "retro", "old film", "nostalgic"), "vintage"),
    **dict.fromkeys(("painting", "painterly", "oil painting", "impressionist"), "watercolour"),
    **dict.fromkeys(("handheld", "news footage", "grainy"), "documentary"),
    **dict.fromkeys(("black and white", "black-and-white", "monochrome", "noir"), "monochrome"),
    **dict.fromkeys(("realistic", "photorealistic", "natural", "realism"), "plain"),
}
ACTIONS: Mapping[str, str] = {
    **{
        form: term.key
        for term in (*lexicon.PERSON_ACTIONS, *lexicon.OBJECT_ACTIONS)
        for form in (term.phrase, *term.also)
    },
    **dict.fromkeys(("walks", "walk", "strolls", "strolling", "steps"), "walk"),
    **dict.fromkeys(("runs", "run", "jogs", "jogging", "sprints", "sprinting"), "run"),
    **dict.fromkeys(("jumps", "jump", "leaps", "hops", "hopping", "leaping"), "jump"),
    **dict.fromkeys(("waves", "wave", "greets", "greeting"), "wave"),
    **dict.fromkeys(("bows", "bow", "bends forward", "leans forward"), "bow"),
    **dict.fromkeys(("sits", "sit", "seated"), "sit"),
    **dict.fromkeys(("dances", "dancing", "dance"), "dance"),
    **dict.fromkeys(("stands", "standing", "stand", "poses", "still", "motionless"), "stand"),
    **dict.fromkeys(("bounces", "bounce"), "bounce"),
    **dict.fromkeys(("slides", "slide", "rolls", "drives", "driving", "passes", "rides"), "slide"),
    **dict.fromkeys(
        ("approaches", "approach", "towards the camera", "toward the camera"), "approach"
    ),
    **dict.fromkeys(("spins", "spinning", "rotates", "rotating", "twirls", "turns around"), "spin"),
    **dict.fromkeys(("floats", "floating", "flies", "flying", "hovers", "hovering"), "float"),
}
_GO = r"(?:moves?|moving|glides?|gliding|travels?|travelling|tracks?|tracking|slides?|sliding)"
# Patterns of camera movements that are wider than the lexicon's own forms, tried in order.
CAMERA_PATTERNS: tuple[tuple[str, str], ...] = (
    (r"(?:arcs?|arcing|orbits?|orbiting|circles?|circling)\b[^.,;]{0,24}\bleft", "orbit_left"),
    (r"(?:arcs?|arcing|orbits?|orbiting|circles?|circling)\b[^.,;]{0,24}\bright", "orbit_right"),
    (r"(?:orbits?|orbiting|circles?|circling|revolves?|revolving)\b", "orbit_right"),
    (r"zoom(?:s|ing)?[ -]in", "zoom_in"),
    (r"zoom(?:s|ing)?[ -](?:out|back)", "zoom_out"),
    (r"(?:push(?:es|ing)?|doll(?:y|ies|ying)) (?:slowly |gently )?in", "dolly_in"),
    (rf"{_GO} (?:slowly |steadily )?(?:forwards?|closer|in)\b", "dolly_in"),
    (r"pull(?:s|ing)? (?:back|away|out)|doll(?:y|ies|ying) (?:slowly )?(?:out|back)", "dolly_out"),
    (rf"{_GO} (?:slowly |steadily )?(?:backwards?|away|out|back)\b", "dolly_out"),
    (r"pan(?:s|ning)?\b[^.,;]{0,16}\bleft|turns? (?:to the )?left|yaws? left", "pan_left"),
    (r"pan(?:s|ning)?\b[^.,;]{0,16}\bright|turns? (?:to the )?right|yaws? right", "pan_right"),
    (r"(?:tilt|look)(?:s|ing)?\b[^.,;]{0,12}\bup(?:wards?)?\b", "tilt_up"),
    (r"(?:tilt|look)(?:s|ing)?\b[^.,;]{0,12}\bdown(?:wards?)?\b", "tilt_down"),
    (r"roll(?:s|ing)?\b[^.,;]{0,12}\b(?:anti|counter)-?clockwise", "roll_anticlockwise"),
    (r"roll(?:s|ing)?\b[^.,;]{0,12}\bclockwise", "roll_clockwise"),
    (rf"(?:truck(?:s|ing)?|{_GO})\b[^.,;]{{0,16}}\bleft", "truck_left"),
    (rf"(?:truck(?:s|ing)?|{_GO})\b[^.,;]{{0,16}}\bright", "truck_right"),
    (rf"(?:pedestal(?:s|ling)?|cranes?|booms?|{_GO}) (?:straight )?up(?:wards?)?\b", "pedestal_up"),
    (r"\b(?:rises|rising|ascends|ascending|lifts)\b", "pedestal_up"),
    (
        rf"(?:pedestal(?:s|ling)?|cranes?|booms?|{_GO}) (?:straight )?down(?:wards?)?\b",
        "pedestal_down",
    ),
    (r"\b(?:sinks|sinking|descends|descending|lowers)\b", "pedestal_down"),
    (r"\b(?:static|stationary|fixed|locked|still|does not move)\b", "static"),
)
SHOTS: tuple[tuple[str, str], ...] = (
    (r"\b(?:extreme )?close[- ]?up", "close"),
    (r"\b(?:extreme )?(?:long|wide|establishing) shot|wide[- ]angle", "wide"),
)
ANGLES: tuple[tuple[str, str], ...] = (
    (r"bird'?s[- ]eye|overhead|aerial|top[- ]down|drone", "aerial"),
    (r"high[- ]angle|from above", "high"),
    (r"low[- ]angle|from below", "low"),
)


@cache
def _table_pattern(words: tuple[str, ...]) -> re.Pattern[str]:
    longest = sorted(words, key=lambda word: (-len(word), word))
    return re.compile(rf"\b(?:{'|'.join(map(re.escape, longest))})\b", re.IGNORECASE)


def find(table: Mapping[str, object], text: str) -> Iterator[re.Match[str]]:
    """Yield the table's words in text order, the longest at each place, whatever their case."""
    return _table_pattern(tuple(table)).finditer(text)


def first(table: Mapping[str, str], *texts: str) -> str | None:
    """Return the value of the first known word, looking through the texts in order."""
    for text in texts:
        for match in find(table, text):
            return table[match.group().lower()]
    return None


def first_pattern(patterns: tuple[tuple[str, str], ...], text: str) -> str | None:
    """Return the value of the first pattern that occurs in the text."""
    for pattern, value in patterns:
        if re.search(pattern, text, re.IGNORECASE):
            return value
    return None
