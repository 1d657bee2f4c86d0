"""The quality gate: scores in, verdict with reasons out. Pure: no clock, files or chance.

A challenger passes when every bound of the policy holds on enough records, and, if there is a
champion, when it is not worse: pooled first, then by slice, by slot and by slot within a slice,
corrected for how many there are (exact paired test, scenes as units); and when it lies no more
than the policy's margin below the champion and below the best former champion. Where there is not
enough data to say, the verdict says so, and refuses if the policy requires an answer. Answers in
slots in which the judge is not right often enough (`judge.card`) count in none of this; they are
told.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from any2caption.captions.lexicon import SLOTS
from any2caption.evaluation.judge.card import objection
from any2caption.evaluation.policies import (
    POLICIES,
    Each,
    Policy,
    Threshold,
    policy_digest,
    policy_of,
)
from any2caption.evaluation.scores import ALL, Outcome, Rate, Scores, Selector
from any2caption.evaluation.statistics.chance import Interval, by_scene, interval
from any2caption.evaluation.statistics.paired import PARTS, POOLED, WITHIN, Comparison, compare

__all__ = [
    "POLICIES",
    "Check",
    "Policy",
    "Threshold",
    "Verdict",
    "decide",
    "policy_digest",
    "policy_of",
]
TINY, SMOKE = POLICIES["tiny"], POLICIES["smoke"]
WHOLE = "whole captions"
State = Literal["holds", "refused", "unknown", "told"]


@dataclass(frozen=True, slots=True)
class Check:
    """One line of a verdict. `value` is None when nothing was measured.

    `state` is `unknown` where there is not enough data to say, and `told` where the policy does not
    let the line decide.
    """

    name: str
    value: float | None
    bound: float
    passed: bool
    reason: str
    state: State = "holds"
    direction: Literal["at_least", "at_most"] = "at_least"


@dataclass(frozen=True, slots=True)
class Verdict:
    """The gate's decision with everything that led to it."""

    policy: str
    for_release: bool
    passed: bool
    checks: tuple[Check, ...]
    comparisons: tuple[Comparison, ...] = ()
    mode: str = "enabled"

    @property
    def reasons(self) -> tuple[str, ...]:
        """Why it was refused (or would be, in a dry run); for a pass, one sentence that says so."""
        refused = tuple(check.reason for check in self.checks if not check.passed)
        if refused and self.mode != "enabled":
            return tuple(f"{self.mode.replace('_', ' ')}, would be refused: {r}" for r in refused)
        unknown = sum(check.state == "unknown" for check in self.checks)
        decided = sum(check.state in {"holds", "refused"} for check in self.checks)
        rest = f"; of {unknown} there is not enough data to say" if unknown else ""
        return refused or (f"all {decided} checks of policy {self.policy} hold{rest}",)


def decide(
    scores: Scores,
    champion_scores: Scores | None,
    policy: Policy,
    *,
    best: Scores | None = None,
    baselines: Mapping[str, Scores] | None = None,
) -> Verdict:
    """Hold the scores against the policy and the others' on the same records.

    `best` are those of the former champion that was best, `baselines` those of writers without a
    model, by name.
    """
    doubts = _doubts(scores, policy)
    decides = scores.without(doubts)
    checks = [_absolute(threshold, decides) for threshold in policy.thresholds]
    checks += _doubted(doubts, scores, policy)
    checks += _each(policy.each_slot, "slot", decides)
    checks += _each(policy.each_slice, "slice", decides)
    others = {name: one.without(doubts) for name, one in (baselines or {}).items()}
    checks += _against_baselines(decides, policy, others)
    comparisons: tuple[Comparison, ...] = ()
    if champion_scores is not None:
        both = {**doubts, **_doubts(champion_scores, policy)}
        pair = scores.without(both), champion_scores.without(both)
        comparisons = _compare_all(*pair, policy)
        checks += [_relative(comparison, policy) for comparison in comparisons]
        checks += _margin("the champion", *pair, policy)
    if best is not None:
        both = {**doubts, **_doubts(best, policy)}
        pair = scores.without(both), best.without(both)
        checks += _margin("the best former champion", *pair, policy)
    return Verdict(
        policy=policy.name,
        for_release=policy.for_release,
        passed=policy.mode != "enabled" or (bool(checks) and all(c.passed for c in checks)),
        checks=tuple(checks),
        comparisons=comparisons,
        mode=policy.mode,
    )


