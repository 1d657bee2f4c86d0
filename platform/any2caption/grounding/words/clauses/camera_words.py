"""Clauses of the camera: "the camera pans left, then tilts up", "slow zoom in"."""

from itertools import takewhile

from any2caption.grounding.words.forms import verb_forms
from any2caption.grounding.words.lists import grammar, looks, verbs
from any2caption.grounding.words.lists import words as words_of
from any2caption.grounding.words.phrases.noun_phrases import noun_phrase
from any2caption.grounding.words.tags.neighbours import parts_attributes
from any2caption.grounding.words.tags.tokens import Word

_VIEWS = frozenset({"camera", "viewpoint", "lens", "camera's"})
SCENES = frozenset({"shot", "view", "frame", "perspective", "scene"})
_CLIPS = frozenset({"video", "clip", "footage"})
_LINKS = frozenset({"then", "while", "before", "after", "and", "but", "until"})


_WE_DO = words_of(
    """
    begin circle descend dolly drift end fly follow glide move open orbit pan pull push start tilt
    track zoom
    """
)
"""What "we" do where the camera is meant: "we follow a fox"."""
SPOKEN = SCENES | _CLIPS | {",", "we", "movement", "motion", "lens", "viewpoint"}
"""What stands in front of a verb that needs its subject: the scene, or an aside's comma."""
_AGAIN = frozenset({"it", "movement", "motion"})
_ASIDE = 14
"""Words of an aside behind "the camera" at most."""
_LEAD = 5
"""Words in front of "camera", or of a bare movement, at most."""


def clause(words: list[Word], at: int, *, again: bool = False) -> tuple[int, int, int] | None:
    """Return the start of a clause of the camera, of its verb, and its end; None where none is.

    `again`: the camera was spoken of just before, so "it" and "the movement" are the camera's.
    """
    said = _verb_of_camera(words, at, again=again)
    if said is None:
        said = at if _bare_movement(words, at) else None
    end = at if said is None else _end(words, said)
    return None if said is None or end <= said else (at, said, end)


def _verb_of_camera(words: list[Word], at: int, *, again: bool) -> int | None:
    """Return where the verb (with its adverbs) of "the camera …" begins."""
    noun, last = at, min(at + _LEAD, len(words))
    if words[at].low == "we" and any(word.low in _WE_DO for word in words[at + 1 : at + 3]):
        return at + 1
    while noun < last and (words[noun].tag in {"det", "adj", "poss"} or words[noun].low == "drone"):
        noun += 1
    views = _VIEWS | SCENES | _CLIPS | (_AGAIN if again else frozenset())
    shot = noun + 1 < len(words) and words[noun].low.endswith(" shot")
    shot = shot and words[noun + 1].form == "s"  # "a drone shot rises above"
    flier = noun + shot
    if (shot or (words[at].low == "drone" and noun == at + 1)) and _flies(words, flier):
        return flier
    if noun + 1 >= len(words) or not (
        words[noun].low in views or words[noun].low.endswith(" camera")
    ):
        return None
    if words[noun].low == "camera" and words[noun + 1].low in looks.STILLNESS | {":"}:
        colon = words[noun + 1].low == ":"
        return noun + 2 if colon and noun + 2 < len(words) else noun + 1
    if noun == at and placed(words, noun + 1):
        return noun + 1
    return _verb_behind(words, _behind_aside(words, noun))


def _flies(words: list[Word], at: int) -> bool:
    """Whether a drone without an article films: "drone rises over", "drone flies, revealing"."""
    low = words[at].low if at + 1 < len(words) else ""
    base = verb_forms().get(low, ("", ""))[0]
    return base in _WE_DO | {"ascend", "rise", "sweep"}


def placed(words: list[Word], at: int) -> bool:
    """Whether words say where the camera is: "camera right behind it", "camera inside the car"."""
    if at == 0 or words[at - 1].low != "camera":
        return False
    while at + 1 < len(words) and (words[at].tag == "adv" or words[at].low == "right"):
        at += 1
    phrase = noun_phrase(words, at + 1)
    view = phrase is not None and (phrase.sort == "camera" or phrase.head.low == "level")
    return words[at].tag == "prep" and words[at].low in grammar.RELATIONS and not view


