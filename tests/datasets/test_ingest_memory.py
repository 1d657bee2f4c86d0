"""What an ingest holds in memory does not grow with the texts of its source."""

import json
import tracemalloc

import pytest
from PIL import Image

from any2caption.datasets.ingest import engine, ingest
from any2caption.errors import GateRefused
from any2caption.storage.folder import FolderStore

_PARTS = ("dense", "main_object", "background", "camera", "style", "action")
_CAPTION = dict.fromkeys(_PARTS, "a red ball rolls on " * 30)
_FEW, _MANY = 200, 1_200


def write_source(folder, count, change):
    folder.mkdir(parents=True)
    Image.linear_gradient("L").resize((48, 32)).save(folder / "a.png")
    with (folder / "manifest.jsonl").open("w") as manifest:
        for number in range(count):
            record = {
                "id": f"r-{number}",
                "source": "unit",
                "licence": "CC0-1.0",
                "synthetic": True,
                "prompt": f"a ball that rolls {number} times",
                "caption": {**_CAPTION, "action": f"it rolls {number} times"},
                "conditions": [{"kind": "image", "paths": ["a.png"]}],
            }
            manifest.write(json.dumps({**record, **change}) + "\n")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("change", "most"),
    [
        ({}, 500),  # id, fingerprints; and Pydantic keeps some short strings
        ({"caption": None}, 150),
        ({"conditions": [{"kind": "image", "paths": ["missing.png"]}]}, 150),
        ({"colour": "red"}, 150),
    ],
    ids=["good", "without caption", "missing file", "unknown field"],
)
def test_each_record_leaves_a_few_bytes_in_memory(tmp_path, monkeypatch, change, most):
    def held(count):
        """Return the bytes of Python's heap after the last of `count` records was judged."""
        write_source(tmp_path / f"{count}", count, change)
        store = FolderStore(tmp_path)
        tracemalloc.start()
        try:
            ingest(store, f"{count}", store, workers=1, threshold=1)
        except GateRefused:
            assert "caption" not in change  # all of them are bad
        finally:
            tracemalloc.stop()
        return found[-1]

    def finish(*arguments):
        found.append(tracemalloc.get_traced_memory()[0])
        return real(*arguments)

    found, real = [], engine._finish
    monkeypatch.setattr(engine, "_finish", finish)
    monkeypatch.setattr(engine, "CHUNK_RECORDS", 50)
    held(_FEW - 1)  # imports
    grown = held(_MANY) - held(_FEW)
    assert grown < most * (_MANY - _FEW)