def measured(threshold: Threshold, scores: Scores) -> tuple[Rate, Interval | None]:
    """Return the rate that a threshold is about, and its interval."""
    select = threshold.select
    if threshold.structure:
        rate = scores.integrity(select.slice)
        return rate, interval([(1, 1)] * rate.hits + [(0, 1)] * (rate.n - rate.hits))
    if threshold.check:
        found = [one for one in scores.wholes if select.slice in (ALL, one.slice)]
        units: dict[str, list[bool]] = {}
        for one in found:
            units.setdefault(one.unit, []).append(threshold.check not in one.failed)
        pairs = [(sum(held), len(held)) for held in units.values()]
        return scores.sound(threshold.check, select.slice), interval(pairs)
    picked = [one for one in scores.outcomes if select.takes(one)]
    return scores.accuracy(select), interval(by_scene(picked))


def _doubts(scores: Scores, policy: Policy) -> dict[str, str]:
    """Slots in which the judge is not right often enough for its answers to decide → why."""
    shares = {slot: scores.familiar(slot).value for slot in scores.values(lambda one: one.slot)}
    why = {
        slot: objection(slot, policy.judge, 1.0 if share is None else share)
        for slot, share in shares.items()
    }
    return {slot: one for slot, one in why.items() if one}


def _doubted(doubts: Mapping[str, str], scores: Scores, policy: Policy) -> Iterator[Check]:
    """Tell the answers that can't decide; where the policy holds every slot, that refuses."""
    rule = policy.each_slot
    for slot, why in doubts.items():
        rate = scores.accuracy(Selector(slot=slot))
        name = f"slot {slot}"
        reason = f"{name}: {rate.hits} of {rate.n}, informative only: {why}"
        if rule is None or (rule.closed and slot not in SLOTS):
            yield Check(name, rate.value, 0.0, True, reason, "told")
        else:
            passed = rate.n < rule.minimum_n
            yield Check(name, rate.value, rule.bound, passed, reason, "unknown")


def _absolute(threshold: Threshold, scores: Scores) -> Check:
    rate, around = measured(threshold, scores)
    least = threshold.direction == "at_least"
    wanted = f"wanted {'≥' if least else '≤'} {threshold.bound:.2f}"
    name, bound = threshold.name, threshold.bound
    if rate.value is None or around is None or rate.n < threshold.minimum_n:
        reason = (
            f"{name}: not enough data to say: only {rate.n} measured, at least "
            f"{threshold.minimum_n} needed"
        )
        passed = not threshold.required
        return Check(name, rate.value, bound, passed, reason, "unknown", threshold.direction)
    value = rate.value
    if threshold.held == "interval":
        value = around.low if least else around.high
        wanted += f" at the interval's {'lower' if least else 'upper'} end"
    passed = value >= bound if least else value <= bound
    reason = (
        f"{name}: {rate.value:.3f} ({rate.hits} of {rate.n}; "
        f"{around.low:.3f} to {around.high:.3f}), {wanted}"
    )
    return Check(name, rate.value, bound, passed, reason, _state(passed), threshold.direction)


def _each(rule: Each | None, what: Literal["slot", "slice"], scores: Scores) -> Iterator[Check]:
    if rule is None:
        return
    for one in scores.values(lambda outcome: str(getattr(outcome, what))):
        select = Selector(slice=one) if what == "slice" else Selector(slot=one)
        floor = Threshold(
            name=f"{what} {one}",
            bound=rule.bound,
            select=select,
            minimum_n=rule.minimum_n,
            required=False,
        )
        yield _absolute(floor, scores)


def _against_baselines(
    scores: Scores, policy: Policy, baselines: Mapping[str, Scores]
) -> Iterator[Check]:
    for rule in policy.beats:
        name, select = f"beats {rule.writer}", Selector(group=rule.group)
        other = baselines.get(rule.writer)
        own, theirs = scores.accuracy(select).value, other.accuracy(select).value if other else None
        if own is None or theirs is None:
            reason = f"{name}: not enough data to say: no questions {rule.group} for both"
            yield Check(name, own, 0.0, True, reason, "unknown")
            continue
        better = own > theirs
        reason = f"{name} in {rule.group.replace('_', ' ')}: {own:.3f} against {theirs:.3f}"
        if rule.refuse:
            yield Check(name, own, theirs, better, reason, _state(better))
        else:
            yield Check(name, own, theirs, True, f"{reason}; told, decides nothing", "told")


