"""Give the words of a sentence their part of speech, by closed lists, endings and neighbours.

Tags: `det poss num qty adj noun pron verb aux modal adv prep conj sub rel neg particle`, marks and
quotations (`mark`, `quote`), and phrases of several words that are merged into one word first:
`prep` ("on the left of"), `layout` ("in the foreground"), `ground` ("in the background"), `style`
("oil painting"), `camera` ("close up"), `ref` ("picture 2").
"""

from collections.abc import Mapping
from functools import cache

from any2caption.grounding.vocabulary import is_agent
from any2caption.grounding.words import lexicon
from any2caption.grounding.words.forms import is_plural, participle_base, singular, verb_forms
from any2caption.grounding.words.lists import grammar, looks, modifiers, scenes, verbs
from any2caption.grounding.words.references import join_references
from any2caption.grounding.words.tokens import Word, merge, tokenise

_SHORT = 4
"""Letters of words whose ending tells nothing."""
_NOMINAL = frozenset({"det", "poss", "num", "qty", "adj"})
_OPENS_PHRASE = frozenset({"det", "poss", "num", "qty", "pron"})


def tag(words: list[Word]) -> list[Word]:
    """Return the words with phrases merged and all tags set."""
    found = _join_phrases(join_references(words))
    shouting = not any(word.text.islower() for word in found)
    for word in found:
        if not word.tag:
            word.tag = "noun" if _capitals(word) and not shouting else _closed(word)
    _settle(found)
    return found


def _capitals(word: Word) -> bool:
    """Whether a word is in capitals, as written words are; "NO" stays a negation."""
    short = grammar.NEGATIONS | grammar.DETERMINERS | grammar.CONJUNCTIONS
    return len(word.text) > 1 and word.text.isupper() and word.low not in short


def _join_phrases(words: list[Word]) -> list[Word]:
    found: list[Word] = []
    at = 0
    while at < len(words):
        word, at = _longest(words, at)
        found.append(word)
    return found


def _longest(words: list[Word], at: int) -> tuple[Word, int]:
    for length, known in _phrases().get(words[at].low, ()):
        piece = words[at : at + length]
        name = known.get(tuple(word.low for word in piece), "")
        if name and _stands(name, words[at + length : at + length + 1]):
            name = "style" if name == "alone" else name
            if length == 1:
                words[at].tag = name
                return words[at], at + 1
            return merge(words, at, at + length, name), at + length
    return words[at], at + 1


def _stands(name: str, behind: list[Word]) -> bool:
    """Whether a phrase ends there, unlike "in the middle" of "in the middle east"."""
    if name not in {"layout", "alone"} or not behind:
        return True
    free = behind[0].tag or behind[0].low in grammar.FUNCTION | grammar.ADVERBS
    return behind[0].tag == "mark" if name == "alone" else bool(free)


_Lengths = tuple[tuple[int, Mapping[tuple[str, ...], str]], ...]


@cache
def _phrases() -> Mapping[str, _Lengths]:
    """First word → the phrases that begin so, by length, the longest first."""
    listed = (
        (modifiers.COMPOUNDS, "noun"),
        (looks.STYLE_PHRASES, "style"),
        (looks.CAMERA_PHRASES, "camera"),
        (grammar.RELATION_PHRASES | grammar.OTHER_PHRASES, "prep"),
        (grammar.LAYOUT_PHRASES, "layout"),
        (grammar.MANNER_PHRASES, "adv"),
        (grammar.BACKGROUND_PHRASES, "ground"),
        (frozenset(grammar.PAIRS), "num"),
        (frozenset({"black and white", "black & white"}), "alone"),
        (frozenset({"in the style of", "in style of", "in the manner of"}), "style-of"),
    )
    by_first: dict[str, dict[int, dict[tuple[str, ...], str]]] = {}
    for phrases, name in listed:
        for phrase in phrases:
            key = tuple(word.low for word in tokenise(phrase))
            by_first.setdefault(key[0], {}).setdefault(len(key), {})[key] = name
    return {
        first: tuple(sorted(lengths.items(), reverse=True)) for first, lengths in by_first.items()
    }


