"""Tell verbs from nouns and attributes: by the lists, the lexicon, and the words around them."""

from any2caption.grounding.vocabulary import is_agent
from any2caption.grounding.words import lexicon
from any2caption.grounding.words.forms import is_plural, participle_base, singular, verb_forms
from any2caption.grounding.words.lists import grammar, looks, modifiers, scenes, verbs
from any2caption.grounding.words.tags.asides import one_resumes
from any2caption.grounding.words.tags.base_form import bare
from any2caption.grounding.words.tags.neighbours import (
    BEHIND_VERBS,
    MASSES,
    NEAR,
    NOMINAL,
    ONE,
    OPENS_PHRASE,
    THINGS,
    WITHIN,
    acts_itself,
    attached_subject,
    clause_before,
    goes_behind,
    has_singular_subject,
    known_verb,
    made,
    nounlike,
    plural,
    possessive,
    strictly_single,
    tag_before,
    word_after,
)
from any2caption.grounding.words.tags.past import acts_in_past
from any2caption.grounding.words.tags.tokens import Word

SHORT = 4
"""Letters of words whose ending tells nothing."""


def verb_form(word: Word, words: list[Word], at: int) -> str:
    """Return `verb` (setting base and form), `adj`, `noun`, or nothing for no verb at all."""
    base, form = known_verb(word.low)
    if not form and at and words[at - 1].low in {"it", "he", "she"} and word.low.endswith("s"):
        base, form = word.low[:-1], "s"
    if base == word.low and form == "ed" and _in_base(words, at):
        form = "base"
    if not form and (_denied(words, at) or _both(words, at) or _unknown_plural_act(words, at)):
        return _as_verb(word, word.low, "base")
    if not form:
        base, form = _unknown_verb(words, at)
    doing = at and (
        words[at - 1].low in grammar.BE
        or (words[at - 1].low in _BEFORE_ACTS and _takes_object(words, at))
        or (word.low in _ACTS_TOO and words[at - 1].tag == "noun" and _acts_on(words, at))
    )
    if not form or (not doing and (word.low == "shot" or word.low in verbs.THING_ING)):
        return ""
    judge = {"ing": _ing, "ed": _ed, "s": _third_person, "base": bare}[form]
    found = judge(words, at)
    if form == "ed" and found == "verb" and acts_in_past(words, at, base):
        return _as_verb(word, base, "s")
    return _as_verb(word, base, form) if found == "verb" else found


def _unknown_verb(words: list[Word], at: int) -> tuple[str, str]:
    """Return base and form of what no list knows, by its ending; two empty texts for no verb."""
    low = words[at].low
    if _unknown_third(words, at):
        return low[:-1], "s"
    if "-" in low or len(low) <= SHORT:
        return "", ""
    if low.endswith("ing") and low not in verbs.THING_ING:
        return participle_base(low), "ing"
    if low.endswith("ed") and not low.endswith("eed"):
        return participle_base(low), "ed"
    return "", ""


_ACTS_TOO = frozenset({"building", "dressing", "opening", "stuffing"})
"""Things in -ing that are what someone does as well: "birds building a nest"."""
_OPENS_ITSELF = frozenset(
    {"bloom", "blossom", "bud", "curtain", "door", "eye", "flower", "gate", "lotus", "orchid",
     "parachute", "peony", "poppy", "rose", "tulip", "umbrella"}
)  # fmt: skip


def _takes_object(words: list[Word], at: int) -> bool:
    """Whether an object follows: "without setting it off"."""
    after = word_after(words, at)
    return after is not None and after.tag in {"det", "poss", "pron"}


def _acts_on(words: list[Word], at: int) -> bool:
    """Whether who is named in front does it, or it is done to something: "a rose opening its"."""
    after = word_after(words, at)
    blooms = words[at].low == "opening" and words[at - 1].low in _OPENS_ITSELF
    own = after is not None and after.tag == "poss"
    own = own or (words[at].low == "building" and _takes_object(words, at))
    return is_agent(words[at - 1].low) or own or (blooms and (after is None or after.low != "of"))