def _behind_aside(words: list[Word], noun: int) -> int:
    """Return the comma that closes an aside: "the camera, low above the ground, moves"."""
    if words[noun].low not in _VIEWS or words[noun + 1].low != ",":
        return noun
    commas = [at for at in range(noun + 2, min(noun + _ASIDE, len(words))) if words[at].low == ","]
    return next((at for at in commas if _verb_behind(words, at) is not None), noun)


def _verb_behind(words: list[Word], noun: int) -> int | None:
    """Return where a verb (with its adverbs) begins behind a word; None where none does."""
    verb = noun + 1
    while verb < len(words) and _before_verb(words, verb):
        verb += 1
    if verb >= len(words) or (words[verb].tag in {"mark", "conj"} and verb == noun + 1):
        return None
    moves = words[verb].low in looks.MOVES or words[verb].tag in {"verb", "particle"}
    moves = moves or (words[noun].low == "camera" and words[verb].low.endswith("s"))
    moves = moves or verb_forms().get(words[verb].low, ("", "base"))[1] != "base"
    shows = verbs.SHOWING if words[noun].low in SCENES else frozenset()
    if words[noun].low in SCENES | _CLIPS and words[verb].base not in verbs.SCENE_VERBS | shows:
        return None
    states = verb > noun + 1 and words[verb].tag in {"adj", "verb"}
    return noun + 1 if moves or states else None


def command(words: list[Word], at: int) -> tuple[int, int, int] | None:
    """Return an order to the camera as `clause` does: "move forward", "follow the man"."""
    first = at
    while first < len(words) and (words[first].tag == "adv" or words[first].low == "slow"):
        first += 1
    if first + 1 >= len(words):
        return None
    low, after = words[first].low, words[first + 1]
    moves = low in _ORDERS and (
        after.tag in {"adv", "particle"}
        or after.low.split(" ")[0] in looks.MOVE_SIDES
        or (after.tag == "prep" and after.low in _WAYS)
    )
    follows = low in _FOLLOWS and after.tag in {"det", "poss", "pron", "ref"}
    return (at, at, _end(words, first)) if moves or follows else None


_ORDERS = words_of("ascend circle descend drift fly glide go move rise rotate sweep swing")
_FOLLOWS = frozenset({"follow", "track"})
_WAYS = grammar.DIRECTIONS | {"above", "alongside", "behind", "between"}


def commands(words: list[Word], at: int) -> bool:
    """Whether a bare movement is in the base form: "zoom out", "slowly pan left"."""
    if not _bare_movement(words, at):
        return False
    verb = next(word for word in words[at:] if word.low in looks.MOVES | THRUSTS)
    return verb_forms().get(verb.low, ("", "base"))[1] == "base"


def _before_verb(words: list[Word], at: int) -> bool:
    """Whether a word may stand between the camera and what it does: "smoothly and slowly"."""
    linked = words[at].low == "and" and words[at - 1].tag == "adv"
    return linked or words[at].tag in {"adv", "aux", "modal", "neg"}


def _bare_movement(words: list[Word], at: int) -> bool:
    """Read "pan left", "slow zoom in", "slowly zooming out": a movement and its side."""
    first, last = at, min(at + _LEAD, len(words))
    while first < last and (
        words[first].tag in {"det", "adv"} or words[first].low in looks.MANNERS
    ):
        first += 1
    if first < len(words) and words[first].low in THRUSTS:
        return _thrusts(words, first)
    if first >= len(words) or words[first].low not in looks.MOVES:
        return False
    after = words[first + 1].low.split(" ")[0] if first + 1 < len(words) else "end"
    beyond = words[first + 2].low if first + 2 < len(words) else ""
    if after == "from":  # "whip pan from a baby to a dog"
        return words[at].tag not in {"det", "poss"} and _reaches(words, first + 2)
    if after in _SWEEPS.get(words[first].low[:3], ()):  # "a pan over a fire" is no movement
        return after != "over" or words[at].tag not in {"det", "poss"}
    return (after in looks.MOVE_SIDES and beyond != "of") or (
        after == "end" and first + 1 >= len(words)
    )


