"""What a request states, as a caption is held to it: facts, their claims, and the composed caption.

Of what conflicts only the followed side counts.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import chain

from any2caption.captions.camera_reading import read_camera
from any2caption.captions.schema import PARTS
from any2caption.captions.sentences import split_sentences
from any2caption.conditions.fact import ASPECTS, Aspect, Fact, Source
from any2caption.grounding.answer import Grounded, Sentence
from any2caption.grounding.check.camera import Wanted, steps_of
from any2caption.grounding.check.claims import Claims, read_claims, stems_of
from any2caption.grounding.compose.amend import followed_number, recounted
from any2caption.grounding.deeds import deeds
from any2caption.grounding.facts import Conflict, Facts
from any2caption.grounding.vocabulary import PLAIN, is_person, other_sides, singular
from any2caption.grounding.words.content import content_words
from any2caption.grounding.words.forms import stems

ASPECTS_OF: Mapping[str, tuple[Aspect, ...]] = {
    "dense": ASPECTS,
    "main_object": ("subject", "count", "identity", "relation", "written_text"),
    "background": ("background", "layout"),
    "camera": ("camera",),
    "style": ("style",),
    "action": ("action",),
}
"""Part → the aspects of facts that it states."""
_HALF = 0.5
_MOVES = {
    "orbit": re.compile(r"\b(?:orbit|circl|arc(?:s|ing)\b|revolv)"),
    "pan": re.compile(r"\bpan(?:s|ning)?\b"),
    "tilt": re.compile(r"\btilt(?:s|ing)?\b"),
    "zoom": re.compile(r"\bzoom"),
}
_INPUT = re.compile(r"\b(?:picture|image|photo|video|camera|pose|depth|sketch) \d+\b")
_SEEN = ("picture", "video", "image", "masked", "sketch")


@dataclass(frozen=True)
class Known:
    """A request's facts and the composed caption (`reference`) that stands for them."""

    facts: Facts
    reference: Grounded

    @cached_property
    def standing(self) -> tuple[Fact, ...]:
        """The facts that are not overruled."""
        return self.facts.of(*ASPECTS)

    @cached_property
    def claims(self) -> Claims:
        """What the text and the facts claim, without what was overruled."""
        overruled = Claims.merged(read_claims(one.overruled.text) for one in self.facts.conflicts)
        text = Claims.merged(read_claims(piece) for piece in split_sentences(self.facts.text))
        kept = Claims(
            words=text.words,
            denied=text.denied,
            agents=text.agents,
            places=text.places,
            settings=text.settings,
            styles=read_claims(" ".join(one.text for one in self.facts.of("style"))).styles,
            times=text.times,
            deeds=text.deeds - overruled.deeds,
            quoted=text.quoted,
            counts=text.counts - overruled.counts,
            colours=text.colours,
            sides=text.sides - overruled.sides,
            qualities=text.qualities,
            grave=text.grave,
        )
        facts = (read_claims(_clause(fact)) for fact in self.standing if not fact.negated)
        followed = (_followed(one) for one in self.facts.conflicts)
        counts = Claims(counts=frozenset((*_counts(self.standing), *chain(*followed))))
        return Claims.merged((kept, counts, *facts))

    @cached_property
    def tolerated(self) -> Claims:
        """What the user's own sentences may claim although something else was followed."""
        overruled = (read_claims(one.overruled.text) for one in self.facts.conflicts)
        return Claims.merged((self.claims, read_claims(self.facts.text), *overruled))

    @cached_property
    def denied(self) -> frozenset[str]:
        """Words that must not be there, in every form; `denied_deeds` are apart."""
        negated = frozenset[str]().union(
            *(stems_of(fact.text) for fact in self.standing if fact.negated and _is_thing(fact))
        )
        return negated - self._positive

    @cached_property
    def denied_deeds(self) -> tuple[Fact, ...]:
        """What must not be done: "looking at the camera" takes neither look nor camera away."""
        denied = (fact for fact in self.standing if fact.negated and fact.aspect == "action")
        return tuple(fact for fact in denied if not stems_of(fact.text) <= self._positive)

    @cached_property
    def _positive(self) -> frozenset[str]:
        return frozenset[str]().union(
            *(stems_of(_clause(fact)) for fact in self.standing if not fact.negated)
        )

    @cached_property
    def there(self) -> frozenset[str]:
        """Words of what is stated to be so, in every form."""
        denied = self.denied.union(*(stems_of(fact.text) for fact in self.denied_deeds))
        return self.claims.words - self.claims.denied - denied - PLAIN

    @cached_property
    def words(self) -> frozenset[str]:
        """Words that somebody stated, or that the composed caption needs to say it."""
        reference = (one.text for part in PARTS for one in self.reference.parts[part])
        texts = (self.facts.text, *(_clause(fact) for fact in self.facts.found), *reference)
        return frozenset[str]().union(PLAIN, *map(stems_of, texts))

    @cached_property
    def people(self) -> int | None:
        """How many people there are: by the conditions, else all that the text counts."""
        shown = [
            n for noun, n in _counts(self.facts.of("count", source="conditions")) if is_person(noun)
        ]
        if shown:
            return max(shown)
        told = [one for one in self.facts.of("subject", source="text") if is_person(_noun(one))]
        numbers = dict(_counts(told))
        return sum(numbers.values()) if told and len(numbers) == len(told) else None

    @cached_property
    def layout(self) -> frozenset[str]:
        """Directions in which conditions place things; empty where none does."""
        placed = (read_claims(fact.text).sides for fact in self.facts.of("layout"))
        return frozenset(side for sides in placed for _, side in sides)

    @cached_property
    def moves(self) -> str:
        """What the text asks of the camera without saying which way: `orbit`, `pan`; else ""."""
        texts = " ".join(fact.text.casefold() for fact in self.facts.of("camera", source="text"))
        return next((move for move, stem in _MOVES.items() if stem.search(texts)), "")

    @cached_property
    def shown_deeds(self) -> frozenset[str]:
        """What the poses of the request show, as -ing forms."""
        shown = (
            deeds(fact.text)
            for fact in self.facts.of("action", source="conditions")
            if fact.source.input.startswith("pose") and not fact.negated
        )
        return frozenset(deed for found in shown for deed in found)

    @cached_property
    def camera(self) -> Wanted | None:
        """The movements to be told: the first path's, else the text's wish; None for neither."""
        paths = [fact for fact in self.facts.of("camera", source="conditions") if _keys(fact)]
        paths.sort(key=lambda fact: not fact.source.input.startswith("camera"))
        shaky = any(fact.value.get("shaky") for fact in self.facts.of("camera"))
        if paths:
            own = [fact for fact in paths if fact.source.input == paths[0].source.input]
            words = ", then ".join(fact.text for fact in own)
            steps = steps_of(words)
            if {key for step in steps for key in step} != {
                key for one in own for key in _keys(one)
            }:
                steps = tuple((key,) for one in own for key in _keys(one))
            return Wanted(steps, words, own[0].source.input, shaky)
        wished = [one.text for one in self.reference.parts["camera"] if one.origin != "invented"]
        steps = steps_of(" ".join(wished))
        if not steps or not any(_keys(fact) for fact in self.facts.of("camera", source="text")):
            return None
        return Wanted(steps, " ".join(wished).rstrip("."), "text", shaky)

    @cached_property
    def inputs(self) -> frozenset[str]:
        """Names of the inputs: `picture 1`; those that the text names count as well."""
        named = _INPUT.findall(self.facts.text.casefold())
        return frozenset((*named, *(fact.source.input for fact in self.facts.found)))

    @cached_property
    def seen(self) -> bool:
        """Whether a writer could see more than the facts say: pictures and clips of any kind."""
        return any(fact.source.input.startswith(_SEEN) for fact in self.facts.found) or any(
            "looked" in note for note in self.facts.notes
        )

    def stated(self, part: str) -> tuple[Fact, ...]:
        """The standing facts that a part is there for."""
        return tuple(fact for fact in self.standing if fact.aspect in ASPECTS_OF[part])

    def not_given(self, text: str) -> list[str]:
        """Return the inputs that a text names and the request does not have."""
        return [name for name in _INPUT.findall(text.casefold()) if name not in self.inputs]

    def support(self, claims: Claims, text: str) -> tuple[Fact, ...]:
        """Return the facts that a sentence says, whole or in part."""
        return tuple(fact for fact in self.standing if says(claims, text, fact))

    def facts_of(self, sentence: Sentence) -> tuple[Fact, ...]:
        """Return the standing facts that a composed sentence was made from."""
        return tuple(
            fact
            for fact in self.standing
            if any(_within(fact.source, source) for source in sentence.sources)
        )


