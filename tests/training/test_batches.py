from dataclasses import replace

import numpy as np
import pytest
import torch

from any2caption.model.any2caption import Any2Caption
from any2caption.training.data.alignment import AlignData, shifted, varied
from any2caption.training.data.collate import Batch, Collator, EncodedBatch, Order, share
from any2caption.training.data.encoder_cache import encode_items
from any2caption.training.objective.objective import Objective
from any2caption.training.recipes.builtin import TINY


def test_the_order_is_the_same_on_any_number_of_ranks():
    order = Order(np.arange(103), 8, 3)
    for step in (0, 5, 12, 40):
        batch = order(step)
        for world_size in (1, 2, 4):
            parts = [share(batch, rank, world_size) for rank in range(world_size)]
            assert sorted(np.concatenate(parts)) == sorted(batch)


def test_an_epoch_has_each_sample_once_and_the_next_is_shuffled_anew():
    order = Order(np.zeros(64, np.int64), 8, 1)
    first = np.concatenate([order(step) for step in range(8)])
    second = np.concatenate([order(step) for step in range(8, 16)])
    assert sorted(first) == sorted(second) == list(range(64))
    assert first.tolist() != second.tolist()


def test_few_samples_still_fill_a_batch():
    assert len(Order(np.zeros(3, np.int64), 8, 1)(7)) == 8


def test_batches_hold_samples_of_like_length():
    lengths = np.random.default_rng(0).integers(50, 200, 4096)
    order = Order(lengths, 16, 0)
    spread = [np.ptp(lengths[order(step)]) for step in range(200)]
    assert np.mean(spread) < 20


@pytest.fixture(scope="module")
def objective(data):
    torch.manual_seed(0)
    return Objective(Any2Caption(data.config), data.classes(), bf16=False).eval()


def test_labels_are_the_next_tokens_of_the_caption(data):
    stage, processor = TINY.stages[-1], data.processor()
    samples = data.samples("train")[:6]
    batch = Collator(data, processor, stage, 0)(samples, 0)
    for row, sample in enumerate(samples):
        at = batch.labels[row] >= 0
        expected = data.caption_tokens[slice(*sample.span)]
        assert batch.labels[row][at].tolist() == expected.tolist()
        after = at.nonzero()[:, 0][:-1]
        assert torch.equal(batch.input_ids[row][after + 1], batch.labels[row][after])
        assert set(batch.weights[row][at].tolist()) == {0.25, 1.0}
        assert not batch.weights[row][~at].any()


def test_padding_and_company_do_not_change_a_samples_loss(data, objective):
    stage = TINY.stages[-1]
    collate = Collator(data, data.processor(), stage, 0)
    samples = data.samples("train")[:5]
    with torch.no_grad():
        loss, weight = objective(collate(samples, 0), 0.0)
        single = [objective(collate([sample], 0), 0.0) for sample in samples]
    assert loss == pytest.approx(sum(float(one) for one, _ in single), rel=1e-4)
    assert weight == pytest.approx(sum(float(one) for _, one in single))


def test_head_answers_point_at_their_own_tokens(data, objective):
    collate = Collator(data, data.processor(), TINY.stages[-1], 0)
    samples = [s for s in data.samples("train") if len(s.item_numbers) > 1][:8]
    together = collate(samples, 0)
    outputs = _encode(objective.model, together)
    found = iter(together.answers)
    for sample in samples:
        alone = collate([sample], 0)
        own = _encode(objective.model, alone)
        for answer in alone.answers:
            match = next(found)
            assert match.kind == answer.kind
            tower = {"pose": "motion", "camera": "camera"}.get(answer.kind, "vision")
            ours, theirs = outputs[tower][slice(*match.rows)], own[tower][slice(*answer.rows)]
            assert torch.allclose(ours, theirs, atol=1e-4)


@torch.no_grad()
def _encode(model, batch):
    return {
        "vision": model.encode_vision(batch.vision, batch.vision_grid),
        "motion": model.encode_motion(batch.motion, batch.motion_grid),
        "camera": model.encode_camera(batch.camera),
    }


def test_dropout_leaves_something_and_repeats_itself(data):
    stage = replace(TINY.stages[-1], drop_condition=0.9, drop_sentence=0.9)
    samples = data.samples("train")[:16]
    collate = Collator(data, data.processor(), stage, 0)
    first, again, later = (collate(samples, step) for step in (1, 1, 2))
    assert torch.equal(first.input_ids, again.input_ids)
    assert first.input_ids.shape != later.input_ids.shape or not torch.equal(
        first.input_ids, later.input_ids
    )


def test_alignment_steps_hold_one_kind_and_all_kinds_take_turns(data):
    source = AlignData(data, data.config, TINY.stages[2], 1)
    kinds = [source.batch(step, 0, 2).kind for step in range(13)]
    assert [kinds.count(kind) for kind in ("image", "depth", "video")] == [7, 2, 4]
    one, two = (source.batch(4, rank, 2) for rank in (0, 1))
    assert one.kind == two.kind
    assert len(one.ids) == len(two.ids) == TINY.stages[2].batch // 2


