import json

import pytest

from any2caption.errors import IntegrityError, InterruptedTrainingError
from any2caption.storage import open_store
from any2caption.training.dataset import check_data, open_data
from any2caption.training.place import Place
from any2caption.training.shards import from_prepared, write_shards
from any2caption.training.trainer import Trainer

from .conftest import short


@pytest.fixture
def shards(folder, tmp_path):
    out = tmp_path / "shards"
    out.mkdir()
    write_shards(from_prepared(folder), open_store(out.as_uri()), "", shard_bytes=300_000)
    return out


def trainer(folder, out):
    import torch

    from any2caption.model.any2caption import Any2Caption
    from any2caption.progress import ProgressLog
    from any2caption.training.tracking import Metrics

    recipe = short(2)
    torch.manual_seed(recipe.seed)
    model = Any2Caption(open_data(folder).config)
    log = ProgressLog(out / "progress.jsonl")
    return Trainer(Place(folder, out, 0, 1), recipe, model, log, Metrics(out / "metrics.jsonl"))


def losses(out):
    rows = [json.loads(line) for line in (out / "metrics.jsonl").read_text().splitlines()]
    found = [(name, value) for row in rows for name, value in sorted(row.items()) if "loss" in name]
    assert found
    return found


def test_shards_give_the_losses_of_the_prepared_folder_and_resume(
    folder, shards, tmp_path, alone, monkeypatch
):
    whole, ours = tmp_path / "whole", tmp_path / "ours"
    for out in (whole, ours):
        out.mkdir()
    trainer(folder, whole).run()
    run = trainer(shards, ours)
    advance = run._advance

    def counted(*args):
        advance(*args)
        run.stopping = run.position.total_steps >= 3

    monkeypatch.setattr(run, "_advance", counted)
    with pytest.raises(InterruptedTrainingError):
        run.run()
    trainer(shards, ours).run()
    assert losses(ours) == losses(whole)


def test_shards_hold_every_item_of_the_prepared_folder(shards, data):
    found = open_data(shards)
    assert found.poses().tobytes() == data.poses().tobytes()
    for split in ("train", "validation"):
        for one, other in zip(found.samples(split), data.samples(split), strict=True):
            assert (one.id, one.features, one.length) == (other.id, other.features, other.length)
            for number in one.features:
                ours, theirs = found.feature(number), data.feature(number)
                assert ours.keys() == theirs.keys()
                assert all((ours[name] == theirs[name]).all() for name in ours)


def test_a_damaged_shard_is_refused_by_name_before_training(shards):
    shard = sorted(shards.glob("train-*.tar"))[1]
    raw = bytearray(shard.read_bytes())
    raw[len(raw) // 2] ^= 1
    shard.chmod(0o644)
    shard.write_bytes(raw)
    with pytest.raises(IntegrityError, match=shard.name):
        check_data(shards, short(), "tiny", "")
