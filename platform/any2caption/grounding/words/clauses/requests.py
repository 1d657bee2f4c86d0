"""What a prompt says to its reader: the frame of a request, and orders that show no scene.

"Please generate a video of a fox" asks for a fox; "ignore all previous instructions" asks for
nothing that can be seen.
"""

import re

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


_REF = "@"
_MEDIUM = (
    "(?:clip|drawing|footage|frame|image|illustration|painting|photo|photograph|picture|reference"
    "|scene|shot|sketch|still|video)s?"
)
_WHICH = r"(?:this|that|these|those|the|my|our|both)"
_GIVEN = (
    rf"(?:{_REF}|{_WHICH}(?: (?:attached|first|given|input|original|provided|reference|source"
    rf"|starting|still|uploaded))* {_MEDIUM}|this|these|it)"
)
_CLIP = r"(?:an? |the )?(?:brief |short |quick )?(?:animation|clip|film|gif|movie|video)"
_OF_GIVEN = re.compile(
    r"(?:please |kindly )?(?:(?:can|could|would|will) you (?:please )?|help me |let's "
    r"|(?:i want|i'd like|i would like) (?:you )?to )?(?:"
    rf"(?:animate|caption|continue|describe|extend|recreate|remake) {_GIVEN}"
    rf"|(?:bring|make) {_GIVEN} (?:back )?(?:come )?(?:to life|alive)"
    rf"|make {_GIVEN} move"
    rf"|(?:convert|make|transform|turn) {_GIVEN} in ?to(?: {_CLIP}|(?= an? ))"
    rf"|(?:create|generate|make|produce|render) (?:me )?{_CLIP}"
    rf" (?:based on|from|of|out of|starting (?:from|with)|using|with) {_GIVEN}"
    rf"|(?:use|take) {_GIVEN} as (?:an?|the|my) (?:(?:first|initial|last|reference|start|starting) )?"
    r"(?:base|basis|frame|image|picture|point|reference|start)"
    rf"|(?:begin|beginning|start|starting) (?:at|from|on|with) {_GIVEN}"
    rf"|add (?:some )?(?:life|motion|movement) to {_GIVEN}"
    rf"|same as (?:in )?{_GIVEN}"
    r"|(?:show (?:me |us )?)?what (?:happens|comes) next)(?= |$)"
)
"""A request that names nothing but what is given beside the text: "bring this photo to life"."""
_THEN = words("and as at but by in so such then to using when where while with")
_LINKS = words("and but so such that then where")


def of_given(tagged: list[Word]) -> int:
    """Return where the scene begins behind a request to show what is given; 0 for no such.

    "Animate this picture | so that | the girl smiles".
    """
    lows = [_REF if word.tag == "ref" else word.low for word in tagged]
    asked = _OF_GIVEN.match(" ".join(lows))
    if asked is None:
        return 0
    end = _words_of(lows, asked.end())
    if end < len(tagged) and not asked[0].endswith(("into", "in to")):
        if tagged[end].tag != "mark" and lows[end].split(" ")[0] not in _THEN:
            return 0  # "animate this dog"
    while end < len(tagged) and (tagged[end].tag == "mark" or set(lows[end].split()) <= _LINKS):
        end += 1
    return end


_LIKE_GIVEN = re.compile(
    r"(?:(?:(?:filmed|framed|laid out|lit|moving|posed|shot) )?(?:as|like)(?: in)?|according to"
    r"|along|based on|filmed along|following|guided by|matching|using|with"
    r"|(?:begin(?:ning)?|start(?:ing)?) (?:at|from|on|with)) "
    r"(?:the (?:same )?(?:camera|camera movement|composition|framing|layout|motion|movement|path|pose)"
    rf" (?:from|in|of) )?{_REF}(?= |$)"
)
"""What a clause says that only points at a condition: "following pose 1"."""


def like_given(tagged: list[Word], at: int) -> int:
    """Return the end of a fragment that only points at a condition; 0 for no such.

    "A cat jumps, | filmed as in camera path 1 |, at night".
    """
    lows = [_REF if word.tag == "ref" else word.low for word in tagged[at : at + _LONGEST]]
    points = _LIKE_GIVEN.match(" ".join(lows))
    if points is None:
        return 0
    end = at + _words_of(lows, points.end())
    return end if end == len(tagged) or tagged[end].tag in {"mark", "conj"} else 0


def _words_of(lows: list[str], length: int) -> int:
    """Return how many words the first letters of a joined text are."""
    count = covered = 0
    while covered < length:
        covered += len(lows[count]) + 1
        count += 1
    return count


_LONGEST = 10
"""Words of a fragment that points at a condition, at most."""


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
