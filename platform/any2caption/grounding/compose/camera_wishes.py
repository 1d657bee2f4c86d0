"""Take an overruled camera wish out of the words of a user, and nothing else with it.

"A cat, camera pans left" becomes "A cat". What leans on the wish stays: "the camera pans left to
reveal a castle" becomes "the camera moves to reveal a castle", "slow zoom in on a castle" becomes
"a shot of a castle".
"""

import re
from functools import cache

from any2caption.captions.camera_reading import STATIC, asks_for_orbit, read_camera
from any2caption.grounding.compose.english import gerund, third_person

_PIECES = re.compile(
    r"(,?\s*\b(?:and then|then|and|while|before|after|but)\b\s*|\s*[,;]\s*)", re.IGNORECASE
)
_WAYS = (
    r"(?:in|out|left|right|up|down|inwards?|outwards?|upwards?|downwards?|leftwards?|rightwards?"
    r"|forwards?|backwards?|back|away|closer|ahead|clockwise|anticlockwise|counter-?clockwise"
    r"|(?:to|from|towards?) the (?:left|right|side))"
)
_WAY = re.compile(rf"\s*(?<!-)\b{_WAYS}\b(?:\s*(?:and|to)\s*{_WAYS}\b)*", re.IGNORECASE)
_AIM = re.compile(
    r"\s*\b(?:on|onto|to|towards?|at|of|around)\s+(?=(?:an?|the|his|her|its|their|two)\b)",
    re.IGNORECASE,
)
_FROM = re.compile(r"\s*\bfrom\s+(?=(?:an?|the|his|her|its|their|two)\b)", re.IGNORECASE)
_LOOKED_AT = frozenset({"on", "onto", "at", "of", "around"})
_LEANS = re.compile(
    r"\s+(?:to|toward|towards|over|across|along|through|past|into|from|around|above|behind|with|onto"
    r"|at|on|in|for|until|before|after|between|\w{3,}ing)\b[^,;:.!?\n]*|\s*,\s*\w{3,}ing\b[^;:.!?\n]*",
    re.IGNORECASE,
)
_DEPENDENT = re.compile(
    r"(?!(?:pann|tilt|zoom|mov|roll|orbit|truck|doll)\w*ing)\w{3,}ing\b", re.IGNORECASE
)
"""What has no subject of its own: `revealing a castle`."""
_STILL = re.compile(
    r"\b(?:stays?|remains?|keeps?|holds?|is|rests?)\s+(?:\w+ly\s+)?(?:still|static|fixed|stationary"
    r"|motionless|locked(?:[- ](?:off|down))?|in place)\b"
    r"(?P<aim>\s+(?:on|onto|at)\s+(?=(?:an?|the|his|her|its|their|two)\b))?",
    re.IGNORECASE,
)
"""What a camera does that does not move."""
_START = re.compile(r"[^,;:.!?。\n()]*$")
_PLAIN = frozenset(
    """
    a an the as while and with then camera shot is are be was it its view lens video movement motion
    move moving moves slow slowly quick quickly fast smooth smoothly steady steadily gentle gently
    slight slightly gradual gradually finally also where when in on to by using of from around does
    not static still fixed stationary locked-off tripod stay stays staying keep keeps keeping hold
    holds holding remain remains remaining motionless place
    """.split()  # noqa: SIM905 - one word a line is no easier to read
)
_NOUNS = frozenset(
    {"pan", "tilt", "zoom", "dolly", "truck", "push", "pull", "orbit", "arc", "roll", "crane"}
)
_MANNER = re.compile(
    r"\b(?:\w+ly|(?:begins?|starts?|continues?|keeps?)(?: to)?|finally)\b", re.IGNORECASE
)
_WORD = re.compile(r"[a-z][a-z'’-]*", re.IGNORECASE)


def clause_of(text: str, start: int, end: int) -> tuple[int, int]:
    """Return the place of a wish with its camera in front and what leans on it behind."""
    before = _START.search(text, 0, start)
    if before is not None and is_plain(before.group()):
        start = before.start() + len(before.group()) - len(before.group().lstrip())
    behind = _LEANS.match(text, end)
    return start, behind.end() if behind else end


def without_movement(wish: str) -> str:
    """Return what a wish says beside its movement; empty where that is nothing."""
    if not _content(wish):
        return ""
    pieces = _PIECES.split(wish)
    kept = ""
    for at in range(0, len(pieces), 2):
        said = pieces[at]
        if _moves(said):
            leans = at + 2 < len(pieces) and _DEPENDENT.match(pieces[at + 2])
            said = _neutral(said) if leans or _content(said) else ""
        if said.strip():
            link = pieces[at - 1] if at and kept else ""
            kept += link + said
    return kept


def is_plain(words: str) -> bool:
    """Whether words name nothing but camera, manner and link: what goes with a wish."""
    return all(word.casefold() in _PLAIN for word in _WORD.findall(words))


def _content(words: str) -> bool:
    rest = _WAY.sub(" ", words)
    return any(
        word.casefold() not in _PLAIN and not _is_movement(word) for word in _WORD.findall(rest)
    )


def _moves(piece: str) -> bool:
    """Whether the camera moves in a piece of a wish, rather than what it looks at."""
    told = _verb(piece) is not None or _STILL.search(piece) is not None
    return bool(_keys(piece)) and (told or not _content(piece))


def _keys(piece: str) -> tuple[str, ...]:
    keys = read_camera(f"the camera {piece}").keys
    return keys or (("orbit_left",) if asks_for_orbit(piece) else ())


@cache
def _is_movement(word: str) -> bool:
    """Whether a word is a movement of cameras: it is read with some direction behind it."""
    return any(key != STATIC for key in _keys(f"{word} left, {word} up, {word} in"))


def _verb(piece: str) -> re.Match[str] | None:
    """The camera's movement: a word with nothing but manner in front, or a noun of movement."""
    for word in _WORD.finditer(piece):
        if _is_movement(word.group()):
            head = piece[: word.start()]
            noun = word.group().casefold() in _NOUNS
            return word if noun or is_plain(_MANNER.sub(" ", head)) else None
    return None


def _neutral(piece: str) -> str:
    """Say the rest of a movement's clause: the camera moves somehow, or shows what it aims at."""
    verb = _verb(piece)
    if verb is None:
        return _STILL.sub(lambda said: "shows " if said["aim"] else "films", piece)
    head, rest = piece[: verb.start()], piece[verb.end() :]
    way = _WAY.match(rest)
    rest = rest[way.end() :] if way else rest
    word, aim = verb.group().casefold(), _AIM.match(rest)
    if word in _NOUNS and not re.search(r"\b(?:to|camera)\s+(?:\w+ly\s+)*$", head):
        aim = aim or (_FROM.match(rest) if way else None)  # "zoom out from a castle"
        return "a shot of " + rest[aim.end() :] if aim else f"a shot{rest}"
    shows = f"{head}{_form('show', word)} {rest[aim.end() :]}" if aim else ""
    moves = f"{head}{_form('move', word)} {rest.lstrip()}".rstrip()
    looks = aim is not None and aim.group().split()[0].casefold() in _LOOKED_AT
    for said in (shows, moves) if looks else (moves, shows):
        if said and not set(_keys(said)) - {STATIC}:
            return said
    return f"{head}{_form('move', word)}"


def _form(base: str, like: str) -> str:
    if like.endswith("ing"):
        return gerund(base)
    return third_person(base) if like.endswith("s") else base