def _closed(word: Word) -> str:
    """Return the tag of a function word, or none."""
    low = word.low
    if low in grammar.NUMBERS or low.lstrip("-")[:1].isdigit():
        word.number = grammar.NUMBERS.get(
            low, int(low) if low.isdecimal() and len(low) <= _SHORT else None
        )
        return "num"
    return _closed_tags().get(low, "")


@cache
def _closed_tags() -> Mapping[str, str]:
    lists = (
        (modifiers.ADJECTIVES, "adj"),
        (grammar.ADVERBS, "adv"),
        (grammar.PREPOSITIONS, "prep"),
        (grammar.QUANTITIES, "qty"),
        (grammar.DETERMINERS, "det"),
        (grammar.RELATIVES, "rel"),
        (grammar.POSSESSIVES, "poss"),
        (grammar.PRONOUNS, "pron"),
        (grammar.MODALS, "modal"),
        (grammar.AUXILIARIES, "aux"),
        (grammar.CLAUSE_STARTS, "sub"),
        (grammar.CONJUNCTIONS, "conj"),
        (grammar.NEGATIONS, "neg"),
    )
    tags = {low: name for listed, name in lists for low in listed}
    return tags | dict.fromkeys(("it's", "he's", "she's", "there's", "that's"), "pron")


def _settle(words: list[Word]) -> None:
    """Set what depends on neighbours, from left to right."""
    for at, word in enumerate(words):
        before = words[at - 1] if at else None
        after = words[at + 1] if at + 1 < len(words) else None
        if not word.tag:
            word.tag = _open(word, words, at)
        elif word.low in _HOMONYMS:
            word.tag = _homonym(word, before, after)
        elif word.low == "nearby" and before is not None and before.tag in _NOMINAL | {"prep"}:
            word.tag = "adj"
        elif word.tag == "prep" and word.low in grammar.PARTICLES and not _starts_noun(after):
            word.tag = "particle"
        elif word.tag == "aux" and word.low in {"has", "have", "had", "having"} | _DO_GET:
            _full_verb(word, after)
        elif word.tag == "adj" and word.low in modifiers.MATERIALS and _thing(before, after):
            word.tag = "noun"
        elif word.tag == "adj" and word.low in verb_forms():
            _adjective_or_verb(word, words, at)


def _thing(before: Word | None, after: Word | None) -> bool:
    """Whether a material stands for a thing: no noun follows, and none can have been meant."""
    if before is None or (before.tag not in _NOMINAL | {"noun"}) or before.low in looks.MOVES:
        return False
    linked = after is not None and before.tag != "noun" and after.low in {"and", ",", "or"}
    return not linked and not _starts_noun(after)


_DO_GET = {"do", "does", "did", "doing", "get", "gets", "got", "getting"}


def _full_verb(word: Word, after: Word | None) -> None:
    """Read "has a hat", "gets a haircut": a verb of its own unless another one follows."""
    helps = after is not None and (
        after.tag in {"neg", "aux"} or verb_forms().get(after.low, ("", "s"))[1] != "s"
    )
    if not helps:
        word.tag, word.base = "verb", _AUXILIARY_BASES.get(word.low[:2], "have")
        word.form = "ing" if word.low.endswith("ing") else "s"


_AUXILIARY_BASES = {"do": "do", "di": "do", "ge": "get", "go": "get"}


def _homonym(word: Word, before: Word | None, after: Word | None) -> str:
    """Return the tag of a function word that has two."""
    nominal = after is not None and (not after.tag or after.tag in _NOMINAL)
    if word.low == "that":
        return "rel" if before is not None and before.tag in {"noun", "adj", "pron"} else "det"
    if word.low in {"one", "another"}:
        return _counting(word, before, after)
    if word.low == "her":
        return "poss" if nominal else "pron"
    if word.low == "to":
        infinitive = after is not None and (
            after.low in _BARE or verb_forms().get(after.low, ("", ""))[1] == "base"
        )
        return "modal" if infinitive else "prep"
    return word.tag


def _counting(word: Word, before: Word | None, after: Word | None) -> str:
    """Return the tag of "one" and "another": "the tallest one", "one laughs", "one man"."""
    if word.low == "another":
        return "pron" if _third(after) else "det"
    if before is not None and before.tag == "adj":
        return "noun"
    counts = after is not None and (not after.tag or after.tag in _NOMINAL)
    return "num" if counts and not _third(after) else "pron"


