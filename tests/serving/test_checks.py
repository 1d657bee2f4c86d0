"""Rows of one request never reach another: each is held to itself before the batch is joined."""

import numpy as np
import pytest

from any2caption.errors import InputError
from any2caption.model.inputs import CAMERA, TEXT, VISION
from any2caption.model.presets import TINY
from any2caption.serving.steps import request_checks
from any2caption.serving.steps.steps import CameraEncoder, DecoderStep, VisionEncoder

DIM, MERGE, FRAMES = TINY.vision.patch_dim, TINY.vision.merge, TINY.camera.frames


def patches(value, grid=((1, 4, 4),), rows=None):
    count = sum(t * h * w for t, h, w in grid) if rows is None else rows
    return {
        "VISION_PATCHES": np.full((1, count, DIM), value, np.float32),
        "VISION_GRID": np.array([grid], np.int64).reshape(1, -1, 3),
    }


def vision():
    """A vision step whose embeddings say whose rows they are."""
    step = VisionEncoder.__new__(VisionEncoder)
    step.config = TINY
    step.encode = lambda rows, grid: rows[:: MERGE**2, :1].repeat(TINY.rows, 1)
    return step


def prompt(tokens=6, seen=0, cameras=0, **changes):
    types = np.full((1, tokens), TEXT, np.int64)
    types[0, :seen] = VISION
    types[0, seen : seen + cameras] = CAMERA
    return {
        "INPUT_IDS": np.ones((1, tokens), np.int64),
        "TOKEN_TYPES": types,
        "POSITION_IDS": np.tile(np.arange(tokens), (1, 3, 1)),
        "VISION_EMBEDS": np.ones((1, seen, TINY.rows), np.float32),
        "MOTION_EMBEDS": np.zeros((1, 0, TINY.rows), np.float32),
        "CAMERA_EMBEDS": np.ones((1, cameras, TINY.text.hidden), np.float32),
    } | changes


class Writer:
    def __init__(self):
        self.seen = []

    def generate(self, requests):
        self.seen += requests
        return ["no caption" for _ in requests]


def decoder():
    step = DecoderStep.__new__(DecoderStep)
    step.config, step.decoder = TINY, Writer()
    return step


CRAFTED = {
    "grid says more": patches(9, rows=8),
    "grid says less": patches(9, rows=32),
    "no grid": patches(9, grid=(), rows=16),
    "grid without rows": patches(9, rows=0),
    "negative twice": patches(9, grid=((1, -4, -4),), rows=16),
    "zero frames": patches(9, grid=((0, 4, 4), (1, 4, 4))),
    "not merged": patches(9, grid=((1, 1, 16),)),
    "product wraps around": patches(9, grid=((2**32, 2**31, 2), (1, 4, 4)), rows=16),
    "other width": patches(9) | {"VISION_PATCHES": np.ones((1, 16, DIM - 1), np.float32)},
    "not finite": patches(np.nan),
    "two in one": {name: np.concatenate([a, a]) for name, a in patches(9).items()},
    "other type": patches(9) | {"VISION_PATCHES": np.ones((1, 16, DIM))},
    "missing": {"VISION_PATCHES": patches(9)["VISION_PATCHES"]},
}


