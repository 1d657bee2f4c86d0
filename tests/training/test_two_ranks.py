"""Two gloo ranks through the real DeepSpeed launcher give what one rank gives."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from any2caption.training.checkpoints.run_folder import newest
from any2caption.training.hardware import worker_environment
from any2caption.training.launch.supervisor import free_port

from . import two_ranks

pytestmark = pytest.mark.server
TWO = [name for name in two_ranks.CASES if not name.startswith("one")]
TOLERANCE = 1e-4  # of weights that the steps moved by several thousandths


@pytest.fixture(scope="module")
def out(folder, data, tmp_path_factory, alone):
    """All cases: one rank in this process, then two, then one again."""
    out = tmp_path_factory.mktemp("ranks")
    for name in ("one", "one-clip"):
        two_ranks.run(name, data, out, 0, 1)
    own = {key: value for key, value in os.environ.items() if key not in {"RANK", "WORLD_SIZE"}}
    path = os.pathsep.join([str(Path(__file__).parent), os.environ.get("PYTHONPATH", "")])
    command = [
        *(sys.executable, "-m", "deepspeed.launcher.runner", "--num_accelerators", "2"),
        *("--master_addr", "127.0.0.1", "--master_port", str(free_port()), "--no_local_rank"),
        *("--module", "two_ranks", str(folder), str(out), *TWO),
    ]
    done = subprocess.run(
        command,
        env={**own, **worker_environment(2, out / "cache"), "PYTHONPATH": path},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    two_ranks.run("one-after-two", data, out, 0, 1)
    return out


def losses(out, name):
    return json.loads((out / f"{name}.json").read_text())


def furthest(out, one, other):
    """The largest difference of any weight."""
    left, right = (load_file(out / f"{name}.safetensors") for name in (one, other))
    assert set(left) == set(right)
    return max(float((left[key] - right[key]).abs().max()) for key in left)


@pytest.mark.parametrize("level", range(4))
def test_every_zero_stage_on_two_ranks_trains_as_one_rank_does(out, level):
    assert losses(out, f"zero{level}") == pytest.approx(losses(out, "one"), rel=1e-5)
    assert furthest(out, f"zero{level}", "one") < TOLERANCE


@pytest.mark.parametrize("name", ["zero1-clip", "zero3-clip"])
def test_accumulation_offload_recomputation_and_clipping_change_no_sum(out, name):
    assert losses(out, name) == pytest.approx(losses(out, "one-clip"), rel=1e-5)
    assert furthest(out, name, "one-clip") < TOLERANCE
    assert furthest(out, "one-clip", "one") > 10 * TOLERANCE  # clipping did something


def test_bf16_follows_fp32_and_leaves_what_is_frozen_bit_by_bit(out, data):
    found = losses(out, "zero2-bf16")
    assert found == pytest.approx(losses(out, "one"), rel=0.02)
    saved, whole = load_file(out / "zero2-bf16.safetensors"), load_file(out / "one.safetensors")
    assert {tensor.dtype for tensor in saved.values()} == {torch.float32}
    torch.manual_seed(1)
    fresh = dict(two_ranks.Any2Caption(data.config).named_parameters())
    frozen = [name for name in saved if name.startswith("model.motion_encoder.")]
    assert frozen
    assert all(torch.equal(saved[name], fresh[name.removeprefix("model.")]) for name in frozen)
    assert any(not torch.equal(whole[name], saved[name]) for name in frozen)


@pytest.mark.parametrize("name", ["zero3", "zero2-bf16"])
def test_a_resume_on_the_same_ranks_is_bit_by_bit_the_uninterrupted_run(out, name):
    assert losses(out, f"{name}-again") == losses(out, name)[-1:]
    assert furthest(out, f"{name}-again", name) == 0


def test_a_resume_on_another_number_of_ranks_is_equal_but_for_rounding(out):
    for name in ("one-after-two", "zero3-after-one"):  # and on another ZeRO stage
        assert losses(out, name) == pytest.approx(losses(out, "one")[-1:], rel=1e-5)
        assert furthest(out, name, "one") < TOLERANCE


def test_checkpoints_of_all_zero_stages_have_the_same_content(out):
    headers = [newest(out / name / "checkpoints", digests=True).header for name in TWO[:4]]
    assert [(header.world_size, header.zero) for header in headers] == [(2, n) for n in range(4)]
    names = [sorted(file.name for file in header.folder.iterdir()) for header in headers]
    assert all(found == names[0] for found in names)
    assert {file.suffix for file in headers[3].folder.iterdir()} == {".json", ".safetensors"}


@pytest.mark.parametrize("name", ["zero3", "zero3-clip", "zero3-frozen"])
def test_backward_leaves_no_split_parameter_whole(out, name):
    """Recomputation gathers frozen weights again; kept, they would cost what ZeRO 3 saves."""
    assert json.loads((out / f"{name}.whole.json").read_text()) == []
