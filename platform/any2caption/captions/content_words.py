"""The words of a text that carry its content: no articles, prepositions, pronouns and the like.

Words are runs of letters, compared without case; numbers in digits are none. What is cut by an
apostrophe is one word ("don't").
"""

import re

_WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)*")
_FUNCTION_WORDS = frozenset(
    """
    a about above across after again against all along already also although always am among an and
    any anything are around as at away be because been before behind being below beneath beside
    between beyond both but by can could did do does doing don't down during each either else even
    ever every everything few for from further get gets getting had has have having he her here hers
    herself him himself his how however i if in inside into is isn't it it's its itself just let lot
    many may me might more most much must my myself near neither no none nor not nothing now of off
    often on once one only onto or other others our ours ourselves out outside over own past per
    perhaps please quite rather same shall she should since so some something still such than that
    that's the their theirs them themselves then there there's these they this those though through
    throughout till to together too toward towards under underneath until up upon us very was we
    were what when where whether which while who whom whose why will with within without would yet
    you your yours yourself
    """.split()  # noqa: SIM905 - one word a line is no easier to read
)


def content_words(text: str) -> list[str]:
    """Return the content words in order and in small letters, as often as they stand there."""
    words = (match.group().casefold().replace("’", "'") for match in _WORD.finditer(text))
    return [word for word in words if word not in _FUNCTION_WORDS]