_HOMONYMS = frozenset({"that", "her", "to", "one", "another"})
_BARE = {"be", "have", "do", "get"}


def _third(word: Word | None) -> bool:
    """Whether a word behind "one" or "another" is a third person, as no plural stands there."""
    return word is not None and not word.tag and known_verb(word.low)[1] == "s"


def known_verb(low: str) -> tuple[str, str]:
    """Return the base and the form of a word that may be a verb, by the lists, then the lexicon."""
    return verb_forms().get(low) or _lexical_verb(low)


def _lexical_verb(low: str) -> tuple[str, str]:
    """Return what the lexicon alone makes of a word; nothing of what is a thing first of all."""
    found = lexicon.verb(low)
    if found is None or is_agent(low) or singular(low) in _THINGS:
        return "", ""
    plain = found[1] in {"s", "ing"} or lexicon.only(low, "VERB")
    return found if plain else ("", "")


def _adjective_or_verb(word: Word, words: list[Word], at: int) -> None:
    """Read "left", "open", "clean", "warm": verbs behind a subject, a modal or at the start."""
    base, form = verb_forms()[word.low]
    after = words[at + 1] if at + 1 < len(words) else None
    before = words[at - 1] if at else None
    if word.low == "left" and before is not None and before.tag == "noun" and not _nounlike(after):
        if before.low not in looks.MOVES and after is not None:
            word.tag, word.base, word.form = "verb", base, form
        return
    if after is None or (after.tag not in {"det", "poss", "num"} and after.low != "up"):
        return
    if before is None or before.tag in {"modal", "mark", "pron"} or _plural(before):
        word.tag, word.base, word.form = "verb", base, form


def _open(word: Word, words: list[Word], at: int) -> str:
    """Return the tag of a word of no closed list."""
    low = word.low
    if low.endswith("ly") and len(low) > _SHORT and low not in modifiers.NOT_ADVERBS:
        return "adv"
    form = _verb_form(word, words, at)
    if form:
        return form
    return "adj" if _adjective(low) else "noun"


def _adjective(low: str) -> bool:
    if "-" in low:
        tail = low.rsplit("-", 1)[1]
        return tail in modifiers.ADJECTIVE_TAILS or tail.endswith(("ed", "ing", "ful", "ous"))
    if low in modifiers.NOT_ADJECTIVES or low in _THINGS:
        return False
    known = lexicon.lemmas(low)
    if known and "ADJ" not in known:
        return False
    if known and "NOUN" not in known and "VERB" not in known:
        return True
    return len(low) > _SHORT and low.endswith(modifiers.ADJECTIVE_ENDINGS)


_MASSES = scenes.MASSES | scenes.LIGHTS | scenes.WEATHERS
_THINGS = scenes.PLACES | scenes.BUILDINGS | scenes.TIMES | looks.GARMENTS | looks.PICTURE_NOUNS


def _verb_form(word: Word, words: list[Word], at: int) -> str:
    """Return `verb` (setting base and form), `adj`, `noun`, or nothing for no verb at all."""
    base, form = known_verb(word.low)
    if not form and at and words[at - 1].low in {"it", "he", "she"} and word.low.endswith("s"):
        base, form = word.low[:-1], "s"
    if base == word.low and form == "ed" and _tag_before(words, at) in {"start", "mark", "modal"}:
        form = "base"
    if not form and _unknown_plural_act(words, at):
        return _as_verb(word, word.low, "base")
    if not form and _unknown_third(words, at):
        base, form = word.low[:-1], "s"
    if not form and "-" not in word.low and len(word.low) > _SHORT:
        if word.low.endswith("ing") and word.low not in verbs.THING_ING:
            base, form = participle_base(word.low), "ing"
        elif word.low.endswith("ed") and not word.low.endswith("eed"):
            base, form = participle_base(word.low), "ed"
    doing = at and words[at - 1].low in grammar.BE
    if word.low == "shot" and not doing:
        return ""
    if not form or (word.low in verbs.THING_ING and not doing):
        return ""
    judge = {"ing": _ing, "ed": _ed, "s": _third_person, "base": _bare}[form]
    found = judge(words, at)
    return _as_verb(word, base, form) if found == "verb" else found


