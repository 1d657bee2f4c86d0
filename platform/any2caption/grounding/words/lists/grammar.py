"""Function words of English: what holds sentences together and states nothing by itself."""

from any2caption.grounding.words.lists import phrases, words

ARTICLES = words("a an the")
DETERMINERS = ARTICLES | words(
    """
    all another any both each either every some such that these this those what
    """
)
POSSESSIVES = words("my your his her its our their whose")
NUMBERS = {
    "one": 1, "single": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7,
    "eight": 8, "nine": 9, "ten": 10, "eleven": 11, "twelve": 12, "thirteen": 13, "fourteen": 14,
    "fifteen": 15, "sixteen": 16, "seventeen": 17, "eighteen": 18, "nineteen": 19, "twenty": 20,
    "thirty": 30, "forty": 40, "fifty": 50, "sixty": 60, "seventy": 70, "eighty": 80, "ninety": 90,
    "hundred": 100, "thousand": 1000,
}  # fmt: skip
"""Number words that count what stands behind them."""
QUANTITIES = words(
    """
    countless dozens few half hundreds many multiple numerous several various
    """
)
"""Numbers that nobody can count."""
QUANTITY_PHRASES = phrases(
    """
    a few, a lot of, dozens of, hundreds of, lots of, millions of, plenty of, thousands of, tons of,
    what appear to be, what appears to be, what look like, what looks like, what seem to be,
    what seems to be
    """
)
PAIRS = {"a pair of": 2, "a couple of": 2, "a trio of": 3, "a dozen": 12}
GROUPS_OF = {"couple": 2, "duo": 2, "pair": 2, "trio": 3}
KIN = words("dad grandma grandpa granny mom mum")
"""Names of kin, which have no article."""
ORDINALS = {
    "first": 1, "1st": 1, "second": 2, "2nd": 2, "third": 3, "3rd": 3, "fourth": 4, "4th": 4,
    "fifth": 5, "5th": 5, "sixth": 6, "6th": 6,
}  # fmt: skip
NOBODY = frozenset({"nobody", "nothing", "no one", "no-one"})
"""Pronouns that deny."""


def denies(who: str) -> bool:
    """Whether what such a subject does is denied: "nobody", "none of them", "neither man"."""
    low = who.casefold()
    return low in NOBODY or low.split(" ", 1)[0] in {"neither", "none"}


