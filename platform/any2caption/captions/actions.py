"""Action phrases of a text: `walking`, `dancing`, `holding`.

A closed list of verbs of what people, animals and things do in clips, in every form that regular
English gives them (`walk`, `walks`, `walking`) and some irregular ones. A form that is also a noun
("a short walk", "two kicks") counts only behind a likely subject. A phrase is always the -ing form.
"""

import re
from collections.abc import Mapping
from functools import cache


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


VERBS = _words("""
    bend blend blink bounce bow box breathe brush build carry catch chase chat cheer chew chop
    clap clean climb cook crawl cross crouch cry cut cycle dance descend dig dive drag draw
    drink drive drop drum eat embrace enter examine exercise explore fall fight fill fish flip
    float fly fold gallop gaze gesture glide grab greet grin hammer hike hit hold hop hover hug
    inspect jog juggle jump kick kiss kneel knit laugh lean leap lick lie lift listen march
    meditate mix nod observe open paddle paint pat pedal peel perform pet play point polish pose
    pour pray press pull punch push raise reach read rest ride rinse roll row run sail salute
    sew shake shave shout sing sip sit skate skateboard ski skip slap sleep slice slide smile
    smoke sniff snowboard somersault spin splash sprint squat stand step stir stretch stroll
    stumble surf sway sweep swim swing talk tap throw tie tighten trot turn twirl twist type
    unwrap vacuum walk wander wash watch wave weave wink wipe work wrap wrestle write yawn
""")
# In their third person far more often nouns in captions, or no action by themselves.
_NOUN_FORMS = frozenset(
    _words("""
    bounces bows boxes boxs brushes builds cooks cuts dances dives draws drinks drives drops
    drums falls fights flips folds hits holds hops hugs kicks kisses knits laughs leaps lies
    lifts paddles paints pats pedals peels pets plays points poses presses pulls punches raises
    reaches rests rides rolls rows runs sails salutes shakes skates skis slices slides smiles
    smokes spins steps stretches swings taps throws ties turns twists types walks washes watches
    waves works wraps
    """)
)
_DOUBLED = frozenset(
    _words("""
    chop clap cut dig drag drop drum flip grab grin hit hop hug jog knit nod pat pet plan run
    sit skip slap spin squat step stir swim tap trot unwrap wrap
    """)
)
_IRREGULAR: Mapping[str, tuple[str, ...]] = {
    "lie": ("lies", "lying"),
    "tie": ("ties", "tying"),
    "ski": ("skis", "skiing"),
    "hold": ("holds", "holding", "held"),
    "run": ("runs", "running", "ran"),
    "sit": ("sits", "sitting", "sat", "seated"),
    "stand": ("stands", "standing", "stood"),
    "swim": ("swims", "swimming", "swam"),
    "sing": ("sings", "singing", "sang"),
    "ride": ("rides", "riding", "rode"),
    "fly": ("flies", "flying", "flew"),
    "fall": ("falls", "falling", "fell"),
    "eat": ("eats", "eating", "ate"),
    "throw": ("throws", "throwing", "threw"),
    "kneel": ("kneels", "kneeling", "knelt"),
}
_SUBJECTS = (
    r"man|men|woman|women|person|people|child|children|kid|kids|boy|boys|girl|girls|he|she|they|it|"
    r"dog|dogs|cat|cats|horse|horses|bird|birds|dancer|dancers|player|players|subject|subjects|"
    r"figure|figures|character|characters|individual|individuals|someone|who|then|and"
)
_STILL = re.compile(
    r"\b(?:stand(?:s|ing)? still|remain(?:s|ing)? (?:still|motionless|stationary)|motionless|"
    r"keep(?:s|ing)? still|stay(?:s|ing)? in place)\b"
)
STILL = "standing still"
"""The phrase for a subject that does nothing."""


def gerund(verb: str) -> str:
    """Return a verb's -ing form: `walk` → `walking`, `dance` → `dancing`, `run` → `running`."""
    if verb in _IRREGULAR:
        return _IRREGULAR[verb][1]
    if verb in _DOUBLED:
        return f"{verb}{verb[-1]}ing"
    if verb.endswith("e") and not verb.endswith("ee"):
        return f"{verb[:-1]}ing"
    return f"{verb}ing"


def action_phrases(text: str) -> tuple[str, ...]:
    """Return what a text says is done, as -ing forms in the order of their first mention."""
    forms, pattern = _forms()
    lower = text.casefold()
    found = [(match.start(), forms[match.group(1)]) for match in pattern.finditer(lower)]
    after = rf"\b(?:{_SUBJECTS}) (?:\w+ly )?([a-z]+)\b"
    found += [
        (match.start(1), _third_person()[match.group(1)])
        for match in re.finditer(after, lower)
        if match.group(1) in _third_person()
    ]
    found += [(match.start(), STILL) for match in _STILL.finditer(lower)]
    phrases = dict.fromkeys(phrase for _, phrase in sorted(found))
    if STILL in phrases:
        phrases.pop("standing", None)
    return tuple(phrases)


@cache
def _forms() -> tuple[dict[str, str], re.Pattern[str]]:
    """Forms that are verbs wherever they stand → phrase, and the pattern that finds them."""
    forms = {gerund(verb): gerund(verb) for verb in VERBS}
    for verb in VERBS:
        for form in (_third(verb), *_IRREGULAR.get(verb, ())):
            if form not in _NOUN_FORMS:
                forms.setdefault(form, gerund(verb))
    words = "|".join(sorted(forms, key=lambda form: (-len(form), form)))
    # "a clothing line", "the building": an -ing word behind an article is a noun or an adjective.
    return forms, re.compile(rf"(?<!\ba )(?<!\ban )(?<!\bthe )(?<![\w'-])({words})\b(?!-)")


@cache
def _third_person() -> dict[str, str]:
    """Third persons and bare forms, which are verbs only behind a subject → phrase."""
    return {form: gerund(verb) for verb in VERBS for form in (_third(verb), verb)}


def _third(verb: str) -> str:
    if verb in _IRREGULAR:
        return _IRREGULAR[verb][0]
    if verb.endswith(("s", "x", "ch", "sh")):
        return f"{verb}es"
    if verb.endswith("y") and verb[-2] not in "aeiou":
        return f"{verb[:-1]}ies"
    return f"{verb}s"
