"""Read a plain camera description: which movements it names, in order, and which it denies.

"The camera dollies in while panning left, then arcs clockwise around her, without any zoom" reads
as `dolly_in`, `pan_left`, `orbit_left`; the zoom is denied. A description is cut into clauses. In a
clause the last verb of movement decides how the directions behind it are read ("moves left and
up"), a direction before a noun of movement counts as well ("a slight downward tilt", "in a
clockwise direction"), and a negation holds to the end of its clause. What other things do ("as the
car turns left", "to track a man moving right") is not the camera's.

Senses: an arc clockwise is one seen from above, so the camera moves to its own left; a roll is
named as seen from behind the camera. "Fixed", "static" and "locked off" stand for a time without
movement, but not where shaking is told (a hand holds still, yet never static); "steady" and
"smooth" say how, not whether.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise

STATIC = "static"

_MOVES = {
    "left": "truck_left",
    "right": "truck_right",
    "up": "pedestal_up",
    "down": "pedestal_down",
    "forward": "dolly_in",
    "backward": "dolly_out",
}
_LOOKS = {"left": "pan_left", "right": "pan_right", "up": "tilt_up", "down": "tilt_down"}
_ORBITS = {
    "left": "orbit_left",
    "right": "orbit_right",
    "clockwise": "orbit_left",
    "anticlockwise": "orbit_right",
}
_ROLLS = {
    "left": "roll_anticlockwise",
    "right": "roll_clockwise",
    "clockwise": "roll_clockwise",
    "anticlockwise": "roll_anticlockwise",
}
_SPINS = {"clockwise": "roll_clockwise", "anticlockwise": "roll_anticlockwise"}
_AROUND = re.compile(r"\b(?:orbit|circl(?:es?|ing)\b|arcs?\b|360)", re.IGNORECASE)
_IN_OUT = {"in": "dolly_in", "out": "dolly_out"}
_IN_DEPTH = {"forward": "dolly_in", "backward": "dolly_out"}


@dataclass(frozen=True, slots=True)
class _Verb:
    """How a verb (or its noun) reads directions; `alone` is what it means without one.

    `in_place`: "in" and "out" may open a place behind it ("moves in the kitchen"), so they are read
    only where a movement can end.
    """

    reads: Mapping[str, str]
    alone: str = ""
    in_place: bool = False


def _any_of(stems: str) -> re.Pattern[str]:
    """Return a pattern of words; `mov*` stands for all that begins so."""
    return re.compile("|".join(stem.replace("*", r"\w*") for stem in stems.split()))


_ORBIT = _Verb(_ORBITS)
_TRAVEL = _Verb({**_MOVES, **_IN_OUT}, in_place=True)
_VERBS: tuple[tuple[re.Pattern[str], _Verb], ...] = tuple(
    (_any_of(stems), verb)
    for stems, verb in (
        ("advanc*", _Verb(_MOVES, "dolly_in")),
        ("retreat* reced* withdraw*", _Verb(_MOVES, "dolly_out")),
        (
            "rises? rising rose ascend* ascent climb* lift* elevates elevating",
            _Verb(_MOVES, "pedestal_up"),
        ),
        (
            "descend* descent lowers lowering sinks? sinking drops dropping",
            _Verb(_MOVES, "pedestal_down"),
        ),
        ("approaches", _Verb(_IN_DEPTH, "dolly_in")),
        ("closes closing", _Verb({"in": "dolly_in"})),
        ("mov* shift* glid* slides? sliding translat* travel* progress*", _TRAVEL),
        ("creep* inches inching edges edging eases easing soar*", _TRAVEL),
        ("motion track* truck* crab* strafe* cranes? craning boom* jib*", _Verb(_MOVES)),
        ("drift* float* fly flies flying", _TRAVEL),
        ("backs backing", _Verb({**_MOVES, "up": "dolly_out"})),
        ("dollys? dollies dollying dollied push* pull*", _Verb({**_MOVES, **_IN_OUT})),
        ("draws? drawing gets? getting goes going comes? coming", _Verb(_IN_DEPTH)),
        ("pans? panning panned yaw* turns? turning swivel* swings? swinging", _Verb(_LOOKS)),
        ("whips? whipping sweep*", _Verb(_LOOKS)),
        ("rotat* spins? spinning twists? twisting", _Verb({**_LOOKS, **_SPINS})),
        (
            "tilt* tips? tipping pitch pitches pitching",
            _Verb({"up": "tilt_up", "down": "tilt_down"}),
        ),
        ("rolls? rolling rolled", _Verb(_ROLLS)),
        ("pedestal*", _Verb({"up": "pedestal_up", "down": "pedestal_down"})),
        ("orbit* circles? circling arcs? arcing arced revolv*", _ORBIT),
        ("zoom*", _Verb({"in": "zoom_in", "out": "zoom_out", "forward": "zoom_in"})),
    )
)
_TRAVELS = _any_of("mov* travel* glid* fly flies flying track* drift* rotat* spin* turn* swing*")
"""Verbs that make an orbit of "around"."""

_DIRECTIONS = {
    **{word: word for word in ("left", "right", "up", "down", "forward", "backward", "in", "out")},
    **{f"{word}s": word for word in ("forward", "backward")},
    **{
        f"{word}ward{s}": word
        for word in ("in", "out", "up", "down", "left", "right")
        for s in ("", "s")
    },
    "ahead": "forward",
    "closer": "forward",
    "nearer": "forward",
    "onward": "forward",
    "back": "backward",
    "away": "backward",
    "clockwise": "clockwise",
    "counterclockwise": "anticlockwise",
    "anticlockwise": "anticlockwise",
}
_NOUNS = _any_of(
    "tilts? pans? rolls? arcs? zooms? dolly push pull shifts? drift rotations? turns? yaw orbits?"
    " truck movements? motions? trajectory"
)
_STATES = re.compile(r"static|stationary|fixed|motionless|immobile|unmoving|locked-off|still")
_STILL_NOUNS = re.compile(
    r"shots?|camera|position|fram\w+|view\w*|perspective|take|composition|angle|tripod|lens"
)
_STANDS = re.compile(r"(?:hold|stay|stand|keep|remain)(?:s|ing)?")
_STOPS = re.compile(r"(?:stop|halt)(?:s|ping|ing)?")
_SHAKY = re.compile(r"unstead\w*|shak\w+|handheld|jitter\w*|wobbl\w*|tremor\w*|vibrat\w*")
_FEW = {"no", "any", "without", "minimal", "zero", "free", "little", "not", "barely"}
_NEGATIONS = _any_of("no not never without nor neither doesn't isn't don't avoids avoiding")
_DETERMINERS = _any_of("the a an they he she someone people his her their both another two")
_SELF = _any_of("camera it drone shot view frame viewpoint perspective lens movement motion")
_FOLLOWS = re.compile(
    r"(?:track|follow|captur|reveal|show|lead|film|highlight|keep)(?:s|es|e|ing)?"
)
_ENDS = {",", ";", ".", ":", "then", "before", "after", "while", "but", "whilst", "until"}
_MOVED = _ENDS | {
    "and",
    "as",
    "close",
    "on",
    "slowly",
    "smoothly",
    "to",
    "toward",
    "towards",
    "with",
}
"""What stands behind the "in" of "moves in", and not behind that of "moves in the kitchen"."""
_REACH = 6
_NEAR = 2
"""Words to a verb's "in" and "out": directions in "zooms slowly in", later they are not."""