PRONOUNS = NOBODY | words(
    """
    anybody anyone anything each's everybody everyone everything he here hers herself him himself
    i it itself me mine myself one's oneself she somebody someone something theirs them themselves
    there they us we you yours yourself
    """
)
PLURAL_PRONOUNS = words("i you we they")
PERSONAL = PLURAL_PRONOUNS | {"he", "she"}
BE = words("is are was were am be been being 's 're")
AUXILIARIES = BE | words("has have had having do does did get gets got getting")
MODALS = words("will would can could should may might must shall to")
CONJUNCTIONS = words("and or nor & plus")
CLAUSE_STARTS = words(
    """
    after although as because before but finally how if meanwhile next once please since so suddenly
    than then though until when whenever where whereas while whilst
    """
)
RELATIVES = words("that which who whom")
NEGATIONS = words(
    """
    aren't avoid avoiding can't cannot didn't doesn't don't excluding isn't minus neither never
    no none nor not wasn't weren't without won't
    """
)
PARTICLES = words(
    """
    across ahead along apart around aside away back backward backwards down forward forwards in
    off on out over together up
    """
)
"""Short adverbs of direction: behind a verb they belong to it."""
ALONE = words("above behind below beneath by inside nearby outside past through underneath")
"""Prepositions that are adverbs at the end: "the rocks below"."""
ADVERBS = words(
    """
    else again almost alone already also always anticlockwise around away back backward backwards
    clockwise counterclockwise downward downwards even everywhere extremely fast forward
    forwards happily indoors inside just least leftward leftwards less more most nearby now
    off-screen offscreen often on-screen onscreen only outdoors outside overhead perhaps quickly
    quite rather rightward rightwards
    sideways slow so sometimes soon still thrice today together too twice upward upwards very
    well yet
    """
)
PREPOSITIONS = words(
    """
    about above across against along alongside amid amidst among around as at atop behind below
    beneath beside between beyond by down during for from in inside into like near nearby of off
    on onto opposite out outside over past per through throughout to toward towards under
    underneath up upon via with within
    """
)
RELATION_PHRASES = phrases(
    """
    adjacent to, at the back of, at the base of, at the bottom of, at the center of,
    at the centre of, at the edge of, at the end of, at the foot of, at the left of,
    at the right of, at the side of, at the top of, atop of, away from, close to, far from,
    from the other side of, front of, in back of, in between, in front of, in the center of,
    in the centre of, in the front, in the front of, in the middle of, inside of, left of,
    nearby to, next to, on both sides of, on each side of, on either side of, on the back of,
    on the bottom of, on the edge of, on the front of, on the left of, on the left side of,
    on the other side of, on the right of, on the right side of, on the side of, on the top of,
    on top of, opposite to, outside of, right of, surrounded by, to the above of,
    to the back of, to the behind of, to the bottom of, to the front of, to the left of,
    to the right of, to the side of, to the top of
    """
)
"""Prepositions of several words that place one thing by another."""
RELATIONS = RELATION_PHRASES | words(
    """
    above across against alongside amid among around at atop behind below beneath beside between
    beyond by in inside near nearby on opposite outside over under underneath upon within
    """
)
DIRECTIONS = words(
    """
    across along around down from into off onto out over past through to toward towards up
    """
) | phrases(
    """
    away from, from the other side of, off of, out of, to the above of, to the back of,
    to the behind of, to the bottom of, to the front of, to the left of, to the right of,
    to the side of, to the top of
    """
)
"""Prepositions that say where a movement goes: they stay with their verb."""
BESIDE = phrases("above, atop, behind, below, between, on top of, opposite, opposite to")
"""Of these, those that only say where something is to a place, not that it is in it."""
AROUND = words("around behind beside near")
STATIC = phrases(
    """
    above, across, after, against, amid, amidst, among, around, at, before, behind, below,
    beneath, beside, between, by, during, from, in, in the middle of, inside, near, nearby,
    next to, of, on, outside, past, throughout, under, with, within
    """
)
"""Prepositions that say where something is or goes on."""
OTHER_PHRASES = phrases(
    """
    along with, apart from, because of, but for, due to, except for, full of, instead of, off
    of, out of, rather than, such as, together with, up to
    """
)
"""Prepositions of several words that do not place."""
LAYOUT_PHRASES = phrases(
    """
    at the bottom, at the center, at the centre, at the left, at the right, at the top,
    in foreground, in the bottom left, in the bottom left corner, in the bottom right,
    in the bottom right corner, in the center, in the centre, in the corner, in the distance,
    in the foreground, in the left third, in the lower half, in the lower left corner,
    in the lower right corner, in the lower third, in the middle, in the middle ground,
    in the right third, in the top left, in the top left corner, in the top right,
    in the top right corner, in the upper half, in the upper left corner,
    in the upper right corner, in the upper third, on the far left, on the far right,
    on the left, on the left half, on the left side, on the right, on the right half,
    on the right side, to the left, to the right
    """
)
"""Where in the picture something is."""
BACKGROUND_PHRASES = phrases(
    """
    as a background, as background, as the background, at the background, in background,
    in the background
    """
)
FUNCTION = (
    DETERMINERS
    | POSSESSIVES
    | PRONOUNS
    | AUXILIARIES
    | MODALS
    | CONJUNCTIONS
    | (CLAUSE_STARTS - words("finally suddenly meanwhile next"))
    | RELATIVES
    | NEGATIONS
    | PREPOSITIONS
    | words("s t very too just also so than not no please that's it's")
)
"""Words without content: a text that lacks them has lost nothing."""
MANNER_PHRASES = phrases(
    """
    at first, at last, at the end, in the end, at the beginning, in the beginning,
    a bit, all alone, all by herself, all by himself, all by itself,
    face down, face up, upside down, head first,
    a few moments later, a few seconds later, a moment later, a second later, after a moment,
    after a while, again and again, all at once, at once, at the same time, back and forth,
    from day to night, from left to right, from night to day, from right to left, from side to side,
    hand in hand, in and out, on and off, round and round, in a circle, in a line, in a row,
    in half, in single file, into frame, into the frame, into view,
    moments later, off screen, on foot, on horseback, one after another, one after the other,
    one at a time, one by one, out of frame, out of sight, out of the frame, out of view,
    over and over, seconds later, side by side, up and down
    """
)
"""Adverbs of several words."""
SIDES_PHRASES = phrases("from the left, from the right, from the left side, from the right side")
"""Where a movement comes from."""
DO_NOT = words("don't doesn't didn't won't can't cannot")
DO_GET = words("do does did doing get gets got getting")
HEDGES = frozenset(
    {("at", "least"), ("at", "most"), ("more", "than"), ("fewer", "than"), ("less", "than")}
)
"""What makes a number a bound."""
