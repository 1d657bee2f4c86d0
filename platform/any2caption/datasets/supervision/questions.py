"""Questions about records that came without any, asked by rules. Pure.

A question needs an answer that the record's inputs state. Three places know it: the geometry of a
camera path (kept with the record at ingest), the prompt's own words as facts, and the caption where
an input of its kind shows what it says (what a pose does, what a picture is of). A fact of the
prompt that the gold caption itself does not say is not asked: nobody can be held to it. Those of
held-out records are the evaluation's, and lie beside the snapshot under a version; what conditions
of training records answer are the slots that the alignment stages learn.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal, cast

from any2caption.captions.schema import PARTS, StructuredCaption
from any2caption.conditions.camera.vocabulary import PHRASES
from any2caption.conditions.fact import Fact
from any2caption.datasets.records import QA, Aspect, Record
from any2caption.datasets.supervision.phrases import mine
from any2caption.grounding.check.claims import read_claims
from any2caption.grounding.facts import Facts
from any2caption.grounding.gather import gather
from any2caption.grounding.vocabulary import GENERIC, PLAIN
from any2caption.grounding.words.content import content_words
from any2caption.grounding.words.forms import stems
from any2caption.grounding.words.read import read_text
from any2caption.storage import digest_of
from any2caption.storage.base import ObjectStore

VERSION = 1
Origin = Literal["given", "geometry", "prompt", "caption"]
_PICTURES = ("image", "video", "masked_image")
_ASKED: Mapping[str, tuple[Aspect, str, str]] = {
    "subject": ("subject", "stated_subject", "Who or what is it about?"),
    "background": ("background", "stated_place", "Where is it?"),
    "style": ("style", "stated_style", "What does it look like?"),
    "action": ("movement", "stated_action", "What is done?"),
}
"""Aspect of a fact of the prompt → aspect, slot and words of the question."""
_CAMERA, _DOES = "How does the camera move?", "What does the subject do?"


@dataclass(frozen=True, slots=True)
class Asked:
    """A question and where its answer comes from."""

    qa: QA
    origin: Origin


def ask(record: Record) -> tuple[Asked, ...]:
    """Return a record's questions: its own, else those that rules find."""
    if record.qa:
        return tuple(Asked(qa, "given") for qa in record.qa)
    return tuple(_found(record))


def asked_of(record: Record) -> Record:
    """Return the record with its questions, for evaluation only."""
    return record.model_copy(update={"qa": tuple(one.qa for one in ask(record))})


def answered_by_conditions(record: Record) -> tuple[QA, ...]:
    """Return what a record's conditions answer: its own questions, else those of rules.

    Prompts are not read for it, so a question may be about what the prompt says too.
    """
    found = (_path(record, ("camera",)), _deed(record), _shown(record))
    return record.qa or tuple(qa for qa in found if qa is not None)


def _found(record: Record) -> Iterator[Asked]:
    facts = _facts(record.prompt)
    told = {key for fact in facts.of("camera") for key in fact.value.get("keys", ())}
    if path := _path(record, ("text", "camera") if told >= set(_moves(record)) else ("camera",)):
        yield Asked(path, "geometry")
    if deed := _deed(record):
        yield Asked(deed, "caption")
    posed = any(one.kind == "pose" for one in record.conditions) and "action" in mine(record)
    yield from (Asked(qa, "prompt") for qa in _prompt(record.caption, facts, posed=posed))
    named = any(fact.aspect == "subject" for fact in facts.found)
    if not named and (subject := _shown(record)):
        yield Asked(subject, "caption")


def _moves(record: Record) -> list[str]:
    """The movements of the one path: exact, whatever the caption says."""
    paths = [one for one in record.conditions if one.kind == "camera"]
    return [key for key in paths[0].movements if key in PHRASES] if len(paths) == 1 else []


def _path(record: Record, sources: tuple[str, ...]) -> QA | None:
    if not (keys := _moves(record)):
        return None
    answer = " while ".join(PHRASES[key][0] for key in keys)
    return _qa("camera", "path", _CAMERA, answer, sources)


def _deed(record: Record) -> QA | None:
    """What a pose's caption says that is done; not what geometry finds, which the pose shows."""
    if all(one.kind != "pose" for one in record.conditions):
        return None
    mined = mine(record).get("action")
    if mined is None or mined.origin != "caption":
        return None
    return _qa("movement", "deed", _DOES, " and ".join(mined.phrases), ("pose",))


def _shown(record: Record) -> QA | None:
    kinds = {one.kind for one in record.conditions}
    pictured = next((kind for kind in _PICTURES if kind in kinds), None)
    subject = _main_subject(record) if pictured else ""
    question = "Who or what is shown?"
    return _qa("subject", "shown_subject", question, subject, (str(pictured),)) if subject else None


def of_prompt(prompt: str, caption: StructuredCaption) -> tuple[QA, ...]:
    """Return the questions that a prompt answers, as far as its gold caption says it."""
    return tuple(_prompt(caption, _facts(prompt), posed=False))


def _prompt(caption: StructuredCaption, facts: Facts, *, posed: bool) -> Iterator[QA]:
    whole = " ".join(getattr(caption, part) for part in PARTS)
    said = read_claims(whole)
    for fact in facts.of(*_ASKED):  # type: ignore[arg-type]
        aspect, slot, question = _ASKED[fact.aspect]
        words = _telling(fact)
        if fact.negated or not words or (posed and fact.aspect == "action"):
            continue
        if all(stems(word) & said.words for word in words):
            yield _qa(aspect, slot, question, " ".join(words), ("text",))


def _telling(fact: Fact) -> list[str]:
    """The words of a fact that name something."""
    return [w for w in content_words(fact.text) if stems(w).isdisjoint(PLAIN | GENERIC)]


def _main_subject(record: Record) -> str:
    """The head of the first thing that the caption's main-object part names."""
    found, _ = read_text(record.caption.main_object)
    nouns = (str(one.value.get("noun") or "") for one in found if one.aspect == "subject")
    heads = (noun.split()[-1] for noun in nouns if noun.split())
    return next((head for head in heads if stems(head).isdisjoint(PLAIN | GENERIC)), "")


@lru_cache(maxsize=4_096)
def _facts(prompt: str) -> Facts:
    return gather(prompt, [])


def _qa(aspect: str, slot: str, question: str, answer: str, sources: tuple[str, ...]) -> QA:
    return QA(
        aspect=cast("Aspect", aspect),
        slot=slot,
        question=question,
        answer=answer,
        sources=sources,
    )


def keep(store: ObjectStore, snapshot: str, records: Iterable[Record]) -> str:
    """Write the questions of records beside their snapshot, once; return the object's key."""
    table = {
        record.id: [{**one.qa.model_dump(mode="json"), "origin": one.origin} for one in ask(record)]
        for record in records
    }
    content = {"schema": "a2c.questions/1", "version": VERSION, "questions": table}
    raw = json.dumps(content, indent=1, ensure_ascii=False, sort_keys=True).encode()
    key = f"snapshots/{snapshot}/questions-v{VERSION}-{digest_of(raw)[:16]}.json"
    if not store.exists(key):
        store.put(key, raw)
    return key
