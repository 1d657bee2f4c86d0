"""Film captions with previs and hold the paths to those of their camera conditions.

    python bench/closed_loop.py                    # held-out records of the demo's corpus
    python bench/closed_loop.py --scenes 600 --out closed_loop.json

No trained model takes part: rows are the gold captions, captions composed from the request's facts,
another record's gold captions and no movement at all. A model's row is in the report of its
evaluation (`closed_loop` of report.json).
"""

import argparse
import json
from pathlib import Path

from gate_writers import held_out, parsed

from any2caption.cli.lifecycle import SCENES, SEED
from any2caption.conditions.types import Camera
from any2caption.datasets.records import Record, SourceRecord
from any2caption.datasets.splits import split_of
from any2caption.datasets.synthetic.captioning import caption_of
from any2caption.datasets.synthetic.corpus import make_scenes
from any2caption.datasets.synthetic.world import sample_scene
from any2caption.evaluation.figures.closed_loop import FIGURES, closed_loop
from any2caption.grounding.compose import compose
from any2caption.grounding.facts import Facts
from any2caption.grounding.gather import gather

TITLES = ("RotErr", "TransErr", "CamMC")


def filmed_records(
    scenes: int, seed: int
) -> tuple[list[Record], dict[str, Camera], dict[str, Facts]]:
    """Return the held-out records with one camera path, their paths and what they state."""
    records, cameras, facts = [], {}, {}
    for number in range(scenes):
        if split_of(caption_of(sample_scene(seed, number))) != "test":
            continue
        lines, files = make_scenes(seed, number, number + 1)
        for source in map(SourceRecord.model_validate_json, lines):
            kinds = [one.kind for one in source.conditions]
            if kinds.count("camera") != 1:
                continue
            conditions = parsed(source, files)
            records.append(held_out(source, [one.format for one in conditions]))
            cameras[source.id] = conditions[kinds.index("camera")].payload
            facts[source.id] = gather(source.prompt, conditions)
    return records, cameras, facts


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--scenes", type=int, default=SCENES, help="size of the synthetic corpus")
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--out", type=Path)
    asked = parser.parse_args()
    records, cameras, facts = filmed_records(asked.scenes, asked.seed)
    found = closed_loop(
        records, cameras, {"compose": lambda record: compose(facts[record.id]).caption}
    )
    if not found:
        parser.exit(1, "no held-out record with a camera path; more --scenes\n")
    print(f"{found['paths']} paths, {found['without_translation']} without translation\n")
    print(f"| caption | {' | '.join((*TITLES, *(f'excess {one}' for one in TITLES)))} |")
    print("|---" * 7 + "|")
    for name, row in found["errors"].items():
        more = found["excess"].get(name, {})
        cells = [f"{row[one]:.2f}" for one in FIGURES]
        cells += [f"{more[one]:+.2f}" if one in more else "-" for one in FIGURES]
        print(f"| {name} | {' | '.join(cells)} |")
    if asked.out:
        asked.out.write_text(json.dumps(found, indent=1))


if __name__ == "__main__":
    main()
