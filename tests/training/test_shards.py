"""Shards: what is written is what is read, verified, in one order for any number of ranks."""

import io
import json
import subprocess
import sys
import tarfile
from dataclasses import replace
from itertools import islice
from pathlib import Path

import numpy as np
import pytest

from any2caption.errors import ConfigError, ConflictError, IntegrityError, NotFoundError
from any2caption.storage import digest_of
from any2caption.storage.memory import MemoryStore
from any2caption.training.data.collate import Collator
from any2caption.training.recipes.builtin import TINY
from any2caption.training.shards import (
    Index,
    Shard,
    ShardReader,
    Source,
    from_prepared,
    from_snapshot,
    read_index,
    write_shards,
)
from any2caption.training.shards.codec import Loaded, ShardSample, decode, encode
from any2caption.training.shards.index import read_file
from any2caption.training.shards.reader import read_everything
from any2caption.training.shards.writer import tar

MODULES = Path(__file__).parents[2] / "platform" / "any2caption" / "training" / "shards"


def made(number: int, **changes) -> ShardSample:
    """A small sample; its length and arrays are its own."""
    rng = np.random.default_rng(number)
    length = int(rng.integers(3, 40))
    features = (
        {
            "kind": np.asarray("image"),
            "role": np.asarray("identity"),
            "frames": rng.integers(0, 255, (1, 8, 8, 3), np.uint8),
        },
        {
            "kind": np.asarray("camera"),
            "role": np.asarray(""),
            "poses": rng.normal(size=(4, 16)).astype(np.float32),
        },
    )
    sample = ShardSample(
        id=f"r{number:04d}",
        prompt=f"prompt ünd {number}",
        features=features,
        answers={"camera": {"camera": ["pan left"]}},
        parts={},
        caption=rng.integers(0, 99, length, np.int32),
        slots=np.ones(length, np.float32),
        prompt_tokens=rng.integers(0, 99, 5, np.int32),
        length=length,
    )
    return replace(sample, **changes)


def source(count=60, made_from=None, samples=None):
    found = samples or [made(number) for number in range(count)]
    split = [("train" if number % 10 else "validation", s) for number, s in enumerate(found)]
    return Source(made_from or {"snapshot": "s"}, len(found), iter(split), {}, dict)


def test_what_later_stages_read_comes_back_as_it_was():
    sample = made(
        1,
        phrases={"camera": ["pans left", "then dollies in"]},
        wanted={"camera": {"camera": ("camera", "pan left")}},
        trace=np.asarray([7, 8, 9], np.int32),
        general=True,
    )
    found = decode(encode(sample), "here")
    assert found.phrases == sample.phrases
    assert found.wanted == {"camera": {"camera": ["camera", "pan left"]}}
    assert found.general
    assert found.trace.tolist() == [7, 8, 9]
    loaded = Loaded([made(0), found])
    assert [sample.general for sample in loaded.samples] == [False, True]
    spans = [slice(*sample.trace) for sample in loaded.samples]
    assert [loaded.caption_tokens[span].tolist() for span in spans] == [[], [7, 8, 9]]
    assert loaded.caption_tokens[slice(*loaded.samples[1].span)].tolist() == found.caption.tolist()


@pytest.fixture
def store():
    store = MemoryStore()
    write_shards(source(), store, "sh", shard_bytes=40_000)
    return store


def reader(store, **changes):
    return ShardReader(store, "sh", **{"seed": 1, "batch": 8, **changes})


def ids(batches):
    return [[sample.id for sample in batch] for batch in batches]


def same(one: ShardSample, other: ShardSample) -> None:
    for name in ("id", "prompt", "length"):
        assert getattr(one, name) == getattr(other, name)
    plain = [json.dumps([s.answers, s.parts], sort_keys=True) for s in (one, other)]
    assert plain[0] == plain[1]
    for name in ("caption", "slots", "prompt_tokens"):
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name), strict=True)
    assert len(one.features) == len(other.features)
    for left, right in zip(one.features, other.features, strict=True):
        assert left.keys() == right.keys()
        for key in left:
            np.testing.assert_array_equal(left[key], right[key], strict=key in {"frames", "poses"})


def damaged(store: MemoryStore, key: str, at: int) -> None:
    data = bytearray(store.get(key))
    data[at] ^= 1
    store.put(key, bytes(data))


def test_several_shards_hold_every_sample_as_it_was(store):
    index = read_index(store, "sh")
    assert len(index.splits["train"]) > 3
    assert all(shard.bytes <= 50_000 for shard in index.splits["train"])
    found = {sample.id: sample for _, sample in read_everything(store, "sh")}
    assert len(found) == 60
    for number in range(60):
        same(found[f"r{number:04d}"], made(number))
    train = [made(number).length for number in range(60) if number % 10]
    assert index.lengths("train").tolist() == train