def _in_base(words: list[Word], at: int) -> bool:
    """Whether "spread", "cut" and the like are in the base form: "ink blots spread"."""
    after = word_after(words, at)
    done = after is not None and after.low in {"by", "with"}
    first = tag_before(words, at) in {"start", "mark", "modal"}
    both = at > 2 and words[at - 2].low == "and" and words[at - 1].tag == "noun"  # noqa: PLR2004 - a pair
    both = both and after is not None and after.tag in {"det", "poss"}  # "bride and groom cut the"
    return first or both or (plural(words[at - 1]) and not done)


def _as_verb(word: Word, base: str, form: str) -> str:
    word.base, word.form = base, form
    return "verb"


def _denied(words: list[Word], at: int) -> bool:
    """Whether a word of no list is what someone does not do: "he doesn't care"."""
    return at > 0 and words[at - 1].low in grammar.DO_NOT and lexicon.can_be(words[at].low, "VERB")


def _both(words: list[Word], at: int) -> bool:
    """Whether two act in front: "both cough"."""
    both = at > 0 and words[at - 1].low == "both" and words[at - 1].tag in {"pron", "adv"}
    return both and lexicon.can_be(words[at].low, "VERB")


def _unknown_plural_act(words: list[Word], at: int) -> bool:
    """Whether a noun of no list acts: "tourists photograph the tower", "neighbours gossip"."""
    found, after, before = lexicon.verb(words[at].low), word_after(words, at), words[at - 1]
    if not at or found is None or found[1] != "base" or not plural(before):
        return False
    if words[at].low == "part":  # "the clouds part"
        return after is None or after.tag in BEHIND_VERBS
    if after is not None and (after.tag in {"det", "poss", "pron"} or after.low == "to"):
        return True
    thing = is_agent(words[at].low) or singular(words[at].low) in THINGS
    free = after is None or after.tag in BEHIND_VERBS or is_plural(after.low)
    return not thing and free and _many_act(words, at)


def _many_act(words: list[Word], at: int) -> bool:
    """Whether several that act by themselves stand in front, and do nothing yet."""
    clause = clause_before(words, at)
    idle = not any(word.tag in {"verb", "aux"} for word in clause)
    return idle and any(plural(word) and is_agent(word.low) for word in clause)


def _unknown_third(words: list[Word], at: int) -> bool:
    """Whether an unknown word in -s acts: "a fisherman mends his net"."""
    low, after = words[at].low, word_after(words, at)
    acted = at > 0 and any(
        word.form == "s" for word in clause_before(words, at)
    )  # "feeds it seeds"
    if acted or not (low.endswith("s") and is_plural(low)):
        return False
    if after is not None and (after.tag in {"det", "poss", "num"} or after.low in _WHOM):
        return has_singular_subject(words, at)
    return strictly_single(words, at) and (after is None or not nounlike(after))


_WHOM = frozenset({"him", "them", "me", "us", "it"})


def _ing(words: list[Word], at: int) -> str:
    before, after = tag_before(words, at), word_after(words, at)
    if before == "noun" and words[at].low in _SITES and _closes_place(words, at):
        return "noun"
    if words[at].low in looks.PICTURE_NOUNS and before != "aux" and _shows(after):
        return "noun"
    if before in NOMINAL or (before == "noun" and possessive(words[at - 1].low)):
        acts = after is not None and after.tag in OPENS_PHRASE
        return "verb" if acts else "adj" if nounlike(after) else "noun"
    if before == "prep" and words[at - 1].low not in _BEFORE_ACTS:
        described = words[at].low in verbs.IDLE_ING or not _object_of(after)
        things = after is not None and not after.tag and after.low in verbs.NOUN_FORMS
        things = things or (after is not None and singular(after.low) in looks.GARMENTS)
        return "adj" if (nounlike(after) or things) and described else "verb"
    several = after is not None and not after.tag and is_plural(after.low)
    if before in {"start", "mark"} and words[at].low in verbs.IDLE_ING:
        return "adj" if several or nounlike(after) else "verb"
    return "adj" if _second_attribute(words, at) or _qualified(words, at) else "verb"


def _qualified(words: list[Word], at: int) -> bool:
    """Whether a second attribute has its adverb: "the old, slowly sinking ship"."""
    if at < 4 or not nounlike(word_after(words, at)):  # noqa: PLR2004 - "the old , slowly"
        return False
    opening, first, comma, adverb = words[at - 4 : at]
    listed = first.tag == "adj" and comma.low == "," and adverb.tag == "adv"
    return listed and opening.tag in NOMINAL


