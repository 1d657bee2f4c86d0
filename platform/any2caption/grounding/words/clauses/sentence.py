"""Read one English sentence: walk over its words once and hand every phrase to an aspect."""

from collections.abc import Callable, Mapping
from typing import Any

from any2caption.grounding.vocabulary import is_agent, is_person
from any2caption.grounding.words.clauses import requests
from any2caption.grounding.words.clauses.clause import FORMS, STOPS, UNREAD, place_value, whole
from any2caption.grounding.words.clauses.given import asked_of_given, keeps
from any2caption.grounding.words.clauses.placing import OPENS
from any2caption.grounding.words.clauses.reading import Reading
from any2caption.grounding.words.clauses.stating import MEDIA, Stating
from any2caption.grounding.words.lists import grammar, scenes, verbs
from any2caption.grounding.words.phrases.attachments import attached, list_of, whom
from any2caption.grounding.words.phrases.complements import (
    LIKE_SETTINGS,
    SETTINGS,
    complements,
    main_verb,
)
from any2caption.grounding.words.phrases.noun_phrases import NounPhrase, noun_phrase
from any2caption.grounding.words.tags.asides import described, names_each
from any2caption.grounding.words.tags.tokens import Word


class Sentence(Stating):
    """Walks over the tagged words of one sentence."""

    _by_tag: Mapping[str, Callable[[int], int]]

    def __init__(self, reading: Reading, words: list[Word], *, whole: bool) -> None:
        super().__init__(reading, words, whole=whole)
        self._by_tag = {
            "mark": self._mark, "conj": self._skip, "sub": self._clause, "rel": self._relative,
            "neg": self._not, "verb": self._verb, "aux": self._verb, "modal": self._verb,
            "prep": self._prepositional, "layout": self._layout, "ground": self._ground,
            "style-of": self._style_of, "adv": self._adverb, "particle": self._adverb,
            "pron": self._pronoun, "poss": self._possessive,
        }  # fmt: skip

    def read(self) -> None:
        """Read all words."""
        if requests.orders(self.words):
            self._order()
            return
        at = self._request()
        while at < len(self.words):
            at = self._label(at) or self._camera(at) or self._step(at)

    def _step(self, at: int) -> int:
        state = self._low(at) in _STATES and self.who
        if state and (self.acted or self.fresh):  # "lies on the floor asleep"
            self.who = [self._resumed(at)] if self._resumed(at) else self.who
            value = {"verb": "be", "who": " and ".join(self.who), "form": "participle"}
            self._add("action", (at, at + 1), value)
            self.acted = True
            return at + 1
        end = self._like_given(at) or self._role_given(at) or self._state_in_front(at)
        if end := end or self._more_than(at) or self._does_too(at):
            return end
        method = self._by_tag.get(self.words[at].tag, self._noun)
        after = method(at)
        return after if after > at else self._leftover(at)

    # What is said to the reader

    def _order(self) -> None:
        """Keep an order to the reader whole: it shows nothing."""
        self._add("subject", (0, len(self.words)), UNREAD)

    def _request(self) -> int:
        """Read "generate a video of", "show me", and return where the scene begins."""
        if end := asked_of_given(self.words):
            return self._points(0, end) + requests.lets(self.words, end)
        found = requests.frame(self.words, 0)
        if found is None:
            return 0
        asked, phrase, end = found
        style = whole(phrase) if phrase else None
        if phrase is not None and requests.is_kind(phrase) and asked == phrase.start:
            span = phrase.start, attached(self.words, phrase)  # "an ad for a coffee brand:"
            self._add("style", span, {"style": style, "form": "noun"})
        elif phrase is None or not self._of_camera(phrase):
            showing = phrase and self.words[end - 1].low not in grammar.FUNCTION | {":"}
            asked = end if showing else phrase.end if phrase else asked
            self._add("style", (0, asked), {"style": style, "form": "request"})
        else:
            if asked:
                self._add("style", (0, asked), {"style": None, "form": "request"})
            self._add_camera(phrase.start, phrase.end, phrase.start, form="noun")
        if phrase is not None:
            self._styles_in(phrase)
        self.fresh, self.last = True, None
        return end

    # What stands between phrases

    def _mark(self, at: int) -> int:
        if end := self._setting_of_tool(at):
            return end
        if self.words[at].low == "(" and self.last and self._tag(at + 1) != "neg":
            close = next(
                (n for n in range(at, min(at + 12, len(self.words))) if self._low(n) == ")"), 0
            )
            if close:
                self._extend(close + 1)
                return close + 1
        self.fresh, self.acted = True, False
        if self._low(at) == ";" or keeps(self.words, at + 1):
            self.who = []
        return at + 1

    def _setting_of_tool(self, at: int) -> int:
        """Read "--ar 16:9", "-motion 2": what a generator's command takes, nothing to be seen."""
        name = at + 1 + (self._low(at + 1) == "-")
        beside = name < len(self.words) and self.words[name].start == self.words[name - 1].end
        apart = at == 0 or self.words[at - 1].end < self.words[at].start
        if self._low(at) not in {"-", "–", "—"} or not beside or not apart:
            return 0
        end = name + 1
        while end < len(self.words) and self._low(end) and self._low(end)[0].isdigit():
            end += 1
        self._add("style", (at, end), {"style": None, "form": "request"})
        said = self.reading.text[slice(*self._span(at, end))]
        self.reading.note(f"“{said}” is read as a setting of a tool, not as something to be seen")
        self.fresh = True
        return end

    def _skip(self, at: int) -> int:
        return at + 1 if self._tag(at + 1) != "adv" else self._adverb(at + 1)

    def _relative(self, at: int) -> int:
        """Read "for a child, who starts to smile": the one in front of the comma does it."""
        last = whom(self.words, at) or (self.words[at - 1] if at and self._poses(at) else None)
        if last is not None and last.tag == "noun" and self._low(at) in {"who", "which"}:
            self.who, self.acted = [last.low], False
        return self._skip(at)

    def _clause(self, at: int) -> int:
        phrase = noun_phrase(self.words, at + 1) if self._low(at) in {"after", "before"} else None
        end = attached(self.words, phrase) if phrase else at
        if phrase and self.last and self.last[1] == at and self._tag(end) in STOPS:
            self._extend(end)  # "runs after Rex"
            self._inside(at + 1, end)
            return end
        settles = phrase is not None and phrase.sort in SETTINGS and self._tag(end) in STOPS
        if phrase and self.fresh and (settles or self._low(end) == ","):
            self._add("background", (at, end), place_value(phrase, form="preposition"))
            return end  # "before the storm: …"
        if self._as_if(at) or self._so_that(at):
            end = next((n for n in range(at, len(self.words)) if self._tag(n) == "mark"), 0)
            end = end or len(self.words)
            so = self._so_that(at)
            self._extend(end)  # "swims as if the street were the sea": it is not
            self._inside(at + 2, end if so else at)
            return end
        if self._low(at) == "until" and self.acted and self.last and self.last[1] == at:
            acts = (n for n in range(at, len(self.words)) if self._tag(n) in {"verb", "aux"})
            end = complements(self.words, next(acts, at) + 1, keep_settings=False)
            self._extend(end)  # "gnaws through a birch until it topples": who, is not known
            self._inside(at + 1, end)
            if self._does(end) and self._tag(end - 1) == "noun":
                self.who = [self._low(end - 1)]  # "until it reaches a boy selling oranges"
            return end
        self.fresh, self.acted = True, False
        return at + 1

    def _as_if(self, at: int) -> bool:
        """Whether what follows is only like the act in front of it."""
        like = self._low(at) == "as" and self._low(at + 1) in {"if", "though"}
        return like and self.acted and self.last is not None and self.last[1] == at

    def _so_that(self, at: int) -> bool:
        """Whether what follows is what the act is for: "stops traffic so that a turtle can"."""
        so = self._low(at) == "so" and "that" in {self._low(at + 1), self._low(at + 2)}
        return so and self.last is not None and self.last[1] == at

    def _leftover(self, at: int) -> int:
        """Leave what fits nowhere with the phrase in front of it, else with the main subject."""
        word = self.words[at]
        if word.tag in {"det", "prep", "modal", "aux", "adv"} and word.low in grammar.FUNCTION:
            return at + 1
        if self.last and self.last[1] == at:
            self._extend(at + 1)
        elif word.low not in grammar.FUNCTION:
            self._add("subject", (at, at + 1), {"noun": None, "number": None, "attributes": []})
        return at + 1

    def _adverb(self, at: int) -> int:
        after = at
        while after < at + _ADVERBS and self._tag(after) in {"adv", "particle"}:
            after += 1
        if self._tag(after) in {"verb", "aux", "modal"}:
            return self._verb(at)
        if self.fresh and self._low(at) in scenes.WHEREABOUTS and self._tag(at + 1) in STOPS:
            value = {"place": self._low(at), "kind": "place", "form": "noun"}
            self._add("background", (at, at + 1), value)
            return at + 1
        if self.fresh and self._low(at) in _FOCUS and self._tag(at + 1) in OPENS | {"ref"}:
            return at + 1  # "only his boots are visible"
        told = noun_phrase(self.words, after) if self._tag(after) == "adj" and self.fresh else None
        if told and (end := self._tells_more(told)):
            self._add("subject", (at, end), UNREAD)
            self._inside(told.end, end)
            return end  # "barely visible in the fog"
        if self._tag(after) in {"adj", "noun", "det"} and self._tag(at) == "adv":
            return self._noun(at)
        return at

    def _pronoun(self, at: int) -> int:
        sees = [self._low(at), self._low(at + 1)] == ["we", "see"] and self.fresh
        comes = self._low(at) == "here" and self._tag(at + 1) == "verb"
        if self._low(at) in {"there", "there's"} or sees or comes:
            at += self._low(at + 1) in {"once", "also", "still"}
            return at + 2 if sees or self._low(at + 1) in grammar.BE else at + 1
        if self.who and self._low(at) in _ANOTHER and self._low(at - 1) in grammar.AROUND:
            return at + 1  # "children behind her cheer"
        others = noun_phrase(self.words, at + 2) if self._low(at + 1) in _SAVE else None
        if others and self._tag(others.end) not in {"verb", "aux", "modal", "adv", "neg"}:
            others = None
        if self._low(at) in grammar.NOBODY and not others and (end := self._nobody(at)):
            return end
        saved = self._tag(at + 1) == "prep" or self._low(at + 1) == "except"
        if others and saved:  # "everyone but the groom laughs"
            said = self.reading.text[slice(*self._span(at, others.end))]
            self.who, self.acted, self.fresh = [said.lower()], False, False
            return others.end
        beside = self._low(at - 1) == "and" and self._tag(at + 1) == "prep"  # "and she in jeans"
        if self._tag(at + 1) in {"verb", "aux", "modal", "adv", "neg"} or self.fresh or beside:
            self.who, self.acted = [self._of_them(at)], False
            self.fresh = False
            return at + 1
        return at

    def _of_them(self, at: int) -> str:
        """Return a pronoun with what it is a part of: "one of them falls"."""
        part = self._low(at - 2) if at > 1 and self._low(at - 1) == "of" else ""
        known = part in grammar.NUMBERS or part in grammar.QUANTITIES | grammar.DETERMINERS
        said = self._low(at).split("'", maxsplit=1)[0]
        return f"{part} of {said}" if known else _SUBJECTS.get(said, said)

    def _nobody(self, at: int) -> int:
        """Read "nobody around", "no one is in the street"; 0 where it is said to do something."""
        end = at + 1
        while self._tag(end) in {"adv", "particle"} or self._low(end) in {"else", "visible"}:
            end += 1
        if self._low(end) == "in" and self._low(end + 1) in {"sight", "view"}:
            end += 2
        states = self._low(end) in grammar.BE and (
            self._tag(end + 1) in _PLACES_BEHIND or self._low(end + 1) == "home"
        )
        if self._tag(end) in {"verb", "aux", "modal"} and not states:
            return 0
        if states and any(word.low in _SAVE for word in self.words[end:]):
            return end + 1  # "nobody is there but a surfer"
        noun = None if self._low(at) == "nothing" else "person"
        value: dict[str, Any] = {"noun": noun, "number": None, "attributes": []}
        self._add("subject", (at, end), value, negated=True)
        return end + 1 if states else end

    # Nouns

    def _possessive(self, at: int) -> int:
        """Read "the man, whose arms | hang down,": his arms do; else a noun with its owner."""
        phrase, owner = noun_phrase(self.words, at), whom(self.words, at)
        if self._low(at) != "whose" or phrase is None or owner is None:
            return self._noun(at)
        owns = "'" if owner.low.endswith("s") else "'s"
        self.who = [f"{owner.low}{owns} {phrase.noun}"]
        self.acted, self.fresh = False, False
        return phrase.end

    def _noun(self, at: int) -> int:
        if self._low(at + 1) == "of" and self.fresh and (end := self._share(at)):
            return end
        phrase = noun_phrase(self.words, at)
        if phrase is None:
            return at
        if end := self._tells_more(phrase):
            self._add("subject", (at, end), UNREAD)
            return end
        shows = {"reference": self._shown_in, **dict.fromkeys(MEDIA, self._medium)}
        if phrase.sort in shows and (end := shows[phrase.sort](phrase)):
            return end
        end = attached(self.words, phrase)
        after = self._each_named(phrase, end) or self._where_it_is(phrase, end)
        if after := after or self._state_beside(phrase, end):
            return after
        continued = (
            self.who and not self.acted and self._low(at - 1) in {"and", "or"} and not self.fresh
        )
        before = [*self.listed, *self.who]
        self.listed = before if not continued and self._lists(at) else []
        if not (continued and self._denied_last()):  # "a cat with no tail and one blue eye"
            self.who = [*before, phrase.noun] if continued else [phrase.noun]
        self.acted = self.reading.camera = False
        close = described(self.words, end)  # "two dogs, wet and muddy, shake"
        end = self._identified(phrase, close or end)
        self.fresh = False
        return end + 1 if close else end

    def _each_named(self, phrase: NounPhrase, end: int) -> int:
        """Read "two dogs, a poodle and a pug,": two, not four; 0 where no such list follows."""
        close = names_each(self.words, end, phrase.several) if self.fresh else 0
        if not close:
            return 0
        self._subject(phrase, close)
        named = {one.low for one in self.words[end:close] if one.tag == "noun"}
        self.reading.subjects |= named
        self.reading.members |= named
        self.who, self.listed, self.acted, self.fresh = [phrase.noun], [], False, False
        self.reading.camera = False
        return close + 1

    def _denied_last(self) -> bool:
        """Whether the last phrase is one that is not there."""
        return self.last is not None and self.reading.facts[self.last[0]].negated

    def _shown_in(self, picture: NounPhrase) -> int:
        """Read "the second image shows my cat", "picture 1 is the hero"; 0 where it is no such."""
        at = picture.end
        verb = self.words[at] if at < len(self.words) else None
        shows = verb is not None and (verb.base in verbs.SHOWING | {"contain"} or verb.low == "is")
        phrase = noun_phrase(self.words, at + 1) if shows else None
        if phrase is None or phrase.sort != "thing" or self._tag(phrase.end) == "ground":
            return 0
        condition = self._condition(picture.head)
        end = attached(self.words, phrase)
        self._subject(phrase, end)
        if condition:
            value = {"noun": phrase.noun, "condition": condition}
            self._add("identity", (picture.start, end), value)
        self.who, self.acted, self.fresh = [phrase.noun], False, False
        return end

    def _lists(self, at: int) -> bool:
        """Whether a comma parts a phrase from another that does nothing: "3 cats, 2 dogs and"."""
        if self.last is None or self._low(at - 1) != "," or self.last[1] != at - 1:
            return False
        return self.reading.facts[self.last[0]].aspect == "subject"

    def _where_it_is(self, phrase: NounPhrase, end: int) -> int:
        """Read a phrase of place or time by itself; 0 where it is who acts."""
        if phrase.sort in LIKE_SETTINGS and self._is_setting(phrase, end):
            return self._setting(phrase, phrase.start, end)
        if self._tag(end) == "ground":
            self._add("background", (phrase.start, end + 1), place_value(phrase, form="noun"))
            return end + 1
        scene = phrase.head.low == "scene" and self.fresh and phrase.end - phrase.start > 1
        if phrase.head.low in _SETTINGS and (after := self._setting_told(phrase, end)):
            return after
        if self._low(phrase.end) == "with" and (
            scene or (phrase.sort in SETTINGS and self._does(end))
        ):
            after = self._setting(phrase, phrase.start, phrase.end)  # "a road with a car driving"
            self.fresh = True
            if scene:
                self.who, self.last = [], None
            return after + scene
        return 0

    def _setting_told(self, phrase: NounPhrase, end: int) -> int:
        """Read "the background features a window", "the setting is a desert"; 0 for no such."""
        is_so = self._low(end) in grammar.BE
        if not is_so and (self._tag(end) != "verb" or self.words[end].base not in verbs.SHOWING):
            return 0
        if not (places := list_of(self.words, end + 1)):
            return 0
        place, after = places[0], attached(self.words, places[-1])
        form = "noun" if is_so else "sentence"
        said = place.start if is_so else phrase.start
        self._add("background", (phrase.start, after), place_value(place, form=form), said=said)
        if is_so:
            self._inside(place.end, after, role="subject")
        self.who, self.acted = [place.noun], False
        return after

    def _does(self, at: int) -> bool:
        return self._tag(at) == "verb" and self.words[at].form == "ing"

    def _tells_more(self, phrase: NounPhrase) -> int:
        """Return the end of "one black", "late for his flight", "backlit by the sun"; 0: no such.

        They only say what one of those in front is like.
        """
        if not self.who or phrase.head.tag != "adj":
            return 0
        if self._low(phrase.start) in _COUNTING:
            return phrase.end
        apart = self._tag(phrase.end) == "prep" and (self.fresh or self._low(phrase.end) == "by")
        return complements(self.words, phrase.end, keep_settings=True, limit=1) if apart else 0

    def _is_setting(self, phrase: NounPhrase, end: int) -> bool:
        """Whether a phrase of place or time says where, not who: nothing is done by it."""
        behind = self._tag(end)
        if behind in {"verb", "aux", "modal"} and not (
            behind == "verb" and self.words[end].form == "ed"
        ):
            return False
        if behind == "adv" and self._tag(end + 1) in {"verb", "aux"}:
            return False
        if behind == "ground" or phrase.head.low in {"background", "backdrop"}:
            return True
        if self._low(phrase.end) == "of" and phrase.head.low in scenes.MEASURES:
            return False
        if phrase.sort in SETTINGS:
            return True
        return self.whole and phrase.start == 0 and end >= len(self.words) - 1

    def _setting(self, phrase: NounPhrase, at: int, end: int) -> int:
        if self._tag(end) == "ground":
            end += 1
        elif self._tag(end) == "verb" and self.words[end].form == "ed":
            end = complements(self.words, end + 1, keep_settings=True)
        self._add("background", (at, end), place_value(phrase, form="noun"))
        self._inside(phrase.end, end, role="subject")
        self.who, self.acted = [phrase.noun], False
        return end

    # Verbs

    def _verb(self, at: int) -> int:
        """Read an action with its object, or a state; what says where stays for a background."""
        if end := self._filmed(at) or self._let(at):
            return end
        main, negated = main_verb(self.words, at)
        if main == at and (end := self._done_to_last(at)):
            return end
        if self._with_another(main):
            self.who = self.who[:1]
        denied, negated = negated, negated or any(map(grammar.denies, self.who[:1]))
        if main >= len(self.words) or self._tag(main) != "verb":
            return self._copula(at, main, negated=negated)
        if self._inverted(at, main, negated=negated):
            return main + 1
        word = self.words[main]
        if main == at and (end := self._still_modal(at)):
            return end
        fronted = main == at and word.form == "ed" and self.fresh and not self.who
        end = complements(self.words, main + 1, keep_settings=fronted)  # "covered in snow, a cabin"
        end = self._until_who(main + 1, end)
        said, form = self._wording(at, main, negated=negated)
        others = any(
            one.low in _ANOTHER and one.tag == "pron" for one in self.words[main + 1 : end]
        )
        if form == "participle" and main == at and (nearer := self._nearer(at, others=others)):
            self.who, negated = [nearer], denied
        elif main == at and (acting := self._several_named(at) or [self._resumed(at)])[0]:
            self.who = acting
        value = {"verb": word.base, "who": " and ".join(self.who) or None, "form": form}
        self._add("action", (at, end), value, said=said, negated=negated)
        self._inside(main + 1, end)
        spoken = word.base in {"read", "say"} and is_agent((self.who or [""])[-1])
        if word.base in verbs.WRITING and not spoken:
            self._written(main + 1, end)
        self.acted = True
        end = self._none(end)
        return self._watched(main, end) if word.base in verbs.WATCHING else end

    def _with_another(self, main: int) -> bool:
        """Whether one acts with what is on it: "with a child on her back and a hat on … walks"."""
        single = main < len(self.words) and self.words[main].form == "s"
        one, *others = self.who or [""]
        if not single or not others or not is_agent(one) or any(map(is_agent, others)):
            return False
        told = self.reading.facts[self.first :]
        return any(fact.value.get("noun") == one and " with " in fact.text for fact in told)

    def _still_modal(self, at: int) -> int:
        """Read "should blink | and turn her head": the modal stands for both; 0 for no such."""
        if self.words[at].form != "base" or self.last is None or self.last[1] != at - 1:
            return 0
        last = self.reading.facts[self.last[0]]
        modal = last.text.split(" ", 1)[0].casefold() in grammar.MODALS - {"to"}
        if self._low(at - 1) not in {"and", "or"} or last.aspect != "action" or not modal:
            return 0
        end = complements(self.words, at + 1, keep_settings=False)
        self._extend(end)
        self._inside(at + 1, end)
        return end

    def _wording(self, at: int, main: int, *, negated: bool) -> tuple[int, str]:
        """Return where the words of an action begin, and how they are worded."""
        word, said = self.words[main], at
        progressive = word.form == "ing" and main > at and self.words[main - 1].low in grammar.BE
        if progressive or negated:
            said = main
            while said > at and self._tag(said - 1) == "adv":
                said -= 1
        if self.words[at].tag in {"aux", "modal"} and said == at:
            return said, "participle" if self._low(at) == "being" else "finite"
        doing = word.form == "ing" and (progressive or main == at or negated)
        return said, "participle" if doing else FORMS[word.form]

    def _resumed(self, at: int) -> str:
        """Return who acts behind fragments between commas; nothing for the nearest one.

        "a girl, her face painted, | roars"; "girl, red dress, | walking on the beach".
        """
        named = [
            fact
            for fact in self.reading.facts[self.first :]
            if fact.aspect == "subject" and fact.value.get("role") == "subject"
        ]
        nouns = [str(fact.value["noun"]) for fact in named]
        kinds = {noun: noun.lstrip("0123456789").rpartition(" ")[2] for noun in nouns}
        if not self.fresh or self._low(at - 1) != "," or not nouns:
            return ""
        if self.words[at].form in {"s", "base"}:
            acted = [fact for fact in self.reading.facts[self.first :] if fact.aspect == "action"]
            told = [fact for fact in acted if fact.value.get("form") != "participle"]
            apart = (" of them", f"{nouns[0]}'")
            idle = all(any(one in str(fact.value["who"]) for one in apart) for fact in told)
            return nouns[0] if idle and (told or self.words[at].form == "s") else ""
        agents = [noun for noun in nouns if is_agent(kinds[noun]) or kinds[noun] in scenes.GROUPS]
        alone = self.words[at].form in {"ing", ""} and self.who and not is_agent(self.who[-1])
        placed = bool(self.who) and self.who[-1] not in nouns  # "wolf pack, snowy forest, running"
        agents = [kinds[noun] if noun[0].isdigit() else noun for noun in agents]  # "1girl"
        return agents[-1] if alone and agents else nouns[0] if alone and placed else ""

    def _watched(self, main: int, end: int) -> int:
        """Read what is watched: "watches the waves | crash below", "films a surfer | riding"."""
        if self._tag(end) != "verb":
            return end
        if self.words[end].form == "base":
            end = complements(self.words, end + 1, keep_settings=True)
            self._extend(end)
        elif self.words[end].form == "ing" and (seen := noun_phrase(self.words, main + 1)):
            self.who = [seen.noun]
        return end

    def _done_to_last(self, at: int) -> int:
        """Read "through a room | filled with smoke": it is the room; 0 where it is who acts."""
        behind = self.last is not None and self.last[1] == at and self._tag(at - 1) == "noun"
        if not (behind and self.acted and self.words[at].form == "ed"):
            return 0
        end = complements(self.words, at + 1, keep_settings=True)
        self._extend(end)
        self._inside(at + 1, end)
        return end

    def _inverted(self, at: int, main: int, *, negated: bool) -> bool:
        """Read who stands behind a stance: "on the hill stands a tower"."""
        word, behind = self.words[main], noun_phrase(self.words, main + 1)
        placed = self.last is not None and self.last[1] == at and self._tag(0) == "prep"
        placed = placed and self.last is not None and self.reading.facts[self.last[0]].aspect in {
            "background", "relation",
        }  # fmt: skip
        comes = word.base in verbs.STANCES | (_COMES if placed or self._low(0) == "here" else set())
        if not behind or (self.who and not placed) or word.form == "ing" or not comes:
            return False
        who = " and ".join(phrase.noun for phrase in list_of(self.words, main + 1))
        stands = {"verb": word.base, "who": who, "form": "finite"}
        self._add("action", (at, main + 1), stands, negated=negated)
        self.fresh = True
        return True

    def _nearer(self, at: int, *, others: bool) -> str:
        """Return the noun in front of a participle that acts rather than the clause's subject.

        "a diver and a whale passing above her", "reflections in the window of a train moving by".
        """
        last, who = self.words[at - 1], self.who[-1:]
        if not who or at == 0 or last.tag != "noun":
            return ""
        if others:
            return who[0] if len(self.who) > 1 else last.low
        noun = who[0].rsplit(" ", 1)[-1]
        if is_person(last.low) and not is_person(noun) and self.acted:
            return last.low  # "a robot waits next to a woman pushing a stroller"
        idle = not is_agent(noun) and noun not in scenes.GROUPS and noun != last.low
        return last.low if idle and is_agent(last.low) else ""

    def _let(self, at: int) -> int:
        """Read "make" of "make it jump", which only asks; 0 where it is none."""
        if [self._low(at), self._low(at + 1)] == ["cut", "to"] and not self.acted:
            self._add("style", (at, at + 2), {"style": None, "form": "request"})
            self.who, self.fresh, self.last = [], True, None
            return at + 2
        if [self._low(at), self._low(at + 1)] == ["do", "not"] and not self.who:
            return self._negation(at + 1)  # "do not show her face"
        anew = self.fresh or not self.who or self._low(at - 1) == "and"
        lets = self.words[at].base in {"have", "let", "make"} and anew
        return at + 1 if lets and [self._tag(at + 1), self._tag(at + 2)] == ["pron", "verb"] else 0


_PLACES_BEHIND = frozenset({"prep", "layout", "ground", "adv", "particle", "mark", "end", "pron"})
_FOCUS = frozenset({"only", "just", "even", "also", "still", "maybe", "perhaps"})
_SUBJECTS = {"her": "she", "him": "he", "them": "they"}
"""Of pronouns that act: "make her smile"."""
_COMES = frozenset({"come", "emerge", "go", "lie", "rise", "run", "step"})
"""What may stand in front of its subject behind a place: "out of the fog comes a ship"."""
_ANOTHER = frozenset({"her", "him", "it", "them"})
"""Who these are does not act in the same clause."""
_COUNTING = frozenset(grammar.NUMBERS) | {"another"}
_SETTINGS = frozenset({"backdrop", "background", "environment", "location", "setting"})
_SAVE = frozenset({"but", "except", "except for"})
_STATES = frozenset({"asleep", "awake"})
_ADVERBS = 8
"""Adverbs in front of a verb at most."""
