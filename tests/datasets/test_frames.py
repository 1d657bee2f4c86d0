"""The contract's columns say the same as Python does, record by record."""

import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from any2caption.datasets.frames import _words, to_frames

from .builders import record

TEXTS = st.lists(st.text(alphabet="ab é羊 \t\n", max_size=20), max_size=12)


@given(TEXTS, st.integers(0, 3))
@settings(max_examples=100, deadline=None)
def test_words_are_counted_as_split_counts_them(texts, start):
    found = _words(pa.array(texts, pa.string())[start:]).to_pylist()
    assert found == [len(text.split()) for text in texts[start:]]


def test_tables_hold_what_the_records_hold():
    records = [record(number) for number in range(9)]
    twin = records[3].conditions[0]
    records[3] = records[3].model_copy(update={"conditions": (twin, twin)})
    records[4] = records[4].model_copy(update={"conditions": ()})
    wrong = "test" if records[5].split == "train" else "train"
    records[5] = records[5].model_copy(update={"split": wrong})
    media = {part.sha256 for item in records[6:] for c in item.conditions for part in c.parts}
    found = to_frames(records, media, ["image", "camera"])
    assert found.records["split_by_content"].tolist() == [number != 5 for number in range(9)]
    assert found.records["n_image"].tolist() == [1, 1, 1, 2, 0, 1, 1, 1, 1]
    assert found.records["n_camera"].tolist() == [0] * 9
    assert found.records["inputs"].tolist() == [2, 2, 2, 3, 1, 2, 2, 2, 2]
    assert found.conditions["twin"].sum() == 1
    assert found.conditions["missing"].tolist() == [1] * 6 + [0] * 3
    assert found.conditions["pixels"].tolist() == [32 * 48] * 9
