"""Near duplicates are found exactly as defined, and never leave test data in training."""

import io
import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from any2caption.datasets.duplicates.fingerprints import (
    BITS,
    clusters,
    fingerprint,
    fingerprint_clip,
    near_pairs,
)
from any2caption.datasets.duplicates.groups import Fingerprints, normalise
from any2caption.datasets.ingest import ingest
from any2caption.datasets.snapshot_duplicates import duplicates_of
from any2caption.datasets.snapshots import publish
from any2caption.datasets.splits import split_of
from any2caption.storage.memory import MemoryStore

from .builders import caption, record, write_manifest
from .test_sources import PICTURE


def pixels(data=PICTURE):
    return np.asarray(Image.open(io.BytesIO(data)).convert("RGB"))


def distance(left, right):
    return (int(left, 16) ^ int(right, 16)).bit_count()


def other_picture(seed):
    noise = np.random.default_rng(seed).integers(0, 255, (9, 9, 3), np.uint8)
    return np.asarray(Image.fromarray(noise).resize((300, 200), Image.Resampling.BICUBIC))


@given(st.lists(st.integers(0, 2**64 - 1), min_size=2, max_size=60), st.integers(0, 11))
@settings(max_examples=60, deadline=None)
def test_no_near_pair_is_missed_and_none_is_invented(values, bits):
    values += [values[0] ^ 1, values[0] ^ 0b10101, values[1] ^ (1 << 63)]
    hashes = np.array(sorted(set(values)), np.uint64)
    wanted = {
        (i, j)
        for i in range(len(hashes))
        for j in range(i + 1, len(hashes))
        if int(hashes[i] ^ hashes[j]).bit_count() <= bits
    }
    assert {tuple(pair) for pair in near_pairs(hashes, bits).tolist()} == wanted


def test_a_resized_or_re_encoded_picture_is_near_and_another_one_is_not():
    original = pixels()
    buffer = io.BytesIO()
    Image.fromarray(original).resize((200, 200)).save(buffer, "JPEG", quality=40)
    (first,) = fingerprint([original])
    (again,) = fingerprint([pixels(buffer.getvalue())])
    assert distance(first, again) <= BITS
    others = [fingerprint([other_picture(seed)])[0] for seed in range(20)]
    assert min(distance(first, other) for other in others) > BITS


def test_flat_frames_have_no_hash_and_are_not_all_equal():
    black = np.zeros((8, 40, 40, 3), np.uint8)
    assert fingerprint_clip(black) == ("", "", "", "")
    half = black.copy()
    half[4:] = other_picture(1)[:40, :40]
    hashes = fingerprint_clip(half)
    assert hashes[0] == ""
    assert hashes[-1] != ""


def test_clips_are_near_only_when_every_frame_is():
    one, two = 0x0123456789ABCDEF, 0xFEDCBA9876543210
    rows = np.array(
        [[one, one, one, one], [one, one, one, one ^ 1], [one, one, one, two], [0, 0, one, one]],
        np.uint64,
    )
    labels = clusters(rows)
    assert labels[0] == labels[1]
    assert len(set(labels.tolist())) == 3


def test_thousands_of_look_alikes_are_one_cluster_in_bounded_memory():
    rng = np.random.default_rng(0)
    one = np.full(3_000, 0x0123456789ABCDEF, np.uint64)
    for _ in range(4):  # so two of them differ in 8 bits at most, most of them in 6 or 8
        one ^= np.uint64(1) << rng.integers(0, 64, len(one)).astype(np.uint64)
    clusters(one[:10, None])  # imports
    tracemalloc.start()
    try:
        labels = clusters(np.append(one, ~one[:5])[:, None])
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert len(set(labels[: len(one)])) == 1
    assert labels[0] not in labels[len(one) :]
    assert peak < 100e6  # all pairs at once took 200 MB


def captions_of(split, count=1):
    found = (caption(f"thing {number}") for number in range(400))
    return [item for item in found if split_of(item) == split][:count]


def add(prints, identity, words, hashes=(), **changes):
    document = record(1, id=identity, caption=words, synthetic=False, **changes)
    prints.add(document.model_dump(mode="json"), hashes)


