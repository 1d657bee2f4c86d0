"""Records and sources for the tests, made by hand or from the synthetic world."""

import json

from any2caption.captions.schema import StructuredCaption
from any2caption.datasets.records import MediaObject, Record, RecordCondition
from any2caption.datasets.splits import split_of
from any2caption.datasets.synthetic.corpus import make_corpus


def caption(subject="a red ball"):
    return StructuredCaption(
        dense=f"{subject} rolls over the grass while the camera follows",
        main_object=f"{subject}",
        background="a meadow",
        camera="the camera pans left",
        style="a plain drawing",
        action="it rolls",
    )


def record(number=0, **changes):
    words = changes.pop("caption", caption(f"ball {number} é"))
    condition = RecordCondition(
        kind="image",
        number=1,
        role="identity",
        format="png",
        parts=(MediaObject(name="a.png", sha256=f"{number:064x}", size=10),),
        frames=1,
        height=32,
        width=48,
        options={"scale": 1.5, "flag": True, "count": 3, "name": "x"},
        assumptions=("the scale is 1000",),
        tool_version="1",
    )
    values = {
        "id": f"r-{number:05}",
        "source": "unit",
        "licence": "CC0-1.0",
        "split": split_of(words),
        "prompt": "a ball",
        "conditions": (condition,),
        "caption": words,
        "synthetic": True,
    }
    return Record(**{**values, **changes})


def write_corpus(store, prefix="src", scenes=6, seed=3):
    """Write a synthetic corpus; return its manifest as a list of JSON objects."""
    make_corpus(store, prefix, scenes=scenes, seed=seed, workers=1)
    return read_manifest(store, prefix)


def read_manifest(store, prefix="src"):
    return [json.loads(line) for line in store.get(f"{prefix}/manifest.jsonl").splitlines()]


def write_manifest(store, lines, prefix="src"):
    texts = [line if isinstance(line, str) else json.dumps(line) for line in lines]
    store.put(f"{prefix}/manifest.jsonl", "\n".join(texts).encode("utf-8", "surrogateescape"))
