"""A clause while it is read: who acts in it, and the facts that its phrases become."""

from collections.abc import Mapping
from typing import Any

from any2caption.captions.camera_reading import read_camera
from any2caption.conditions.fact import Aspect, Fact, Source
from any2caption.grounding.vocabulary import is_agent
from any2caption.grounding.words.clauses.camera_words import TURNS
from any2caption.grounding.words.clauses.reading import (
    Reading,
    as_in_mid_sentence,
    opens_sentence,
)
from any2caption.grounding.words.lists import grammar, looks
from any2caption.grounding.words.lists.languages import TONGUES
from any2caption.grounding.words.phrases.attachments import attached_of
from any2caption.grounding.words.phrases.complements import (
    LIKE_SETTINGS,
    MOVES_IN,
    aims,
    low_at,
    reference_behind,
    tag_at,
)
from any2caption.grounding.words.phrases.noun_phrases import NounPhrase, noun_phrase
from any2caption.grounding.words.phrases.written import written_texts
from any2caption.grounding.words.tags.tokens import Word


class Clause:
    """The state of the clause that is read, and how phrases are told."""

    def __init__(self, reading: Reading, words: list[Word], *, whole: bool) -> None:
        self.reading = reading
        self.words = words
        self.first = len(reading.facts)
        """Place of the sentence's first fact."""
        self.whole = whole
        """Whether the sentence is all that the text says."""
        self.who: list[str] = []
        """Nouns of the clause's subject."""
        self.listed: list[str] = []
        """Nouns in front of it by commas, which act with it where "and" follows."""
        self.fresh = True
        """At the start of a clause or of a fragment between commas."""
        self.acted = False
        """Whether the clause has its verb."""
        self.last: tuple[int, int] | None = None
        """Place of the last phrase among the facts, and the word behind it."""
        self.last_said = 0
        """The character where the words of the last fact begin."""

    def _tag(self, at: int) -> str:
        return tag_at(self.words, at)

    def _low(self, at: int) -> str:
        return low_at(self.words, at)

    def _span(self, start: int, end: int) -> tuple[int, int]:
        return self.words[start].start, self.words[end - 1].end

    def _add(
        self,
        aspect: Aspect,
        span: tuple[int, int],
        value: Mapping[str, Any],
        *,
        said: int | None = None,
        negated: bool = False,
    ) -> None:
        """Add a fact of the words `span`, whose own begin at `said`; the next may extend it."""
        start, end = span
        words = self._span(start if said is None else said, end)
        self.last, self.last_said = (len(self.reading.facts), end), words[0]
        self.reading.add(aspect, self._span(start, end), value, words, negated=negated)
        self.fresh = False

    def _extend(self, end: int) -> None:
        """Let the last fact reach up to another word."""
        if self.last is None:
            return
        place, _ = self.last
        old = self.reading.facts[place]
        span = old.source.characters or (0, 0)
        longer = (span[0], self.words[end - 1].end)
        opens = opens_sentence(self.reading.text, self.last_said)
        said = as_in_mid_sentence(self.reading.text[self.last_said : longer[1]], opens=opens)
        self.reading.facts[place] = Fact(
            old.aspect, said, Source("text", characters=longer), old.value, negated=old.negated
        )
        self.last = (place, end)

    def _add_camera(
        self, start: int, end: int, said: int, *, form: str = "verb", negated: bool = False
    ) -> None:
        whole = self.reading.text[slice(*self._span(said, end))]
        lead = "the camera " if form == "verb" else "no " if negated else ""
        read = read_camera(lead + whole)
        value = {
            "keys": list(read.keys),
            "denied": list(read.denied),
            "shaky": read.shaky,
            "form": form,
        }
        self._add("camera", (start, end), value, said=said, negated=negated)

    def _inside(self, start: int, end: int, role: str = "object") -> None:
        """Add the things and places that a longer phrase has in it as facts of their own."""
        last, at = (self.last, self.last_said), start
        while at < end:
            phrase = noun_phrase(self.words, at) if self._tag(at) != "pron" else None
            likened = self._low(at - 1) in _NOT_THERE or (
                self._low(at - 1) == "as" and phrase is not None and is_agent(phrase.noun)
            )
            likened = likened or (
                phrase is not None and phrase.noun in TURNS and self._low(at - 1) in _GOES_ON
            )
            if phrase and self._low(at - 1) in REPLACING:
                at = self._replaced(at, phrase, shown_only=True)
                continue
            if phrase and likened:
                at = phrase.end  # "works as a lifeguard", "shaped like a swan": no other one
                continue
            if phrase is None or phrase.end > end or phrase.head.tag not in {"noun", "ref"}:
                at += 1
                continue
            if phrase.head.tag == "ref" and (
                phrase.head.base != "image" or self._tag(at - 1) == "prep"
            ):
                at = phrase.end  # "dances following pose 1"
                continue
            behind = min(attached_of(self.words, phrase.end), end)
            reference, _ = reference_behind(self.words, behind)
            owned = self.words[phrase.start].tag == "poss" and self.words[phrase.start].number
            if (reference or owned) and phrase.sort != "reference":
                behind = self._identified(phrase, behind, role)
            else:
                self._object(phrase, behind, role)
            at, role = behind, "object"
        self.last, self.last_said = last

    def _replaced(self, at: int, phrase: NounPhrase, *, shown_only: bool = False) -> int:
        """Deny what something else stands for, with the condition that shows it.

        `shown_only`: only where one does; "follows a cyclist instead of the sun" denies no sun.
        """
        end = attached_of(self.words, phrase.end)
        reference, _ = reference_behind(self.words, end)
        shown = self.reading.given.resolve(self.words[reference - 1])[0] if reference else None
        if shown or not shown_only:
            value = {**phrase.value(), "condition": shown or None}
            start = phrase.start + (self._tag(phrase.start) == "det" and end > phrase.start + 1)
            span, said = self._span(at, reference or end), self._span(start, end)
            self.reading.add("subject", span, value, said, negated=True)
        return reference or end

    def _object(self, phrase: NounPhrase, end: int, role: str) -> None:
        """Add a phrase that is the object of an action, or the other side of a relation."""
        traced = end > phrase.end or (phrase.start and self.words[phrase.start - 1].base == "leave")
        if phrase.noun in TONGUES or (phrase.head.low in {"trail", "trails"} and traced):
            return  # "signs in Chinese", "a trail of smoke", "leaving a white trail"
        built = phrase.noun == "construction" and self._low(phrase.start - 1) == "under"
        if (
            phrase.noun[-3:].endswith("0s") or phrase.noun in _OFTEN or phrase.head.low == "level"
        ) or built:  # "three times", "at ground level", "a tower under construction"
            return
        of = noun_phrase(self.words, phrase.end + 1) if self._low(phrase.end) == "of" else None
        made = phrase.sort == "building" and of is not None and of.sort == "thing"  # "of blocks"
        drawn = phrase.start > 0 and self.words[phrase.start - 1].base in _MAKING
        made = made or (drawn and phrase.sort in {"building", "place"})  # "draws a house"
        if made or (phrase.sort == "building" and role == "subject"):  # what is shown
            self._subject(phrase, end, role)
            return
        if phrase.sort == "reference":
            self._identity(phrase, end, "")
        elif phrase.sort == "thing":
            self._subject(phrase, end, role)
        elif phrase.sort in {"place", "building"}:
            before = self._low(phrase.start - 1)
            aimed = before == "at" and aims(self.words, phrase.start - 1)  # "points at the shore"
            beside = before in grammar.BESIDE or aimed
            value = place_value(phrase, "beside" if beside else "noun")
            self._add("background", (phrase.start, end), value)
        elif phrase.sort in {"weather", "time"} and self._low(phrase.start - 1) in _WHILE:
            if self._low(phrase.start - 1) == "at" and aims(self.words, phrase.start - 1):
                return  # "smiles at the sunrise"
            if phrase.noun in MOVES_IN:
                return
            self._add("background", (phrase.start - 1, end), place_value(phrase, "preposition"))

    def _identified(self, phrase: NounPhrase, end: int, role: str = "subject") -> int:
        """Add a subject, and whom it is to look like where the words name a condition."""
        reference_end, place = reference_behind(self.words, end)
        owner = self.words[phrase.start]
        if phrase.sort == "reference":
            self._identity(phrase, end, "")
        elif owner.tag == "poss" and owner.number is not None:
            self._owned(phrase, end, role)
        elif reference_end:
            reference = self.words[reference_end - 1]
            condition, why = self.reading.given.resolve(reference)
            if condition and phrase.sort in LIKE_SETTINGS:
                value = {**place_value(phrase), "condition": condition}
                self._add("background", (phrase.start, reference_end), value)
            elif condition:
                self._subject(phrase, end, role)
                value = {"noun": phrase.noun, "condition": condition, "place": place or None}
                self._add("identity", (phrase.start, reference_end), value)
            else:
                self.reading.note(why)
                self._add("subject", (phrase.start, reference_end), phrase.value(role=role))
            return reference_end
        else:
            self._subject(phrase, end)
        return end

    def _owned(self, phrase: NounPhrase, end: int, role: str) -> None:
        """Add "image 1's dog": who is there, and which condition shows it."""
        condition, why = self.reading.given.resolve(self.words[phrase.start])
        self._subject(phrase, end, role)
        if condition:
            value = {"noun": phrase.noun, "condition": condition, "place": None}
            self._add("identity", (phrase.start, end), value)
        else:
            self.reading.note(why)

    def _identity(self, phrase: NounPhrase, end: int, noun: str) -> None:
        condition, why = self.reading.given.resolve(phrase.head)
        if condition:
            self._add(
                "identity", (phrase.start, end), {"noun": noun or None, "condition": condition}
            )
        else:
            self.reading.note(why)
            self._add("subject", (phrase.start, end), phrase.value(role="subject"))

    def _subject(self, phrase: NounPhrase, end: int, role: str = "subject") -> None:
        """Add a subject, unless the text only names again what it has named."""
        plain = not phrase.attributes and end == phrase.end
        again = (
            phrase.noun.casefold() in self.reading.subjects
            and plain
            and (phrase.definite or role == "object" or phrase.head.low in self.reading.members)
        )
        if again:
            self.last = None
            return
        self.reading.subjects.add(phrase.noun.casefold())
        self._add("subject", (phrase.start, end), phrase.value(role=role))
        kept = self.last, self.last_said
        if phrase.counted:
            value = {"noun": phrase.noun, "number": phrase.number}
            self.reading.add("count", self._span(phrase.start, phrase.end), value)
        for span in written_texts(self.words[phrase.start : end]):
            written = self.reading.text[slice(*span)]
            self.reading.add("written_text", span, {"written": written})
        self.last, self.last_said = kept

    def _written(self, start: int, end: int) -> None:
        """Add what is written by an action: "writes 'OPEN' on the board"."""
        for word in self.words[start:end]:
            if word.tag == "quote":
                span = (word.start + 1, word.end - 1)
                self.reading.add("written_text", span, {"written": self.reading.text[slice(*span)]})

    def _styles_in(self, phrase: NounPhrase) -> None:
        """Add what a view is told to look like: "cinematic" of "cinematic drone shot"."""
        for at in range(phrase.start, phrase.end) if self._of_camera(phrase) else ():
            word = self.words[at]
            if word.tag == "style" or word.low in looks.STYLE_WORDS - {"abstract", "epic"}:
                value = {"style": word.low, "form": "noun"}
                self.reading.add("style", self._span(at, at + 1), value)

    def _of_camera(self, phrase: NounPhrase) -> bool:
        if phrase.sort == "camera":
            return True
        inside = self.words[phrase.start : phrase.end]
        return any(
            word.tag == "camera"
            or word.low in looks.CAMERA_NOUNS | {"drone", "aerial", "underwater", "panoramic"}
            for word in inside
        )