def test_a_near_picture_in_test_and_training_costs_the_test_record():
    prints = Fingerprints()
    (train,), (test,) = captions_of("train"), captions_of("test")
    add(prints, "in-test", test, [("0123456789abcdee",)])
    add(prints, "in-train", train, [("0123456789abcdef",)])
    add(prints, "apart", captions_of("test", 2)[1], [("ffff0000ffff0000",)])
    found = prints.judge()
    (leak,) = found.leaks
    assert (leak.place, leak.other, leak.split, leak.relation) == (0, "in-train", "train", "near")
    assert found.report["near"]["across_splits"] == 1


def test_the_same_words_in_two_splits_are_a_leak_whatever_the_punctuation():
    base = captions_of("train")[0]
    for number in range(200):
        other = base.model_copy(update={"style": f"A PLAIN{'!' * number} drawing."})
        if split_of(other) == "test":
            break
    prints = Fingerprints()
    add(prints, "a", base)
    add(prints, "b", other)
    (leak,) = prints.judge().leaks
    assert (leak.place, leak.relation) == (1, "text")
    assert normalise("  A, plain\tDRAWING. ") == "a plain drawing"


def test_synthetic_records_are_not_compared_by_their_pictures():
    prints = Fingerprints()
    for split in ("train", "test"):
        document = record(1, id=split, caption=captions_of(split)[0], synthetic=True)
        prints.add(document.model_dump(mode="json"), [("0123456789abcdef",)])
    found = prints.judge()
    assert found.leaks == ()
    assert found.report["near"]["groups"] == 0


def test_exact_duplicates_are_reported_and_kept():
    prints = Fingerprints()
    words = captions_of("train")[0]
    add(prints, "a", words, conditions=())
    add(prints, "b", words, conditions=())
    found = prints.judge()
    assert found.report["exact"]["groups"] == 1
    assert found.leaks == ()


def test_an_empty_data_set_has_no_duplicates():
    assert Fingerprints().judge().report["near"]["groups"] == 0


@pytest.mark.parametrize("threshold", [0.0])
def test_ingest_quarantines_the_leak_without_blaming_the_source(threshold):
    source, store = MemoryStore("s"), MemoryStore("t")
    buffer = io.BytesIO()
    Image.fromarray(pixels()).resize((256, 256)).save(buffer, "JPEG", quality=70)
    source.put("src/a.png", PICTURE)
    source.put("src/b.jpg", buffer.getvalue())
    lines = [
        {"id": split, "source": "u", "licence": "MIT", "prompt": "p",
         "caption": captions_of(split)[0].model_dump(),
         "conditions": [{"kind": "image", "paths": [path]}]}
        for split, path in (("test", "a.png"), ("train", "b.jpg"))
    ]  # fmt: skip
    write_manifest(source, lines)
    result = ingest(source, "src", store, workers=1, threshold=threshold)
    assert result.records.ids == ["train"]
    assert result.leaks == result.rejected == 1
    assert b"nearly the same pictures as record 'train'" in store.get(result.quarantine_key)


def snapshot_of(store, split, picture, name):
    """Ingest one record with a picture and publish it."""
    source = MemoryStore(f"s-{split}")
    source.put(f"src/{name}", picture)
    line = {
        "id": split, "source": "u", "licence": "MIT", "prompt": "p",
        "caption": captions_of(split)[0].model_dump(),
        "conditions": [{"kind": "image", "paths": [name]}],
    }  # fmt: skip
    write_manifest(source, [line])
    return publish(store, ingest(source, "src", store, workers=1).records).id


@pytest.mark.parametrize("cached", [True, False])
def test_snapshots_of_several_ingests_are_compared_with_each_other(cached):
    store = MemoryStore("t")
    buffer = io.BytesIO()
    Image.fromarray(pixels()).resize((256, 256)).save(buffer, "JPEG", quality=70)
    first = snapshot_of(store, "train", PICTURE, "a.png")
    second = snapshot_of(store, "test", buffer.getvalue(), "b.jpg")
    if not cached:
        for info in list(store.list("cache/")):
            store.delete(info.key)
    assert duplicates_of(store, [first])["near"]["groups"] == 0
    both = duplicates_of(store, [first, second, first])
    assert (both["records"], both["leaks"], both["near"]["across_splits"]) == (2, 1, 1)
    ids = {item["id"] for item in both["near"]["examples"][0]["records"]}
    assert ids == {f"{first[:12]}:train", f"{second[:12]}:test"}
    assert list(store.list("cache/probes/"))
