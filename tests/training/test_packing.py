from dataclasses import replace
from itertools import chain

import numpy as np
import pytest
import torch

from any2caption.errors import ConfigError
from any2caption.model.any2caption import Any2Caption
from any2caption.model.processing.processor import LABELS
from any2caption.training.data.collate import Collator
from any2caption.training.data.encoder_cache import encode_items
from any2caption.training.data.packing import PackCollator, PackOrder, Size, Turn, best_fit
from any2caption.training.data.stage_batches import Source
from any2caption.training.launch.supervisor import refuse_early
from any2caption.training.objective.objective import Objective
from any2caption.training.planning.facts import survey
from any2caption.training.planning.plan import make_plan
from any2caption.training.recipes.builtin import SMOKE, TINY
from any2caption.training.recipes.checks import check_recipe

from .conftest import run_of

STAGE = replace(TINY.stages[-1], encode_once=False, pack_tokens=1024, batch=2)


def lengths(count, seed=0):
    """As the paper states its data: captions of 231 words on average, and media tokens."""
    rng = np.random.default_rng(seed)
    return (320 + rng.gamma(4, 60, count) + 256 * rng.integers(1, 5, count)).astype(int).tolist()


def order(sizes, limit, *, packs=8, seed=3, window=256):
    return PackOrder(
        len(sizes),
        lambda turn: Size(*np.atleast_1d(sizes[turn.number]).tolist()),
        limit,
        packs=packs,
        seed=seed,
        window=window,
    )


def test_packs_are_at_least_99_percent_useful():
    plan, limit = order(lengths(4000), Size(16384), window=1024), 16384
    sizes = lengths(4000)
    used = [sum(sizes[t.number] for t in pack) for step in range(12) for pack in plan(step)]
    assert max(used) <= limit
    assert np.mean(used) / limit >= 0.99


def test_no_pack_passes_either_limit():
    rng = np.random.default_rng(1)
    sizes = [Size(int(t), int(p)) for t, p in rng.integers(1, 400, (300, 2))]
    packs = best_fit(sizes, Size(1000, 700))
    assert sorted(chain(*packs)) == list(range(300))
    assert max(sum(sizes[i].tokens for i in pack) for pack in packs) <= 1000
    assert max(sum(sizes[i].patches for i in pack) for pack in packs) <= 700


def test_every_sample_comes_once_an_epoch_and_waits_one_window_at_most():
    sizes = lengths(500)
    plan = order(sizes, Size(8192), packs=4, window=100)
    turns = list(chain(*(pack for step in range(60) for pack in plan(step))))
    assert len(turns) > 1500
    assert len(set(turns)) == len(turns)
    whole = {turn.number for turn in turns if turn.epoch == 0}
    assert whole == set(range(500))
    place = {turn: at for at, turn in enumerate(turns)}
    for epoch in (0, 1):
        numbers = np.random.default_rng([3, epoch]).permutation(500)
        wanted = [place[Turn(int(number), epoch)] for number in numbers]
        assert max(abs(at - 500 * epoch - i) for i, at in enumerate(wanted)) <= 2 * 100 + 30


def test_a_plan_made_again_at_a_later_step_is_the_same():
    sizes = lengths(300)
    whole = order(sizes, Size(8192))
    steps = [whole(step) for step in range(30)]
    assert order(sizes, Size(8192))(17) == steps[17]
    assert whole(4) == steps[4]  # backwards too
    assert steps[0] != steps[8]


def test_general_samples_take_their_share_of_the_packed_stream():
    sizes = lengths(300)
    plan = PackOrder(
        200,
        lambda turn: Size(int(sizes[turn.number])),
        Size(2048),
        packs=8,
        seed=3,
        general=100,
        general_share=0.4,
    )
    turns = [turn.number for step in range(200) for pack in plan(step) for turn in pack]
    assert np.mean([number >= 200 for number in turns]) == pytest.approx(0.4, abs=0.03)
    assert set(turns) == set(range(300))


def test_ranks_share_the_packs_of_a_step(data):
    processor = data.processor()
    stage = replace(STAGE, batch=4)
    whole = Source(data, processor, stage, 1)(3, 0, 1)
    parts = [Source(data, processor, stage, 1)(3, rank, 2) for rank in (0, 1)]
    assert sorted(whole.ids) == sorted(chain(*(part.ids for part in parts)))


@pytest.fixture(scope="module")
def objective(data):
    torch.manual_seed(0)
    return Objective(Any2Caption(data.config), data.classes(), bf16=False)


def _gradients(objective, batch, heads_loss=0.0):
    objective.zero_grad()
    loss, weight = objective(batch, heads_loss)
    (loss / weight).backward()
    loss = loss.detach()
    grads = {n: p.grad.clone() for n, p in objective.named_parameters() if p.grad is not None}
    return float(loss), float(weight), grads


