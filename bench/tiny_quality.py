"""What the `tiny` recipe learns: accuracy by condition, over seeds, beside its ablations.

    python bench/tiny_quality.py --home /tmp/quality --clips tests/data/camera --out quality.json
    python bench/tiny_quality.py --home /tmp/quality --variants recipe no-alignment --seeds 1

Makes a synthetic corpus of `--scenes` scenes, publishes it as a snapshot, prepares it once, then
for every variant and seed trains (`a2c train`) and evaluates (`any2caption.evaluation.run`, policy
`tiny`) on the held-out split. The first table has the slots that only a condition states, by slice
(the conditions that a record has) and slot; `worst` is the lowest over the seeds. The second has
every variant's totals: stated by a condition only, the same with the conditions of other records,
stated by the prompt only. With `--clips`, every camera file that can be parsed there is captioned
from the camera alone, and the camera part is held to the path's main movement as
`camera_language` reads it (no label of the file takes part): the largest one, or another that is as
large within a tenth, as in a diagonal.

Variants: `recipe` as it is; `no-alignment` without the alignment stages, so that the frozen
encoders are random ones; `condition-dropout` with conditions left out at 0.4 in the last stage, as
in the paper's identities stage. A finished run in `--home` is reused. `minutes` are processor
minutes of training, over all its processes and divided by two cores; where others use the machine,
`--minutes` lifts the recipe's guard, which counts time on the wall, so that the steps are all made.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from any2caption.captions.camera_reading import read_camera
from any2caption.captions.text import parse
from any2caption.conditions.camera.movements import movements
from any2caption.conditions.camera.vocabulary import expanded
from any2caption.conditions.inspect.report import inspect_path
from any2caption.conditions.types import Camera, Condition
from any2caption.errors import A2CError
from any2caption.settings import Settings
from any2caption.training.recipes.builtin import TINY
from any2caption.training.recipes.files import build

HELP = (__doc__ or "").partition("\n")[0]
VARIANTS = ("recipe", "no-alignment", "condition-dropout")
Report = Mapping[str, Any]


def variant(name: str, seed: int, steps: int, minutes: float) -> dict[str, Any]:
    """Return the recipe of a variant as the content of a recipe file."""
    recipe = {**asdict(TINY), "name": f"tiny-{name}", "seed": seed}
    recipe["max_minutes"] = minutes or TINY.max_minutes
    stages = [dict(stage) for stage in recipe["stages"]]
    if name == "no-alignment":
        stages = [{**stages[-1], "share": 1.0}]
    if name == "condition-dropout":
        stages[-1]["drop_condition"] = 0.4
    if steps:
        stages = [{**stage, "steps": min(steps, stage["steps"])} for stage in stages]
    recipe["stages"] = stages
    build(recipe, name)  # refuses what is no recipe any more
    return recipe


def prepared(home: Path, scenes: int, corpus: int, workers: int = 2) -> tuple[str, Path]:
    """Make the corpus, its snapshot and the prepared folder; return (snapshot id, folder)."""
    from any2caption.datasets.ingest.engine import ingest
    from any2caption.datasets.snapshots import publish
    from any2caption.datasets.synthetic.corpus import make_corpus
    from any2caption.storage import open_store
    from any2caption.training.prepare.preparation import Preparation
    from any2caption.training.prepare.prepared_folder import prepare
    from any2caption.training.recipes.builtin import TINY

    note, data = (home / f"{what}-{corpus}-{scenes}" for what in ("snapshot", "data"))
    settings = Settings(home=home, object_store="")
    if not note.exists():
        store, source = open_store(settings.object_store), f"corpus-{corpus}-{scenes}"
        make_corpus(store, source, scenes=scenes, seed=corpus, workers=workers)
        snapshot = publish(store, ingest(store, source, store, workers=workers).records).id
        made_from = Preparation(snapshot=snapshot, preset="tiny", recipe=TINY)
        prepare(settings, made_from, data, workers=workers)
        note.write_text(snapshot)
    return note.read_text(), data


def run(out: Path, recipe: Mapping[str, Any], snapshot: str, data: Path) -> None:
    """Train and evaluate one model in the folder `out`, beside which the corpus lies."""
    out.mkdir(parents=True, exist_ok=True)
    asked = out / "asked.json"
    asked.write_text(json.dumps(recipe))
    environment = {**os.environ, "A2C_HOME": str(out.parent), "A2C_MLFLOW_URL": ""}
    a2c = str(Path(sys.executable).with_name("a2c"))
    train = [a2c, "train", "--recipe", str(asked), "--data", str(data), "--out", str(out)]
    before = _processor_seconds()
    subprocess.run(train, check=True, env=environment, stdout=sys.stderr)
    spent = out / "processor.json"  # a finished run is not trained again
    if not spent.exists():
        spent.write_text(json.dumps({"seconds": _processor_seconds() - before}))
    if not (out / "report" / "report.json").exists():
        evaluate = [sys.executable, "-m", "any2caption.evaluation.run"]
        evaluate += ["--bundle", str(out / "bundle"), "--snapshot", snapshot, "--policy", "tiny"]
        evaluate += ["--out", str(out / "report")]
        subprocess.run(evaluate, check=True, env=environment, stdout=sys.stderr)


def _processor_seconds() -> float:
    """Seconds that finished child processes, and theirs, have computed."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def only_condition(report: Report) -> Iterator[tuple[str, str, float, int]]:
    """(slice, slot, accuracy, questions) of what only a condition states; slot `*` is the sum."""
    for name, values in report["slices"].items():
        found = values["accuracy"].get("only_condition")
        if found:
            yield name, "*", found["value"], found["n"]
            for slot, rate in found["slots"].items():
                yield name, slot, rate["value"], rate["n"]


