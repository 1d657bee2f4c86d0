"""Tell what someone did ("a man walked away") from what is done to it ("a car parked outside").

A past form that acts is tagged like a third person, as it stands in the same places.
"""

from any2caption.grounding.words.lists import words as words_of
from any2caption.grounding.words.tags.neighbours import clause_before, tag_before, word_after
from any2caption.grounding.words.tags.tokens import Word

ONLY = words_of(
    """
    ate began blew broke came chose drank drew drove fell flew forgot froze gave grew hid knew ran
    rang rode rose sang sank saw shook spoke sprang stole swam swore threw tore took went woke wore
    wove wrote
    """
)
"""Past forms that are no participles."""
_BY_THEMSELVES = words_of(
    """
    appear arrive bark begin bow climb come cough crawl creep cry dance die disappear dive drift
    fall flee float flow fly gallop giggle glance glow go grin growl happen howl hum hurry jog jump
    kneel land laugh lean leap lie linger live look march meow nod pause peek purr rain relax remain
    rest return rise roar run scream shine shiver shout sigh sing sit skate skip sleep slip smile
    sneeze snore snow soar sparkle stagger stand stare start step stop stumble sway swim talk
    tremble trot vanish wait wake walk wander wave weep whisper wink work yawn yell
    """
)
"""What someone does to nothing, so that no participle is made of it."""
_DONE = frozenset({"aux", "det", "poss", "num", "prep", "start", "adj", "qty"})
_OBJECTS = frozenset({"det", "poss", "pron", "num"})


def acts_in_past(words: list[Word], at: int, base: str) -> bool:
    """Whether a form in -ed (or a strong one) is what someone did."""
    before, after = tag_before(words, at), word_after(words, at)
    clause = clause_before(words, at)
    if words[at].low in ONLY:
        return before not in {"aux", "det", "poss"}
    helped = any(word.tag == "aux" or word.low in {"having", "being"} for word in clause[-3:])
    if before in _DONE or helped or (after is not None and after.low == "by"):
        return False
    does = base in _BY_THEMSELVES or (after is not None and after.tag in _OBJECTS)
    acted = any(word.form == "s" for word in clause)
    if before == "conj":  # "walked down the street and opened a door"
        return acted and (does or _tells_of_past(words[:at]))
    if before == "mark":  # "walked in, sat down"
        return does and words[at - 1].low == "," and _tells_of_past(words[:at])
    return does and not acted


def _tells_of_past(words: list[Word]) -> bool:
    return any(word.form == "s" and not word.low.endswith("s") for word in words)