def _as_verb(word: Word, base: str, form: str) -> str:
    word.base, word.form = base, form
    return "verb"


def _unknown_plural_act(words: list[Word], at: int) -> bool:
    """Whether a noun of no list acts: "tourists photograph the tower", "neighbours gossip"."""
    found, after, before = lexicon.verb(words[at].low), _after(words, at), words[at - 1]
    if not at or found is None or found[1] != "base" or not _plural(before):
        return False
    if after is not None and after.tag in {"det", "poss", "pron"}:
        return True
    thing = is_agent(words[at].low) or singular(words[at].low) in _THINGS
    return not thing and (is_agent(before.low) and (after is None or after.tag in _BEHIND_VERBS))


def _unknown_third(words: list[Word], at: int) -> bool:
    """Whether an unknown word in -s acts: "a fisherman mends his net"."""
    low, after = words[at].low, _after(words, at)
    return (
        low.endswith("s")
        and is_plural(low)
        and after is not None
        and after.tag in {"det", "poss", "num"}
        and _has_singular_subject(words, at)
    )


def _tag_before(words: list[Word], at: int) -> str:
    return words[at - 1].tag if at else "start"


def _after(words: list[Word], at: int) -> Word | None:
    return words[at + 1] if at + 1 < len(words) else None


def _starts_noun(after: Word | None) -> bool:
    """Whether a word may begin or go on with a noun phrase."""
    if after is None:
        return False
    if not after.tag:
        known = verb_forms().get(after.low, ("", ""))[1]
        return not after.low.endswith("ly") and known != "s"
    return after.tag in _NOMINAL | {"noun", "pron", "ref", "quote", "style", "camera"}


def _nounlike(after: Word | None) -> bool:
    return (
        after is not None
        and _starts_noun(after)
        and after.tag not in _OPENS_PHRASE
        and after.low not in looks.MOVE_SIDES
    )


def _ing(words: list[Word], at: int) -> str:
    before, after = _tag_before(words, at), _after(words, at)
    if words[at].low in looks.PICTURE_NOUNS and before != "aux" and _shows(after):
        return "noun"
    if before in _NOMINAL:
        acts = after is not None and after.tag in _OPENS_PHRASE
        return "verb" if acts else "adj" if _nounlike(after) else "noun"
    if before == "prep" and words[at - 1].low in _BEFORE_NOUNS:
        return "adj" if _nounlike(after) and not _object_of(after) else "verb"
    return "adj" if _second_attribute(words, at) else "verb"


def _second_attribute(words: list[Word], at: int) -> bool:
    """Whether a participle follows another attribute: "a soft, soothing sound"."""
    linked = at > 1 and words[at - 1].low in {",", "and"} and words[at - 2].tag == "adj"
    earlier = words[max(0, at - 3) : at - 2]
    stated = any(word.tag in {"aux", "verb"} for word in earlier)  # "is dim, casting shadows"
    return linked and not stated and _nounlike(_after(words, at))


def _shows(after: Word | None) -> bool:
    """Whether what follows "painting" makes it a picture: "a painting of", "oil painting,"."""
    return after is None or after.tag in {"mark", "style-of"} or after.low in {"of", "by"}


_BEFORE_NOUNS = frozenset({"of", "with", "in", "on", "under", "between"})


def _object_of(after: Word | None) -> bool:
    """Whether "V-ing noun" is a verb and its object rather than an attribute and its noun."""
    return after is not None and after.tag in {"det", "poss", "num", "adj"}


def _ed(words: list[Word], at: int) -> str:
    before, after = _tag_before(words, at), _after(words, at)
    if before in {"aux", "pron", "adv"} and not (before == "adv" and _nounlike(after)):
        return "verb"
    if before in _NOMINAL | {"prep", "verb", "conj", "adv"} and _nounlike(after):
        return "adj"
    if before in {"start", "mark", "sub"}:
        opens = before != "mark" or words[at - 1].low != "," or _second_attribute(words, at)
        return "adj" if _nounlike(after) and opens else "verb"
    if before in _NOMINAL:
        return "noun" if words[at].low in _ED_THINGS else "adj"
    return "verb"


