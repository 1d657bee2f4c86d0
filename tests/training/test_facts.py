"""Facts in prompts: what training shows a model is what the server shows it, byte for byte."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch

from any2caption.datasets.snapshots import load_snapshot
from any2caption.errors import ConfigError
from any2caption.model.any2caption import Any2Caption
from any2caption.model.bundle import save_bundle
from any2caption.model.inference import Captioner, Request
from any2caption.model.processing.processor import LABELS
from any2caption.serving.steps.preprocess import Preprocess
from any2caption.serving.steps.runtime import strings, text
from any2caption.storage import open_store
from any2caption.storage.content import get_content
from any2caption.training.data.collate import Collator
from any2caption.training.data.prepared import Prepared
from any2caption.training.open_data import check_data
from any2caption.training.prepare.prepared_folder import prepare
from any2caption.training.recipes.builtin import SMOKE, SMOL
from any2caption.training.recipes.checks import check_recipe

from .conftest import tiny_of

BOTH = replace(SMOKE, name="smoke-facts", facts="both")
STAGE = BOTH.stages[-1]


@pytest.fixture(scope="module")
def stated(settings, snapshot):
    folder = settings.home / "data-facts"
    prepare(settings, tiny_of(snapshot.id, BOTH), folder, workers=1)
    return Prepared(folder)


@pytest.fixture(scope="module", params=["both", "text"])
def reading(request, stated, tmp_path_factory):
    """Data whose prompts state facts, and a bundle that was trained on them for no step."""
    stated.config = stated.config.with_facts(request.param)
    processor = stated.processor()
    torch.manual_seed(0)
    model = Any2Caption(stated.config)
    folder = tmp_path_factory.mktemp("bundle") / request.param
    return stated, processor, save_bundle(folder, model, processor, {"recipe": "-"})


@pytest.fixture(scope="module")
def records(settings, snapshot):
    store = open_store(settings.object_store)
    found = {one.id: one for one in load_snapshot(store, snapshot.id).records("train")}
    return store, found


def edge_inputs(store, record):
    """A record as a client sends it."""
    inputs = {"TEXT": [record.prompt.encode()]}
    for condition in record.conditions:
        name = condition.kind.upper()
        info = {"condition": condition.number - 1, "role": condition.role}
        for part in condition.parts:
            said = {**info, "name": part.name, "options": condition.options}
            inputs.setdefault(name, []).append(get_content(store, part.sha256))
            inputs.setdefault(f"{name}_INFO", []).append(json.dumps(said).encode())
    return {name: strings(*values) for name, values in inputs.items()}


def test_a_served_prompt_is_the_trained_prompt(reading, records):
    data, processor, bundle = reading
    store, found = records
    collate = Collator(data, processor, STAGE, 0)
    step = Preprocess(bundle, "", {})
    kinds = set()
    try:
        for sample in data.samples("train"):
            record = found[sample.id]
            if {one.kind for one in record.conditions} <= kinds:
                continue
            inputs = {**edge_inputs(store, record), "WRITER": strings(b"model")}
            (outputs,) = step.run([inputs])
            assert not isinstance(outputs, Exception), outputs
            row = collate._row(sample, 0)
            asked = row.input_ids[: int((row.labels < 0).argmin()) + 1]
            assert np.array_equal(outputs["INPUT_IDS"][0], asked)
            assert np.array_equal(outputs["CAMERA_POSES"][0], row.camera)
            assert "Facts:\n" in processor.decode(asked.tolist())
            reads = data.config.processor.facts
            assert json.loads(text(outputs["READ"])[0])["info"]["model"] == {"facts": reads}
            assert bool(len(row.vision) + len(row.motion) + len(row.camera)) == (
                reads == "both" and bool(sample.item_numbers)
            )
            kinds |= {one.kind for one in record.conditions}
    finally:
        step.close()
    assert {"camera", "pose", "depth", "image"} <= kinds <= {*LABELS, "text"}


def test_evaluation_asks_as_the_server_does(reading, records):
    from any2caption.datasets.snapshots import load_condition

    data, processor, bundle = reading
    store, found = records
    captioner = Captioner(bundle)
    for sample in [one for one in data.samples("train") if len(one.item_numbers) > 1][:4]:
        conditions = [load_condition(store, one) for one in found[sample.id].conditions]
        inputs, _ = captioner._assemble(Request(sample.prompt, conditions))
        asked = inputs.input_ids
        row = Collator(data, processor, STAGE, 0)._row(sample, 0)
        assert np.array_equal(row.input_ids[: len(asked)], asked)


def test_prompts_without_facts_stay_as_they_were(data):
    processor = data.processor()
    sample = next(one for one in data.samples("train") if one.item_numbers)
    assert sample.facts == ""
    features = [data.feature(number) for number in sample.item_numbers]
    plain = processor.assemble(sample.prompt, features)
    said = processor.assemble(sample.prompt, features, facts="Facts:\nsubjects: a dog")
    assert np.array_equal(plain.input_ids, said.input_ids)
    first = processor.decode(plain.input_ids.tolist())
    assert first.startswith("<|im_start|>user\n")
    assert first.endswith(f"{sample.prompt}\n<|im_start|>assistant\n")  # without <|im_end|>


def test_data_prepared_otherwise_is_refused(data, stated):
    with pytest.raises(ConfigError, match="prepared with facts=none, the recipe's is both"):
        check_data(data.folder, BOTH, "tiny", "")
    with pytest.raises(ConfigError, match="prepared with facts=both, the recipe's is none"):
        check_data(stated.folder, SMOKE, "tiny", "")


def test_what_facts_exclude_is_refused_before_anything_is_started():
    dropping = replace(SMOL.stages[-1], drop_condition=0.4)
    recipe = replace(SMOL, name="mine", stages=(*SMOL.stages[:-1], dropping))
    with pytest.raises(ConfigError, match="still states what drop_condition"):
        check_recipe(recipe, "smol", 1, tuple(LABELS))
    with pytest.raises(ConfigError, match="facts=text shows no condition, which classify reads"):
        check_recipe(replace(SMOL, name="mine", facts="text"), "smol", 1, tuple(LABELS))