def clips(folder: Path) -> Iterator[tuple[str, Condition]]:
    """Every file below a folder that is a camera path with a movement."""
    for file in sorted(path for path in folder.rglob("*") if path.is_file()):
        try:
            condition, _ = inspect_path(file, kind="camera")
        except A2CError:
            continue
        if isinstance(condition.payload, Camera) and movements(condition.payload):
            yield file.relative_to(folder).as_posix(), condition


def main_keys(camera: Camera) -> list[str]:
    """The keys of a path's largest movement, and of those that are as large within a tenth."""
    found = movements(camera)
    least = 0.9 * max(movement.shift for movement in found)
    return [movement.key for movement in found if movement.shift >= least]


def said_of(bundle: Path, found: Sequence[tuple[str, Condition]]) -> dict[str, list[list[str]]]:
    """Caption each clip from its camera alone; file → [main movement, movements said]."""
    from any2caption.model.inference import Captioner, Request

    captioner = Captioner(bundle)
    results = captioner.caption([Request(text="", conditions=[clip]) for _, clip in found])
    shown = [main_keys(clip.payload) for _, clip in found if isinstance(clip.payload, Camera)]
    said = [read_camera(parse(result.text).camera).keys for result in results]
    return {
        name: [main, list(words)] for (name, _), main, words in zip(found, shown, said, strict=True)
    }


def agree(table: Mapping[str, Sequence[Sequence[str]]]) -> float:
    """Share of clips whose main movement is said."""
    hits = [bool(expanded(main) & expanded(said)) for main, said in table.values()]
    return sum(hits) / len(hits)


def show(rows: Mapping[str, Sequence[tuple[str, str, float, int]]], name: str) -> None:
    """Print the first table: slice, slot, mean and worst over the seeds of one variant."""
    seeds = [runs for key, runs in rows.items() if key.rpartition("-")[0] == name]
    sys.stdout.write(f"\n{name}, {len(seeds)} seeds: stated by a condition only\n")
    sys.stdout.write(f"{'slice':16}{'slot':14}{'mean':>7}{'worst':>7}{'n':>6}\n")
    for place, slot in [(place, slot) for place, slot, _, _ in seeds[0]]:
        found = [(v, n) for run in seeds for p, s, v, n in run if (p, s) == (place, slot)]
        values = [value for value, _ in found]
        line = f"{place:16}{slot:14}{sum(values) / len(values):7.3f}{min(values):7.3f}"
        sys.stdout.write(f"{line}{found[0][1]:6}\n")


def total(report: Report, group: str, table: str = "accuracy") -> float:
    """Accuracy over all slices of one group of questions."""
    value = report["slices"]["all"][table].get(group, {}).get("value")
    return float("nan") if value is None else float(value)


def main() -> int:
    """Run the command."""
    parser = argparse.ArgumentParser(
        description=HELP, epilog=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--home", type=Path, required=True, help="folder for corpus and runs")
    parser.add_argument("--scenes", type=int, default=6000)
    parser.add_argument("--corpus", type=int, default=21, help="seed of the corpus")
    parser.add_argument("--workers", type=int, default=2, help="processes that make the corpus")
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3])
    parser.add_argument("--variants", nargs="+", choices=VARIANTS, default=list(VARIANTS))
    parser.add_argument("--steps", type=int, default=0, help="at most so many a stage")
    parser.add_argument("--minutes", type=float, default=0, help="guard of a run, on the wall")
    parser.add_argument("--clips", type=Path, help="folder of camera files")
    parser.add_argument("--out", type=Path, help="write the figures as JSON")
    given = parser.parse_args()
    home = given.home.absolute()
    snapshot, data = prepared(home, given.scenes, given.corpus, given.workers)
    found = list(clips(given.clips)) if given.clips else []
    rows: dict[str, list[tuple[str, str, float, int]]] = {}
    totals: dict[str, dict[str, Any]] = {}
    for name in given.variants:
        for seed in given.seeds:
            out = home / f"{name}-{given.corpus}-{seed}"
            run(out, variant(name, seed, given.steps, given.minutes), snapshot, data)
            report = json.loads((out / "report" / "report.json").read_text())
            key = f"{name}-{seed}"
            rows[key] = list(only_condition(report))
            totals[key] = {
                "only_condition": total(report, "only_condition"),
                "shuffled": total(report, "only_condition", "shuffled"),
                "only_text": total(report, "only_text"),
                "minutes": json.loads((out / "processor.json").read_text())["seconds"] / 120,
                **({"clips": said_of(out / "bundle", found)} if found else {}),
            }
            if given.out:
                given.out.write_text(json.dumps({"slots": rows, "totals": totals}, indent=1))
    for name in given.variants:
        show(rows, name)
    sys.stdout.write(
        f"\n{'run':24}{'only-C':>8}{'shuffled':>10}{'only-T':>8}{'clips':>8}{'minutes':>9}\n"
    )
    for key, values in totals.items():
        clip = f"{agree(values['clips']):8.3f}" if "clips" in values else f"{'-':>8}"
        line = f"{key:24}{values['only_condition']:8.3f}{values['shuffled']:10.3f}"
        line = f"{line}{values['only_text']:8.3f}{clip}{values['minutes']:9.1f}"
        sys.stdout.write(f"{line}\n")
    if found:
        sys.stdout.write(f"{len(found)} clips with a movement\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
