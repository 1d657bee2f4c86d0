"""Read states: "is blue", "is a doctor", "isn't tall", "is off"."""

from dataclasses import replace
from typing import Any

from any2caption.grounding.deeds import deeds, excluded_by, motionless
from any2caption.grounding.vocabulary import is_agent, is_person
from any2caption.grounding.words.clauses.clause import STOPS, UNREAD
from any2caption.grounding.words.clauses.viewing import Viewing
from any2caption.grounding.words.forms import is_plural
from any2caption.grounding.words.lists import grammar, looks
from any2caption.grounding.words.phrases.attachments import attached
from any2caption.grounding.words.phrases.complements import complements
from any2caption.grounding.words.phrases.noun_phrases import NounPhrase, noun_phrase
from any2caption.grounding.words.tags.neighbours import clause_before


class Stating(Viewing):
    """A clause that reads states; methods return the place behind."""

    def _not(self, at: int) -> int:
        """Read "isn't tall" as a state; all other denials as what is not there or not done."""
        on = self._low(at + 1) in _ON_OFF  # "aren't on"
        is_so = self._tag(at + 1) in {"adj", "adv", "det"} or on
        stated = self._low(at) in _IS_NOT and self.who and is_so
        return self._copula(at, at + 1 + on, negated=True) if stated else self._negation(at)

    def _until_who(self, at: int, end: int) -> int:
        """Return where "watches two people | who stand perfectly still" ends; `end` for no such."""
        return next((n for n in range(at, end) if self._poses(n)), end)

    def _poses(self, at: int) -> bool:
        """Whether "who" opens all that is left of a clause, in which people do what poses show.

        A pose may have them do otherwise, so it is an action of theirs; of "a man who sells fruit"
        it only tells which man.
        """
        if self._low(at) != "who" or not is_person(self._low(at - 1)):
            return False
        marks = (n for n in range(at, len(self.words)) if self._tag(n) in {"mark", "conj", "sub"})
        end = next(marks, len(self.words))
        said = self.reading.text[slice(*self._span(at + 1, end))]
        behind = end + 1 + (self._tag(end + 1) == "conj")
        goes_on = self._low(behind) == "then" or self._tag(behind) in {"verb", "adv"}
        whole = end == len(self.words) or (self._tag(end) == "mark" and not goes_on)
        return whole and (motionless(said) or any(map(excluded_by, deeds(said))))

    def _copula(self, at: int, after: int, *, negated: bool) -> int:
        """Read "is blue", "is a doctor"; "is on the table" leaves the rest to come."""
        on = after > at + 1 and self._low(after - 1) in _ON_OFF and self._tag(after) in STOPS
        value: dict[str, Any]
        if negated and self.who and self._low(at) in grammar.DO_GET and self._tag(after) in STOPS:
            value = {"verb": "do", "who": " and ".join(self.who), "form": "finite"}
            self._add("action", (at, after), value)  # "although she does not"
            return after
        if self.who and (on or self._tag(after) == "style"):  # "the lamp is off"
            end = after if on else after + 1
            value = {"verb": "be", "who": " and ".join(self.who), "form": "finite"}
            said = end - 1 if negated else at
            self._add("action", (at, end), value, said=said, negated=negated)
            self.acted = True
            return end
        filled = noun_phrase(self.words, after + 1) if self._low(after) == "full of" else None
        if filled is not None:
            end = attached(self.words, filled)
            value = {"verb": "be", "who": " and ".join(self.who) or None, "form": "finite"}
            self._add("action", (at, end), value, said=after if negated else at, negated=negated)
            self.acted = True
            return end
        if self._tag(after) in {"prep", "layout", "ground"} or after >= len(self.words):
            self.acted = False
            return after
        phrase = noun_phrase(self.words, after)
        if phrase is None:
            return after
        end = complements(self.words, after, keep_settings=True)
        doing = (
            self._low(after) not in grammar.ARTICLES
            and self.words[end - 1 :][:1]
            and (self._tag(phrase.end) == "verb" and self.words[phrase.end].form == "ing")
        )
        verb, form = ("be", "finite")
        if doing:
            verb, form = self.words[phrase.end].base, "participle"
            end = complements(self.words, phrase.end + 1, keep_settings=False)
        value = {"verb": verb, "who": " and ".join(self.who) or None, "form": form}
        said = after if negated or doing else at
        self._add("action", (at, end), value, said=said, negated=negated)
        self.acted = True
        return end

    def _several_named(self, at: int) -> list[str]:
        """Return who acts in the base form, where not the nearest; nothing for no such.

        "A man holding … and a woman holding … | walk"; "men stand, hands in …, and | look up".
        """
        facts = self.reading.facts[self.first :]
        subjects = [one.value for one in facts if one.aspect == "subject"]
        named = [str(value["noun"]) for value in subjects if value.get("role") == "subject"]
        told = [one.value.get("form") for one in facts if one.aspect == "action"]
        linked = "and" in [word.low for word in clause_before(self.words, at)]
        several = linked and self.words[at].form == "base" and set(told) == {"participle"}
        both = several and self.who == named[1:] and len(named) == _PAIR
        aside = self._low(at - 1) == "and" and self._low(at - 2) == "," and "base" in told
        if aside and self.words[at].form == "base" and self.who and not is_agent(self.who[-1]):
            return named[:1]
        return (named if named[0] != named[1] else ["both"]) if both else []

    def _share(self, at: int) -> int:
        """Read "two of them carry", "one of the cubs falls"; 0 where no such acts."""
        if self._tag(at + 2) == "pron" and self._tag(at) not in MEDIA:
            return at + 2
        if self._low(at + 2) in {"which", "whom"} and self._tag(at + 3) in {"verb", "aux"}:
            self.who, self.acted = [f"{self._low(at)} of them"], False
            return at + 3  # "three balloons, one of which is torn,"
        several = noun_phrase(self.words, at + 2) if self._low(at) in _SHARES else None
        end = several.end if several else at
        end += 2 if self._low(end) == "but" and self._low(end + 1) in grammar.NUMBERS else 0
        acts = self._tag(end) in {"verb", "aux", "modal"}
        if several is None or not several.definite or not acts:
            return 0
        self._subject(several, several.end)
        self.who = [self.reading.text[slice(*self._span(at, end))].lower()]
        self.acted, self.fresh = False, False
        return end

    def _does_too(self, at: int) -> int:
        """Read "moves | before she does": it is the same act; 0 for no such."""
        joins = self._low(at) in {"after", "as", "before", "like"} and self._tag(at + 1) == "pron"
        does = self._low(at + 2) in grammar.DO_GET and self._tag(at + 3) in STOPS
        if not (joins and does and self.acted and self.last and self.last[1] == at):
            return 0
        self._extend(at + 3)
        return at + 3

    def _more_than(self, at: int) -> int:
        """Keep ", faster than the eye can follow" as it is; 0 for no such."""
        if self._low(at + 1) != "than" or self._low(at - 1) != "," or not self.fresh:
            return 0
        marks = (n for n in range(at, len(self.words)) if self._tag(n) == "mark")
        end = next(marks, len(self.words))
        self._add("subject", (at, end), UNREAD)
        return end

    def _state_in_front(self, at: int) -> int:
        """Read "Half asleep, a student", "Tired and hungry, two hikers": a state; 0 for no such."""
        opens = self.fresh and (at == 0 or self._tag(at - 1) == "mark") and self._low(at - 1) != ","
        end = at
        while opens and end < at + _SHORT and self._tag(end) in {"adj", "adv", "conj", "qty"}:
            end += 1
        who = noun_phrase(self.words, end + 1) if self._low(end) == "," else None
        if not (opens and who and end > at and self._tag(end - 1) == "adj"):
            return 0
        known = looks.STYLE_WORDS | set(grammar.ORDINALS) | {"last", "next"}
        styled = any(word.low in known for word in self.words[at:end])
        if styled or who.sort != "thing" or self._tag(end + 1) not in {"det", "num", "poss"}:
            return 0
        self._add("action", (at, end), {"verb": "be", "who": who.noun, "form": "participle"})
        self.fresh, self.last = True, None
        return end + 1

    def _state_beside(self, phrase: NounPhrase, end: int) -> int:
        """Read "…, his dog asleep at his feet", "…, the tie undone": a state; 0 for no such."""
        owned = self._tag(phrase.start) in {"det", "poss"}
        opened = (owned or is_plural(phrase.head.low)) and phrase.sort in {"thing", "light"}
        if not (opened and self.fresh and self._low(phrase.start - 1) == ","):
            return 0
        told = end - 1 if self._tag(end - 1) == "adj" else end
        alone = self._tag(told) == "adj" and told > phrase.start + owned
        pair = self._low(told + 1) == "and" and self._tag(told + 2) == "adj"
        if not alone or not (pair or self._tag(told + 1) in STOPS | {"prep", "particle"}):
            return 0
        named, start = replace(phrase, end=min(phrase.end, told)), told
        while self._low(told + 1) == "and" and self._tag(told + 2) == "adj":
            told += 2
        self._subject(named, named.end)
        self.who, self.listed, self.fresh = [phrase.noun], [], False
        after = complements(self.words, told + 1, keep_settings=False)
        state = {"verb": "be", "who": phrase.noun, "form": "participle"}
        self._add("action", (start, after), state)
        self._inside(told + 1, after)
        self.acted = True
        return after


_SHORT, _PAIR = 6, 2
MEDIA = ("picture", "camera", "style")
_SHARES = frozenset({"all", "each", "half", "many", "most", "one", "some", "two", "three"})
_ON_OFF = frozenset({"on", "off", "out", "over", "up", "down", "everywhere", "nowhere", "overhead"})
_IS_NOT = frozenset({"aren't", "isn't", "wasn't", "weren't"})