_SWEEPS = {
    "pan": frozenset({"across", "along", "around", "over"}),
    "zoo": frozenset({"into", "on", "onto", "to", "toward", "towards"}),
}
"""Beginnings of movements, and prepositions of where they go."""


def _reaches(words: list[Word], at: int) -> bool:
    """Whether "to" follows in the same clause: from one thing to another."""
    clause = takewhile(lambda word: word.tag != "mark", words[at:])
    return any(word.low in {"to", "onto"} for word in clause)


def _thrusts(words: list[Word], at: int) -> bool:
    """Read "slow push in on", "pull back from": a push or pull by itself, of nothing."""
    way = words[at + 1].low.split(" ")[0] if at + 1 < len(words) else ""
    beyond = words[at + 2].low if at + 2 < len(words) else "."
    aimed = words[at + 2].form == "ing" if at + 2 < len(words) else False
    aimed = aimed or beyond in {
        "on",
        "to",
        "from",
        "toward",
        "towards",
        "into",
        ".",
        ",",
        ";",
        "then",
        "over",
        "through",
        "across",
        "along",
        "past",
        "until",
        "as",
    }
    return way in {"in", "out", "back", "away"} and aimed


THRUSTS = frozenset({"push", "pushing", "pull", "pulling"})


def _end(words: list[Word], at: int) -> int:
    """Return the end: the first mark or conjunction behind which the camera does nothing."""
    still = placed(words, at)
    while at < len(words):
        word = words[at]
        if word.tag in {"mark", "sub", "rel"} and still:
            return at
        if word.tag in {"mark", "sub", "rel"} and not _goes_on(words, at):
            return at
        at += 1
    return at


def _goes_on(words: list[Word], at: int) -> bool:
    """Whether the camera still acts behind a comma or "then"."""
    if words[at].low in {".", ";", ":", "!", "?"}:
        return False
    if words[at].tag == "rel" or words[at].low in {"where", "as", "when"}:
        return False
    after = at + 1
    if after < len(words) and words[after].low.startswith("from ") and words[after].tag == "adv":
        return True  # "a pan across a shelf, from left to right"
    if _turned(words[after : after + _AMOUNT]) or parts_attributes(words, at) or _halts(words, at):
        return True
    while after < len(words) and (words[after].tag in {"adv", "neg"} or words[after].low in _LINKS):
        after += 1
    if after >= len(words):
        return False
    word = words[after]
    keeps = words[after - 1].low in {"and", "then"} and word.low in _KEEPS | _ORDERS | TURNS
    return word.tag == "verb" or keeps or (word.low in looks.MOVES and word.tag != "det")


def _halts(words: list[Word], at: int) -> bool:
    """Whether an order ends a movement: "truck left along the lockers, stop at the open one"."""
    stop, behind = words[at + 1 : at + 2], words[at + 2 : at + 3]
    halts = words[at].low == "," and stop != [] and stop[0].low in _HALTS
    return halts and (not behind or behind[0].tag in {"prep", "mark"})


def _turned(words: list[Word]) -> bool:
    """Whether words say how far the camera goes: "orbits the car, half a turn clockwise"."""
    amount = list(takewhile(lambda word: word.tag in _AMOUNTS or word.low in _TURNED, words))
    known = any(word.low in _TURNED for word in amount)
    return known and amount[0].tag in {"num", "qty", "det"}


_AMOUNT = 4
_AMOUNTS = frozenset({"num", "qty", "det", "adj"})
_TURNED = frozenset({"circle", "degrees", "orbit", "revolution", "rotation", "turn", "turns"})
_KEEPS = frozenset({"continues", "keeps", "starts", "stops"})
"""Verbs of what a movement does, though they are nouns as well."""
_HALTS = frozenset({"hold", "pause", "stop"})
TURNS = frozenset({"look", "reveal", "stop", "turn"})
"""What an order to the camera goes on with."""
