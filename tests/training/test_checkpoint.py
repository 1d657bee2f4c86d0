import json

import pytest
import torch

from any2caption.training import checkpoint
from any2caption.training.run_folder import Position


def write(root, step, keep=2, **values):
    folder = root / f"step-{step:08d}-0"
    state = {"w": torch.full((2,), float(step))}
    checkpoint.commit(folder, state, Position(step=step, **values), ranks=1, zero=0, keep=keep)
    return folder


def test_the_newest_whole_checkpoint_is_found(tmp_path):
    assert checkpoint.newest(tmp_path) is None
    write(tmp_path, 1)
    write(tmp_path, 2, history=[(0, 1, 0.5)])
    found = checkpoint.newest(tmp_path)
    assert found.position == Position(step=2, history=[(0, 1, 0.5)])
    assert found.model()["w"].tolist() == [2.0, 2.0]


@pytest.mark.parametrize("missing", ["complete.json"])
def test_a_half_written_checkpoint_is_never_the_newest(tmp_path, missing):
    write(tmp_path, 1)
    (write(tmp_path, 2) / missing).unlink()
    assert checkpoint.newest(tmp_path).position.step == 1
    checkpoint.discard_partial(tmp_path)
    assert [p.name for p in tmp_path.iterdir()] == ["step-00000001-0"]


def test_only_the_newest_are_kept(tmp_path):
    for step in range(5):
        write(tmp_path, step, keep=2)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["step-00000003-0", "step-00000004-0"]


def test_a_checkpoint_holds_no_pickle(tmp_path):
    folder = write(tmp_path, 1)
    parameter = torch.nn.Parameter(torch.ones(3))
    optimizer = torch.optim.AdamW([parameter])
    parameter.sum().backward()
    optimizer.step()
    checkpoint.write_shard(folder, 0, optimizer)
    assert {p.suffix for p in folder.iterdir()} == {".json", ".safetensors"}
    json.loads((folder / "state.json").read_text())


def test_optimizer_moments_survive(tmp_path):
    def make():
        parameter = torch.nn.Parameter(torch.arange(3.0))
        return parameter, torch.optim.AdamW([{"params": [parameter]}], lr=0.1)

    parameter, optimizer = make()
    for _ in range(3):
        optimizer.zero_grad()
        (parameter**2).sum().backward()
        optimizer.step()
    other, fresh = make()
    other.data.copy_(parameter.data)
    checkpoint.restore_moments(fresh, checkpoint.moments(optimizer))
    for p, o in ((parameter, optimizer), (other, fresh)):
        o.zero_grad()
        (p**2).sum().backward()
        o.step()
    assert torch.equal(parameter, other)