UNREAD: Mapping[str, Any] = {"noun": None, "number": None, "attributes": [], "rest": True}
"""The value of words that stay as they are."""
STOPS = frozenset({"mark", "end"})
"""Tags of what ends a fragment."""
FORMS = {"s": "finite", "ing": "participle", "ed": "participle", "base": "base", "": "base"}
"""Forms of verbs → those of actions."""
REPLACING = frozenset({"instead of", "rather than"})
"""Prepositions of what something else stands for."""
_NOT_THERE = frozenset({"like"}) | REPLACING
"""Prepositions of what is not to be seen."""
_GOES_ON = frozenset({"and", "then", "to", "up to"})
"""What stands in front of another act of the camera."""
_OFTEN = frozenset(
    {"degrees", "km/h", "kmh", "knots", "kph", "minutes", "moment", "mph", "percent", "seconds",
     "speed", "time", "times"}
)  # fmt: skip
_MAKING = frozenset({"assemble", "build", "construct", "draw", "model", "paint", "sketch"})
_WHILE = frozenset({"in", "during", "at", "under", "amid", "throughout"})
"""Prepositions that make weather and time a setting."""


def place_value(phrase: NounPhrase, form: str = "noun") -> dict[str, Any]:
    """Return the machine form of a background."""
    kind = phrase.sort if phrase.sort in {"time", "light", "weather"} else "place"
    return {"place": whole(phrase), "kind": kind, "form": form}


def whole(phrase: NounPhrase) -> str:
    """Return a phrase without articles and numbers, casefolded."""
    return " ".join((*phrase.attributes, phrase.noun))
