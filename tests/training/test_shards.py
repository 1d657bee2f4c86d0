"""Shards: what is written is what is read, verified, and nothing else is fetched."""

import io
import json
import subprocess
import sys
import tarfile
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as settings_of
from hypothesis import strategies as st

from any2caption.errors import ConflictError, IntegrityError, NotFoundError
from any2caption.model.config import to_json
from any2caption.model.presets import preset
from any2caption.storage.memory import MemoryStore
from any2caption.training.data.collate import Collator
from any2caption.training.recipes.builtin import TINY
from any2caption.training.recipes.schema import PREPARED_VERSION
from any2caption.training.shards import (
    ShardData,
    Source,
    from_prepared,
    from_snapshot,
    read_index,
    write_shards,
)
from any2caption.training.shards.codec import ShardSample, decode_frames, encode
from any2caption.training.shards.training_data import verify_shards

from .conftest import tiny_of

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


VERSION = {"snapshot": "s", "version": PREPARED_VERSION}


def source(count=60, made_from=None, samples=None):
    found = samples or [made(number) for number in range(count)]
    split = [("train" if number % 10 else "validation", s) for number, s in enumerate(found)]
    split.sort(key=lambda pair: pair[0])
    files = {"config.json": to_json(preset("tiny")).encode()}
    return Source(made_from or VERSION, len(found), iter(split), files, dict)


def test_what_later_stages_read_comes_back_as_it_was(tmp_path):
    sample = made(
        1,
        phrases={"camera": ["pans left", "then dollies in"]},
        wanted={"camera": {"camera": ("camera", "pan left")}},
        trace=np.asarray([7, 8, 9], np.int32),
        general=True,
    )
    store = MemoryStore()
    pairs = iter([("train", made(0)), ("general", sample)])
    write_shards(Source(VERSION, 2, pairs, source().files, dict), store, "sh")
    data = ShardData(store, "sh", tmp_path)
    (found,) = data.samples("general")
    assert found.phrases == sample.phrases
    assert found.wanted == {"camera": {"camera": ["camera", "pan left"]}}
    assert found.general
    assert data.caption_tokens[slice(*found.trace)].tolist() == [7, 8, 9]
    assert data.caption_tokens[slice(*found.span)].tolist() == sample.caption.tolist()
    assert data.samples("train")[0].trace[0] == data.samples("train")[0].trace[1]
    assert data.samples("validation")[:] == []


@pytest.fixture
def store():
    store = MemoryStore()
    write_shards(source(), store, "sh", shard_bytes=40_000)
    return store


def damaged(store: MemoryStore, key: str, at: int) -> None:
    data = bytearray(store.get(key))
    data[at] ^= 1
    store.put(key, bytes(data))


def test_several_shards_hold_every_sample_as_it_was(store, tmp_path):
    index = read_index(store, "sh")
    assert len(index.splits["train"]) > 3
    assert all(shard.bytes <= 50_000 for shard in index.splits["train"])
    data = ShardData(store, "sh", tmp_path)
    for split in ("train", "validation"):
        for found in data.samples(split):
            same(data, found, made(int(found.id[1:])))
    counts = {split: len(data.samples(split)) for split in ("train", "validation", "general")}
    assert counts == data.meta["splits"] == {"train": 54, "validation": 6, "general": 0}


def same(data: ShardData, found, wanted: ShardSample) -> None:
    for name in ("id", "prompt", "length", "answers", "parts"):
        assert getattr(found, name) == getattr(wanted, name), name
    assert data.caption_tokens[slice(*found.span)].tolist() == wanted.caption.tolist()
    assert data.slot_tokens[slice(*found.span)].tolist() == wanted.slots.tolist()
    for number, expected in zip(found.item_numbers, wanted.features, strict=True):
        feature = data.feature(number)
        assert feature.keys() == expected.keys()
        for key in expected:
            np.testing.assert_array_equal(feature[key], expected[key])


def test_webdataset_reads_the_shards(store, tmp_path):
    import webdataset

    paths = [tmp_path / shard.key for shard in read_index(store, "sh").splits["train"]]
    for path in paths:
        path.write_bytes(store.get(f"sh/{path.name}"))
    found = list(webdataset.WebDataset([str(path) for path in paths], shardshuffle=False))
    assert [json.loads(sample["meta.json"])["id"] for sample in found] == [
        f"r{number:04d}" for number in range(60) if number % 10
    ]


