"""What the gate refuses: broken writers over a held-out synthetic corpus, and by which check.

`python bench/gate_mutations.py [--scenes N] [--policy tiny]` prints a row for each writer of
`gate_writers`. No model takes part.
"""

import argparse
from collections.abc import Callable
from dataclasses import replace

from gate_writers import BROKEN, World, Writer, reader, world

from any2caption.evaluation.gates import Policy, Verdict, decide, policy_of
from any2caption.evaluation.measure import Selection, control, references_of, score
from any2caption.evaluation.slices import pick

Judge = Callable[[Writer], Verdict]


def scaled(policy: Policy, least: int) -> Policy:
    """Return a policy that is content with a smaller sample; no bound moves."""
    lower = [replace(one, minimum_n=min(one.minimum_n, least)) for one in policy.thresholds]
    each = [
        replace(one, minimum_n=least) if one else None
        for one in (policy.each_slot, policy.each_slice)
    ]
    return replace(policy, thresholds=tuple(lower), each_slot=each[0], each_slice=each[1])


def judge_of(made: World, policy: Policy, per_slice: int) -> Judge:
    """Return what decides on a writer."""
    selection: Selection = pick(made.records, per_slice)
    references = references_of(selection, lambda r: made.facts[r.id])
    records = [record for group in selection.values() for record in group]
    pairs = control(selection, lambda name: policy.control_of(name, per_slice))
    donors = {one: donor for found in pairs.values() for one, donor in found.items()}
    by_id = {record.id: record for record in records}

    def judge(writer: Writer) -> Verdict:
        texts = {record.id: writer(record, record) for record in records}
        mixed = {one: writer(by_id[one], donor) for one, donor in donors.items()}
        return decide(score(selection, texts, mixed, references).scores, None, policy)

    return judge


MOST = 4
"""Refusing checks that a row of the table names."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--scenes", type=int, default=120)
    parser.add_argument("--policy", default="tiny")
    parser.add_argument("--least", type=int, default=24, help="answers that a bound needs")
    given = parser.parse_args()
    judge = judge_of(world(given.scenes), scaled(policy_of(given.policy), given.least), 128)
    print("| writer | verdict | refused by |\n|---|---|---|")
    for name, writer in {"good reader": reader, **BROKEN}.items():
        verdict = judge(writer)
        failed = [check for check in verdict.checks if not check.passed]
        refused = [f"{c.name} {c.value or 0:.2f}" for c in failed if c.state == "refused"]
        unread = [c.name for c in failed if c.state == "unknown"]
        shown = refused[:MOST]
        shown += [f"and {len(refused) - MOST} more"] if len(refused) > MOST else []
        shown += [f"not enough data to say: {len(unread)}"] if unread else []
        state = "passed" if verdict.passed else "refused"
        print(f"| {name} | {state} | {'; '.join(shown)} |", flush=True)


if __name__ == "__main__":
    main()