_SITES = frozenset({"clearing", "crossing", "landing", "opening", "parking"})


def _closes_place(words: list[Word], at: int) -> bool:
    """Whether a phrase of place ends with a word: "in a bustling Tokyo crossing, people walk"."""
    clause, after = clause_before(words, at), word_after(words, at)
    return bool(clause) and clause[0].tag == "prep" and (after is None or after.tag == "mark")


def _second_attribute(words: list[Word], at: int) -> bool:
    """Whether a participle follows another attribute: "a soft, soothing sound"."""
    linked = at > 1 and words[at - 1].low in {",", "and"} and words[at - 2].tag == "adj"
    earlier = words[max(0, at - 3) : at - 2]
    stated = any(word.tag in {"aux", "verb"} for word in earlier)  # "is dim, casting shadows"
    return linked and not stated and nounlike(word_after(words, at))


def _shows(after: Word | None) -> bool:
    """Whether what follows "painting" makes it a picture: "a painting of", "oil painting,"."""
    return after is None or after.tag in {"mark", "style-of"} or after.low in {"of", "by"}


_BEFORE_ACTS = frozenset({"by", "for", "without", "about"})
"""Prepositions behind which a form in -ing is what someone does."""


def _object_of(after: Word | None) -> bool:
    """Whether "V-ing noun" is a verb and its object rather than an attribute and its noun."""
    return after is not None and after.tag in {"det", "poss", "num", "adj"}


def _ed(words: list[Word], at: int) -> str:
    before, after = tag_before(words, at), word_after(words, at)
    owned = before == "noun" and possessive(words[at - 1].low) and nounlike(after)
    if owned or (before == "adv" and _lists_attributes(words, at)):
        return "adj"  # "the surgeon's gloved hands"
    if before in {"aux", "pron", "adv"} and not (before == "adv" and nounlike(after)):
        return "verb"
    if before in NOMINAL | {"prep", "verb", "conj", "adv"} and nounlike(after):
        return "adj"
    if before in {"start", "mark", "sub"}:
        opens = before != "mark" or words[at - 1].low != "," or _second_attribute(words, at)
        opens = opens or at + 2 == len(words) or words[at + 2].tag == "mark"  # ", blurred walls,"
        return "adj" if nounlike(after) and opens else "verb"
    if before in NOMINAL and words[at - 1].low != "both":
        return "noun" if words[at].low in _ED_THINGS else "adj"
    return "verb"


def _lists_attributes(words: list[Word], at: int) -> bool:
    """Whether another attribute follows: "a dimly lit, narrow corridor"."""
    opened = at > 1 and words[at - 2].tag in NOMINAL
    listed = at + 2 < len(words) and words[at + 1].low == ","
    return opened and listed and words[at + 2].tag == "adj"


_ED_THINGS = frozenset({"set", "hit", "cut", "left", "drawn"})


def _third_person(words: list[Word], at: int) -> str:
    before, noun = tag_before(words, at), _is_noun_too(words[at].low)
    gazes = words[at].low in _GAZES and at + 1 < len(words) and words[at + 1].low == "at"
    aims = before in {"noun", "mark"} and words[at + 1 : at + 2] and words[at + 1].low == "to"
    aims = aims and at + 2 < len(words) and known_verb(words[at + 2].low)[1] == "base"
    plain = before in {"pron", "rel"} or aims or (gazes and before in {"noun", "mark"})
    plain = plain or (before == "adv" and at > 1 and words[at - 2].tag == "pron")
    if before == "adj" and (_other_acts(words, at) or _one_dressed(words, at)):
        words[at - 1].tag, plain = "noun", True
    plain = plain or (before == "mark" and _in_series(words, at))
    if before == "adj" and words[at - 1].low in scenes.LIGHTS and _goes_off(words, at):
        words[at - 1].tag, plain = "noun", True  # "light pours out"
    plain = plain or (before == "noun" and (_goes_off(words, at) or _keeps_on(words, at)))
    plain = plain or (before == "verb" and _done_before(words, at))
    grouped = before == "num" and not noun and at > 1
    plain = plain or (grouped and words[at - 2].low == "of")  # "a family of four eats"
    plain = plain or (before == "particle" and words[at - 1].low in WITHIN)
    plain = plain or (before == "camera" and goes_behind(word_after(words, at)))
    sure = not noun or goes_behind(word_after(words, at))
    if plain or (before == "mark" and one_resumes(words, at, sure=sure)):
        return "verb"
    if before in {"det", "poss", "num", "adj", "prep", "start", "modal"} or _lacked(words, at):
        return ""
    if before == "mark" and noun and words[at].low not in verbs.NOUN_FORMS:
        return ""
    if before in {"mark", "verb"}:
        idle = noun and (before == "verb" or not _goes(words, at) or words[at - 1].low == ":")
        ends = at + 1 == len(words) or words[at + 1].tag == "mark"
        tagged = ends and before == "mark" and lexicon.can_be(words[at].low, "NOUN")
        return "" if idle or tagged or at + 1 == len(words) else "verb"
    after = word_after(words, at)
    acts = after is not None and known_verb(after.low)[1] == "s" and not _is_noun_too(after.low)
    if acts and noun:  # "a puppet with button eyes argues"
        return ""
    return "verb" if not noun or _does(words, at, before) else ""