@pytest.mark.parametrize("media", ["png", "npy"])
@pytest.mark.parametrize("shape", [(3, 8, 12, 3), (2, 5, 7), (1, 1, 1, 3), (1, 4, 4, 4)])
def test_frames_come_back_bit_for_bit(shape, media):
    frames = np.random.default_rng(0).integers(0, 255, shape, np.uint8)
    feature = {"kind": np.asarray("depth"), "role": np.asarray(""), "frames": frames}
    ((name, data),) = [
        pair for pair in encode(made(1, features=(feature,)), media).items() if pair[0][0] == "0"
    ]
    np.testing.assert_array_equal(decode_frames(data, name, shape), frames, strict=True)


def first_item(data):
    return next(n for n, item in enumerate(data.items) if "frames" in item)


def test_a_flipped_byte_of_a_picture_is_refused_where_it_lies(store, tmp_path):
    data = ShardData(store, "sh", tmp_path)
    number = first_item(data)
    place = data.items[number]["frames"]
    damaged(store, f"sh/{place['shard']}", place["offset"] + place["size"] // 2)
    with pytest.raises(IntegrityError, match=rf"{place['shard']}: 0.png at byte .* is damaged"):
        data.feature(number)


@pytest.mark.parametrize("left", [0, 600])
def test_a_shortened_or_lost_shard_is_named(store, tmp_path, left):
    data = ShardData(store, "sh", tmp_path)
    number = first_item(data)
    key = f"sh/{data.items[number]['frames']['shard']}"
    store.put(key, store.get(key)[:left])
    with pytest.raises(IntegrityError, match=key):
        data.feature(number)
    with pytest.raises(IntegrityError, match=rf"{key} is damaged: it has {left} bytes"):
        verify_shards(store, "sh")
    store.delete(key)
    with pytest.raises(IntegrityError, match=f"{key} is missing"):
        data.feature(number)
    with pytest.raises(IntegrityError, match=f"{key} is missing"):
        verify_shards(store, "sh")


def test_damaged_files_beside_the_shards_and_a_damaged_index_are_refused(store, tmp_path):
    store.put("sh/items.jsonl", b"{}")
    with pytest.raises(IntegrityError, match=r"items\.jsonl is damaged"):
        ShardData(store, "sh", tmp_path)
    raw, shard = store.get("sh/index.json"), read_index(store, "sh").splits["train"][0]
    for bad in (raw[:-5], b"[]", b"{}", raw.replace(shard.sha256[:8].encode(), b"00000000")):
        store.put("sh/index.json", bad)
        with pytest.raises(IntegrityError, match=r"index\.json"):
            ShardData(store, "sh", tmp_path)
    with pytest.raises(NotFoundError, match="a2c data shards"):
        ShardData(store, "elsewhere", tmp_path)


def test_a_damaged_local_copy_is_fetched_again(store, tmp_path):
    copy = ShardData(store, "sh", tmp_path).folder / "records.jsonl"
    whole = copy.read_bytes()
    copy.chmod(0o644)
    copy.write_bytes(whole[:-9])
    ShardData(store, "sh", tmp_path)
    assert copy.read_bytes() == whole


def test_only_what_is_shown_is_fetched(store, tmp_path):
    data = ShardData(store, "sh", tmp_path)
    assert (len(data.poses()), data.fetched) == (60, 0)
    sample = data.samples("train")[7]
    for number in sample.item_numbers:
        data.feature(number)
    sizes = [
        data.items[n]["frames"]["size"] for n in sample.item_numbers if "frames" in data.items[n]
    ]
    assert data.fetched == sum(sizes) > 0


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

    unread = Source(VERSION, 60, never(), {}, dict)
    index = write_shards(unread, store, "sh", shard_bytes=40_000)
    assert index.digest == read_index(store, "sh").digest
    with pytest.raises(ConflictError, match="another prefix"):
        write_shards(
            source(made_from={**VERSION, "snapshot": "t"}), store, "sh", shard_bytes=40_000
        )
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


class Trap:
    def __reduce__(self):
        return (Path("/tmp/a2c-shards-pickle-ran").touch, ())  # noqa: S108


def test_frames_that_are_pickled_are_refused_unread():
    ran = Path("/tmp/a2c-shards-pickle-ran")  # noqa: S108
    ran.unlink(missing_ok=True)
    out = io.BytesIO()
    np.save(out, np.asarray([Trap()], object), allow_pickle=True)
    for name in ("0.npy", "0.png", "0.pkl"):
        with pytest.raises((ValueError, OSError)):
            decode_frames(out.getvalue(), name, (1,))
    assert not ran.exists()


def test_a_picture_larger_than_stated_is_not_unpacked():
    huge = {**made(0).features[0], "frames": np.zeros((1, 900, 900, 3), np.uint8)}
    data = encode(made(0, features=(huge,)))["0.png"]
    with pytest.raises(ValueError, match="900×900"):
        decode_frames(data, "0.png", (1, 8, 8, 3))


@pytest.mark.parametrize("shape", ["(9,)", "(99999999999,)", "(-9,)", "(3, 3, 9)"])
def test_an_array_that_claims_more_than_it_holds_is_not_allocated(shape):
    header = f"{{'descr': '|u1', 'fortran_order': False, 'shape': {shape}, }}".ljust(117) + "\n"
    forged = b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header.encode()
    payload = np.arange(9, dtype=np.uint8).tobytes()
    if shape == "(9,)":
        assert decode_frames(forged + payload, "0.npy", (9,)).tolist() == list(range(9))
        return
    with pytest.raises(ValueError, match=r"is not in|is not a plain"):
        decode_frames(forged + payload, "0.npy", (9,))


@settings_of(max_examples=200, deadline=None)
@given(st.data())
def test_any_damage_to_frames_is_refused_or_harmless_never_a_crash(data):
    media = data.draw(st.sampled_from(["png", "npy"]))
    content = bytearray(encode(made(3), media)[f"0.{media}"])
    at = data.draw(st.integers(0, len(content) - 1))
    match data.draw(st.sampled_from(["cut", "flip", "grow"])):
        case "cut":
            del content[at:]
        case "flip":
            content[at] ^= data.draw(st.integers(1, 255))
        case "grow":
            content[at:at] = data.draw(st.binary(min_size=1, max_size=40))
    with suppress(ValueError, OSError):
        assert decode_frames(bytes(content), f"0.{media}", (1, 8, 8, 3)).shape == (1, 8, 8, 3)


def test_arrays_in_any_memory_order_are_written_alike():
    poses = np.asfortranarray(np.arange(64, dtype=np.float32).reshape(4, 16))
    feature = {**made(0).features[1], "poses": poses}
    straight = {**feature, "poses": np.ascontiguousarray(poses)}
    one, other = (encode(made(0, features=(item,))) for item in (feature, straight))
    assert one == other


def test_a_snapshot_and_its_prepared_folder_give_the_same_shards(settings, snapshot, folder, data):
    ours, theirs = MemoryStore(), MemoryStore()
    first = write_shards(from_prepared(folder), ours, "p", shard_bytes=300_000)
    found = from_snapshot(settings, tiny_of(snapshot.id), workers=1)
    second = write_shards(found, theirs, "p", shard_bytes=300_000)
    assert first.splits == second.splits
    assert first.classes == second.classes == data.classes()
    assert first.digest == second.digest
    for name in first.files:
        assert ours.get(f"p/{name}") == theirs.get(f"p/{name}"), name
    assert ours.get("p/config.json") == (folder / "config.json").read_bytes()
    assert ours.get("p/poses.npy") == (folder / "poses.npy").read_bytes()


def test_a_batch_from_shards_is_the_batch_from_arrays(folder, data, tmp_path):
    store = MemoryStore()
    write_shards(from_prepared(folder), store, "sh", shard_bytes=300_000)
    stage, processor = TINY.stages[-1], data.processor()
    found = ShardData(store, "sh", tmp_path)
    for step in range(3):
        chosen = slice(6 * step, 6 * step + 6)
        ours = Collator(found, processor, stage, 0)(found.samples("train")[chosen], step)
        theirs = Collator(data, processor, stage, 0)(data.samples("train")[chosen], step)
        assert ours.ids == theirs.ids
        for name in ("input_ids", "labels", "weights", "positions", "vision", "motion", "camera"):
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
