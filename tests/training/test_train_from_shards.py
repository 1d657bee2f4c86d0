import pytest
import torch

from any2caption.errors import IntegrityError, InterruptedTrainingError
from any2caption.model.bundle import load_bundle
from any2caption.storage import open_store
from any2caption.training.context import RunContext
from any2caption.training.loop.trainer import Trainer
from any2caption.training.open_data import check_data, open_data
from any2caption.training.shards import from_prepared, write_shards

from .conftest import short, stop_after


@pytest.fixture
def shards(folder, tmp_path):
    out = tmp_path / "shards"
    out.mkdir()
    write_shards(from_prepared(folder), open_store(out.as_uri()), "", shard_bytes=300_000)
    return out


def trainer(folder, out):
    from any2caption.model.any2caption import Any2Caption
    from any2caption.progress import ProgressLog
    from any2caption.training.loop.metrics import Metrics

    recipe = short(2)
    torch.manual_seed(recipe.seed)
    model = Any2Caption(open_data(folder).config)
    log = ProgressLog(out / "progress.jsonl")
    return Trainer(
        RunContext(folder, out, 0, 1), recipe, model, log, Metrics(out / "metrics.jsonl")
    )


def test_shards_give_the_weights_of_the_prepared_folder_and_resume(
    folder, shards, tmp_path, alone, monkeypatch
):
    whole, ours = tmp_path / "whole", tmp_path / "ours"
    for out in (whole, ours):
        out.mkdir()
    trainer(folder, whole).run()
    run = trainer(shards, ours)
    stop_after(run, 3, monkeypatch)
    with pytest.raises(InterruptedTrainingError):
        run.run()
    trainer(shards, ours).run()
    found, wanted = load_bundle(ours / "bundle"), load_bundle(whole / "bundle")
    assert found.meta["starts"] == 2
    assert found.meta["validation_loss"] == wanted.meta["validation_loss"]
    weights = wanted.load_model().state_dict()
    for name, value in found.load_model().state_dict().items():
        assert torch.equal(value, weights[name]), name


def test_shards_hold_every_item_of_the_prepared_folder(shards, data):
    found = open_data(shards)
    assert found.poses().tobytes() == data.poses().tobytes()
    for split in ("train", "validation"):
        for one, other in zip(found.samples(split), data.samples(split), strict=True):
            assert (one.id, one.item_numbers, one.length) == (
                other.id,
                other.item_numbers,
                other.length,
            )
            for number in one.item_numbers:
                ours, theirs = found.feature(number), data.feature(number)
                assert ours.keys() == theirs.keys()
                assert all((ours[name] == theirs[name]).all() for name in ours)


def test_a_damaged_index_is_refused_before_training(shards):
    index = shards / "index.json"
    index.chmod(0o644)
    index.write_text(index.read_text().replace('"samples', '"sample', 1))
    with pytest.raises(IntegrityError, match=r"index\.json"):
        check_data(shards, short(), "tiny", "")


def test_a_damaged_shard_is_refused_by_name_before_training(shards):
    shard = sorted(shards.glob("train-*.tar"))[1]
    raw = bytearray(shard.read_bytes())
    raw[len(raw) // 2] ^= 1
    shard.chmod(0o644)
    shard.write_bytes(raw)
    with pytest.raises(IntegrityError, match=shard.name):
        check_data(shards, short(), "tiny", "")
