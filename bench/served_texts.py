"""Held-out captions of a bundle, written in this process and by the Triton of its own release.

    python bench/served_texts.py --home .a2c --bundle .a2c/runs/RUN/train/bundle

What the evaluation would judge (batches of 32 in this process) is what the other ways are held to.
The release is built in a temporary folder and booted alone, as its trial does. `--home` is that of
the stack that made the bundle, for its keys and the snapshot; no service of it has to run.
"""

import argparse
import json
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from any2caption.datasets.records import Record
from any2caption.datasets.snapshots import load_snapshot
from any2caption.evaluation.captioning import Item, Texter
from any2caption.evaluation.reports.judged import Judged
from any2caption.evaluation.run import texter_of
from any2caption.evaluation.slices import in_turns, pick
from any2caption.model.bundle_facts import bundle_facts
from any2caption.serving.client import CaptionClient
from any2caption.serving.control import TritonControl
from any2caption.serving.releases import release_folder, texts, trial
from any2caption.stack.environment import load_settings
from any2caption.storage import ObjectStore, open_store
from any2caption.storage.signing_keys import Keys

JUDGED = 32  # the evaluation's batch
PLACES = (1, 8, 32)
SECONDS = 3600.0
Row = tuple[str, int, float]
"""How captions were written, how many are others than those judged, seconds."""


def written(write: Texter, records: Sequence[Record], batch: int) -> tuple[dict[str, str], float]:
    """Write captions in this process; return them by record, and the seconds taken."""
    began, found = time.monotonic(), dict[str, str]()
    for first in range(0, len(records), batch):
        group = records[first : first + batch]
        made = write([Item(one) for one in group])
        found |= {one.id: text for one, text in zip(group, made, strict=True)}
    return found, time.monotonic() - began


def here(write: Texter, records: Sequence[Record]) -> tuple[dict[str, str], list[Row]]:
    """Write them as the evaluation does, and one by one; return the former, and both rows."""
    write([Item(records[0])])  # what is loaded by the first is not counted
    judged, seconds = written(write, records, JUDGED)
    alone, longer = written(write, records, 1)
    other = sum(alone[record] != text for record, text in judged.items())
    name = "this process, {} at a time"
    return judged, [(name.format(JUDGED), 0, seconds), (name.format(1), other, longer)]


def served(control: TritonControl, store: ObjectStore, wanted: Sequence[texts.Wanted]) -> list[Row]:
    """Have them written by the server, more and more at a time; what differs is printed."""
    rows = []
    with CaptionClient(control.url, key=control.key) as client:
        for places in PLACES:
            found = texts.compare(client, store, wanted, seconds=SECONDS, places=places)
            for one in found.differences:
                print(one)
            other = len(found.differences)
            rows.append((f"the release's Triton, {places} at a time", other, found.seconds))
    return rows


def snapshot_of(facts: Mapping[str, Mapping[str, str]]) -> str:
    """Return the snapshot that a bundle was trained on."""
    return facts["meta"].get("snapshot", "")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--home", type=Path, required=True, help="folder of a stack's state")
    parser.add_argument("--bundle", type=Path, required=True)
    parser.add_argument("--records", type=int, default=200, help="of every slice as many")
    parser.add_argument("--out", type=Path, help="write the figures as JSON")
    asked = parser.parse_args()
    settings = load_settings(asked.home)
    keys, snapshot = Keys.of(settings), snapshot_of(bundle_facts(asked.bundle))
    store = open_store(settings.object_store, settings.s3_endpoint_url)
    slices = pick(load_snapshot(store, snapshot).records("test"), asked.records)
    records = in_turns(slices.values(), asked.records)
    judged, rows = here(texter_of(asked.bundle, store), records)
    wanted = texts.sample(Judged("", snapshot, judged), records, asked.records)
    with tempfile.TemporaryDirectory() as folder:
        release = release_folder.build(asked.bundle, Path(folder), 1, model_version="1", keys=keys)
        trial.boot(
            release,
            settings.serve_python,
            keys=keys,
            then=lambda control: rows.extend(served(control, store, wanted)),
        )
    print("| captions written by | other texts | a second |\n|---|---|---|")
    for where, other, seconds in rows:
        print(f"| {where} | {other} of {len(records)} | {len(records) / seconds:.1f} |")
    if asked.out:
        asked.out.write_text(json.dumps(rows, indent=1))


if __name__ == "__main__":
    main()
