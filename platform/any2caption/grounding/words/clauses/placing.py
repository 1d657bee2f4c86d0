"""Read what stands behind prepositions, and where in the picture things are."""

from dataclasses import replace
from typing import Any

from any2caption.grounding.vocabulary import is_agent
from any2caption.grounding.words.clauses.clause import UNREAD, place_value, whole
from any2caption.grounding.words.clauses.denying import Denying
from any2caption.grounding.words.clauses.given import like_given
from any2caption.grounding.words.lists import grammar
from any2caption.grounding.words.phrases.attachments import (
    attached,
    attached_of,
    is_worn,
    list_of,
    places,
)
from any2caption.grounding.words.phrases.complements import (
    SETTINGS,
    acts,
    by_artist,
    complements,
    named_place,
    reference_behind,
)
from any2caption.grounding.words.phrases.noun_phrases import NounPhrase, noun_phrase
from any2caption.grounding.words.tags.references import PICTURES
from any2caption.grounding.words.tags.tokens import Word

OPENS = frozenset({"pron", "det", "poss", "num", "qty", "noun", "adj"})
"""Tags that a clause can begin with."""
_TOWARD = frozenset({"to", "toward", "towards", "up to"})
"""Prepositions of an aim: a light behind them is held or walked to, and no setting."""