@pytest.mark.parametrize("media", ["png", "npy"])
@pytest.mark.parametrize("shape", [(3, 8, 12, 3), (2, 5, 7), (1, 1, 1, 3), (1, 4, 4, 4)])
def test_frames_come_back_bit_for_bit(shape, media):
    frames = np.random.default_rng(0).integers(0, 255, shape, np.uint8)
    feature = {"kind": np.asarray("depth"), "role": np.asarray(""), "frames": frames}
    sample = made(1, features=(feature,))
    same(decode(encode(sample, media), "x"), sample)


def test_one_two_and_four_ranks_see_the_same_global_batches(store):
    alone = ids(islice(reader(store), 20))
    assert alone == ids(islice(reader(store), 20))
    for ranks in (2, 4):
        parts = [ids(islice(reader(store, rank=r, ranks=ranks), 20)) for r in range(ranks)]
        together = [
            [sample for group in zip(*rows, strict=True) for sample in group]
            for rows in zip(*parts, strict=True)
        ]
        assert together == alone


def test_an_epoch_has_each_sample_once_and_another_seed_another_order():
    store = MemoryStore()
    samples = [made(number) for number in range(64)]
    split = Source({}, 64, iter([("train", s) for s in samples]), {}, dict)
    write_shards(split, store, "sh", shard_bytes=30_000)
    with reader(store) as found:
        epochs = [ids(islice(found, found.per_epoch)) for _ in range(3)]
    flat = [[sample for batch in epoch for sample in batch] for epoch in epochs]
    assert sorted(flat[0]) == sorted(flat[1]) == [sample.id for sample in samples]
    assert flat[0] != flat[1] != flat[2]
    assert ids(islice(reader(store, seed=2), 8)) != epochs[0]


@pytest.mark.parametrize("stop", [0, 3, 6, 11])
@pytest.mark.parametrize("ranks", [1, 2])
def test_a_resumed_reader_goes_on_as_if_never_stopped(store, stop, ranks):
    whole = ids(islice(reader(store), 18))
    first = reader(store)
    before = ids(islice(first, stop))
    state = json.loads(json.dumps(first.state()))
    after = []
    for rank in range(ranks):
        with reader(store, rank=rank, ranks=ranks) as again:
            next(again)  # whatever was read before does not matter
            again.resume(state)
            after.append(ids(islice(again, 18 - stop)))
    rows = [[sample for group in zip(*row, strict=True) for sample in group]
            for row in zip(*after, strict=True)]  # fmt: skip
    assert before + rows == whole


@pytest.mark.parametrize("change", [{"seed": 2}, {"batch": 4}, {"window": 1}, {"index": "other"}])
def test_a_state_of_another_order_is_refused_by_name(store, change):
    state = {**reader(store).state(), **change}
    with pytest.raises(ConfigError, match=next(iter(change))):
        reader(store).resume(state)
    with pytest.raises(ConfigError, match="step"):
        reader(store).resume({**reader(store).state(), "step": -1})


@pytest.mark.parametrize("at", [0, 700, 20_000, -1])
def test_a_flipped_byte_is_refused_by_the_shards_name(store, at):
    shard = read_index(store, "sh").splits["train"][1]
    damaged(store, f"sh/{shard.key}", at)
    with pytest.raises(IntegrityError, match=shard.key), reader(store) as found:
        ids(islice(found, found.per_epoch))


def test_a_lost_shard_is_named_and_a_damaged_index_is_refused(store):
    shard = read_index(store, "sh").splits["train"][0]
    store.delete(f"sh/{shard.key}")
    with pytest.raises(IntegrityError, match=shard.key), reader(store) as found:
        ids(islice(found, found.per_epoch))
    raw = store.get("sh/index.json")
    for bad in (raw[:-5], b"[]", b"{}", raw.replace(shard.sha256[:8].encode(), b"00000000")):
        store.put("sh/index.json", bad)
        with pytest.raises(IntegrityError, match=r"index\.json"):
            reader(store)
    with pytest.raises(NotFoundError, match="a2c data shards"):
        ShardReader(store, "elsewhere", seed=0, batch=2)


