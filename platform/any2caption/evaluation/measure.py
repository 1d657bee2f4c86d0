"""From predicted texts to scores: judging every question, with and without shuffled conditions."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from any2caption.datasets.records import Record
from any2caption.evaluation.judge import Judge
from any2caption.evaluation.metrics import Overlap, Prediction, by_part
from any2caption.evaluation.scores import ALL, Outcome, Rate, Scores
from any2caption.evaluation.slices import donors, group_of
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
    pairs = {name: donors(records) for name, records in selection.items()}
    return {name: dict(list(found.items())[: size(name)]) for name, found in pairs.items() if found}


def score(selection: Selection, texts: Mapping[str, str], shuffled: Mapping[str, str]) -> Measured:
    """Judge all questions of the selection.

    `texts` and `shuffled` map record ids to predicted texts; `shuffled` holds the control's
    records only.
    """
    records = [record for group in selection.values() for record in group]
    judge = Judge.knowing(qa for record in records for qa in record.qa)
    predictions = {record.id: Prediction.read(texts[record.id]) for record in records}
    outcomes: list[Outcome] = []
    for name, group in selection.items():
        for record in group:
            outcomes += _judge(judge, name, record, predictions[record.id], shuffled=False)
            if record.id in shuffled:
                mixed_up = Prediction.read(shuffled[record.id])
                outcomes += _judge(judge, name, record, mixed_up, shuffled=True)
    structure = {
        name: Rate(sum(predictions[r.id].caption is not None for r in group), len(group))
        for name, group in selection.items()
    }
    captions = json_digest([dict(texts), dict(shuffled)])
    return Measured(Scores(structure, tuple(outcomes)), predictions, captions)


def _judge(
    judge: Judge, name: str, record: Record, prediction: Prediction, *, shuffled: bool
) -> list[Outcome]:
    return [
        Outcome(
            record=record.id,
            index=index,
            slice=name,
            aspect=qa.aspect,
            slot=qa.slot,
            group=group_of(qa),
            correct=judge.correct(qa, prediction),
            shuffled=shuffled,
        )
        for index, qa in enumerate(record.qa)
    ]


def overlap_tables(
    selection: Selection, predictions: Mapping[str, Prediction]
) -> dict[str, dict[str, Overlap]]:
    """Overlap metrics per slice and over all: slice → part → values."""
    groups = {ALL: [r for group in selection.values() for r in group], **selection}
    return {
        name: by_part([predictions[r.id] for r in group], [r.caption for r in group])
        for name, group in groups.items()
    }
