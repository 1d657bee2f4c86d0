"""Words that only point at what is given beside the text: "bring this photo to life".

They name nothing that can be seen; what is given shows itself.
"""

import re

from any2caption.grounding.words.lists import words
from any2caption.grounding.words.tags.tokens import Word

_REF = "@"
"""What stands for a reference ("picture 1") in the texts that the patterns read."""
_NAMED = rf"(?:the |this |my )?{_REF}"
_MEDIUM = (
    "(?:clip|drawing|footage|frame|image|illustration|painting|photo|photograph|picture|reference"
    "|scene|shot|sketch|still|video)s?"
)
_WHICH = (
    r"(?:this|that|these|those|the|my|our|both)"
    r"(?: (?:attached|first|given|input|original|provided|reference|source|starting|still"
    r"|uploaded))*"
)
_GIVEN = rf"(?:{_NAMED}|{_WHICH} {_MEDIUM}|this|these|it)"
_ROLE = (
    r"(?:an?|the|my)(?: (?:first|final|initial|last|reference|start|starting))?"
    r" (?:base|basis|end|frame|image|picture|point|reference|start)"
)
_CLIP = (
    r"(?:an? |the )?"
    r"(?:(?:beautiful|brief|cool|funny|little|long|nice|quick|short|\d+[- ]seconds?) (?:, )?)*"
    r"(?:animation|clip|film|gif|movie|video)"
)
_POLITE = (
    r"(?:please |kindly )?(?:(?:can|could|would|will) you (?:please )?|help me |let's "
    r"|(?:i want|i'd like|i would like) (?:you )?to )?"
)
_ASKED = re.compile(
    rf"{_POLITE}(?:"
    rf"(?:animate|caption|continue|describe|extend|recreate|remake) {_GIVEN}"
    rf"|(?:bring|let|make) {_GIVEN} (?:back )?(?:come )?(?:to life|alive)"
    rf"|make {_GIVEN} move"
    rf"|(?:convert|make|transform|turn) {_GIVEN} in ?to(?: {_CLIP}|(?= an? ))"
    rf"|(?:create|generate|make|produce|render) (?:me )?{_CLIP}"
    rf" (?:based on|from|of|out of|starting (?:from|with)|using|with) {_GIVEN}"
    rf"|(?:use|take) {_GIVEN}(?: as {_ROLE}|(?= and (?:have|let|make) )|(?= ?[.!]?$))"
    rf"|{_GIVEN} (?:as|is) {_ROLE}(?:(?: ,)?(?: and)? {_GIVEN} (?:(?:as|is) )?{_ROLE})?"
    rf"|(?:begin|beginning|start|starting) (?:at|from|on|with) {_GIVEN}"
    rf"(?:(?: ,)?(?: and)?(?: then)? (?:end|ending|finish) (?:at|in|on|with) {_GIVEN})?"
    rf"|add (?:some )?(?:life|motion|movement) to {_GIVEN}"
    rf"|same as (?:in )?{_GIVEN}"
    r"|(?:show (?:me |us )?)?what (?:happens|comes) next)(?= |$)"
)
_LIKE = re.compile(
    r"(?:(?:(?:filmed|framed|laid out|lit|moving|posed|shot) )?(?:as|like)(?: in)?|according to"
    r"|along|based on|filmed along|following|guided by|matching|using|with"
    r"|(?:begin(?:ning)?|start(?:ing)?) (?:at|from|on|with)) "
    r"(?:the (?:same )?(?:camera|camera movement|composition|framing|layout|motion|movement|path"
    rf"|pose) (?:from|in|of) )?{_NAMED}(?= |$)"
)
_THEN = words("and as at but by in so such then to using when where while with")
_LINKS = words("and but so such that then where")
_LONGEST = 10
"""Words of a fragment that points at a condition, at most."""


def asked_of_given(tagged: list[Word]) -> int:
    """Return where the scene begins behind a request to show what is given; 0 for no such.

    "Animate this picture | so that | the girl smiles".
    """
    lows = _lows(tagged)
    asked = _ASKED.match(" ".join(lows))
    if asked is None:
        return 0
    end = _words_of(lows, asked.end())
    behind = tagged[end] if end < len(tagged) else None
    goes_on = asked[0].endswith(("into", "in to")) or behind is None or behind.tag == "mark"
    if not goes_on and lows[end].split(" ")[0] not in _THEN:
        return 0  # "animate this dog"
    while end < len(tagged) and (tagged[end].tag == "mark" or set(lows[end].split()) <= _LINKS):
        end += 1
    return end


def like_given(tagged: list[Word], at: int) -> int:
    """Return the end of a fragment that only points at a condition; 0 for no such.

    "A cat jumps, | filmed as in camera path 1 |, at night".
    """
    lows = _lows(tagged[at : at + _LONGEST])
    points = _LIKE.match(" ".join(lows))
    if points is None:
        return 0
    end = at + _words_of(lows, points.end())
    return end if end == len(tagged) or tagged[end].tag in {"mark", "conj"} else 0


def keeps(tagged: list[Word], at: int) -> bool:
    """Whether an order leaves the rest as it is: "…, keep everything else still"."""
    return _lows(tagged[at : at + 2]) == ["keep", "everything"]


def _lows(tagged: list[Word]) -> list[str]:
    return [_REF if word.tag == "ref" else word.low for word in tagged]


def _words_of(lows: list[str], length: int) -> int:
    """Return how many words the first letters of a joined text are."""
    count = covered = 0
    while covered < length:
        covered += len(lows[count]) + 1
        count += 1
    return count
