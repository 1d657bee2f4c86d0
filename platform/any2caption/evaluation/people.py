"""People say which of two captions is better: what they are asked, in which order, and the count.

A study is one model against one other on one report's captions. Whoever votes does not see who
wrote what: sides and order are drawn from the study, the voter and the record. Pure.
"""

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from statistics import fmean
from typing import Any, Protocol

from any2caption.datasets.agreement import cohen_kappa
from any2caption.evaluation.policies.schema import People
from any2caption.evaluation.slices import in_turns
from any2caption.evaluation.statistics.chance import interval
from any2caption.storage.digest import json_digest

MOST = 100
DATA = "data"
"""Who wrote the other caption where there is no champion: the data's gold one."""


class Vote(Protocol):
    """A row of the catalogue's preferences."""

    item: str
    rater: str
    verdict: str
    left_by: str


@dataclass(frozen=True, slots=True)
class Pair:
    """Two captions of one record: the model's, and the champion's or the data's."""

    record: str
    slice: str
    model: str
    other: str


@dataclass(frozen=True, slots=True)
class Tally:
    """The count: for the model, for the other, for neither; and how far voters agree.

    `value` is the share won, undecided votes as halves, `low` to `high` its 95 % interval with the
    record as unit; None of nothing. `agreement` is Cohen's κ, the mean over all pairs of voters who
    saw records in common; None where nobody did, or where they only ever say one thing.
    """

    votes: int
    raters: int
    won: int
    lost: int
    tied: int
    value: float | None
    low: float | None
    high: float | None
    agreement: float | None


def study_of(bundle: str, champion: str, captions: str) -> str:
    """Name a study by the digests of both bundles ("": no champion) and of the texts judged."""
    return json_digest([bundle, champion, captions])


def pairs(report: Mapping[str, Any], most: int = MOST) -> list[Pair]:
    """Choose up to `most` records whose captions differ: of each slice as many, always the same."""
    slices = {one["record"]: one["slice"] for one in report["outcomes"]}
    groups: defaultdict[str, list[Pair]] = defaultdict(list)
    for record in sorted(report["texts"], key=lambda name: _drawn(report["snapshot"], name)):
        texts = report["texts"][record]
        one = Pair(
            record, slices.get(record, ""), texts["model"], texts.get("champion", texts["gold"])
        )
        if one.model.split() != one.other.split():
            groups[one.slice].append(one)
    return in_turns(groups.values(), most)


def in_order(found: Iterable[Pair], study: str, rater: str) -> list[Pair]:
    """Return the pairs in a voter's own order."""
    return sorted(found, key=lambda one: _drawn(study, rater, one.record))


def model_left(study: str, rater: str, record: str) -> bool:
    """Whether a voter sees the model's caption of a record on the left."""
    return _drawn("side", study, rater, record)[0] % 2 == 0


def _drawn(*names: str) -> bytes:
    return hashlib.sha256("/".join(names).encode()).digest()


def tally(votes: Sequence[Vote], bundle: str) -> Tally:
    """Count what people prefer, the model being the bundle of that digest."""
    said: defaultdict[str, dict[str, str]] = defaultdict(dict)
    for vote in votes:
        said[vote.rater][vote.item] = _said(vote, bundle)
    by_record: defaultdict[str, list[float]] = defaultdict(list)
    for answers in said.values():
        for record, one in answers.items():
            by_record[record].append({"model": 1.0, "other": 0.0}.get(one, 0.5))
    everything = [one for answers in said.values() for one in answers.values()]
    won, lost = everything.count("model"), everything.count("other")
    around = interval((sum(shares), len(shares)) for shares in by_record.values())
    shares = [share for found in by_record.values() for share in found]
    return Tally(
        votes=len(everything),
        raters=len(said),
        won=won,
        lost=lost,
        tied=len(everything) - won - lost,
        value=fmean(shares) if shares else None,
        low=around.low if around else None,
        high=around.high if around else None,
        agreement=_agreement(list(said.values())),
    )


def _said(vote: Vote, bundle: str) -> str:
    if vote.verdict not in {"left", "right"}:
        return vote.verdict
    return "model" if (vote.verdict == "left") == (vote.left_by == bundle) else "other"


def _agreement(raters: Sequence[Mapping[str, str]]) -> float | None:
    shared = (
        [(one[name], other[name]) for name in one.keys() & other.keys()]
        for one, other in combinations(raters, 2)
    )
    found = [kappa for both in shared if (kappa := cohen_kappa(both)) is not None]
    return fmean(found) if found else None


def lacking(rule: People, found: Tally) -> str | None:
    """Return what a policy's rule on people still wants; None if it holds."""
    if found.votes < rule.votes:
        return f"{found.votes} of {rule.votes} votes of people are there"
    if found.raters < rule.raters:
        return f"{found.raters} of {rule.raters} people have voted"
    if found.low is None or found.low < rule.bound:
        return (
            f"people prefer it in {found.value or 0:.2f} of cases ({found.low or 0:.2f} at the "
            f"interval's lower end), wanted ≥ {rule.bound:.2f}"
        )
    if rule.agreement is not None and (found.agreement or 0.0) < rule.agreement:
        told = "not known" if found.agreement is None else f"{found.agreement:.2f}"
        return f"people's agreement (Cohen's κ) is {told}, wanted ≥ {rule.agreement:.2f}"
    return None