@pytest.mark.parametrize("case", CRAFTED, ids=str)
def test_crafted_request_is_refused_alone_and_shifts_nobody(case):
    batch = [patches(1), CRAFTED[case], patches(2, grid=((1, 4, 4), (2, 4, 8))), CRAFTED[case]]
    first, crafted, second, again = vision().run(batch)
    assert isinstance(crafted, InputError)
    assert isinstance(again, InputError)
    assert "VISION_" in str(crafted)
    assert first["VISION_EMBEDS"].shape == (1, 16 // MERGE**2, TINY.rows)
    assert (first["VISION_EMBEDS"] == 1).all()
    assert second["VISION_EMBEDS"].shape == (1, 80 // MERGE**2, TINY.rows)
    assert (second["VISION_EMBEDS"] == 2).all()


def test_two_that_make_up_for_each_other_are_both_refused():
    short, long = patches(7, rows=8), patches(8, rows=24)
    answers = vision().run([patches(1), short, long, patches(2)])
    assert [isinstance(answer, InputError) for answer in answers] == [False, True, True, False]
    assert (answers[3]["VISION_EMBEDS"] == 2).all()


def test_request_without_rows_gets_none_and_a_probe_knows_no_width():
    probe = {"VISION_PATCHES": np.zeros((1, 0, 0), np.float32),
             "VISION_GRID": np.zeros((1, 0, 3), np.int64)}  # fmt: skip
    empty, seen = vision().run([probe, patches(3)])
    assert empty["VISION_EMBEDS"].shape == (1, 0, TINY.rows)
    assert (seen["VISION_EMBEDS"] == 3).all()


def test_parts_of_cameras_do_not_fill_each_other_up():
    step = CameraEncoder.__new__(CameraEncoder)
    step.config = TINY
    step.encode = lambda rows: rows[:, :1].repeat(TINY.text.hidden, 1)
    rows = [np.full((1, n, 16), n, np.float32) for n in (FRAMES, FRAMES - 1, 1, 2 * FRAMES)]
    answers = step.run([{"CAMERA_POSES": one} for one in rows])
    assert [isinstance(answer, InputError) for answer in answers] == [False, True, True, False]
    assert (answers[3]["CAMERA_EMBEDS"] == 2 * FRAMES).all()
    assert "not a multiple" in str(answers[1])


MISFITS = {
    "unknown token": (prompt(INPUT_IDS=np.full((1, 6), 10**6)), "INPUT_IDS: 1000000 is outside"),
    "negative token": (prompt(INPUT_IDS=np.full((1, 6), -1)), "INPUT_IDS: -1 is outside"),
    "unknown type": (prompt(TOKEN_TYPES=np.full((1, 6), 4)), "TOKEN_TYPES: 4 is outside"),
    "types of another prompt": (
        prompt(TOKEN_TYPES=np.zeros((1, 7), np.int64)), "TOKEN_TYPES: 7 types for 6 tokens"),
    "far position": (
        prompt(POSITION_IDS=np.full((1, 3, 6), 10**9)), "POSITION_IDS: 1000000000 is outside"),
    "two positions": (
        prompt(POSITION_IDS=np.zeros((1, 2, 6), np.int64)), "POSITION_IDS: 2×6 positions"),
    "more rows than places": (
        prompt(VISION_EMBEDS=np.ones((1, 3, TINY.rows), np.float32)), "VISION_EMBEDS: 3 rows"),
    "fewer rows than places": (
        prompt(cameras=4) | {"CAMERA_EMBEDS": np.ones((1, 1, TINY.text.hidden), np.float32)},
        "CAMERA_EMBEDS: 1 rows, the prompt has places for 4"),
    "not finite": (
        prompt(seen=2) | {"VISION_EMBEDS": np.full((1, 2, TINY.rows), np.inf, np.float32)},
        "VISION_EMBEDS: a number that is not finite"),
    "other width": (
        prompt(seen=2) | {"VISION_EMBEDS": np.ones((1, 2, 3), np.float32)},
        "VISION_EMBEDS: 3 numbers a row"),
    "too long": (prompt(tokens=TINY.text.max_positions + 1), "INPUT_IDS: 4097 tokens"),
    "no room for a caption": (prompt(tokens=TINY.text.max_positions), "INPUT_IDS: 4096 tokens"),
}  # fmt: skip


@pytest.mark.parametrize("case", MISFITS, ids=str)
def test_decoder_refuses_what_does_not_fit_and_answers_the_rest(case):
    step = decoder()
    bad, said = MISFITS[case]
    good = [prompt(seen=2, cameras=1), bad, prompt(tokens=9)]
    answers = step.run(good)
    assert isinstance(answers[1], InputError)
    assert str(answers[1]).startswith(said)
    assert [len(request.input_ids) for request in step.decoder.seen] == [6, 9]
    assert len(step.decoder.seen[0].vision_embeds) == 2


def test_a_request_without_a_prompt_asks_for_no_draft():
    step = decoder()
    first, none, last = step.run([prompt(), prompt(tokens=0), prompt(tokens=9)])
    assert [len(request.input_ids) for request in step.decoder.seen] == [6, 9]
    assert none["DRAFT"].tolist() == [[b""]]
    assert first["DRAFT"].tolist() == last["DRAFT"].tolist() == [[b"no caption"]]


def test_limits_follow_the_models_positions():
    config = TINY
    rows = np.zeros((1, config.text.max_positions * MERGE**2 + 1, 1), np.float32)
    with pytest.raises(InputError, match="at most"):
        request_checks.patch_rows({"VISION_PATCHES": rows}, "VISION_PATCHES", "VISION_GRID", config)
