"""The contract follows from the condition registry, and the committed files follow from it."""

import re

import pytest

from any2caption.conditions.registry import KINDS
from any2caption.errors import ConfigError
from any2caption.serving import contract


def test_committed_files_are_what_the_registry_says():
    assert contract.stale() == []


def test_every_kind_is_an_optional_input_with_its_description():
    inputs = {tensor.name: tensor for tensor in contract.edge_inputs()}
    assert set(inputs) == {
        *(kind.upper() for kind in KINDS),
        *(f"{kind.upper()}_INFO" for kind in KINDS if kind != "text"),
    }
    assert all(tensor.optional and tensor.dtype == "STRING" for tensor in inputs.values())
    assert inputs["TEXT"].dims == (1,)
    assert inputs["IMAGE"].dims == (-1,)


def test_a_new_kind_needs_no_edit():
    names = [tensor.name for tensor in contract.edge_inputs(("text", "normal"))]
    assert names == ["TEXT", "NORMAL", "NORMAL_INFO"]


def test_inner_steps_require_all_inputs_and_batch():
    for step in (contract.VISION_ENCODER, contract.CAMERA_ENCODER, contract.DECODER):
        assert not any(tensor.optional for tensor in step.inputs)
        config = contract.compile_step(step)
        assert f"max_batch_size: {contract.MAX_BATCH}" in config
        assert "dynamic_batching { max_queue_delay_microseconds" in config
        variable = [tensor for tensor in step.inputs if -1 in tensor.dims]
        assert config.count("allow_ragged_batch: true") == len(variable)


def test_no_queue_policy_that_stalls():
    text = "".join(contract.compile_repository().values())
    assert "queue_policy" not in text
    assert "priority" not in text


@pytest.mark.parametrize("release", [None, contract.NO_MODEL])
@pytest.mark.parametrize("name", contract.PUBLIC)
def test_ensemble_is_wired_completely(name, release):
    (ensemble,) = [one for one in contract.ensembles(release) if one.name == name]
    config = contract.compile_ensemble(ensemble)
    public = {tensor.name for tensor in ensemble.inputs}
    produced = set(re.findall(r'output_map { key: "\w+" value: "(\w+)" }', config))
    consumed = set(re.findall(r'input_map { key: "\w+" value: "(\w+)" }', config))
    assert consumed <= public | produced
    assert {tensor.name for tensor in ensemble.outputs} <= produced
    # One namespace: an output called as an input is would be that input.
    assert not public & produced


def test_release_names_reach_steps_ensembles_and_parameters():
    files = contract.compile_repository(7)
    assert 'name: "decoder-r7"' in files["decoder/config.pbtxt"]
    assert 'key: "release" value { string_value: "7" }' in files["decoder/config.pbtxt"]
    ensemble = files["any2caption/config.pbtxt"]
    assert 'name: "any2caption"' in ensemble
    assert set(re.findall(r'model_name: "(.*)"', ensemble)) == {
        f"{step.name}-r7" for step in contract.steps()[:-1]
    }


def test_changed_file_is_named_and_written_again(tmp_path):
    assert len(contract.write(tmp_path)) == len(contract.steps()) + len(contract.PUBLIC)
    assert contract.write(tmp_path) == []
    (tmp_path / "decoder" / "config.pbtxt").write_text("other")
    with pytest.raises(ConfigError, match=r"decoder/config\.pbtxt"):
        contract.main(["--repository", str(tmp_path)])
    contract.main(["--write", "--repository", str(tmp_path)])
    contract.main(["--repository", str(tmp_path)])


def test_model_files_are_thin():
    for step in contract.steps():
        lines = (contract.REPOSITORY / step.name / "1" / "model.py").read_text().splitlines()
        assert len(lines) <= 60


def test_the_choices_of_a_request_are_optional_inputs():
    inputs = {tensor.name: tensor for tensor in contract.REQUEST}
    for name in ("WRITER", "MODE", "LENGTH", "POLICY"):
        assert inputs[name].optional
        assert (inputs[name].dtype, inputs[name].dims) == ("STRING", (1,))


def test_facts_choices_and_drafts_are_never_public():
    for ensemble in (*contract.ensembles(), *contract.ensembles(contract.NO_MODEL)):
        names = {tensor.name for tensor in (*ensemble.inputs, *ensemble.outputs)}
        assert not names & {"FACTS", "OPTIONS", "READ", "DRAFT", "SHOWN", "WRITTEN"}
        mapped = set(re.findall(r'value: "(\w+)"', contract.compile_ensemble(ensemble)))
        assert not {"FACTS", "DRAFT", "SHOWN", "WRITTEN"} & mapped


def test_the_release_without_a_model_has_the_same_face_and_no_bundle():
    for one, other in zip(contract.ensembles(), contract.ensembles(contract.NO_MODEL), strict=True):
        assert (one.name, one.inputs, one.outputs) == (other.name, other.inputs, other.outputs)
    files = contract.compile_repository(contract.NO_MODEL)
    assert set(files) == {
        f"{name}/config.pbtxt"
        for name in ("preprocess", "endpoint", "check", "previs", "any2caption", "any2video")
    }
    assert 'key: "bundle" value { string_value: "" }' in files["check/config.pbtxt"]
    assert "DRAFT" not in files["check/config.pbtxt"]
    assert "INPUT_IDS" not in files["preprocess/config.pbtxt"]