def test_a_clip_is_moved_as_one_within_its_limit_and_always_alike():
    frames = np.arange(3 * 20 * 30, dtype=np.uint16).reshape(3, 20, 30)
    found = {}
    for number in range(200):
        out = shifted(frames, 0.1, (1, number))
        assert np.array_equal(out, shifted(frames, 0.1, (1, number)))
        # The middle of the picture says how far it went; every frame went as far.
        down, right = divmod(int(frames[0, 10, 15]) - int(out[0, 10, 15]), 30)
        right, down = (right, down) if right < 15 else (right - 30, down + 1)
        assert np.array_equal(
            out[:, 3:-3, 4:-4], frames[:, 3 - down : 17 - down, 4 - right : 26 - right]
        )
        found[down, right] = out
    assert {down for down, _ in found} == {-2, -1, 0, 1, 2}
    assert {right for _, right in found} == {-3, -2, -1, 0, 1, 2, 3}
    assert np.array_equal(found[2, 0][:, :2], frames[:, [0, 0]])  # the edge is repeated


def test_a_stage_moves_its_pictures_the_same_on_any_number_of_ranks(data):
    stage = replace(TINY.stages[2], batch=8)
    whole, half = (AlignData(data, data.config, stage, 1).batch(0, 0, n) for n in (1, 2))
    still = replace(stage, shift=0.0, mirror=False)
    still = AlignData(data, data.config, still, 1).batch(0, 0, 1)
    rows = len(half.patches)
    assert torch.equal(half.patches, whole.patches.unflatten(0, (8, -1))[::2].flatten(0, 1)[:rows])
    assert whole.ids == still.ids
    assert not torch.equal(whole.patches, still.patches)


def test_half_of_the_pictures_are_mirrored_and_no_clip_is():
    stage = replace(TINY.stages[2], shift=0.0)
    frames = np.arange(2 * 4 * 6, dtype=np.uint8).reshape(2, 4, 6)
    seeds = [(1, step, number) for step in range(20) for number in range(20)]
    turned = [varied(frames, "image", stage, seed) for seed in seeds]
    mirrored = [np.array_equal(out, frames[:, :, ::-1]) for out in turned]
    assert all(
        np.array_equal(out, frames)
        for out, is_so in zip(turned, mirrored, strict=True)
        if not is_so
    )
    assert 150 < sum(mirrored) < 250
    for kind in ("video", "depth"):
        assert all(np.array_equal(varied(frames, kind, stage, seed), frames) for seed in seeds)
    still = replace(stage, mirror=False)
    assert all(np.array_equal(varied(frames, "image", still, seed), frames) for seed in seeds)


def test_a_slots_weight_counts_in_loss_and_sum(data):
    objective = Objective(Any2Caption(data.config), data.classes(), bf16=False)
    batch = AlignData(data, data.config, replace(TINY.stages[2], batch=8), 1).batch(0, 0, 1)
    with torch.no_grad():
        plain, count = objective(batch, 0.0)
        objective.heads.slot_weights = {"shape": 3.0}
        weighted, total = objective(batch, 0.0)
    asked = sum("shape" in answer.slots for answer in batch.answers)
    assert asked > 0
    assert float(total) == float(count) + 2 * asked == objective.weight(batch)
    assert float(weighted) > float(plain)


def test_heads_learn_to_name_a_condition(data):
    torch.manual_seed(0)
    model = Any2Caption(data.config)
    objective = Objective(model, data.classes(), bf16=False)
    source = AlignData(data, data.config, replace(TINY.stages[0], batch=16), 1)
    poses = torch.from_numpy(data.poses().copy())
    model.camera_encoder.fit_normalisation(poses)
    optimizer = torch.optim.AdamW(objective.parameters(), lr=2e-3)
    losses = []
    for step in range(60):
        loss, weight = objective(source.batch(step, 0, 1), 0.0)
        optimizer.zero_grad()
        (loss / weight).backward()
        optimizer.step()
        losses.append(float(loss / weight))
    assert np.mean(losses[-5:]) < 0.5 * losses[0]


def test_items_encoded_once_give_the_same_loss(data, objective):
    samples = [s for s in data.samples("train") if s.item_numbers][:8]
    stage, processor = TINY.stages[-1], data.processor()
    encoded = encode_items(objective.model, data, 0, 1)
    plain, cached = (
        Collator(data, processor, stage, 0, items)(samples, 0) for items in (None, encoded)
    )
    assert type(plain) is Batch
    assert type(cached) is EncodedBatch
    assert torch.equal(plain.input_ids, cached.input_ids)
    with torch.no_grad():
        loss, other = (objective(batch, 0.0)[0] for batch in (plain, cached))
    assert float(loss) == pytest.approx(float(other), rel=1e-4)
