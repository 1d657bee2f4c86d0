"""The contract's columns say the same as Python does, record by record."""

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from any2caption.datasets.contract.tables import _words, to_frames
from any2caption.datasets.digest_set import Digests

from .builders import record

TEXTS = st.lists(st.text(alphabet="ab é羊 \t\n", max_size=20), max_size=12)


@given(TEXTS, st.integers(0, 3))
@settings(max_examples=100, deadline=None)
def test_words_are_counted_as_split_counts_them(texts, start):
    found = _words(pa.array(texts, pa.string())[start:]).to_pylist()
    assert found == [len(text.split()) for text in texts[start:]]


@given(st.lists(st.binary(min_size=32, max_size=32), max_size=9), st.integers(0, 3))
@settings(max_examples=100, deadline=None)
def test_digests_are_found_as_in_a_set(values, start):
    known = {value.hex() for value in values[::2]}
    asked = [*(value.hex() for value in values), "", "ab", "g" * 64, "A" * 64, "0" * 64, "0" * 65]
    found = Digests.of(known).holds(pa.array(asked, pa.string())[start:])
    assert found.tolist() == [text in known for text in asked[start:]]


def test_what_is_no_digest_is_not_collected():
    with pytest.raises(ValueError, match="SHA-256"):
        Digests.of(["abcd"])


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
    totals = found.totals.iloc[0]
    assert (totals["n_image"], totals["has_image"]) == (2, 8 / 9)
    assert (totals["n_camera"], totals["has_camera"]) == (0, 0)
    assert totals["is_train"] == sum(item.split == "train" for item in records) / 9
    assert totals["prompt_words"] == sum(len(item.prompt.split()) for item in records) / 9
    assert found.records["inputs"].tolist() == [2, 2, 2, 3, 1, 2, 2, 2, 2]
    assert found.origins["records"].sum() == 9
    assert set(found.origins["split"]) == {item.split for item in records}
    assert found.conditions["twin"].sum() == 1
    assert found.conditions["missing"].tolist() == [1] * 6 + [0] * 3
    assert found.conditions["pixels"].tolist() == [32 * 48] * 9
