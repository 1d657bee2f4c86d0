import json

import pytest
import torch

from any2caption.errors import ConfigError
from any2caption.training.checkpoints import write as checkpoint
from any2caption.training.checkpoints.run_folder import HISTORY, Header, Position, newest
from any2caption.training.checkpoints.write import Tensors


def write(root, step, keep=2, **values):
    folder = root / f"step-{step:08d}-0"
    checkpoint.write_tensors(folder, "weights", [("w", torch.full((2,), float(step)))])
    checkpoint.commit(Header(folder, Position(step=step, **values), 1, 0, {}), keep)
    return folder


def test_the_newest_whole_checkpoint_is_found(tmp_path):
    assert newest(tmp_path).header is None
    write(tmp_path, 1)
    folder = write(tmp_path, 2, history=[(0, 1, 0.5)])
    found = newest(tmp_path, digests=True).header
    assert found.folder == folder
    assert found.position == Position(step=2, history=[(0, 1, 0.5)])
    assert Tensors(found.folder, "weights")["w"].tolist() == [2.0, 2.0]


def test_a_half_written_checkpoint_is_never_the_newest(tmp_path):
    write(tmp_path, 1)
    (write(tmp_path, 2) / "complete.json").unlink()
    assert newest(tmp_path).header.position.step == 1
    checkpoint.discard_partial(tmp_path)
    assert [p.name for p in tmp_path.iterdir()] == ["step-00000001-0"]


def flip(file):
    content = bytearray(file.read_bytes())
    content[-1] ^= 1
    file.write_bytes(content)


@pytest.mark.parametrize(
    ("damage", "reason"),
    [
        (lambda folder: (folder / "state.json").write_text("{"), r"state.json: 1 bytes, not \d+"),
        (lambda folder: (folder / "complete.json").write_text("{"), "JSONDecodeError"),
        (lambda folder: (folder / "weights-00000.safetensors").unlink(), "FileNotFoundError"),
        (lambda folder: flip(folder / "weights-00000.safetensors"), "SHA-256 [0-9a-f]+, not"),
    ],
)
def test_a_damaged_checkpoint_falls_back_to_the_one_before(tmp_path, damage, reason):
    write(tmp_path, 1)
    damage(write(tmp_path, 2))
    found = newest(tmp_path, digests=True)
    assert found.header.position.step == 1
    ((folder, problem),) = found.damaged.items()
    assert folder.name == "step-00000002-0"
    damage(tmp_path / "step-00000001-0")
    with pytest.raises(ConfigError, match=rf"damaged checkpoint .*{reason}.*no whole checkpoint"):
        newest(tmp_path, digests=True)
    assert "step-00000002-0: damaged checkpoint" in problem


def test_a_checkpoint_of_an_older_format_names_the_new_word(tmp_path):
    folder = write(tmp_path, 1)
    state = json.loads((folder / "state.json").read_text())
    state["format"], state["ranks"] = "a2c.checkpoint/2", state.pop("world_size")
    (folder / "state.json").write_text(json.dumps(state))
    (folder / "complete.json").write_text('{"files": {}}')
    with pytest.raises(ConfigError, match=r"of format a2c.checkpoint/2, not .* says world_size"):
        newest(tmp_path)


def test_only_the_newest_are_kept(tmp_path):
    for step in range(5):
        write(tmp_path, step, keep=2)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["step-00000003-0", "step-00000004-0"]


def test_a_checkpoint_holds_no_pickle_and_files_of_bounded_size(tmp_path, monkeypatch):
    monkeypatch.setattr(checkpoint, "PART_BYTES", 100)
    folder = tmp_path / "step-00000001-0"
    tensors = {f"t{n}": torch.arange(10.0) + n for n in range(5)}
    checkpoint.write_tensors(folder, "moments", tensors.items())
    checkpoint.commit(Header(folder, Position(step=1), 1, 0, {}), keep=1)
    names = sorted(p.name for p in folder.iterdir())
    parts = [f"moments-{n:05d}.safetensors" for n in range(3)]
    assert names == ["complete.json", *parts, "state.json"]
    json.loads((folder / "state.json").read_text())
    read = Tensors(folder, "moments")
    assert set(read) == set(tensors)
    assert all(torch.equal(read[name], tensor) for name, tensor in tensors.items())


def test_the_history_of_a_long_run_stays_small_and_keeps_its_ends():
    position = Position()
    for step in range(130_000):
        position.step, position.loss = step, 1.0 / (step + 1)
        position.note()
    assert len(position.history) <= HISTORY
    assert position.history[0][1] == 0
    assert position.history[-1][1] == 129_999
    steps = [step for _, step, _ in position.history]
    assert steps == sorted(steps)
