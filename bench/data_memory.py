"""Peak memory of ingest, survey and preparation as a data set grows tenfold.

    python bench/data_memory.py --sizes 10000 100000 --most 0.15 --out memory.json

Each record has a camera path and texts of its own (made of four thousand clauses), every tenth a
small picture too: nothing is shared, so every record, condition and caption counts. Each step runs
in a process of its own, as the platform runs it, with one worker; memory is the largest resident
size of the process or of one of its children. `survey` is what a plan of training reads: the
snapshot before it is prepared, the prepared folder after. Fails where a step's peak grows by more
than `--most` from the first size to the last.
"""

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

HELP = (__doc__ or "").partition("\n")[0]
sys.path.insert(0, str(Path(__file__).parent))
STEPS = ("ingest", "survey", "prepare", "survey prepared")
_FOLDER = 1_000  # records whose files share a folder
_PICTURE = 10  # of so many records one has a picture
_SIDE = 32
_CLAUSE = 6  # words
_TEXTS = 300  # texts that clauses are taken from


def make_source(folder: Path, count: int) -> None:
    """Write `count` records: captions, RealEstate10K camera paths, a few PNG pictures of noise."""
    import numpy as np
    from data_ingest import camera
    from data_records import LICENCES, PROMPT, WORDS
    from PIL import Image

    rng, known = np.random.default_rng(0), clauses()

    def text(words: int) -> str:
        return ", ".join(rng.choice(known, max(1, words // _CLAUSE))) + "."

    with (folder / "manifest.jsonl").open("w") as manifest:
        for number in range(count):
            place = folder / "media" / f"{number // _FOLDER:03}"
            place.mkdir(parents=True, exist_ok=True)
            (place / f"{number}.txt").write_text(camera(number))
            conditions = [{"kind": "camera", "paths": [f"media/{place.name}/{number}.txt"]}]
            if number % _PICTURE == 0:
                noise = rng.integers(0, 255, (_SIDE, _SIDE, 3), np.uint8)
                Image.fromarray(noise).save(place / f"{number}.png")
                conditions.append({"kind": "image", "paths": [f"media/{place.name}/{number}.png"]})
            record = {
                "id": f"bench-{number:07}",
                "source": "bench",
                "licence": LICENCES[number % len(LICENCES)],
                "prompt": text(PROMPT),
                "caption": {part: text(words) for part, words in WORDS.items()},
                "conditions": conditions,
            }
            manifest.write(json.dumps(record) + "\n")


def clauses() -> list[str]:
    """Texts of a few words that captions are made of, as people's captions share clauses."""
    from data_records import row

    texts = (row(number)["caption_dense"].split() for number in range(_TEXTS))
    return [
        " ".join(words[at : at + _CLAUSE])
        for words in texts
        for at in range(0, len(words) - _CLAUSE, _CLAUSE)
    ]


def take(step: str, home: Path) -> None:
    """Do one step in this process; what the next one needs is left in `home`."""
    from any2caption.settings import Settings

    settings = Settings(home=home, object_store="")
    found, data = home / "snapshot", home / "data"
    if step == "ingest":
        from any2caption.datasets.ingest import run_ingest

        source = (home / "source").as_uri()
        found.write_text(run_ingest(settings, source, workers=1, threshold=0.0)["snapshot"])
        return
    from any2caption.training.prepare.preparation import Preparation
    from any2caption.training.recipes.builtin import TINY

    preparation = Preparation(snapshot=found.read_text(), preset="tiny", recipe=TINY)
    if step == "prepare":
        from any2caption.training.prepare.prepared_folder import prepare

        prepare(settings, preparation, data, workers=1)
        return
    from any2caption.training.planning.facts import survey
    from any2caption.training.run_spec import RunSpec

    run = RunSpec(
        recipe=TINY,
        preset="tiny",
        data=data,
        out=home / "run",
        world_size=1,
        progress=settings.progress_log,
    )
    survey(run, None if step == "survey prepared" else preparation, settings)


def peak_mb() -> float:
    """The largest resident size of this process or of one child that has ended."""
    who = (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    return round(max(resource.getrusage(item).ru_maxrss for item in who) / 1024, 1)


def measure(size: int, parent: Path | None) -> dict[str, dict[str, float]]:
    """Step → peak memory and seconds, for a data set of `size` records."""
    rows: dict[str, dict[str, float]] = {}
    with tempfile.TemporaryDirectory(prefix="a2c-bench-", dir=parent) as folder:
        home = Path(folder)
        (home / "source").mkdir()
        make_source(home / "source", size)
        for step in STEPS:
            command = [sys.executable, __file__, "--step", step, "--home", folder]
            done = subprocess.run(command, capture_output=True, text=True, check=False)
            if done.returncode:
                sys.exit(f"{step} of {size} records: {done.stderr[-2000:]}")
            rows[step] = json.loads(done.stdout.splitlines()[-1])
            print(f"{size:>9,} {step:<16}{rows[step]['mb']:>8.0f} MB{rows[step]['s']:>9.1f} s",
                  flush=True)  # fmt: skip
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=HELP)
    parser.add_argument("--sizes", type=int, nargs="+", default=[10_000, 100_000])
    parser.add_argument("--most", type=float, default=0.15, help="share by which a peak may grow")
    parser.add_argument("--folder", type=Path, help="where the data sets are made and removed")
    parser.add_argument("--out", type=Path)
    parser.add_argument("--step", help=argparse.SUPPRESS)
    parser.add_argument("--home", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.step:
        began = time.perf_counter()
        take(options.step, options.home)
        print(json.dumps({"mb": peak_mb(), "s": round(time.perf_counter() - began, 1)}))
        return
    found = {size: measure(size, options.folder) for size in options.sizes}
    if options.out:
        options.out.write_text(json.dumps(found, indent=1))
    first, last = found[options.sizes[0]], found[options.sizes[-1]]
    grown = {step: last[step]["mb"] / first[step]["mb"] - 1 for step in STEPS}
    for step, share in grown.items():
        print(f"{step:<16}{share:>+7.1%}")
    if bad := [step for step, share in grown.items() if share > options.most]:
        sys.exit(f"more than {options.most:.0%}: {', '.join(bad)}")


if __name__ == "__main__":
    main()
