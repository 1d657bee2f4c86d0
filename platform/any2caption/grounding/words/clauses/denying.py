"""Read what is denied: "no people", "without moving", "neither of them wins"."""

from dataclasses import replace

from any2caption.grounding.words.clauses.clause import (
    FORMS,
    REPLACING,
    STOPS,
    Clause,
    place_value,
    whole,
)
from any2caption.grounding.words.lists import grammar, looks
from any2caption.grounding.words.phrases.attachments import attached, attached_of, list_of
from any2caption.grounding.words.phrases.complements import LIKE_SETTINGS, complements, main_verb
from any2caption.grounding.words.phrases.noun_phrases import NounPhrase, noun_phrase


class Denying(Clause):
    """A clause that reads denials; methods return the place behind."""

    def _negation(self, at: int) -> int:
        """Read "no people", "without cars", "not cat", "without moving", "no camera movement"."""
        if end := self._neither(at):
            return end
        if self._tag(at + 1) in {"mark", "end"} and self.acted and self.last:
            self._extend(at + 1)  # "tries to open a jar but can't"
            return at + 1
        if self._tag(at + 1) in {"mark", "end"} and self.who and "'" in self._low(at):
            value = {"verb": "do", "who": " and ".join(self.who), "form": "finite"}
            self._add("action", (at, at + 1), value)  # "the other one doesn't"
            return at + 1
        start = at + 1
        while self._low(start) in {"any", "showing", "show", "include", "including", "add"}:
            start += 1
        if self._tag(start) in {"verb", "aux"} or (
            self._tag(start) == "adv" and self._tag(start + 1) == "verb"
        ):
            return self._negated_action(at, start)
        said = start
        while self._tag(start) == "adv":  # "avoid fast camera movements"
            start += 1
        phrases = list_of(self.words, start)
        if not phrases:
            return at + 1
        phrases[0] = replace(phrases[0], start=said)
        lacks, last, said_at = self._lacks(at), self.last, self.last_said
        for phrase in phrases:
            first = at if phrase is phrases[0] else phrase.start
            self._deny(first, phrase, self._denied_end(phrase))
        end = self._denied_end(phrases[-1])
        if lacks:  # "a man without a hat"
            self.last, self.last_said = last, said_at
            self._extend(end)
        return end

    def _lacks(self, at: int) -> bool:
        """Whether "without" tells a subject from others, rather than how an act is done."""
        if self.last is None or self.last[1] != at or self.acted:
            return False
        return self._low(at) == "without" and self.reading.facts[self.last[0]].aspect == "subject"

    def _none(self, end: int) -> int:
        """Let an act have what is not there: "carries | no tray"; return the end of both."""
        if self._low(end) in {"but", "except"}:
            return self._but(end)
        phrases = list_of(self.words, end + 1) if self._low(end) == "no" else []
        if not phrases or self.last is None:
            return end
        kept, said = self.last, self.last_said
        for phrase in phrases:
            self._deny(phrase.start, phrase, self._denied_end(phrase))
        self.last, self.last_said = kept, said
        after = self._denied_end(phrases[-1])
        self._extend(after)
        return after

    def _but(self, end: int) -> int:
        """Let "nothing moves" have "but the flag", which moves; return the end of both."""
        phrases = list_of(self.words, end + 1)
        if not phrases or not any(map(grammar.denies, self.who[:1])):
            return end
        after = attached(self.words, phrases[-1])
        after += self._tag(after) in {"layout", "ground"}
        if self._tag(after) not in STOPS:
            return end  # "nothing moves but the dog barks"
        self._extend(after)
        self._inside(end + 1, after)
        return after

    def _denied_list(self, at: int, start: int) -> int:
        """Read "Negative prompt: people, text": all of it is not to be seen."""
        while start < len(self.words) and (phrase := noun_phrase(self.words, start)):
            self._deny(at, phrase, self._denied_end(phrase))
            at = start = self._denied_end(phrase)
            while self._low(start) in {",", "and", "or"}:
                start += 1
        return start

    def _denied_end(self, phrase: NounPhrase) -> int:
        end = attached_of(self.words, phrase.end)
        return end + (self._low(end) == "visible")

    def _negated_action(self, at: int, start: int) -> int:
        main, _ = main_verb(self.words, start)
        if self._tag(main) != "verb":
            return start
        end = complements(self.words, main + 1, keep_settings=True)
        word = self.words[main]
        moved = word.base in _MOVED or word.low in looks.MOVES
        if moved and any(
            one.low == "camera" for one in self.words[main:end]
        ):  # "don't move the camera"
            self._add_camera(at, end, at, form="base", negated=True)
            return end
        value = {
            "verb": word.base,
            "who": " and ".join(self.who) or None,
            "form": FORMS[word.form],
        }
        self._add("action", (at, end), value, said=start, negated=True)
        return end

    def _deny(self, start: int, phrase: NounPhrase, end: int) -> None:
        moves = any(word.low in looks.MOVES | {"camera"} for word in self.words[phrase.start : end])
        if moves or phrase.sort == "camera":
            self._add_camera(start, end, phrase.start, form="noun", negated=True)
        elif phrase.sort == "style":
            self._add(
                "style", (start, end), {"style": whole(phrase)}, said=phrase.start, negated=True
            )
        elif phrase.sort in LIKE_SETTINGS:
            self._add(
                "background", (start, end), place_value(phrase), said=phrase.start, negated=True
            )
        else:
            said = phrase.start + (self._low(phrase.start) in {"a", "an", "any"})
            said = said if said < end else phrase.start
            self._add("subject", (start, end), phrase.value(), said=said, negated=True)

    def _neither(self, at: int) -> int:
        """Read who does not do something, but is there: "neither the cat nor the dog moves"."""
        if self._low(at) in {"neither", "none"} and (end := self._neither_of_them(at)):
            return end
        single = [self._low(at + 1), self._low(at + 2)] in (["a", "single"], ["one", "single"])
        of_all = self._low(at) in {"neither", "none"} and self._low(at + 1) == "of"
        if self._low(at) != "neither" and not of_all and not (self._low(at) == "not" and single):
            return 0
        found = [noun_phrase(self.words, at + 1 + of_all)]
        if found[0] and self._low(found[0].end) == "nor":
            found.append(noun_phrase(self.words, found[0].end + 1))
        if self.last and self.last[1] == at and self._tag(at - 1) == "verb":
            return self._have_neither([one for one in found if one])
        named = [one for one in found if one]
        end = attached(self.words, named[-1]) if named else at
        if not named or len(named) < len(found) or self._tag(end) not in {"verb", "aux", "modal"}:
            return 0
        if single and self._low(end) in grammar.BE and self._tag(end + 1) == "prep":
            self._deny(at, named[0], end)
            return end + 1  # "not a single car is on the road"
        for phrase in named if self._low(at) in {"neither", "none"} else ():
            self._subject(phrase, phrase.end)
        return self._acts_as(at, end)

    def _have_neither(self, phrases: list[NounPhrase]) -> int:
        """Read "wearing | neither a coat nor a hat": neither is there; 0 for nothing."""
        kept, said = self.last, self.last_said
        for phrase in phrases:
            self._deny(phrase.start, phrase, phrase.end)
        self.last, self.last_said = kept, said
        if not phrases:
            return 0
        self._extend(phrases[-1].end)
        return phrases[-1].end

    def _neither_of_them(self, at: int) -> int:
        """Read "neither moves", "neither of them wins"; 0 where others are named."""
        of_them = self._low(at + 1) == "of" and self._tag(at + 2) in {"pron", "rel"}
        end = at + 3 if of_them else at + 1
        return self._acts_as(at, end) if self._tag(end) in {"verb", "aux", "modal"} else 0

    def _acts_as(self, at: int, end: int) -> int:
        said = self.reading.text[slice(*self._span(at, end))].lower()
        self.who = [said.replace(" of whom", " of them")]
        self.acted, self.fresh = False, False
        return end

    def _not_done(self, at: int) -> int:
        """Read "instead of walking, the robot": what the one behind it does not do; 0: no such."""
        if self._low(at) not in REPLACING:
            return 0
        if phrase := noun_phrase(self.words, at + 1):  # "instead of the dog in image 1, a cat"
            return self._replaced(at, phrase)
        if self._tag(at + 1) != "verb" or self.words[at + 1].form != "ing":
            return 0
        end = complements(self.words, at + 2, keep_settings=True)
        who = noun_phrase(self.words, end + 1) if self._low(end) == "," else None
        verb = self.words[at + 1].base
        value = {"verb": verb, "who": who.noun if who else None, "form": "participle"}
        self._add("action", (at, end), value, said=at + 1, negated=True)
        return end


_MOVED = frozenset({"move", "rotate", "shake", "swing", "turn"})