def says(claims: Claims, text: str, fact: Fact) -> bool:
    """Whether words state a fact, by what matters in its aspect."""
    words = claims.denied if fact.negated else claims.words
    if fact.aspect in {"subject", "count", "identity"}:
        noun = singular(str(fact.value.get("noun") or fact.text).split(" of ")[0])
        head = noun.split()[-1:] or [noun]
        return bool(stems(singular(head[0])) & words)
    if fact.aspect == "action":
        found = set(deeds(fact.text))
        if found and not fact.negated:
            return bool(found & claims.deeds)
        verb = str(fact.value.get("verb") or next(iter(content_words(fact.text)), ""))
        return bool(stems(verb) & words)
    if fact.aspect == "camera" and _keys(fact):
        return bool(set(_keys(fact)) & set(read_camera(text).keys))
    wanted = [word for word in content_words(fact.text) if not other_sides(word)]
    said = sum(bool(stems(word) & words) for word in wanted)
    return bool(wanted) and said >= _HALF * len(wanted)


def says_fully(claims: Claims, fact: Fact) -> bool:
    """Whether words state every content word of a fact."""
    words = claims.words | claims.denied
    return all(stems(word) & words for word in content_words(fact.text))


def _clause(fact: Fact) -> str:
    """A fact's words with who or what it is about."""
    who = str(fact.value.get("who") or fact.value.get("left") or "")
    return f"{who} {fact.text}".strip()