def _relative(comparison: Comparison, policy: Policy) -> Check:
    name = f"no regression in {comparison.slice}"
    shown = (
        f"the smallest drop that {comparison.records} scenes could have shown is "
        f"{comparison.smallest:.3f}"
        if comparison.smallest is not None
        else f"{comparison.records} scenes could not have shown any drop"
    )
    moved = (
        f"{name}: {comparison.champion:.3f} → {comparison.challenger:.3f} "
        f"({comparison.difference:+.3f}, p = {comparison.p_worse:.4f}); {shown}"
    )
    if comparison.unmatched:
        reason = (
            f"{name}: {comparison.unmatched} questions were answered by one model only, "
            "so the two were not evaluated on the same records"
        )
        return Check(name, comparison.difference, 0.0, False, reason, "refused")
    if comparison.smallest is None:
        passed = comparison.slice not in policy.required
        reason = f"{moved}: not enough data to say"
        return Check(name, comparison.difference, 0.0, passed, reason, "unknown")
    passed = not comparison.regressed
    return Check(name, comparison.difference, 0.0, passed, moved, _state(passed))


def _margin(who: str, scores: Scores, other: Scores, policy: Policy) -> Iterator[Check]:
    if policy.margin is None:
        return
    found = compare(ALL, _plain(scores), _plain(other), policy.significance)
    name = f"no more than {policy.margin:.2f} below {who}"
    if not found.questions and not found.unmatched:
        reason = f"{name}: not enough data to say: no answers that decide"
        yield Check(name, None, -policy.margin, ALL not in policy.required, reason, "unknown")
        return
    reason = (
        f"{name}: {found.champion:.3f} → {found.challenger:.3f} ({found.difference:+.3f}, interval "
        f"{found.lowest:+.3f} to {found.highest:+.3f}; its lower end counts) on {found.records} "
        "scenes"
    )
    passed = not found.unmatched and found.lowest >= -policy.margin
    yield Check(name, found.lowest, -policy.margin, passed, reason, _state(passed))


def _plain(scores: Scores) -> list[Outcome]:
    return [one for one in scores.outcomes if not one.shuffled]


def _compare_all(scores: Scores, champion: Scores, policy: Policy) -> tuple[Comparison, ...]:
    """Compare pooled, by slice, by slot, as whole captions, and by slot within a slice.

    Half of the significance is the pooled comparison's; slices, slots and whole captions share
    three eighths, slots within slices the rest. Of these, which are many, only regressions are
    returned.
    """
    slices = dict.fromkeys((*scores.slices(), *champion.slices()))
    slots = scores.values(lambda one: one.slot) if policy.each_slot else ()
    parts: Sequence[tuple[str, Selector]] = [
        *((name, Selector(slice=name)) for name in slices),
        *((f"slot {name}", Selector(slot=name)) for name in slots),
    ]
    level = policy.significance * PARTS / (len(parts) + 1)
    pooled = policy.significance * POOLED
    chosen = [(ALL, Selector(), pooled), *((name, select, level) for name, select in parts)]
    answers = (
        compare(
            name,
            [o for o in scores.outcomes if select.takes(o)],
            [o for o in champion.outcomes if select.takes(o)],
            alpha,
        )
        for name, select, alpha in chosen
    )
    return (
        *answers,
        compare(WHOLE, _sound(scores), _sound(champion), level),
        *_within_slices(scores, champion, policy, slots),
    )


def _within_slices(
    scores: Scores, champion: Scores, policy: Policy, slots: Sequence[str]
) -> list[Comparison]:
    """Return the slots in which a slice got worse: what the slot's other slices would hide."""
    pairs = [
        (f"slot {slot} in {name}", Selector(slice=name, slot=slot))
        for slot in slots
        for name in scores.slices()
    ]
    chosen = [
        (name, own, [one for one in champion.outcomes if select.takes(one)])
        for name, select in pairs
        if (own := [one for one in scores.outcomes if select.takes(one)])
    ]
    level = policy.significance * WITHIN / max(len(chosen), 1)
    found = (compare(name, own, theirs, level) for name, own, theirs in chosen)
    return [one for one in found if one.regressed]


def _sound(scores: Scores) -> list[Outcome]:
    """Whole captions as answers: right where no check finds fault."""
    return [
        Outcome(one.record, 0, one.slice, "", WHOLE, "both", not one.failed, scene=one.scene)
        for one in scores.wholes
    ]


def _state(passed: bool) -> State:  # noqa: FBT001 - a pure mapping
    return "holds" if passed else "refused"