def test_equal_data_gives_equal_shards_and_other_data_other_ones(store):
    again, other = MemoryStore(), MemoryStore()
    write_shards(source(), again, "deep/er", shard_bytes=40_000)
    first, second = read_index(store, "sh"), read_index(again, "deep/er")
    assert first.digest == second.digest
    assert first.splits == second.splits
    samples = [made(number) for number in range(60)]
    samples[33] = made(33, prompt="another")
    write_shards(source(samples=samples), other, "sh", shard_bytes=40_000)
    changed = read_index(other, "sh")
    assert changed.digest != first.digest
    pairs = zip(changed.splits["train"], first.splits["train"], strict=True)
    differ = [a.sha256 != b.sha256 for a, b in pairs]
    assert sum(differ) == 1


def test_nothing_in_a_shard_depends_on_the_clock_or_the_user(store):
    shard = read_index(store, "sh").splits["train"][0]
    with tarfile.open(fileobj=io.BytesIO(store.get(f"sh/{shard.key}"))) as found:
        members = found.getmembers()
    assert {(m.mtime, m.uid, m.gid, m.uname, m.gname) for m in members} == {(0, 0, 0, "", "")}


def test_shards_that_are_there_are_left_and_others_are_not_overwritten(store):
    before = {info.key: info.etag for info in store.list()}

    def never():
        raise AssertionError("read again")
        yield

    unread = Source({"snapshot": "s"}, 60, never(), {}, dict)
    index = write_shards(unread, store, "sh", shard_bytes=40_000)
    assert index.digest == read_index(store, "sh").digest
    with pytest.raises(ConflictError, match="another prefix"):
        write_shards(source(made_from={"snapshot": "t"}), store, "sh", shard_bytes=40_000)
    assert {info.key: info.etag for info in store.list()} == before


def test_shards_without_an_index_do_not_exist():
    store = MemoryStore()
    broken = Source({}, 60, failing(), {}, dict)
    with pytest.raises(OSError, match="gone"):
        write_shards(broken, store, "sh", shard_bytes=20_000)
    with pytest.raises(NotFoundError):
        read_index(store, "sh")


def failing():
    for number in range(30):
        yield "train", made(number)
    raise OSError("gone")


class Trap:
    def __reduce__(self):
        return (Path("/tmp/a2c-shards-pickle-ran").touch, ())  # noqa: S108


def test_there_is_no_pickle_anywhere(store):
    for path in MODULES.glob("*.py"):
        assert "import pickle" not in path.read_text()
        assert "allow_pickle=True" not in path.read_text()
    members = set()
    for info in store.list("sh/"):
        if info.key.endswith(".tar"):
            with tarfile.open(fileobj=io.BytesIO(store.get(info.key))) as found:
                members |= {name.rpartition(".")[2] for name in found.getnames()}
    assert members == {"json", "npy", "png"}


@pytest.mark.parametrize("name", ["extra.pkl", "extra.pyd", "caption.npy", "extra.pth"])
def test_a_pickle_in_a_well_signed_shard_is_refused_unread(name):
    import pickle  # noqa: TID251 - the attack

    ran = Path("/tmp/a2c-shards-pickle-ran")  # noqa: S108
    ran.unlink(missing_ok=True)
    data = pickle.dumps(Trap())
    if name.endswith(".npy"):
        out = io.BytesIO()
        np.save(out, np.asarray([Trap()], object), allow_pickle=True)
        data = out.getvalue()
    store = MemoryStore()
    forged(store, [{**encode(made(0)), name: data}])
    with pytest.raises(IntegrityError, match=r"t\.tar: sample 0"), reader(store, batch=1) as found:
        next(found)
    assert not ran.exists()


def forged(store, samples, data=None, count=None):
    """Shards whose digests are right."""
    data = tar(samples) if data is None else data
    store.put("sh/t.tar", data)
    lengths = (1,) * (count or len(samples))
    shard = Shard("t.tar", digest_of(data), len(data), lengths)
    store.put("sh/index.json", Index({}, {"train": (shard,)}, {}, {}).to_json())


def test_a_compressed_shard_a_wrong_count_and_a_false_picture_are_refused():
    import gzip

    for arguments, words in (
        ({"samples": [encode(made(0))], "data": gzip.compress(tar([encode(made(0))]))}, "plain"),
        ({"samples": [encode(made(0))], "count": 2}, "1 samples"),
        ({"samples": [{**encode(made(0)), "0.png": encode(made(0))["meta.json"]}]}, "sample 0"),
        ({"samples": [{"meta.json": b"{}"}]}, "sample 0"),
    ):
        store = MemoryStore()
        forged(store, **arguments)
        with pytest.raises(IntegrityError, match=words), reader(store, batch=1) as found:
            next(found)


