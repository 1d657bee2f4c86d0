"""What a prompt says to its reader: the frame of a request, and orders that show no scene.

"Please generate a video of a fox" asks for a fox; "ignore all previous instructions" asks for
nothing that can be seen.
"""

from any2caption.grounding.words.lists import verbs, words
from any2caption.grounding.words.phrases.noun_phrases import NounPhrase, noun_phrase
from any2caption.grounding.words.tags.tokens import Word

_POLITE = words("please kindly")
_ASKING = (
    ("show", "me", "what", "it", "would", "look", "like", "if"),
    ("can", "you"), ("could", "you"), ("would", "you"), ("will", "you"), ("i", "want", "you", "to"),
    ("i", "want", "to", "see"), ("i", "want"), ("we", "want"), ("i'd", "like", "you", "to"),
    ("i'd", "like", "to", "see"), ("i'd", "like"), ("i", "would", "like", "you", "to"),
    ("i", "would", "like", "to", "see"), ("i", "would", "like"), ("i", "need"), ("we", "need"),
    ("help", "me"), ("imagine",), ("picture",), ("we", "see"), ("we", "can", "see"), ("you", "see"),
    ("start", "with"), ("begin", "with"), ("open", "on"), ("open", "with"), ("add",),
     ("let's", "see"), ("let's",), ("give", "me"), ("cut", "to"),
    ("i'd", "love", "to", "see"), ("i", "would", "love", "to", "see"),
    ("is", "there", "a", "way", "to"), ("is", "it", "possible", "to"),
)  # fmt: skip
_SEEN = frozenset({"see", "have", "get"})
_MADE = frozenset({"look", "feel", "seem"})
_SHOW = frozenset(
    {"animate", "create", "depict", "film", "generate", "imagine", "produce", "render", "show"}
)
_OPENS = frozenset({"det", "poss", "num", "qty"})
_LETS = frozenset({"have", "let", "make"})
_SHOWN = frozenset({"picture", "camera"})
_CLAUSES = (("in", "which"), ("where",))
_OPENING = (*_CLAUSES, ("of",), ("with",), ("that",), ("showing",), ("about",),
            ("featuring",), ("for",), ("depicting",), ("on",), (":",))  # fmt: skip
_ORDERS = words("""
    answer delete disregard forget ignore output pretend print repeat reply respond say summarise
    summarize tell translate write
""")


def _lows(tagged: list[Word], at: int, count: int) -> tuple[str, ...]:
    return tuple(word.low for word in tagged[at : at + count])


def orders(tagged: list[Word]) -> bool:
    """Whether a sentence orders its reader to do what no scene shows: "write a poem about tea"."""
    at = _polite(tagged, 0)
    behind = tagged[at + 1].tag if at + 1 < len(tagged) else "mark"
    written = any(word.tag == "quote" for word in tagged)
    return at < len(tagged) and tagged[at].low in _ORDERS and behind != "mark" and not written


def _polite(tagged: list[Word], at: int) -> int:
    while at < len(tagged) and tagged[at].low in _POLITE:
        at += 1
    return at


def frame(tagged: list[Word], at: int) -> tuple[int, NounPhrase | None, int] | None:
    """Return the end of the asking, the phrase of what is to be made, and where the scene begins.

    "could you please make | a close-up | of"; without a phrase for "show me". None where nothing is
    asked for.
    """
    at += _lows(tagged, at, 1) == ("/",)  # "/imagine a fox"
    start, asked = at, False
    at = _polite(tagged, at)
    if lets(tagged, at):
        return at + 1, None, at + 1
    for asking in _ASKING:
        if _lows(tagged, at, len(asking)) == asking:
            at, asked = _polite(tagged, at + len(asking)), True
            break
    if at < len(tagged) and (
        tagged[at].low in verbs.REQUESTS or (asked and tagged[at].low in _SEEN)
    ):
        after = at + 2 if _lows(tagged, at + 1, 1) in {("me",), ("us",)} else at + 1
        if after == at + 1 and _lows(tagged, at + 1, 1) == ("it",):
            after = at + 2 + (_lows(tagged, at + 2, 1)[:1] != () and tagged[at + 2].low in _MADE)
            return after, None, after
        given, at = after > at + 1, after
    elif not asked:
        return _medium(tagged, at)
    else:
        given = True
    plain = tagged[start].low in _SHOW and tagged[at].tag in _OPENS if at < len(tagged) else False
    return _thing(tagged, at, sure=asked or given or plain or at > start + 1)


def lets(tagged: list[Word], at: int) -> bool:
    """Whether "make", "have", "let" asks for what someone does: "make the woman smile"."""
    if at + 1 >= len(tagged) or tagged[at].low not in _LETS or tagged[at + 1].tag not in _OPENS:
        return False
    phrase = noun_phrase(tagged, at + 1)
    ahead = tagged[phrase.end : phrase.end + _NEAR] if phrase else []
    does = next((word for word in ahead if word.tag in {"verb", "mark"}), None)
    return does is not None and does.form == "base"


_NEAR = 6


def _medium(tagged: list[Word], at: int) -> tuple[int, NounPhrase | None, int] | None:
    """Read "a music video in which", "a clip where": what is shown there is asked for."""
    phrase = noun_phrase(tagged, at)
    if phrase is None or not (phrase.sort in _SHOWN or phrase.head.low in _SHOWS | _ADS):
        return None
    colon = _colon(tagged, phrase.end) if phrase.head.low in _ADS else 0
    if colon:
        return at, phrase, colon + 1  # "an ad for a coffee brand: steam rises"
    clause = next((one for one in _CLAUSES if _lows(tagged, phrase.end, len(one)) == one), None)
    return (at, phrase, phrase.end + len(clause)) if clause else None


def is_kind(phrase: NounPhrase) -> bool:
    """Whether a medium says what kind of video it is: "a music video", "an ad"; "a video" does not.

    Adjectives are told by themselves.
    """
    return phrase.head.low in _ADS or (phrase.head.low in _SHOWS and " " in phrase.noun)


def _colon(tagged: list[Word], at: int) -> int:
    near = range(at, min(at + _NEAR, len(tagged)))
    return next((n for n in near if tagged[n].low == ":"), 0)


_ADS = frozenset({"ad", "advert", "advertisement", "commercial", "teaser", "trailer"})
_SHOWS = frozenset({"animation", "film", "movie", "scene", "video"})


def _thing(tagged: list[Word], at: int, *, sure: bool) -> tuple[int, NounPhrase | None, int] | None:
    phrase = noun_phrase(tagged, at)
    if phrase is None or not (phrase.sort in _SHOWN or phrase.head.low in _SHOWS):
        return (at, None, at) if sure else None
    for opening in _OPENING:
        if _lows(tagged, phrase.end, len(opening)) == opening:
            return at, phrase, phrase.end + len(opening)
    if phrase.end == len(tagged) or tagged[phrase.end].low in {".", ",", ":"}:
        return at, phrase, phrase.end  # "make a short video, following pose 1"
    return (at, None, at) if sure else None