@dataclass(frozen=True, slots=True)
class CameraReading:
    """What a description says: movement `keys` in text order, `denied` keys, and if it shakes.

    `keys` spell movements as captions do (`pan_left`, `roll_anticlockwise`, `static`); the same key
    twice in a row is one.
    """

    keys: tuple[str, ...]
    denied: tuple[str, ...] = ()
    shaky: bool = False


def read_camera(text: str) -> CameraReading:
    """Read a camera description; a text that names no movement gives no keys."""
    reader = _Reader(_words(text))
    reader.run()
    keys, shaky = reader.found, reader.shaky
    if not keys and set(_MOVES.values()) <= set(reader.denied):
        keys = [STATIC]  # "no camera movement"
    if shaky:
        keys = [key for key in keys if key != STATIC]
    denied = tuple(dict.fromkeys(reader.denied))
    return CameraReading(tuple(b for a, b in pairwise(("", *keys)) if a != b), denied, shaky)


def asks_for_orbit(text: str) -> bool:
    """Whether a description has the camera go around something, whichever way."""
    return _AROUND.search(text) is not None


def _words(text: str) -> list[str]:
    plain = text.casefold().replace("’", "'")
    plain = re.sub(r"counter[- ]clockwise|anti-clockwise", "counterclockwise", plain)
    plain = re.sub(r"\b(zoom|push|pull|dolly)-(in|out|back)\b", r"\1 \2", plain)
    plain = re.sub(r"locked[- ](?:off|down)", "locked-off", plain)
    plain = re.sub(r"hand[- ]held", "handheld", plain)
    plain = re.sub(r"(\w)-(?=in\b|out\b|left\b|right\b|up\b|down\b|free\b)", r"\1 ", plain)
    plain = re.sub(
        r"\b(?:from )?left[- ]to[- ]right\b|\bfrom (?:the )?left to (?:the )?right\b",
        "right",
        plain,
    )
    plain = re.sub(
        r"\b(?:from )?right[- ]to[- ]left\b|\bfrom (?:the )?right to (?:the )?left\b", "left", plain
    )
    return re.findall(r"[a-z]+(?:[-'][a-z]+)*|[.,;:]", plain)