def _lacked(words: list[Word], at: int) -> bool:
    """Whether a word is what somebody is without: "two trees without leaves"."""
    return words[at - 1].low in {"without", "no"} and _is_noun_too(words[at].low)


def _goes_off(words: list[Word], at: int) -> bool:
    """Whether a short adverb behind a form shows an act: "tips over and", "falls in."."""
    after, further = word_after(words, at), words[at + 2 : at + 3]
    idle = not any(word.form == "s" or word.tag == "aux" for word in clause_before(words, at))
    ends = not further or further[0].tag in {"mark", "conj", "sub"}
    return idle and ends and after is not None and after.low in grammar.PARTICLES


def _keeps_on(words: list[Word], at: int) -> bool:
    """Whether an act goes on: "the runner keeps running"."""
    after = word_after(words, at)
    return words[at].low in _GOES_ON and after is not None and after.low.endswith("ing")


_GOES_ON = frozenset({"begins", "continues", "keeps", "starts", "stops"})


def _other_acts(words: list[Word], at: int) -> bool:
    """Whether the second of two acts: "one juggles oranges, the other takes notes"."""
    if at < 2 or words[at - 2].low != "the":  # noqa: PLR2004 - "the other takes"
        return False
    first = "one" if words[at - 1].low == "other" else "first"
    told = words[at - 1].low == "other" or words[at - 1].low in grammar.ORDINALS
    return told and any(word.low == first for word in words[: at - 2])


def _one_dressed(words: list[Word], at: int) -> bool:
    """Whether one in a colour acts: "a bellboy in purple carries five suitcases"."""
    if at < 3 or words[at - 2].low != "in" or words[at - 1].low not in modifiers.COLOURS:  # noqa: PLR2004
        return False
    who, after = words[at - 3], word_after(words, at)
    ends = (after is None or after.tag == "mark") and not _is_noun_too(words[at].low)
    acts = (ends or goes_behind(after)) and words[at].low not in THINGS  # "in green shorts"
    return is_agent(who.low) and not plural(who) and acts


_GAZES = frozenset({"glances", "laughs", "looks", "stares"})


def _is_noun_too(low: str) -> bool:
    """Whether a third person is a plural noun as well: "plays"."""
    return low in verbs.NOUN_FORMS or (low not in verb_forms() and lexicon.can_be(low, "NOUN"))


def _in_series(words: list[Word], at: int) -> bool:
    """Whether a word goes on with what its subject does: "flips a bottle, catches it, and …"."""
    if words[at - 1].low != "," or not any(
        word.form == "s" for word in words[max(0, at - NEAR) : at]
    ):
        return False
    after = word_after(words, at)
    if after is None or after.tag == "mark":
        further = words[at + 2] if at + 2 < len(words) else None
        if further is not None and further.low in {"and", "then"} and at + 3 < len(words):
            return known_verb(words[at + 3].low)[1] == "s"  # "stretches, and starts jogging"
        return further is not None and (further.low == "then" or known_verb(further.low)[1] == "s")
    if after.low == "and":
        return at + 2 < len(words) and known_verb(words[at + 2].low)[1] == "s"
    return after.tag in {"det", "poss", "pron", "num"} or after.low in _WAYS or _closes(words, at)


