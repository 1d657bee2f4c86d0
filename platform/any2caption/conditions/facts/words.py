"""Words that the facts of several kinds share: numbers and nouns."""

from collections.abc import Collection, Iterable

_UNITS = (
    *("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"),
    *("eleven", "twelve", "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen"),
    "nineteen",
)
_TENS = ("", "", "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")
_IRREGULAR = {
    "person": "people",
    "man": "men",
    "woman": "women",
    "child": "children",
    "foot": "feet",
    "tooth": "teeth",
    "goose": "geese",
    "mouse": "mice",
    "knife": "knives",
    "leaf": "leaves",
    "wolf": "wolves",
    "shelf": "shelves",
    "half": "halves",
}
_SAME = frozenset({"sheep", "deer", "fish", "aircraft", "skis", "scissors", "trousers", "people"})
_MASS = frozenset(
    {
        *("grass", "sky", "water", "sea", "sand", "snow", "dirt", "gravel", "ground", "pavement"),
        *("food", "fruit", "furniture", "ceiling", "floor", "platform", "paper", "background"),
        *("smoke", "fire", "rain", "hair", "clothing", "rock", "broccoli", "mud", "earth"),
    }
)
_ARTICLES = ("a ", "an ", "the ")


def number_word(number: int) -> str:
    """Return `two`, `thirty-two`; above ninety-nine `over a hundred`.

    Raises:
        ValueError: a negative number.
    """
    if number < 0:
        raise ValueError(f"{number} is below 0")
    if number < len(_UNITS):
        return _UNITS[number]
    if number > 99:  # noqa: PLR2004 - the last that is said in words
        return "a hundred" if number == 100 else "over a hundred"  # noqa: PLR2004
    tens, unit = divmod(number, 10)
    return f"{_TENS[tens]}-{_UNITS[unit]}" if unit else _TENS[tens]


def counted(number: int, noun: str) -> str:
    """Return `two dogs`, `one person`."""
    return f"{number_word(number)} {noun if number == 1 else plural(noun)}"


def plural(noun: str) -> str:
    """Return the plural of a noun, or of the last word of a few: `fire hydrants`."""
    head, _, last = noun.rpartition(" ")
    lead = f"{head} " if head else ""
    low = last.casefold()
    if low in _SAME or low in _MASS:
        return noun
    if low in _IRREGULAR:
        return lead + _IRREGULAR[low]
    if low.endswith(("man", "woman")) and low not in {"human", "german"}:
        return lead + last[:-2] + "en"
    if low.endswith("y") and low[-2:-1] not in "aeiou":
        return lead + last[:-1] + "ies"
    if low.endswith(("s", "x", "z", "ch", "sh")):
        return lead + last + "es"
    return lead + last + "s"


def with_article(noun: str) -> str:
    """Return `a dog`, `an old car`, `grass`; a noun that has its article, or is many, stays."""
    low = noun.casefold()
    last = low.rpartition(" ")[2]
    if low.startswith(_ARTICLES) or last in _MASS or last in _SAME:
        return noun
    return f"{'an' if low[:1] in set('aeio') else 'a'} {noun}"


def bare(noun: str) -> str:
    """Return a noun without its article: `dog` of `a dog`."""
    for article in _ARTICLES:
        if noun.casefold().startswith(article):
            return noun[len(article) :]
    return noun


def joined(words: Iterable[str]) -> str:
    """Return `a, b and c`."""
    *most, last = list(words) or [""]
    return f"{', '.join(most)} and {last}" if most else last


def listed(names: Collection[str], most: int) -> str:
    """Return `a, b and c`; of more than `most` the first, and `others`."""
    shown = list(names)[:most]
    return joined([*shown, "others"] if len(names) > most else shown)