class Placing(Denying):
    """A clause that reads places, relations, looks and layout; methods return the place behind."""

    def _prepositional(self, at: int) -> int:
        phrases = list_of(self.words, at + 1)
        if self.fresh and (end := self._not_done(at)):
            return end
        if not phrases:
            if self._tag(at + 1) != "pron" or not self.fresh:
                return at
            self.who = []
            return at + 2  # "between them sits a cat"
        end = attached_of(self.words, phrases[-1].end)
        return self._placed(at, end, phrases[0]) or self._told(at, end, phrases)

    def _placed(self, at: int, end: int, first: NounPhrase) -> int:
        """Read "with mountains in the background", "by Hokusai", "in black and white"."""
        word = self.words[at]
        if self._tag(end) == "ground":
            start = at if word.low not in {"with", "and", "by"} else at + 1
            self._add("background", (start, end + 1), place_value(first, form="noun"))
            return end + 1
        if self._tag(end) == "layout":
            return self._layout_of(at + 1, end, first)
        if first.sort in {"style", "picture", "camera"}:
            return self._look(at, end, first)
        if by_artist(word, first):
            self._add("style", (at, end), {"style": first.noun, "form": "preposition"})
            return end
        return 0

    def _told(self, at: int, end: int, phrases: list[NounPhrase]) -> int:
        """Read a place, a relation, or what goes with the phrase in front."""
        word, first = self.words[at], phrases[0]
        if first.sort == "reference":
            self._identity(first, end, self.who[-1] if self.who else "")
            return end
        if word.low == "with" and acts(self.words, phrases[-1]) and (self.fresh or self._set(at)):
            self.who, self.fresh = [], True
            return at + 1
        if self.fresh and word.low in {"in", "with"} and first.head.low in _MANNERS:
            self._add("subject", (at, end), UNREAD)  # "in one fluid motion, she stands up"
            self.fresh = True
            return end
        if self._says_where(word, first) or self._alone_inside(at, end, first):
            return self._where(at, first, attached(self.words, phrases[-1]))
        return self._relation(at, phrases, end)

    def _set(self, at: int) -> bool:
        """Whether what ends at a word says where or when."""
        last = self.last
        return bool(last and last[1] == at and self.reading.facts[last[0]].aspect == "background")

    def _says_where(self, word: Word, phrase: NounPhrase) -> bool:
        if word.low == "with" and phrase.head.low not in {"background", "backdrop"}:
            return phrase.sort in {"time", "light", "weather"}
        beside = word.low in grammar.BESIDE and (self.who or not self.fresh)
        if beside or (word.low in _TOWARD and phrase.sort == "light" and self.acted):
            return False  # "holds a test tube up to the light"
        around = word.low == "surrounded by" and self.who
        upon = (
            word.low == "on"
            and phrase.head.low in {"wall", "walls"}
            and self.who
            and not self.acted
        )
        if phrase.sort in SETTINGS or around or upon:  # "drawings on the walls"
            return phrase.sort in SETTINGS and not around
        inside = word.low in grammar.STATIC | grammar.DIRECTIONS
        if phrase.sort == "weak place":
            return inside
        if phrase.sort == "building":
            return word.low in {"in", "inside", "at", "through", "outside", "into", "within"}
        return named_place(word, phrase)

    def _alone_inside(self, at: int, end: int, phrase: NounPhrase) -> bool:
        """Whether a sentence only says where it all is: "In a subway car."."""
        alone = at == 0 and (end == len(self.words) or self._low(end) == ".")
        inside = self._low(at) in {"in", "inside"} and self._tag(at + 1) == "det"
        return alone and inside and phrase.sort == "thing" and not is_worn(phrase)

    def _where(self, at: int, phrase: NounPhrase, end: int) -> int:
        if self._tag(end) == "verb" and self.words[end].form == "ed" and not self.fresh:
            end = complements(self.words, end + 1, keep_settings=True)
        fresh = self.fresh
        self._add("background", (at, end), place_value(phrase, form="preposition"))
        self._inside(phrase.end, end)
        if self._low(at) in {"with", "of"}:
            self.last = None
        self.fresh = fresh
        self.who = self.who or [phrase.noun]
        return end

    def _look(self, at: int, end: int, phrase: NounPhrase) -> int:
        if self._of_camera(phrase):
            self._add_camera(at, end, at, form="preposition")
        elif phrase.sort == "picture" and self._in_given(at, end, phrase):
            return end
        elif phrase.sort == "picture" and (
            self._low(at) not in {"in", "as", "like"}
            or (phrase.definite and self.who and phrase.noun not in PICTURES)
        ):
            return self._relation(at, [phrase], end)
        else:
            reference, _ = reference_behind(self.words, end)
            end = reference or end
            value: dict[str, str | None] = {"style": whole(phrase), "form": "preposition"}
            if reference:
                value["condition"] = self._condition(self.words[end - 1])
            self._add("style", (at, end), value)
        return end

    def _in_given(self, at: int, end: int, phrase: NounPhrase) -> bool:
        """Read "the woman in the picture" where pictures are given."""
        shown = phrase.noun in PICTURES and phrase.definite and self.who
        if not (shown and self.reading.given.numbers.get("image")):
            return False
        if condition := self._condition(replace(phrase.head, base="image", number=None)):
            self._add("identity", (at, end), {"noun": self.who[-1], "condition": condition})
        return bool(condition)

    def _condition(self, reference: Word) -> str | None:
        """Return the condition that a reference names; say so where there is none."""
        condition, why = self.reading.given.resolve(reference)
        if why:
            self.reading.note(why)
        return condition or None

    def _like_given(self, at: int) -> int:
        """Read "following pose 1" where it stands alone; 0 for no such."""
        end = like_given(self.words, at) if self.fresh else 0
        return self._points(at, end) if end else 0

    def _points(self, at: int, end: int) -> int:
        """Keep words that only point at what is given: it shows itself."""
        for word in self.words[at:end]:
            if word.tag == "ref":
                self._condition(word)
        self._add("style", (at, end), {"style": None, "form": "request"})
        self.fresh, self.last = True, None
        return end

    def _relation(self, at: int, phrases: list[NounPhrase], end: int) -> int:
        word = self.words[at]
        end = max(end, attached(self.words, phrases[-1]))
        reference, _ = reference_behind(self.words, end)
        end = reference or end
        value: dict[str, str | None]
        if self._fronted(at, end):
            self._add("background", (at, end), place_value(phrases[0], form="preposition"))
            if phrases[0].sort == "thing":
                self._inside(at + 1, end)
            self.fresh = True
            return end
        if (places(word) or (word.low == "with" and self.fresh)) and self.who and not self.acted:
            value = {"left": self._left(at), "relation": word.low, "right": phrases[-1].noun}
            self._add("relation", (at, end), value)
            self._inside(at + 1, end)
            return end
        if self.last and self.last[1] == at:
            self._extend(end)
            self._inside(at + 1, end)
            return end
        if self.who and not self.fresh and self.acted:
            value = {"verb": None, "who": self.who[-1], "form": "preposition"}
            self._add("action", (at, end), value)
            return end
        if self.who and not self.fresh:
            self._add("subject", (at + 1, end), phrases[0].value(role="object"))
            return end
        self._add(
            "relation", (at, end), {"left": None, "relation": word.low, "right": phrases[0].noun}
        )
        self._inside(at + 1, end)
        self.fresh = True
        return end

    def _left(self, at: int) -> str:
        """Return what a relation places: "two people wait, arms hanging down, | beside a dog"."""
        facts = self.reading.facts[self.first :] if self._low(at - 1) == "," else []
        acted = [str(one.value.get("who")) for one in facts if one.aspect == "action"]
        agents = [who for who in acted if is_agent(who)]
        return agents[0] if agents and not is_agent(self.who[-1]) else self.who[-1]

    def _fronted(self, at: int, end: int) -> bool:
        """Whether "under a tree" stands in front of the one that is there."""
        behind = self.last is not None and self.last[1] == at
        ahead = self._tag(end) in OPENS or (self._low(end) == "," and not self.who)
        return self.fresh and not behind and ahead and places(self.words[at])

    def _layout(self, at: int) -> int:
        if self.fresh:
            return self._layout_first(at)
        if self.last and self.last[1] == at and self.who and not self.acted:
            start = self.reading.facts[self.last[0]].source.characters or self._span(at, at + 1)
            span = (start[0], self.words[at].end)
            self.reading.add("layout", span, {"who": self.who[-1], "place": self._low(at)})
            if self._tag(at + 1) in {"verb", "aux"}:  # tells it from another of its kind
                the = "the " if self.who[-1] == "one" and self._low(at - 2) == "the" else ""
                self.who[-1] = f"{the}{self.who[-1]} {self._low(at)}"
            return at + 1
        if self.acted and self.last and self.last[1] == at:
            self._extend(at + 1)  # "lightning strikes in the distance"
            return at + 1
        self._add(
            "layout",
            (at, at + 1),
            {"who": self.who[-1] if self.who else None, "place": self._low(at)},
        )
        return at + 1

    def _layout_first(self, at: int) -> int:
        """Read "on the left, a red ball": the phrase that follows is what is there."""
        after = at + 2 if self._low(at + 1) == "," else at + 1
        phrase = noun_phrase(self.words, after)
        end = phrase.end if phrase else at + 1
        who = phrase.noun if phrase else None
        self._add("layout", (at, end), {"who": who, "place": self._low(at)})
        self.fresh, self.last = True, None
        return at + 1

    def _layout_of(self, start: int, end: int, phrase: NounPhrase) -> int:
        self._add("layout", (start, end + 1), {"who": phrase.noun, "place": self._low(end)})
        self._inside(start, end)
        return end + 1

    def _ground(self, at: int) -> int:
        if self.last and self.last[1] == at:
            self._extend(at + 1)
            return at + 1
        return self._layout_first(at)

    def _style_of(self, at: int) -> int:
        phrase = noun_phrase(self.words, at + 1)
        if phrase is None:
            return at
        value: dict[str, Any] = {"style": whole(phrase), "form": "preposition"}
        if phrase.sort == "reference":
            value["condition"] = self._condition(phrase.head)
        end = attached_of(self.words, phrase.end)
        self._add("style", (at, end), value)
        return end


_MANNERS = frozenset({"gesture", "manner", "motion", "movement", "swoop", "way"})
"""What "in one fluid motion" says is how, not where."""
