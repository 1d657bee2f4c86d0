"""A pretrained language model as a writer, untrained: in this process and in Triton."""

import json
from dataclasses import replace

import pytest
import samples
from serving_lab import Server
from typer.testing import CliRunner

from any2caption.captions.text import parse
from any2caption.cli.main import app
from any2caption.errors import ConfigError
from any2caption.model import presets
from any2caption.model.zero_shot import write_zero_shot
from any2caption.serving.client import CaptionClient
from any2caption.serving.in_process import InProcess
from any2caption.serving.releases import release_folder
from any2caption.serving.releases.rollout import rollout

TEXT = "An old fisherman mends his nets."


@pytest.fixture(scope="module")
def bundle(smol_weights, tmp_path_factory):
    """Short parts, to save time."""
    out = tmp_path_factory.mktemp("zero") / "bundle"
    short = replace(presets.SMOL.processor, max_part_tokens=8)
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(presets.PRESETS, "smol", replace(presets.SMOL, processor=short))
        home = str(tmp_path_factory.mktemp("home"))
        patch.setenv("A2C_HOME", home)
        arguments = ["model", "zero-shot", str(out), "--weights", str(smol_weights), "--home", home]
        result = CliRunner().invoke(app, arguments)
        assert result.exit_code == 0, result.output
    return out


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    return samples.write(tmp_path_factory.mktemp("files"))


@pytest.fixture(scope="module")
def here(bundle, files):
    """Answers of this process: checked, and as the model wrote it."""
    with InProcess(bundle) as one:
        given = {"camera": files["camera"]}
        return {
            policy: one.caption(TEXT, given, writer="model", policy=policy)
            for policy in ("repair", "warn")
        }


def test_it_writes_six_parts_that_are_held_to_the_facts(here):
    checked, written = here["repair"], here["warn"]
    assert parse(written.text) == written.caption
    assert checked.writer == written.writer == "model"
    assert checked.info["model"] == {"facts": "text"}
    assert "fisherman" in checked.caption.dense
    assert not any(one["fault"] == "omitted" and not one["after"] for one in checked.findings)


def test_it_is_asked_only_by_name(bundle):
    with InProcess(bundle) as one:
        result = one.caption(TEXT)
    assert result.writer == "compose"
    assert "does not say what it was trained on" in result.info["scope"]["why"]
    assert "model" not in result.info


@pytest.mark.slow
@pytest.mark.server
def test_the_server_answers_as_this_process_does(bundle, files, here, tmp_path):
    server = Server(tmp_path)
    server.start()
    try:
        with server.control() as control:
            release = release_folder.build(bundle, tmp_path / "releases", 1, model_version="1")
            rollout(release, control, server.live)
        with CaptionClient(server.url, timeout=300) as client:
            given = {"camera": files["camera"]}
            served = client.caption(TEXT, given, writer="model")
    finally:
        server.stop()
    assert served.text == here["repair"].text
    assert json.dumps(served.provenance) == json.dumps(here["repair"].provenance)


def test_a_preset_that_starts_from_nothing_is_refused(tmp_path):
    with pytest.raises(ConfigError, match="preset tiny starts from nothing"):
        write_zero_shot(tmp_path / "bundle", preset="tiny")
    with pytest.raises(ConfigError, match="preset qwen2-vl-2b starts from weights"):
        write_zero_shot(tmp_path / "bundle", preset="qwen2-vl-2b")