def _closes(words: list[Word], at: int) -> bool:
    """Whether a series ends behind a word: "starts low, rises above the crowd, and tilts"."""
    ahead = range(at + 1, min(at + NEAR, len(words) - 1))
    ends = any(
        words[one].low in {"and", "then"}
        and (
            verb_forms().get(words[one + 1].low, ("", ""))[1] == "s"
            or words[one + 1].low in {"is", "has"}
        )
        for one in ahead
    )
    thing = nounlike(words[at + 1]) and not is_plural(words[at + 1].low)  # "brushes dust off"
    goes_on = thing or words[at + 1].tag in {"prep", "particle"}
    return ends and words[at].low in verb_forms() and goes_on


_WAYS = frozenset({"again", "away", "back", "down", "forward", "out", "up"}) | scenes.WHEREABOUTS
"""What ends or goes on with an act, and begins no phrase of place."""


def _goes(words: list[Word], at: int) -> bool:
    """Whether a clause that is still without its verb goes on: "A car, not red, drives along"."""
    after = word_after(words, at)
    before = words[max(0, at - NEAR) : at]
    acted = any(word.form in {"s", "base"} or word.tag == "aux" for word in before)
    goes_on = after is not None and (
        after.tag in {"prep", "particle", "det", "poss"} or after.low.endswith("ly")
    )
    return goes_on and not acted


def _does(words: list[Word], at: int, before: str) -> bool:
    """Whether a form that is a plural noun as well ("plays") is what a subject does."""
    after = word_after(words, at)
    linked = after is not None and after.low == "and" and at + 2 < len(words)
    linked = linked and known_verb(words[at + 2].low)[1] == "s"  # "flickers and fades"
    ends = after is None or after.tag == "mark" or linked or _another_clause(words, at)
    goes_on = after is not None and (
        after.tag in BEHIND_VERBS - {"mark", "conj"} | {"modal", "layout"}
        or after.low.endswith("ly")
    )
    if before == "noun" and after is not None and after.tag in OPENS_PHRASE:
        clause = _behind_and(clause_before(words, at))
        told = sum(word.form == "s" for word in clause)
        start = at - len(clause)
        beside = start > 0 and words[start - 1].tag == "rel"
        beside = beside and (start < 2 or words[start - 2].tag != "prep")  # noqa: PLR2004 - "in which"
        ready = not beside or any(word.tag in {"verb", "aux"} for word in clause)
        return ready and told <= beside
    if before == "conj":
        near = words[max(0, at - NEAR) : at]
        goes_on = goes_on or (after is not None and after.low.endswith("ing"))
        acts = sum(word.form == "s" for word in near)
        closes = ends and acts > 1 and words[at - 2].low == ","  # "…, studies it, and leaves"
        closes = closes or _last_of_series(words, at)
        closes = closes or (ends and words[at - 2].form == "s")  # "falls and laughs"
        placed = _stands_somewhere(words, at - 1) or words[at - 2].tag == "particle"
        closes = closes or (ends and acts > 0 and placed)  # "turns around and waves"
        denied = ends and any(word.low in grammar.DO_NOT for word in near)  # "won't stop and sings"
        acted = any(word.form == "s" or word.tag == "aux" for word in near)
        return closes or denied or (goes_on and acted)
    if words[at - 1].low == "but":  # "tries a trick but falls"
        return any(word.form == "s" for word in words[max(0, at - NEAR) : at])
    if before in {"adv", "neg"} or words[at - 1].low in {"finally", "then"}:
        goes_on = goes_on or (after is not None and after.low == "straight")
        return (goes_on or ends) and words[at - 1].low != "no"
    if words[at].low not in verb_forms() and not acts_itself(words, at):
        goes_on = after is not None and (
            after.tag in {"det", "poss", "num", "pron", "particle", "qty", "modal"}
            or after.low.endswith("ly")
        )
    goes_on = goes_on or (after is not None and after.low == "without")
    single, many = has_singular_subject(words, at), attached_subject(words, at)
    parted = plural(words[at - 1]) or before == "particle"
    holding = many and ends and parted  # "a woman holding flowers smiles", "with a hat on waves"
    holding = holding or (strictly_single(words, at) and goes_behind(after))
    holding = holding or (goes_on and _one_idle(words, at))
    told = made(words, at) or _told_of(words, at)
    if holding or (told and (ends or goes_on)):
        return True
    takes = nounlike(after) and not (after and verb_forms().get(after.low))
    if after is not None and not after.tag and is_plural(after.low) and _is_noun_too(after.low):
        does = acts_itself(words, at) and words[at].low in verb_forms()
        takes = takes or does or strictly_single(words, at)  # "a panda plays drums"
    mass = at > 0 and words[at - 1].low in scenes.LIGHTS
    mass = mass or (words[at].low in _SHAPES and words[at - 1].low in MASSES)  # "steam clouds"
    return bool(
        (single and (goes_on or takes or (ends and not mass))) or (many and (goes_on or takes))
    )


