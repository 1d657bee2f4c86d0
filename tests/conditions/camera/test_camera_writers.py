"""A camera path written for another tool reads back as the same path."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from any2caption.cli.main import app
from any2caption.conditions.camera.writers import WRITERS, Lens, write_camera
from any2caption.conditions.inspect.detect import detect_kind
from any2caption.conditions.registry import parse_condition
from any2caption.conditions.types import Camera, Part
from any2caption.errors import InputError

from ..conftest import DATA
from . import test_camera_formats as made


def path(count=7, seed=1, *, lens=True):
    intrinsics = np.tile([0.8, 1.4, 0.5, 0.5] if lens else [np.nan] * 4, (count, 1))
    return Camera(intrinsics, made.wanted(made.poses(count, seed)))


@pytest.mark.parametrize("to", WRITERS)
@settings(max_examples=8, deadline=None)
@given(st.integers(2, 12), st.integers(0, 2**31))
def test_every_format_reads_back_as_the_same_path(to, count, seed):
    before = path(count, seed)
    data = write_camera(before, to, Lens())
    after = parse_condition("camera", [Part("out.any", data)]).payload
    np.testing.assert_allclose(after.w2c, before.w2c, atol=1e-6)
    if np.isfinite(after.intrinsics).all():
        np.testing.assert_allclose(after.intrinsics[:, :2], before.intrinsics[:, :2], rtol=1e-6)


@pytest.mark.parametrize("to", WRITERS)
def test_what_is_written_is_found_out_as_a_camera(to):
    assert detect_kind([Part("out.any", write_camera(path(), to, Lens()))])[0] == "camera"


@pytest.mark.parametrize("to", ["realestate10k", "nerfstudio"])
def test_an_unknown_lens_is_asked_for(to):
    with pytest.raises(InputError, match=r"fov: .* needs the lens"):
        write_camera(path(lens=False), to, Lens())
    data = write_camera(path(lens=False), to, Lens(fov=60, width=1000, height=500))
    after = parse_condition("camera", [Part("out.any", data)]).payload
    np.testing.assert_allclose(after.intrinsics[0, :2], [0.4330, 0.8660], atol=1e-3)


def test_an_unknown_format_names_what_there_is():
    with pytest.raises(InputError, match=r"to: 'colmap'; accepted: realestate10k"):
        write_camera(path(), "colmap", Lens())


def test_the_command_converts_a_real_file(tmp_path):
    out = tmp_path / "path.json"
    source = DATA / "camera" / "look_left.txt"
    done = CliRunner().invoke(
        app, ["condition", "convert", str(source), "--to", "recammaster", "--out", str(out)]
    )
    assert done.exit_code == 0, done.output
    read = parse_condition("camera", [Part("path.json", out.read_bytes())]).payload
    wanted = parse_condition("camera", [Part("s.txt", source.read_bytes())]).payload
    np.testing.assert_allclose(read.w2c, wanted.w2c, atol=1e-6)