_ED_THINGS = frozenset({"set", "hit", "cut", "left", "drawn"})


def _third_person(words: list[Word], at: int) -> str:
    before, noun = _tag_before(words, at), _is_noun_too(words[at].low)
    if before in {"pron", "rel"}:
        return "verb"
    if before in {"det", "poss", "num", "adj", "prep", "start", "modal"}:
        return ""
    if before == "mark" and _in_series(words, at):
        return "verb"
    if before == "mark" and noun and words[at].low not in verbs.NOUN_FORMS:
        return ""
    if before in {"mark", "verb"}:
        idle = noun and (before == "verb" or not _goes(words, at))
        return "" if idle or at + 1 == len(words) else "verb"
    return "verb" if not noun or _does(words, at, before) else ""


def _is_noun_too(low: str) -> bool:
    """Whether a third person is a plural noun as well: "plays"."""
    return low in verbs.NOUN_FORMS or (low not in verb_forms() and lexicon.can_be(low, "NOUN"))


def _in_series(words: list[Word], at: int) -> bool:
    """Whether a word goes on with what its subject does: "flips a bottle, catches it, and …"."""
    if words[at - 1].low != "," or not any(
        word.form == "s" for word in words[max(0, at - _NEAR) : at]
    ):
        return False
    after = _after(words, at)
    if after is None or after.tag == "mark":
        further = words[at + 2] if at + 2 < len(words) else None
        return further is not None and (further.low == "then" or known_verb(further.low)[1] == "s")
    if after.low == "and":
        return at + 2 < len(words) and known_verb(words[at + 2].low)[1] == "s"
    return after.tag in {"det", "poss", "pron", "num"} or after.low in _WAYS


_WAYS = frozenset({"away", "back", "down", "forward", "out", "up"}) | scenes.WHEREABOUTS
"""What ends or goes on with an act, and begins no phrase of place."""


def _goes(words: list[Word], at: int) -> bool:
    """Whether a clause that is still without its verb goes on: "A car, not red, drives along"."""
    after = _after(words, at)
    before = words[max(0, at - _NEAR) : at]
    acted = any(word.form in {"s", "base"} or word.tag == "aux" for word in before)
    goes_on = after is not None and (
        after.tag in {"prep", "particle", "det", "poss"} or after.low.endswith("ly")
    )
    return goes_on and not acted


def _clause(words: list[Word], at: int) -> list[Word]:
    """Return the words of the clause in front of a word, as far as it is near."""
    start = at
    while start > max(0, at - _NEAR) and words[start - 1].tag not in {"mark", "sub", "rel"}:
        start -= 1
        if start > 1 and words[start].tag == "adj" and words[start - 1].low == ",":
            start -= words[start - 2].tag == "adj"
    return words[start:at]


def _does(words: list[Word], at: int, before: str) -> bool:
    """Whether a form that is a plural noun as well ("plays") is what a subject does."""
    after = _after(words, at)
    ends = after is None or after.tag == "mark"
    goes_on = after is not None and (
        after.tag
        in {"det", "poss", "num", "prep", "adv", "particle", "pron", "adj", "qty", "modal"}
        or after.low.endswith("ly")
    )
    if before == "noun" and after is not None and after.tag in _OPENS_PHRASE:
        return not any(word.form == "s" for word in _clause(words, at))
    if before == "conj":
        near = words[max(0, at - _NEAR) : at]
        acts = sum(word.form == "s" for word in near)
        closes = ends and acts > 1 and words[at - 2].low == ","  # "…, studies it, and leaves"
        return closes or (goes_on and any(word.form == "s" or word.tag == "aux" for word in near))
    if before in {"adv", "neg"} or words[at - 1].low == "then":
        return (goes_on or ends) and words[at - 1].low != "no"
    if words[at].low not in verb_forms() and not _acts_itself(words, at):
        goes_on = after is not None and (
            after.tag in {"det", "poss", "num", "pron", "particle", "qty"}
            or after.low.endswith("ly")
        )
    single, many = _has_singular_subject(words, at), _attached_subject(words, at)
    takes = _nounlike(after) and not (after and verb_forms().get(after.low))
    mass = at > 0 and words[at - 1].low in scenes.LIGHTS
    return bool((single and (goes_on or takes or (ends and not mass))) or (many and goes_on))


