"""Hold whole captions, every part of them, to their requests, to each other and to themselves.

A record's questions read a word or two in one part. What else a caption says is read here, by the
reader that checks served captions (`grounding.check`), before any repair. What inputs leave open a
model may fill in, so that only what they state counts. The gold caption is held to the same first:
what the reader finds fault with there (a word that it misreads, data at odds with itself) counts in
no caption of that record.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import chain

from any2caption.captions.camera_reading import read_camera
from any2caption.captions.lexicon import SLOTS, mentions
from any2caption.captions.schema import PARTS, StructuredCaption
from any2caption.captions.sentences import split_sentences
from any2caption.conditions.fact import Fact
from any2caption.datasets.records import Record
from any2caption.evaluation.figures.tokens import words
from any2caption.evaluation.metrics import Prediction
from any2caption.evaluation.scores import Whole
from any2caption.evaluation.slices import scene_of
from any2caption.grounding.answer import Grounded, Sentence
from any2caption.grounding.check.camera import camera_clause, is_of_camera
from any2caption.grounding.check.claims import read_claims, stems_of
from any2caption.grounding.check.judge import (
    Judged,
    camera_faults,
    contradictions,
    harm,
    newcomers,
    no_prose,
)
from any2caption.grounding.check.known import Known
from any2caption.grounding.deeds import deeds
from any2caption.grounding.facts import Facts
from any2caption.grounding.vocabulary import GENERIC, META, PLAIN
from any2caption.grounding.words.content import content_words, missing_words
from any2caption.grounding.words.forms import stems

CHECKS: Mapping[str, str] = {
    "contradicts": "captions that say nothing against their inputs",
    "omits": "captions with all that the inputs state and the gold caption says",
    "invents": "captions that bring in nobody and nothing out of nowhere",
    "disagrees": "captions whose parts agree with each other",
    "prose": "captions in whole sentences that repeat nothing",
    "length": "captions whose parts are as long as the data's",
    "copies": "captions that are not their prompt",
    "constant": "captions that are not given to one record in twenty",
}
_SHORT, _LONG = 0.5, 2.0
"""Of the words that the shortest and the longest twentieth of gold parts have."""
_EDGE = 20
_OFTEN_PARTS = 3
_STRANGE = 2
_LEAST_PROMPT = 4
_FEW = 3
_GRAM, _GRAMS = 4, 3
_ASKING = frozenset(
    [
        "beginning",
        "create",
        "following",
        "generate",
        "give",
        "like",
        "make",
        "please",
        "short",
        "show",
        "starting",
        "want",
    ]
)
"""Words that ask for a clip or point at an input, and are not of the scene."""
_RIGS = frozenset({"truck", "crane"})
"""Who acts in "the camera trucks left" is the camera."""
_STOP = re.compile(r"[.!?…][\"'”’»)\]]*\s*$")
_NOTHING = Known(Facts("", ()), Grounded(dict.fromkeys(PARTS, ()), "nobody"))
_OTHER_PARTS = tuple(part for part in PARTS if part != "dense")


@dataclass(frozen=True, slots=True)
class Fault:
    """What a check found: the part, the rule that found it, and why, in words."""

    check: str
    part: str
    rule: str
    why: str


@dataclass(frozen=True)
class Corpus:
    """What the gold captions of a selection have in common: their words and their lengths."""

    golds: tuple[StructuredCaption, ...]
    prompts: tuple[str, ...]

    @classmethod
    def of(cls, records: Iterable[Record]) -> "Corpus":
        """Gather the gold captions and prompts of records."""
        found = tuple(records)
        return cls(tuple(r.caption for r in found), tuple(r.prompt for r in found))

    @cached_property
    def words(self) -> frozenset[str]:
        """Every form of every content word."""
        golds = (getattr(gold, part) for gold in self.golds for part in PARTS)
        return frozenset[str]().union(*(stems_of(text) for text in {*golds, *self.prompts}))

    @cached_property
    def agents(self) -> frozenset[str]:
        """Who acts in any gold caption."""
        texts = {getattr(gold, part) for gold in self.golds for part in PARTS}
        return frozenset[str]().union(*(read_claims(text).agents for text in texts))

    @cached_property
    def lengths(self) -> Mapping[str, tuple[float, float]]:
        """Part → the fewest and the most words that a caption may have there."""
        out = {}
        for part in PARTS:
            counts = sorted(len(words(getattr(gold, part))) for gold in self.golds)
            low, high = counts[len(counts) // _EDGE], counts[-1 - len(counts) // _EDGE]
            out[part] = (_SHORT * low, _LONG * high)
        return out


@dataclass(frozen=True)
class Reference:
    """A record, the facts of its request, and the corpus: what its captions are held to."""

    record: Record
    facts: Facts
    corpus: Corpus

    @cached_property
    def known(self) -> Known:
        """The facts, with the gold caption as what a writer may say."""
        gold = {
            part: tuple(Sentence(one) for one in _sentences(getattr(self.record.caption, part)))
            for part in PARTS
        }
        return Known(self.facts, Grounded(gold, "gold"))

    @cached_property
    def excused(self) -> frozenset[tuple[str, str]]:
        """Check and rule of what the gold caption itself is faulted for."""
        return frozenset((one.check, one.rule) for one in self._faults(self.record.caption))

    def faults(self, caption: StructuredCaption) -> tuple[Fault, ...]:
        """Return what is wrong with a caption of this record."""
        found = self._faults(caption)
        return tuple(one for one in found if (one.check, one.rule) not in self.excused)

    def _faults(self, caption: StructuredCaption) -> list[Fault]:
        parts = {part: str(getattr(caption, part)) for part in PARTS}
        finders = (_against, _omitted, _invented, _disagreeing, _no_sentences, _length, _copied)
        return list(chain.from_iterable(find(parts, self) for find in finders))


Parts = Mapping[str, str]


def _sentences(text: str) -> list[str]:
    return [piece.strip() for piece in split_sentences(text)]


def _against(parts: Parts, reference: Reference) -> Iterator[Fault]:
    known = reference.known
    for part, text in parts.items():
        before = ""
        for sentence in _sentences(text):
            claims = read_claims(sentence)
            for rule, why in contradictions(claims, known.tolerated, known):
                if _fits(rule, part):
                    yield Fault("contradicts", part, rule, why)
            for why in camera_faults(sentence, part, known, before):
                yield Fault("contradicts", part, "camera", why)
            before = sentence


def _fits(rule: str, part: str) -> bool:
    """Whether a rule means anything in a part: of a place "behind it lies the sea" is no deed."""
    return rule != "deeds" or part != "background"


def _omitted(parts: Parts, reference: Reference) -> Iterator[Fault]:
    """What the inputs state and the gold caption says: in the dense part, and in any."""
    gold = reference.record.caption
    whole, golds = " ".join(parts.values()), " ".join(getattr(gold, part) for part in PARTS)
    stated = [
        word
        for word in content_words(reference.facts.text)
        if stems(word).isdisjoint(PLAIN | GENERIC | _ASKING)
    ]
    for place, said, right in (("any", whole, golds), ("dense", parts["dense"], gold.dense)):
        lacking = set(missing_words(" ".join(stated), right))
        wanted = " ".join(word for word in stated if word not in lacking)
        if lost := missing_words(wanted, said):
            part = "dense" if place == "dense" else "all"
            yield Fault("omits", part, f"words in {place}", f"“{', '.join(lost)}” is not said")
    shown = [fact for fact in reference.facts.found if fact.source.input != "text"]
    for part in ("camera", "dense"):
        keys = frozenset(chain.from_iterable(map(_keys, shown)))
        wished = keys & set(read_camera(getattr(gold, part)).keys)
        if lost := sorted(wished - set(read_camera(parts[part]).keys)):
            yield Fault("omits", part, "camera", f"{', '.join(lost)} is not told")
    done = reference.known.shown_deeds
    for part in ("action", "dense"):
        wished = done & set(deeds(getattr(gold, part)))
        if lost := sorted(wished - set(deeds(parts[part]))):
            yield Fault("omits", part, "action", f"{', '.join(lost)} is not told")


def _keys(fact: Fact) -> tuple[str, ...]:
    exact = fact.aspect == "camera" and fact.source.input.startswith("camera")
    return tuple(fact.value.get("keys", ())) if exact else ()


def _invented(parts: Parts, reference: Reference) -> Iterator[Fault]:
    known, corpus = reference.known, reference.corpus
    open_cast = not any(qa.aspect == "subject" for qa in reference.record.qa)
    for part, text in parts.items():
        for sentence in _sentences(text):
            claims = read_claims(sentence)
            who = newcomers(claims, known) - (corpus.agents if open_cast else frozenset())
            who -= _RIGS if is_of_camera(sentence) or part == "camera" else frozenset()
            for rule, new in (
                ("who", who),
                ("harm", harm(claims, known)),
                ("written", claims.quoted - known.claims.quoted),
                ("inputs", set(known.not_given(sentence))),
                ("task", (META & set(words(sentence))) - known.words),
            ):
                if new:
                    yield Fault("invents", part, rule, f"brings in {', '.join(sorted(new))}")
            strange = [
                word
                for word in content_words(sentence)
                if stems(word).isdisjoint(known.words) and stems(word).isdisjoint(corpus.words)
            ]
            if len(set(strange)) >= _STRANGE:
                why = f"“{', '.join(dict.fromkeys(strange))}” is of no request and no gold caption"
                yield Fault("invents", part, "words", why)


def _disagreeing(parts: Parts, _: Reference) -> Iterator[Fault]:
    dense = read_claims(parts["dense"])
    for part in _OTHER_PARTS:
        for rule, why in contradictions(read_claims(parts[part]), dense, _NOTHING):
            if _fits(rule, part):
                yield Fault("disagrees", part, rule, why.replace("stated is", "the dense part has"))
    for slot in SLOTS.values():
        if slot.name == "camera":
            continue
        whole, own = ({m.key for m in mentions(slot.name, parts[p])} for p in ("dense", slot.part))
        if whole and own and whole.isdisjoint(own):
            why = f"says {_list(own)}, the dense part says {_list(whole)}"
            yield Fault("disagrees", slot.part, slot.name, why)
    whole, own = _camera_of(parts["dense"]), set(read_camera(parts["camera"]).keys)
    if whole and own and whole != own:
        why = f"says {_list(own)}, the dense part says {_list(whole)}"
        yield Fault("disagrees", "camera", "camera", why)


def _camera_of(text: str) -> set[str]:
    """Movements that the sentences about the camera tell."""
    before, keys = "", set[str]()
    for sentence in _sentences(text):
        if is_of_camera(sentence, before):
            keys |= set(read_camera(camera_clause(sentence)).keys)
        before = sentence
    return keys


def _no_sentences(parts: Parts, reference: Reference) -> Iterator[Fault]:
    for part, text in parts.items():
        gold = getattr(reference.record.caption, part)
        sentences = _sentences(text)
        for sentence in sentences:
            if why := no_prose(Judged(sentence), reference.known):
                yield Fault("prose", part, f"{part}: {why}", why)
        if len(set(sentences)) < len(sentences):
            yield Fault("prose", part, f"{part}: twice", "says a sentence twice")
        if _STOP.search(gold) and not _STOP.search(text):
            yield Fault("prose", part, f"{part}: end", "breaks off")
        found = words(text)
        grams = Counter(zip(*(found[n:] for n in range(_GRAM)), strict=False))
        if grams and max(grams.values()) >= _GRAMS:
            yield Fault("prose", part, f"{part}: phrases", "says a phrase three times")
    times = Counter(_plain(text) for text in parts.values())
    if (most := max(times.values())) >= _OFTEN_PARTS:
        yield Fault("prose", "all", "parts", f"{most} parts say the same")


def _length(parts: Parts, reference: Reference) -> Iterator[Fault]:
    for part, text in parts.items():
        low, high = reference.corpus.lengths[part]
        if not low <= (count := len(words(text))) <= high:
            why = f"has {count} words; the data's parts have {low:.0f} to {high:.0f}"
            yield Fault("length", part, part, why)


def _copied(parts: Parts, reference: Reference) -> Iterator[Fault]:
    prompt = _plain(reference.record.prompt)
    if len(prompt.split()) < _LEAST_PROMPT:
        return
    for part, text in parts.items():
        if _plain(text) == prompt:
            yield Fault("copies", part, part, "is the prompt, word for word")


def _plain(text: str) -> str:
    return " ".join(words(text))


def _list(keys: Iterable[str]) -> str:
    return ", ".join(sorted(keys)).replace("_", " ")


def hold(
    selection: Mapping[str, Sequence[Record]],
    predictions: Mapping[str, Prediction],
    references: Mapping[str, Reference],
) -> tuple[Whole, ...]:
    """Hold every prediction to every check, in the order of the selection.

    A broken structure, which has no parts to be read, fails all of them.
    """
    often = _often(selection, predictions)
    out = []
    for name, group in selection.items():
        for record in group:
            prediction, faults = predictions[record.id], list[Fault]()
            if prediction.caption is None:
                every = frozenset(CHECKS)
                out.append(Whole(record.id, name, every, ("no six parts",), scene_of(record)))
                continue
            faults += references[record.id].faults(prediction.caption)
            if _plain(prediction.text) in often:
                faults.append(Fault("constant", "all", "constant", "is given again and again"))
            told = tuple(f"{one.check}, {one.part}: {one.why}" for one in faults)
            failed = frozenset(one.check for one in faults)
            out.append(Whole(record.id, name, failed, told, scene_of(record)))
    return tuple(out)


def _often(
    selection: Mapping[str, Sequence[Record]], predictions: Mapping[str, Prediction]
) -> frozenset[str]:
    """Texts that more than one record in twenty of other scenes got."""
    golds: defaultdict[str, set[StructuredCaption]] = defaultdict(set)
    records = [record for group in selection.values() for record in group]
    for record in records:
        golds[_plain(predictions[record.id].text)].add(record.caption)
    limit = max(_FEW, len(records) // _EDGE)
    return frozenset(text for text, found in golds.items() if len(found) > limit)