def _one_idle(words: list[Word], at: int) -> bool:
    """Whether one in front has no verb yet: "a woman in a red dress, and boots walks away"."""
    if at > 2 * NEAR:
        return False
    idle = not any(word.tag in {"aux", "sub", "rel"} or word.form in {"s", "base"}
                   for word in words[:at])  # fmt: skip
    who = next((word for word in words[:at] if word.tag == "noun"), None)
    single = who is not None and is_agent(who.low) and not plural(who)
    listed = at > 1 and words[at - 2].low == "and" and plural(words[at - 1])
    opened = words[0].low in ONE | {"the"} and words[at].low in verb_forms()
    return idle and single and listed and opened


def _stands_somewhere(words: list[Word], at: int) -> bool:
    """Whether one place where somebody is ends in front of a word: "stands on a hill | and"."""
    place, opens = words[at - 1], at - 2
    while opens > 0 and words[opens].tag in {"det", "adj", "noun", "poss"}:
        opens -= 1
    held = words[opens].tag == "prep" and words[opens].low in _WHERE
    return held and place.tag == "noun" and not plural(place) and place.low not in MASSES


_WHERE = frozenset({"at", "behind", "beside", "in", "inside", "near", "on", "outside", "under"})


def _last_of_series(words: list[Word], at: int) -> bool:
    """Whether each part between commas acts: "walks in, sits down, and orders coffee"."""
    commas = [n for n in range(max(0, at - NEAR), at - 1) if words[n].low == ","]
    return len(commas) > 1 and commas[-1] == at - 2 and words[commas[-2] + 1].form == "s"


def _told_of(words: list[Word], at: int) -> bool:
    """Whether a clause that tells who ends in front: "a woman who isn't wearing shoes dances"."""
    clause = clause_before(words, at)
    start = at - len(clause)
    beside = start > 1 and words[start - 1].tag == "rel" and not plural(words[start - 2])
    return beside and any(word.tag == "verb" for word in clause) and plural(words[at - 1])


def _done_before(words: list[Word], at: int) -> bool:
    """Whether what was done to a thing is told in front: "a letter that was never opened lies"."""
    start = at - len(clause_before(words, at))
    beside = start > 1 and words[start - 1].tag == "rel" and not plural(words[start - 2])
    return beside and words[at - 1].form == "ed" and goes_behind(word_after(words, at))


def _behind_and(clause: list[Word]) -> list[Word]:
    """Return what follows "and" where one has acted before: "falls in and | the mother pulls"."""
    acts = next((n for n, word in enumerate(clause) if word.form == "s"), len(clause))
    links = [n for n in range(acts, len(clause) - 1) if clause[n].low == "and"]
    opens = [n + 1 for n in links if clause[n + 1].tag in {"det", "poss"}]
    return clause[opens[-1] :] if opens else clause


def _another_clause(words: list[Word], at: int) -> bool:
    """Whether the clause ends where another begins: "the waiter trips and the tray falls"."""
    behind = words[at + 1 : at + 3]
    opens = len(behind) > 1 and behind[0].low == "and" and behind[1].tag in {"det", "poss"}
    who = clause_before(words, at)
    does = is_agent(who[-1].low) if who else False
    does = does or any(known_verb(word.low)[1] == "s" for word in words[at + 3 : at + 6])
    many = len(behind) > 1 and behind[0].low == "and" and is_agent(behind[1].low)
    act = word_after(words, at + 2)
    many = many and is_plural(behind[1].low) and act is not None
    many = many and act is not None and known_verb(act.low)[1] == "base"
    if many and len(who) > 1 and not is_plural(who[-1].low):
        return True  # "the bell rings and children come"
    return opens and len(who) > 1 and who[0].tag in {"det", "poss"} and does


_SHAPES = frozenset({"beams", "clouds", "drops", "patches", "rings", "showers", "waves"})