def _noun(fact: Fact) -> str:
    return str(fact.value.get("noun") or fact.text)


def _counts(facts: Iterable[Fact]) -> Iterator[tuple[str, int]]:
    """Yield noun and number of the facts that have one."""
    for fact in facts:
        number = fact.value.get("number")
        if isinstance(number, int) and not fact.negated and fact.aspect in {"subject", "count"}:
            yield singular(_noun(fact).split()[-1]), number


def _followed(conflict: Conflict) -> Iterable[tuple[str, int]]:
    """Yield what of a text's things there are where another input counts them otherwise."""
    number = followed_number(conflict)
    return () if number is None else _counts((recounted(conflict.overruled, number),))


def _is_thing(fact: Fact) -> bool:
    return fact.aspect in {"subject", "count", "background", "style", "written_text"}


def _keys(fact: Fact) -> tuple[str, ...]:
    return tuple(fact.value.get("keys", ()))


def _within(inner: Source, outer: Source) -> bool:
    if inner.input != outer.input:
        return False
    if inner.characters is None or outer.characters is None:
        return inner.frames == outer.frames or None in {inner.frames, outer.frames}
    return outer.characters[0] <= inner.characters[0] < outer.characters[1]


def sources_of(facts: Iterable[Fact]) -> tuple[Source, ...]:
    """Return the places of facts, each once."""
    return tuple(dict.fromkeys(fact.source for fact in facts))


def texts_of(sentences: Sequence[Sentence]) -> str:
    """Return sentences as one text."""
    return " ".join(one.text for one in sentences)
