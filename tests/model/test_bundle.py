import json
import subprocess
import sys

import pytest
import torch

from any2caption.errors import IntegrityError, NotFoundError
from any2caption.model import bundle as bundles
from any2caption.model.bundle import load_bundle, load_part, save_bundle
from any2caption.model.bundled_encoders import load_camera, load_motion, load_vision
from any2caption.storage import atomic


def test_a_bundle_gives_back_the_same_weights(bundle, model):
    loaded = load_bundle(bundle)
    assert loaded.meta == {"recipe": "-"}
    for (name, ours), theirs in zip(
        loaded.load_model().state_dict().items(), model.state_dict().values(), strict=True
    ):
        assert torch.equal(ours, theirs), name


def test_each_step_loads_its_own_part_only(bundle, monkeypatch):
    read = []
    original = bundles.read_file
    monkeypatch.setattr(bundles, "read_file", lambda f, n: read.append(n) or original(f, n))
    for load, part in ((load_vision, "vision"), (load_motion, "motion"), (load_camera, "camera")):
        read.clear()
        load(bundle)
        assert set(read) == {"config.json", f"{part}.safetensors"}


CAMERA_STEP = """
import sys, numpy as np
from pathlib import Path
from any2caption.serving.steps.steps import CameraEncoder

step = CameraEncoder(Path(sys.argv[1]), "", {})
poses = np.zeros((1, step.config.camera.frames, 16), np.float32)
poses[..., [0, 1, 2, 3, 4, 9, 14]] = 1, 1, 0.5, 0.5, 1, 1, 1
(answer,) = step.run([{"CAMERA_POSES": poses}])
print(*answer["CAMERA_EMBEDS"].shape, "torch" in sys.modules, "transformers" in sys.modules)
"""


def test_the_camera_step_runs_without_transformers(bundle, config):
    run = [sys.executable, "-c", CAMERA_STEP, str(bundle)]
    done = subprocess.run(run, capture_output=True, text=True, check=True)
    shape = f"1 {config.camera.frames} {config.text.hidden}"
    assert done.stdout.split("\n")[0] == f"{shape} True False"


@pytest.fixture
def copy(tmp_path, model, processor):
    return save_bundle(tmp_path / "b", model, processor, {})


@pytest.mark.parametrize("name", ["camera.safetensors", "config.json", "tokenizer.json"])
def test_an_altered_file_is_refused_by_name(copy, name):
    data = bytearray((copy / name).read_bytes())
    data[len(data) // 2] ^= 1
    (copy / name).write_bytes(data)
    with pytest.raises(IntegrityError, match=name):
        load_bundle(copy)


def test_missing_and_added_files_are_refused(copy):
    (copy / "extra.bin").write_bytes(b"x")
    with pytest.raises(IntegrityError, match=r"extra\.bin"):
        load_bundle(copy)
    (copy / "extra.bin").unlink()
    (copy / "motion.safetensors").unlink()
    with pytest.raises(IntegrityError, match=r"motion\.safetensors is missing"):
        load_part(copy, "motion")


def test_a_folder_without_manifest_is_no_bundle(copy):
    (copy / "manifest.json").unlink()
    with pytest.raises(NotFoundError, match="not a model bundle"):
        load_bundle(copy)


def test_a_manifest_of_another_format_is_refused(copy):
    (copy / "manifest.json").write_text(json.dumps({"format": "x/9", "files": {}}))
    with pytest.raises(IntegrityError, match="x/9"):
        load_bundle(copy)


def test_export_is_atomic(tmp_path, model, processor, monkeypatch):
    save_bundle(tmp_path / "b", model, processor, {"version": 1})

    def fail(_):
        raise OSError("disk full")

    monkeypatch.setattr(atomic, "sync_path", fail)
    with pytest.raises(OSError, match="disk full"):
        save_bundle(tmp_path / "b", model, processor, {"version": 2})
    assert load_bundle(tmp_path / "b").meta == {"version": 1}
    assert [p.name for p in tmp_path.iterdir()] == ["b"]
