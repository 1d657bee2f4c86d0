"""Put a part right: what is wrong goes, what is missing comes from the composed caption."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from any2caption.captions.grammar import DENSE_LIMIT, PART_LIMIT
from any2caption.conditions.fact import Fact
from any2caption.grounding.answer import Finding, Origin, Sentence
from any2caption.grounding.check.camera import has_all
from any2caption.grounding.check.claims import Claims, read_claims, stems_of
from any2caption.grounding.check.judge import Judged
from any2caption.grounding.check.known import Known, says, says_fully, sources_of, texts_of
from any2caption.grounding.words.content import missing_words

_QUOTED = 200
_STOPS = (*".!?…。！？;:,", *"”’\"')]»")


@dataclass(frozen=True, slots=True)
class Mended:
    """A part's sentences after the repair, and what was found."""

    sentences: tuple[Sentence, ...]
    findings: tuple[Finding, ...]


def missing(part: str, text: str, known: Known) -> list[tuple[Sentence, str]]:
    """Return the composed sentences of a part that a text does not say, and what it lacks."""
    composed = [one for one in known.reference.parts[part] if one.sources and one.text not in text]
    if part == "camera" and known.camera is not None:
        composed = [one for one in known.reference.parts[part] if one.sources]
        if text == texts_of(known.reference.parts[part]) or has_all(text, known.camera):
            return []
        return [(one, f"the movements are not told: {known.camera.shown}") for one in composed]
    claims = read_claims(text)
    lacks = ((one, _lacks(part, one, claims, text, known)) for one in composed)
    return [(one, why) for one, why in lacks if why]


def _lacks(part: str, sentence: Sentence, claims: Claims, text: str, known: Known) -> str:
    """What of a composed sentence a text does not say, in words; "" for nothing."""
    if part == "dense":
        if all(source.input != "text" for source in sentence.sources):
            return ""
        lost = missing_words(sentence.text, text)
        return f"{', '.join(lost)} of the text is not said" if lost else ""
    for fact in known.facts_of(sentence):
        if fact in known.stated(part) and _matters(fact) and not _said(fact, claims, text):
            return f"“{fact.text}” of {_the(fact)} is not said"
    return ""


def _matters(fact: Fact) -> bool:
    """Whether a part has to say a fact again that the dense part says."""
    return fact.aspect != "relation" and fact.value.get("role") != "object"


def _said(fact: Fact, claims: Claims, text: str) -> bool:
    if fact.aspect == "action" and fact.source.input != "text":
        return says(claims, text, fact) and says_fully(claims, fact)
    return says(claims, text, fact)


def _the(fact: Fact) -> str:
    return "the text" if fact.source.input == "text" else fact.source.input


def mended(part: str, found: Sequence[Judged], known: Known) -> Mended:
    """Repair a part: faulty sentences are replaced, missing ones put in, the rest is untouched."""
    good = [one for one in found if not one.faults]
    lacking = missing(part, " ".join(one.text for one in good), known)
    if part == "camera" and lacking:
        good = [one for one in good if not _moves(one, known)]
    new = [one for one, _ in lacking] if good else list(known.reference.parts[part])
    good = [one for one in good if not _repeats(one, new)]
    sentences = _closed(_fitting(part, _placed(part, found, good, new)))
    if not sentences or not _holds(part, sentences, known):
        new = list(known.reference.parts[part])
        sentences = [_composed(one, repaired=True) for one in new]
        if [one.text for one in found] == [one.text for one in new]:
            sentences = list(new)
    return Mended(tuple(sentences), tuple(_findings(part, found, lacking, new, sentences)))


def _placed(
    part: str, found: Sequence[Judged], good: Sequence[Judged], new: Sequence[Sentence]
) -> list[Sentence]:
    """Put new sentences where the first faulty one stood; else the text's first, others last."""
    kept = [id(one) for one in good]
    faulty = next((at for at, one in enumerate(found) if id(one) not in kept), None)
    if faulty is None:
        faulty = 0 if part in {"dense", "camera"} else len(found)
    out: list[Sentence] = []
    for at, one in enumerate((*found, None)):
        if at == faulty:
            out += [_composed(sentence, repaired=True) for sentence in new]
        if one is not None and id(one) in kept:
            out.append(as_sentence(one))
    return out


def _closed(sentences: Sequence[Sentence]) -> list[Sentence]:
    """Put a stop between a sentence that has none and the next one."""
    return [
        one
        if one.text.endswith(_STOPS) or at + 1 == len(sentences)
        else replace(one, text=f"{one.text}.")
        for at, one in enumerate(sentences)
    ]


def as_sentence(one: Judged) -> Sentence:
    """Return a sentence of the writer's with its sources; with words of its own it is invented."""
    if one.composed is not None:
        return one.composed
    origin: Origin = "invented" if one.own or not one.facts else "stated"
    return Sentence(one.text, sources_of(one.facts), origin)


def _composed(one: Sentence, *, repaired: bool) -> Sentence:
    stated = one.sources and one.origin != "invented"
    return Sentence(one.text, one.sources, "repaired" if stated and repaired else one.origin)


def _moves(one: Judged, known: Known) -> bool:
    return any(fact.aspect == "camera" for fact in one.facts) and known.camera is not None


def _repeats(one: Judged, new: Sequence[Sentence]) -> bool:
    """Whether a sentence says nothing that the new ones do not say as well."""
    there = stems_of(texts_of(new))
    return bool(new) and not one.own and not missing_words(one.text, texts_of(new)) and bool(there)


def limit_of(part: str) -> int:
    """Return how many characters a part may have."""
    return DENSE_LIMIT if part == "dense" else PART_LIMIT


def _fitting(part: str, sentences: Sequence[Sentence]) -> list[Sentence]:
    """Leave out what nobody stated, from the end, until the part fits."""
    kept = list(sentences)
    for one in reversed(sentences):
        if len(texts_of(kept)) <= limit_of(part):
            break
        if one.origin == "invented":
            kept.remove(one)
    return kept


def _holds(part: str, sentences: Sequence[Sentence], known: Known) -> bool:
    text = texts_of(sentences)
    return len(text) <= limit_of(part) and not missing(part, text, known)


def shown(text: str) -> str:
    """Return a sentence as findings quote it: a very long one only in its beginning."""
    return text if len(text) <= DENSE_LIMIT else f"{text[:_QUOTED]}…"


def _findings(
    part: str,
    found: Sequence[Judged],
    lacking: Sequence[tuple[Sentence, str]],
    new: Sequence[Sentence],
    sentences: Sequence[Sentence],
) -> Iterator[Finding]:
    """Tell each fault; the new sentences stand behind the first of them."""
    after = texts_of(new)
    for one in found:
        if one.faults:
            fault, _ = one.faults[0]
            why = "; ".join(dict.fromkeys(why for _, why in one.faults))
            yield Finding(part, fault, why, shown(one.text), after)
            after = ""
    for sentence, why in lacking:
        there = any(sentence.text == one.text for one in sentences)
        yield Finding(part, "omitted", why, "", sentence.text if there else "")