class _Reader:
    """Walks over the words once; see the module's text for the rules."""

    def __init__(self, words: list[str]) -> None:
        self.words = words
        self.found: list[str] = []
        self.denied: list[str] = []
        self.shaky = False
        self._verb: _Verb | None = None
        self._since = self._behind = 0  # words since the verb or its last direction; since the verb
        self._read = False  # whether the verb has a direction already
        self._negated = self._others = self._object = False

    def run(self) -> None:
        """Read all words."""
        for at, word in enumerate(self.words):
            self._since, self._behind = self._since + 1, self._behind + 1
            if self._breaks(at, word):
                continue
            if _NEGATIONS.fullmatch(word) and self._next(at) != "only":
                self._negated = True
            self._stillness(at, word)
            if self._others:
                continue
            verb = _verb_of(word)
            if verb is not None and not (self._object and word.endswith("ing")):
                self._start(at, verb)
            elif word.endswith("ing") and not _STANDS.fullmatch(word):
                self._verb = None
            if _FOLLOWS.fullmatch(word) and _DETERMINERS.fullmatch(self._next(at)):
                self._object = True
            self._direction(at, word)

    def _next(self, at: int, ahead: int = 1) -> str:
        return self.words[at + ahead] if at + ahead < len(self.words) else "."

    def _before(self, at: int, back: int = 1) -> str:
        return self.words[at - back] if at >= back else "."

    def _breaks(self, at: int, word: str) -> bool:
        """Whether a word ends a clause; begins one of somebody else's where it does."""
        if _SELF.fullmatch(word):
            self._others = False
        if word in _ENDS:
            self._negated = self._others = self._object = False
        if word in {".", ";", ":"} or self._since > _REACH:
            self._verb = None
        if word in {"and", "by"}:
            self._object = False
        if word in {"as", "while", "when", "who", "which"}:
            first, second = self._next(at), self._next(at, 2)
            self._others = bool(_DETERMINERS.fullmatch(first)) and not _SELF.fullmatch(second)
        return word in _ENDS

    def _start(self, at: int, verb: _Verb) -> None:
        self._verb, self._since, self._behind, self._read = verb, 0, 0, bool(verb.alone)
        if verb.alone:
            self._say(verb.alone)
        elif self._negated and not any(self._next(at, n) in _DIRECTIONS for n in (1, 2, 3)):
            self.denied += verb.reads.values()

    def _direction(self, at: int, word: str) -> None:
        if word == "around" and _travels(self.words[max(0, at - 4) : at]):
            self._around()
            return
        if word in {"toward", "towards"} and self._verb is not None and not self._read:
            beyond = {self._next(at), self._next(at, 2)}
            if "dolly_in" in self._verb.reads.values() and not beyond & {"left", "right"}:
                self._say("dolly_in")
            return
        name = _DIRECTIONS.get(word)
        if name is None or self._idle(at, word):
            return
        ahead = self._noun_ahead(at, word)
        reads = ahead.reads if ahead else self._verb.reads if self._verb else {}
        key = reads.get(name)
        if key and name in {"in", "out"} and not ahead:
            near = self._behind <= _NEAR and self._since >= self._behind
            after, strict = self._next(at), self._verb is not None and self._verb.in_place
            closes = after in _MOVED if strict else near and after != "a"
            key = key if closes or after == "on" else None
        if key:
            self._since, self._read = 0, True
            self._say(key)

    def _idle(self, at: int, word: str) -> bool:
        """Whether a word of direction is none here: "back to the left", "on the left"."""
        before, after = self._before(at), self._next(at)
        if word == "back":
            return after == "to" or (after == "and" and self._next(at, 2) == "forth")
        if word == "closer":
            return before in {"a", "the"}
        if word in {"left", "right"} and before == "the":
            return self._before(at, 2) in {"on", "at", "from"}
        beside = {"before", "after", "behind", "next"}  # "right before", but "pans right before …"
        return word == "right" and after in beside and self._behind > 1

    def _noun_ahead(self, at: int, word: str) -> _Verb | None:
        """The noun of movement that a word of direction stands before, at most two words on."""
        if word in {"in", "out", "up", "down", "back", "away", "ahead", "closer"}:
            return None
        for ahead in (1, 2):
            noun = self._next(at, ahead)
            if noun in _ENDS or noun in {"and", "or", "to"}:
                return None
            moves = self._next(at, ahead + 1) in {
                "motion",
                "movement",
            }  # "a downward tilting motion"
            if _NOUNS.fullmatch(noun) or moves:
                return _verb_of(noun)
        return None

    def _around(self) -> None:
        """Make an orbit of the travelling verb, and of the side that it has just read."""
        sides = {
            "truck_left": "left",
            "truck_right": "right",
            "pan_left": "left",
            "pan_right": "right",
        }
        sides |= {"roll_clockwise": "clockwise", "roll_anticlockwise": "anticlockwise"}
        if self._read and self.found and self.found[-1] in sides and self._since <= _NEAR:
            self.found[-1] = _ORBITS[sides[self.found[-1]]]
        self._verb, self._since, self._read = _ORBIT, 0, False

    def _say(self, key: str) -> None:
        (self.denied if self._negated else self.found).append(key)

    def _stillness(self, at: int, word: str) -> None:
        before = self.words[max(0, at - 4) : at]
        if _SHAKY.fullmatch(word) and not _FEW & set(before) and self._next(at) != "free":
            self.shaky = True
        if self._others or self._negated:
            return
        state = _STATES.fullmatch(word) and not self._attribute(at)
        if state or (_STOPS.fullmatch(word) and not self._moved_somehow(at)):
            self.found.append(STATIC)
            self._verb = None

    def _moved_somehow(self, at: int) -> bool:
        """Whether it moved in front of a word, in no way that has a key: "orbits, then stops"."""
        before = self.words[:at]
        return not self.found and any(_verb_of(one) or _FOLLOWS.fullmatch(one) for one in before)

    def _attribute(self, at: int) -> bool:
        """Whether a word of stillness is another thing's ("the motionless man", "fixed on her")."""
        after = self._next(at)
        if after in {"on", "onto", "upon"} or (self.words[at] == "still" and after.endswith("ing")):
            return True
        articles = {"the", "a", "an", "its", "this"}
        return self._before(at) in articles and not _STILL_NOUNS.fullmatch(after)


def _verb_of(word: str) -> _Verb | None:
    return next((verb for stem, verb in _VERBS if stem.fullmatch(word)), None)


def _travels(words: list[str]) -> bool:
    return any(_TRAVELS.fullmatch(word) for word in words)
