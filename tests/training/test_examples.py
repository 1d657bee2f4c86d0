"""What a stage shows and what it wants written."""

import hashlib
from dataclasses import replace

import numpy as np
import pytest
import torch

from any2caption.model.any2caption import Any2Caption
from any2caption.model.inputs import TEXT, VISION
from any2caption.training.data.collate import Collator
from any2caption.training.data.examples import blanked, dropped
from any2caption.training.objective.new_tokens import NewTokens
from any2caption.training.objective.objective import Objective
from any2caption.training.recipes.builtin import PAPER

STAGE = PAPER.stages[2]


def test_whole_conditions_and_sentences_are_dropped_at_the_stated_rates(data):
    stage = replace(STAGE, drop_condition=0.4, drop_sentence=0.6)
    many = [
        s for s in data.samples("train") if len(s.item_numbers) >= 2 and s.prompt.count(".") >= 1
    ]
    shown = kept = 0
    for sample in many:
        for step in range(40):
            prompt, numbers = dropped(sample, stage, 1, step)
            assert prompt or numbers
            assert set(numbers) <= set(sample.item_numbers)
            shown, kept = shown + len(sample.item_numbers), kept + len(numbers)
    assert kept / shown == pytest.approx(0.6, abs=0.06)  # a little more: something always stays


def test_what_is_dropped_is_a_function_of_seed_step_and_sample(data):
    stage = replace(STAGE, drop_condition=0.5, drop_sentence=0.5)
    sample = next(s for s in data.samples("train") if len(s.item_numbers) > 1)
    found = [dropped(sample, stage, 1, step) for step in range(30)]
    assert found == [dropped(sample, stage, 1, step) for step in range(30)]
    assert len(set(found)) > 1


def test_dropout_by_token_blanks_encoder_tokens_and_no_others(data):
    stage = replace(STAGE, drop_condition=0.5, drop_sentence=0.0, drop_condition_means="tokens")
    samples = [s for s in data.samples("train") if s.item_numbers][:16]
    collate = Collator(data, data.processor(), stage, 0)
    batch = collate(samples, 3)
    media = batch.types != TEXT
    assert batch.blank is not None
    assert not (batch.blank & ~media).any()
    assert float(batch.blank.sum() / media.sum()) == pytest.approx(0.5, abs=0.12)
    assert torch.equal(batch.blank, collate(samples, 3).blank)
    objective = Objective(Any2Caption(data.config), data.classes(), bf16=False).eval()
    with torch.no_grad():
        whole = objective(replace(batch, blank=None), 0.0)[0]
        blanked = objective(batch, 0.0)[0]
    assert float(whole) != float(blanked)


def test_start_and_end_tokens_learn_alone(data):
    """Nothing of the embedding moves but the four rows, with weight decay and moments."""
    torch.manual_seed(0)
    processor = data.processor()
    model = Any2Caption(data.config)
    objective = Objective(model, {}, bf16=False, new_tokens=processor.new_token_ids)
    objective.requires_grad_(False)
    objective.tokens.requires_grad_(True)
    embedding = model.mllm.get_input_embeddings()
    before = embedding.weight.clone()
    samples = [s for s in data.samples("train") if len(s.item_numbers) > 1][:8]
    batch = Collator(data, processor, replace(STAGE, drop_condition=0.0), 0)(samples, 0)
    optimizer = torch.optim.AdamW(objective.tokens.parameters(), lr=0.01, weight_decay=0.1)
    losses = []
    for _ in range(3):
        loss, weight = objective(batch, 0.0)
        optimizer.zero_grad()
        (loss / weight).backward()
        optimizer.step()
        losses.append(float(loss.detach()))
    objective.tokens.merge(embedding)
    changed = (embedding.weight != before).any(1).nonzero()[:, 0].tolist()
    present = {i for i in processor.new_token_ids if (batch.input_ids == i).any()}
    assert set(changed) == present
    assert len(present) == 4
    objective.tokens.requires_grad_(False)  # merged: the same loss as before
    objective.tokens.update.zero_()
    with torch.no_grad():
        merged = float(objective(batch, 0.0)[0])
    assert merged < losses[0]


def test_merging_changes_no_output():
    torch.manual_seed(0)
    embedding, rows = torch.nn.Embedding(9, 4), NewTokens((2, 5), 4)
    with torch.no_grad():
        rows.update.normal_()
    ids = torch.tensor([[1, 2, 5, 5], [0, 8, 2, 3]])
    with torch.no_grad():
        apart = rows(embedding(ids), ids)
        rows.merge(embedding)
        assert torch.allclose(embedding(ids), apart)
    assert not rows.update.any()


def test_samples_differ_in_what_they_drop(data):
    """Two samples with equal inputs are dropped independently: the id is part of the seed."""
    stage = replace(STAGE, drop_condition=0.5, drop_sentence=0.0)
    sample = next(s for s in data.samples("train") if len(s.item_numbers) > 2)
    twins = [replace(sample, id=hashlib.sha256(bytes([n])).hexdigest()) for n in range(40)]
    sizes = {len(dropped(twin, stage, 1, 0)[1]) for twin in twins}
    assert len(sizes) > 1
    assert np.max(list(sizes)) <= len(sample.item_numbers)


def test_tokens_and_conditions_are_dropped_by_draws_of_their_own(data):
    """One stream for both would drop the first tokens with the first conditions."""
    sample = next(s for s in data.samples("train") if len(s.item_numbers) > 1)
    types = np.full(64, VISION)
    by_token = replace(STAGE, drop_condition=0.5, drop_condition_means="tokens")
    first = [blanked(types, sample, by_token, 1, step)[0] for step in range(200)]
    one = replace(STAGE, drop_condition=0.5, drop_sentence=0.0)
    gone = [sample.item_numbers[0] not in dropped(sample, one, 1, step)[1] for step in range(200)]
    assert abs(np.corrcoef(first, gone)[0, 1]) < 0.3
