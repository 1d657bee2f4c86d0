"""SmolLM2 as the platform's language model: its numbers, its tokens, its captions."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch

from any2caption.captions.text import parse
from any2caption.errors import ConfigError, IntegrityError
from any2caption.model.bundle import load_bundle, save_bundle
from any2caption.model.config import NEW_TOKENS, QWEN_TOKENS
from any2caption.model.decoder import Decoder
from any2caption.model.inference import decoder_inputs
from any2caption.model.presets import PACKAGED, SMOL, weights_of
from any2caption.model.processing.region_text import BOX_TOKENS
from any2caption.model.smol import weights
from any2caption.model.weights import describe_pretrained, from_pretrained

TEXT = "The camera pans left over a quiet kitchen, 3 times.\nA dog waits."


@pytest.fixture(scope="module")
def smol(smol_weights):
    short = replace(SMOL.processor, max_part_tokens=6, max_new_tokens=120)
    model, processor = from_pretrained(str(smol_weights), replace(SMOL, processor=short))
    return model.eval(), processor


@torch.inference_mode()
def test_its_logits_are_those_of_transformers_own_model(smol):
    from transformers import AutoModelForCausalLM, AutoTokenizer

    file = weights.source_file()
    given = {"gguf_file": file.name, "local_files_only": True}
    own = AutoModelForCausalLM.from_pretrained(
        file.parent, dtype=torch.float32, attn_implementation="eager", **given
    )
    tokenizer = AutoTokenizer.from_pretrained(file.parent, **given)
    model, processor = smol
    ids = processor.tokenizer.encode(TEXT, add_special_tokens=False).ids
    assert ids == tokenizer(TEXT, add_special_tokens=False).input_ids
    row = torch.tensor([ids])
    hidden = model.hidden_states(
        model.mllm.get_input_embeddings()(row), torch.arange(len(ids)).expand(3, 1, -1)
    )
    known = own.config.vocab_size
    assert torch.equal(own.model(row).last_hidden_state, hidden)
    wanted = own(row).logits
    # With the same rows of the head the product is the same; more rows are summed in another order.
    head = model.mllm.lm_head.weight
    assert torch.equal(torch.nn.functional.linear(hidden, head[:known]), wanted)
    torch.testing.assert_close(model.logits(hidden)[..., :known], wanted, atol=1e-3, rtol=0)


def test_its_tokenizer_knows_the_platforms_tokens(smol_weights):
    config, tokenizer = describe_pretrained(str(smol_weights), SMOL)
    assert config == SMOL
    assert config.text.vocab_size == tokenizer.get_vocab_size()
    for token in (*QWEN_TOKENS, *NEW_TOKENS, *BOX_TOKENS):
        assert len(tokenizer.encode(token).ids) == 1


def test_a_bundle_of_it_writes_six_parts_cached_as_in_full(smol, tmp_path):
    model, processor = smol
    folder = save_bundle(tmp_path / "bundle", model, processor, {"recipe": "-"})
    assert load_bundle(folder).config == processor.config
    decoder = Decoder.from_bundle(folder)
    inputs = processor.assemble("A dog waits in a kitchen.", [])
    none = np.zeros((0, processor.config.rows), np.float32)
    request = [decoder_inputs(inputs, none, none, none)]
    (text,) = decoder.generate(request)
    assert all(parse(text).model_dump().values())
    fewer = replace(
        processor.config, processor=replace(processor.config.processor, max_new_tokens=16)
    )
    decoder.processor.config = fewer
    (cached,), (full,) = (decoder.generate_ids(request, cached=one) for one in (True, False))
    assert cached == full
    assert len(cached) == 16


def test_a_preset_with_a_package_needs_no_weights_named():
    assert weights_of("smol") == PACKAGED["smol"]
    assert weights_of("smol", "/mine") == "/mine"
    assert not weights_of("tiny")
    assert not weights_of("qwen2-vl-2b")


def test_weights_are_converted_once_and_anew_where_damaged(tmp_path, monkeypatch):
    made = []

    def convert(source, folder):
        made.append(source.name)
        (folder / "tokenizer.json").write_text("{}")

    monkeypatch.setattr(weights, "_convert", convert)
    folder = weights.converted(tmp_path)
    assert weights.converted(tmp_path) == folder
    assert made == [weights.FILE]
    assert json.loads((folder / "made-from.json").read_text())["licence"] == "Apache-2.0"
    (folder / "tokenizer.json").write_text("{")
    assert weights.converted(tmp_path) == folder
    assert len(made) == 2
    assert (folder / "tokenizer.json").read_text() == "{}"


def test_another_file_and_a_missing_package_are_refused_by_name(monkeypatch):
    monkeypatch.setattr(weights, "DIGEST", "0" * 64)
    with pytest.raises(IntegrityError, match=r"SmolLM2.*another file"):
        weights.source_file()
    monkeypatch.setattr(weights, "find_spec", lambda name: None if name == "gguf" else True)
    with pytest.raises(ConfigError, match=r"preset smol needs gguf: install requirements/smol"):
        weights.source_file()
