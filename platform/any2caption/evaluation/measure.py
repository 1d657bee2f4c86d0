"""From predicted texts to scores: every question judged, with and without shuffled conditions."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from any2caption.datasets.records import Record
from any2caption.evaluation.judge.answers import Judge, part_of
from any2caption.evaluation.judge.card import is_familiar, vocabulary
from any2caption.evaluation.metrics import Overlap, Prediction, by_part
from any2caption.evaluation.scores import ALL, Outcome, Rate, Scores
from any2caption.evaluation.slices import control_pairs, group_of, scene_of
from any2caption.evaluation.whole import Corpus, Reference, hold
from any2caption.grounding.facts import Facts
from any2caption.storage.digest import json_digest

Selection = Mapping[str, Sequence[Record]]


@dataclass(frozen=True, slots=True)
class Measured:
    """A model's scores, its predictions by record id, and the digest of all texts judged."""

    scores: Scores
    predictions: Mapping[str, Prediction]
    captions: str = ""


def control(selection: Selection, size: Callable[[str], int]) -> dict[str, dict[str, Record]]:
    """Choose the shuffled control: slice → record id → donor, up to `size(slice)` records each."""
    pairs = {name: control_pairs(records, size(name)) for name, records in selection.items()}
    return {name: found for name, found in pairs.items() if found}


def references_of(selection: Selection, facts: Callable[[Record], Facts]) -> dict[str, Reference]:
    """Return what whole captions are held to, by record id; `facts` gathers those of a request."""
    records = [record for group in selection.values() for record in group]
    corpus = Corpus.of(records)
    return {record.id: Reference(record, facts(record), corpus) for record in records}


def score(
    selection: Selection,
    texts: Mapping[str, str],
    shuffled: Mapping[str, str],
    references: Mapping[str, Reference] | None = None,
) -> Measured:
    """Judge all questions of the selection, and the captions as wholes.

    `texts` and `shuffled` map record ids to predicted texts; `shuffled` holds the control's
    records only. Without `references` captions are not held to their requests.
    """
    records = [record for group in selection.values() for record in group]
    judge = Judge.knowing(qa for record in records for qa in record.qa)
    known = vocabulary(records)
    predictions = {record.id: Prediction.read(texts[record.id]) for record in records}
    outcomes: list[Outcome] = []
    for name, group in selection.items():
        for record in group:
            outcomes += _judge(judge, known, name, record, predictions[record.id])
            if record.id in shuffled:
                mixed_up = Prediction.read(shuffled[record.id])
                mixed = _judge(judge, known, name, record, mixed_up)
                outcomes += [replace(one, shuffled=True) for one in mixed]
    structure = {
        name: Rate(sum(predictions[r.id].caption is not None for r in group), len(group))
        for name, group in selection.items()
    }
    wholes = hold(selection, predictions, references) if references else ()
    captions = json_digest([dict(texts), dict(shuffled)])
    return Measured(Scores(structure, tuple(outcomes), wholes), predictions, captions)


def _judge(
    judge: Judge, known: frozenset[str], name: str, record: Record, prediction: Prediction
) -> list[Outcome]:
    scene = scene_of(record)
    return [
        Outcome(
            record=record.id,
            index=index,
            slice=name,
            aspect=qa.aspect,
            slot=qa.slot,
            group=group_of(qa),
            correct=judge.correct(qa, prediction),
            scene=scene,
            familiar=is_familiar(prediction.part(part_of(qa)), known),
        )
        for index, qa in enumerate(record.qa)
    ]


def overlap_tables(
    selection: Selection, predictions: Mapping[str, Prediction]
) -> dict[str, dict[str, Overlap]]:
    """Overlap metrics per slice and over all: slice → part → values."""
    by_slice = {name: overlap_of({name: one}, predictions) for name, one in selection.items()}
    return {ALL: overlap_of(selection, predictions), **by_slice}


def overlap_of(selection: Selection, predictions: Mapping[str, Prediction]) -> dict[str, Overlap]:
    """Overlap metrics of all records of a selection: part → values."""
    records = [record for group in selection.values() for record in group]
    return by_part([predictions[one.id] for one in records], [one.caption for one in records])