@pytest.mark.parametrize("drop", [0.0, 0.4])
def test_packed_equals_padded_in_loss_and_gradients(data, objective, drop):
    stage = replace(STAGE, drop_condition=drop, drop_sentence=drop)
    samples = data.samples("train")[:7]
    padded = Collator(data, data.processor(), stage, 5)(samples, 2)
    packs = [[(s, 2) for s in samples[:4]], [(s, 2) for s in samples[4:]]]
    packed = PackCollator(data, data.processor(), stage, 5).packed(packs)
    assert packed.tokens == padded.tokens
    assert packed.input_ids.shape[0] == 2
    loss, weight, grads = _gradients(objective, packed, heads_loss=0.3)
    expected, count, wanted = _gradients(objective, padded, heads_loss=0.3)
    assert (loss, weight) == (pytest.approx(expected, rel=1e-5), pytest.approx(count))
    assert grads.keys() == wanted.keys()
    for name, grad in grads.items():
        torch.testing.assert_close(grad, wanted[name], atol=2e-5, rtol=2e-4, msg=name)


def test_packed_logits_equal_those_of_each_document_alone(data, objective):
    samples = data.samples("train")[:5]
    collate = PackCollator(data, data.processor(), STAGE, 5)
    packed = collate.packed([[(s, 0) for s in samples]])
    at = 0
    with torch.no_grad():
        whole = _logits(objective.model, packed)[0]
        for sample in samples:
            alone = Collator(data, data.processor(), STAGE, 5)([sample], 0)
            found = _logits(objective.model, alone)[0, : alone.tokens]
            torch.testing.assert_close(whole[at : at + alone.tokens], found, atol=1e-4, rtol=1e-4)
            span = slice(at, at + alone.tokens)
            assert torch.equal(packed.positions[:, 0, span], alone.positions[:, 0, : alone.tokens])
            at += alone.tokens


def _logits(model, batch):
    vision = model.encode_vision(batch.vision, batch.vision_grid)
    motion = model.encode_motion(batch.motion, batch.motion_grid)
    embeds = model.embed(
        batch.input_ids, batch.types, vision, motion, model.encode_camera(batch.camera)
    )
    return model.logits(model.hidden_states(embeds, batch.positions, batch.packed))


def test_packs_of_encoded_items_give_the_same_loss(data, objective):
    samples = [(s, 0) for s in data.samples("train")[:5]]
    encoded = encode_items(objective.model, data, 0, 1)
    with torch.no_grad():
        plain = objective(PackCollator(data, data.processor(), STAGE, 5).packed([samples]), 0.0)
        cached = objective(
            PackCollator(data, data.processor(), STAGE, 5, encoded).packed([samples]), 0.0
        )
    assert float(cached[0]) == pytest.approx(float(plain[0]), rel=1e-5)


def test_the_size_is_known_before_the_row_is_made(data):
    stage = replace(STAGE, drop_condition=0.5, drop_sentence=0.5)
    collate = PackCollator(data, data.processor(), stage, 5)
    for epoch, sample in enumerate(data.samples("train")[:8]):
        batch = collate.packed([[(sample, epoch)]])
        size = collate.size(sample, epoch)
        assert size == Size(batch.tokens, len(batch.vision) + len(batch.motion))


def test_a_record_longer_than_a_pack_is_refused_by_name(data):
    stage = replace(STAGE, pack_tokens=64)
    longest = max(data.samples("train"), key=lambda s: s.length)
    with pytest.raises(ConfigError, match=rf"record {longest.id} has \d+ tokens, a pack holds 64"):
        Source(data, data.processor(), stage, 1)
    with pytest.raises(ConfigError, match=r"patches, a pack holds 3: leave"):
        Source(data, data.processor(), replace(STAGE, pack_vision=3), 1)(0, 0, 1)


def test_packs_longer_than_the_models_positions_are_refused_in_one_line(folder, tmp_path):
    stages = (*TINY.stages[:-1], replace(TINY.stages[-1], pack_tokens=4097))
    recipe = replace(TINY, stages=stages)
    with pytest.raises(ConfigError) as caught:
        refuse_early(run_of(recipe, folder, tmp_path))
    assert str(caught.value) == (
        "stage interpret: packs of 4097 tokens, the model has positions for 4096:"
        " set pack_tokens to 4096 or less"
    )


def test_a_plan_refuses_packs_that_a_record_does_not_fit_into(folder, tmp_path):
    stages = (*TINY.stages[:-1], replace(TINY.stages[-1], pack_tokens=40))
    recipe = replace(SMOKE, stages=stages)
    with pytest.raises(ConfigError, match=r"record .* tokens or more, a pack holds 40"):
        make_plan(survey(run_of(recipe, folder, tmp_path)))


def test_impossible_packs_are_refused_with_the_stage():
    align = replace(TINY.stages[0], pack_tokens=512)
    last = replace(TINY.stages[-1], pack_vision=100)
    recipe = replace(TINY, stages=(align, last))
    with pytest.raises(ConfigError, match=r"classify reads items.*pack_vision limits packs"):
        check_recipe(recipe, "tiny", 1, tuple(LABELS))