def _acts_itself(words: list[Word], at: int) -> bool:
    """Whether the noun in front acts by itself: a person, an animal, a machine."""
    low = words[at - 1].low
    return words[at - 1].name or is_agent(low) or low.endswith(_DOERS)


_DOERS = ("er", "or", "ist", "ina", "ian", "one")


def _attached_subject(words: list[Word], at: int) -> bool:
    """Whether one thing with something attached stands in front: "a toddler in rain boots"."""
    clause = _clause(words, at)
    idle = not any(word.tag in {"verb", "aux"} for word in clause)
    linked = any(word.tag == "prep" for word in clause[2:])
    return idle and linked and clause[0].tag in {"det", "poss"}


def _has_singular_subject(words: list[Word], at: int) -> bool:
    """Whether the noun in front is one thing with its article: "a dog", "the old man"."""
    back = at - 1
    if back < 0 or words[back].tag not in {"noun", "ref", "quote"} or is_plural(words[back].low):
        return False
    if words[back].tag in {"ref", "quote"}:
        return True
    mass = words[back].low in scenes.MASSES | scenes.LIGHTS | scenes.WEATHERS
    mass = mass and words[at].low not in scenes.LIGHTS
    while back >= max(0, at - _NEAR) and words[back].tag in {"noun", "adj"}:
        back -= 1
    opened = back >= 0 and words[back].tag in {"det", "poss", "num"}
    return opened or mass or words[at - 1].name


def _plural(word: Word | None) -> bool:
    if word is None or word.tag != "noun":
        return False
    return is_plural(word.low) or word.low.endswith(("fish", "sheep", "deer"))


def _bare(words: list[Word], at: int) -> str:
    before, after = _tag_before(words, at), _after(words, at)
    low = words[at - 1].low if at else ""
    if at > 1 and words[at - 2].base in {"make", "let"} and before == "pron":
        return "verb"
    if before in {"modal", "rel"} or low in _DO_GET | _DENIES | grammar.PLURAL_PRONOUNS:
        return "verb"
    if before in {"start", "mark", "sub"}:
        commands = after is not None and after.tag in {"det", "poss", "pron", "ref"}
        goes_on = low == "," and after is not None and after.tag in {"prep", "particle"}
        goes_on = goes_on and _interrupted(words, at)
        return "verb" if commands or goes_on or _moves(words[at], after) else ""
    if before == "conj":
        return "verb" if at > 1 and words[at - 2].form == "base" else ""
    if _plural(words[at - 1]) or (before == "adv" and _many(words, at)):
        return "verb"
    free = after is None or after.tag in _BEHIND_VERBS or after.low.endswith("ly")
    return "verb" if free and before == "noun" and _joined(words, at) else ""


def _joined(words: list[Word], at: int) -> bool:
    """Whether the subject is two, and has no verb yet: "a puppy and its mother"."""
    clause = words[max(0, at - _NEAR) : at]
    opened = any(word.tag in {"det", "poss"} for word in clause[-3:])
    idle = not any(word.tag in {"verb", "aux", "mark", "sub"} for word in clause)
    return opened and idle and any(word.low == "and" for word in clause)


def _interrupted(words: list[Word], at: int) -> bool:
    """Whether a participle parts subjects from their verb: "buildings, lit by lamps, glow"."""
    near = words[max(0, at - _NEAR) : at]
    idle = not any(word.form in {"s", "base"} or word.tag == "aux" for word in near)
    return idle and any(word.form == "ed" for word in near) and any(map(_plural, near))


_DENIES = frozenset({"don't", "doesn't", "never", "can't", "not"})
_BEHIND_VERBS = frozenset(
    {"det", "poss", "num", "prep", "adv", "particle", "mark", "conj", "pron", "adj", "qty", "sub"}
)
_NEAR = 12
"""Words back to an earlier verb of the same clause."""


def _many(words: list[Word], at: int) -> bool:
    return at > 1 and (_plural(words[at - 2]) or words[at - 2].low in grammar.PLURAL_PRONOUNS)


def _moves(word: Word, after: Word | None) -> bool:
    return word.low in looks.MOVES and after is not None and after.low in looks.MOVE_SIDES