def test_a_picture_larger_than_stated_is_not_unpacked():
    files = encode(made(0))
    huge = made(
        0, features=({**made(0).features[0], "frames": np.zeros((1, 900, 900, 3), np.uint8)},)
    )
    with pytest.raises(IntegrityError, match="900×900"):
        decode({**files, "0.png": encode(huge)["0.png"]}, "x")


def test_the_cache_is_shared_bounded_and_checked(store, tmp_path):
    whole = ids(islice(reader(store), 14))
    limit = 100_000
    with reader(store, cache=tmp_path, cache_bytes=limit) as found:
        assert ids(islice(found, 14)) == whole
    copies = list(tmp_path.glob("*.tar"))
    assert copies
    assert sum(path.stat().st_size for path in copies) <= limit
    for path in copies:
        path.chmod(0o644)
        path.write_bytes(b"damaged")
    with reader(store, cache=tmp_path, cache_bytes=limit) as found:
        assert ids(islice(found, 14)) == whole
    roomy = tmp_path / "roomy"
    with reader(store, cache=roomy) as found:
        assert ids(islice(found, 14)) == whole
    for info in list(store.list("sh/train")):
        store.delete(info.key)
    with reader(store, cache=roomy) as found:
        assert ids(islice(found, 6)) == whole[:6]


def test_few_shards_are_open_at_once(store):
    with reader(store, window=1, batch=4) as found:
        for _ in islice(found, 40):
            assert len(found._open) <= 2
            assert len(found._coming) <= 1
    assert len(found._shards) > 3


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"rank": 2, "ranks": 2}, "rank 2"),
        ({"batch": 1, "ranks": 2}, "global batch"),
        ({"window": 0}, "window"),
        ({"split": "test"}, "test"),
    ],
)
def test_impossible_readers_are_refused(store, changes, words):
    with pytest.raises(ConfigError, match=words):
        reader(store, **changes)


def test_a_snapshot_and_its_prepared_folder_give_the_same_shards(settings, snapshot, folder, data):
    ours, theirs = MemoryStore(), MemoryStore()
    first = write_shards(from_prepared(folder), ours, "p", shard_bytes=300_000)
    found = from_snapshot(settings, snapshot.id[:10], recipe="smoke", workers=1)
    second = write_shards(found, theirs, "p", shard_bytes=300_000)
    assert first.splits == second.splits
    assert first.classes == second.classes == data.classes()
    assert first.digest == second.digest
    assert read_file(ours, "p", first, "config.json") == (folder / "config.json").read_bytes()
    ours.put("p/tokenizer.json", b"{}")
    with pytest.raises(IntegrityError, match=r"tokenizer\.json"):
        read_file(ours, "p", first, "tokenizer.json")


def test_a_batch_from_shards_is_the_batch_from_arrays(folder, data):
    store = MemoryStore()
    write_shards(from_prepared(folder), store, "sh", shard_bytes=300_000)
    stage, processor = TINY.stages[-1], data.processor()
    by_id = {sample.id: sample for sample in data.samples("train")}
    with reader(store, batch=6) as found:
        for step, samples in enumerate(islice(found, 3)):
            loaded = Loaded(samples)
            ours = Collator(loaded, processor, stage, 0)(loaded.samples, step)
            expected = [by_id[sample.id] for sample in samples]
            theirs = Collator(data, processor, stage, 0)(expected, step)
            assert ours.ids == theirs.ids
            for name in (
                "input_ids",
                "labels",
                "weights",
                "positions",
                "vision",
                "motion",
                "poses",
            ):
                assert getattr(ours, name).equal(getattr(theirs, name)), name


def test_the_command_writes_shards_and_refuses_half_a_question(folder, tmp_path):
    def a2c(*arguments):
        return subprocess.run(
            [sys.executable, "-c", "from any2caption.cli.main import main; main()", "data",
             "shards", *arguments, "--home", str(tmp_path / "home")],
            capture_output=True, text=True, check=False,
        )  # fmt: skip

    out = (tmp_path / "out").as_uri()
    done = a2c("--prepared", str(folder), "--out", out, "--shard-mb", "0.3", "--json")
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["shards"] > 1
    assert "samples/s" in done.stderr
    again = a2c("--prepared", str(folder), "--out", out, "--shard-mb", "0.3")
    assert found["digest"] in again.stdout
    for arguments in (("--out", "x"), ("latest", "--prepared", str(folder), "--out", "x"),
                      ("latest",), ("--prepared", str(folder), "--out", "../x")):  # fmt: skip
        done = a2c(*arguments)
        assert done.returncode == 2
        assert done.stderr.startswith("a2c: ")
