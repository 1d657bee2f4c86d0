"""The order of shards is a pure function; damaged samples are refused and nothing else happens."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from any2caption.errors import IntegrityError
from any2caption.training.shards import ShardSample, epoch_order
from any2caption.training.shards.codec import decode, encode
from any2caption.training.shards.order import batches_per_epoch, first_uses

COUNTS = st.lists(st.integers(1, 40), min_size=1, max_size=12)


@settings(max_examples=60, deadline=None)
@given(COUNTS, st.integers(1, 16), st.integers(1, 4), st.integers(0, 5), st.integers(0, 3))
def test_an_epoch_repeats_nothing_and_leaves_out_less_than_a_batch(counts, batch, window, seed, at):
    lengths = np.arange(sum(counts))[::-1] % 7

    def order():
        return epoch_order(counts, lengths, seed=seed, epoch=at, batch=batch, window=window)

    found = order()
    assert found.shape == (batches_per_epoch(sum(counts), batch), batch)
    assert found.min() >= 0
    assert found.max() < sum(counts)
    if sum(counts) >= batch:
        assert len(np.unique(found)) == found.size > sum(counts) - batch
    np.testing.assert_array_equal(found, order())


def test_a_stretch_of_batches_needs_two_windows_of_shards_at_most():
    counts = [90, 110, 100, 95, 105, 100, 120, 80]
    ends = np.cumsum(counts)
    lengths = np.random.default_rng(0).integers(10, 400, sum(counts))
    found = epoch_order(counts, lengths, seed=3, epoch=1, batch=16, window=2)
    shards = np.searchsorted(ends, found, side="right")
    uses = first_uses(shards.reshape(-1))
    assert sorted(uses) == list(range(8))
    windows = [set(uses[:at]) for at in (2, 4, 6, 8)]
    for row in shards:
        late = max(uses.index(shard) for shard in row) // 2
        assert set(row.tolist()) <= windows[late] - (windows[late - 2] if late > 1 else set())


def test_shards_batches_hold_samples_of_like_length():
    lengths = np.random.default_rng(0).integers(50, 200, 4000)
    found = epoch_order([1000] * 4, lengths, seed=0, epoch=0, batch=16, window=2)
    assert np.mean([np.ptp(lengths[row]) for row in found]) < 20
    means = lengths[found].mean(axis=1)
    assert np.ptp(means[:20]) > 20  # and batches of one length do not follow each other


SAMPLE = ShardSample(
    id="r",
    prompt="p",
    features=(
        {"kind": np.asarray("depth"), "role": np.asarray(""), "frames": np.ones((2, 6, 5), "u1")},
        {
            "kind": np.asarray("region"),
            "role": np.asarray(""),
            "regions": np.asarray([["cat", "(1,2)"]]),
        },
        {"kind": np.asarray("camera"), "role": np.asarray(""), "poses": np.ones((4, 16), "f4")},
    ),
    answers={},
    parts={"style": "flat"},
    caption=np.arange(9, dtype=np.int32),
    slots=np.ones(9, np.float32),
    prompt_tokens=np.arange(3, dtype=np.int32),
    length=20,
)


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_any_damage_is_refused_or_harmless_never_a_crash(data):
    files = dict(encode(SAMPLE, data.draw(st.sampled_from(["png", "npy"]))))
    name = data.draw(st.sampled_from(sorted(files)))
    content = bytearray(files[name])
    kind = data.draw(st.sampled_from(["cut", "flip", "drop", "swap", "grow"]))
    if kind == "drop":
        del files[name]
    elif kind == "swap":
        files[name] = files[data.draw(st.sampled_from(sorted(files)))]
    else:
        at = data.draw(st.integers(0, len(content) - 1))
        if kind == "cut":
            del content[at:]
        elif kind == "grow":
            content[at:at] = data.draw(st.binary(min_size=1, max_size=40))
        else:
            content[at] ^= data.draw(st.integers(1, 255))
        files[name] = bytes(content)
    where, refusal = "shard t.tar: sample 0", ""
    try:
        decode(files, where)
    except IntegrityError as error:
        refusal = str(error)
    assert not refusal or refusal.startswith(where)
    assert refusal or kind in {"flip", "swap", "grow", "cut"}


@pytest.mark.parametrize("shape", ["(9,)", "(99999999999,)", "(-9,)", "(3, 3, 9)"])
def test_an_array_that_claims_more_than_it_holds_is_not_allocated(shape):
    files = encode(SAMPLE)
    header = f"{{'descr': '<i4', 'fortran_order': False, 'shape': {shape}, }}".ljust(117) + "\n"
    forged = b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header.encode()
    payload = np.arange(9, dtype=np.int32).tobytes()
    if shape == "(9,)":
        assert decode({**files, "caption.npy": forged + payload}, "x").caption.shape == (9,)
        return
    with pytest.raises(IntegrityError, match="damaged"):
        decode({**files, "caption.npy": forged + payload}, "x")


def test_arrays_in_any_memory_order_are_written_alike():
    poses = np.asfortranarray(np.arange(64, dtype=np.float32).reshape(4, 16))
    feature = {**SAMPLE.features[2], "poses": poses}
    straight = {**feature, "poses": np.ascontiguousarray(poses)}
    one, other = (encode(replace(SAMPLE, features=(item,))) for item in (feature, straight))
    assert one == other
