from dataclasses import asdict, replace

import pytest

from any2caption.errors import ConfigError
from any2caption.model.presets import PRESETS
from any2caption.training.loop.schedule import learning_rate_factor, stage_progress
from any2caption.training.recipes.builtin import (
    PAPER,
    RECIPES,
    SMOKE,
    TINY,
    default_recipe,
    recipe,
    recipe_content,
)
from any2caption.training.recipes.schema import PREPARED_VERSION


def test_the_digest_follows_the_content():
    stages = (*TINY.stages[:-1], replace(TINY.stages[-1], lr=1e-9))
    assert replace(TINY, stages=stages).digest != TINY.digest
    assert recipe_content("tiny") == {
        **asdict(TINY),
        "digest": TINY.digest,
        "prepared": PREPARED_VERSION,
    }


def test_recipes_end_in_time():
    assert TINY.max_minutes <= 30
    assert SMOKE.max_minutes < 1
    for found in RECIPES.values():
        assert sum(stage.share for stage in found.stages) == pytest.approx(1.0)


def test_the_paper_recipe_is_the_papers_table():
    rows = {
        s.name: (s.lr, s.general_ratio, s.drop_condition, s.drop_sentence) for s in PAPER.stages
    }
    assert rows == {
        "align-camera": (5e-5, 0.0, 0.0, 0.0),
        "align-motion": (5e-5, 0.0, 0.0, 0.0),
        "identities": (5e-5, 0.0, 0.4, 0.6),
        "pose": (5e-5, 0.4, 0.6, 0.6),
        "camera": (5e-5, 0.6, 0.6, 0.6),
        "depth": (1e-5, 0.8, 0.6, 0.6),
    }
    assert {(s.weight_decay, s.betas, s.batch) for s in PAPER.stages} == {(0.01, (0.9, 0.99), 32)}
    assert [s.train for s in PAPER.stages[:2]] == [("camera",), ("motion",)]


def test_an_unknown_recipe_is_refused_with_the_list():
    with pytest.raises(ConfigError, match="tiny, smoke, paper"):
        recipe("huge")


def test_a_slow_machine_still_anneals_and_ends():
    assert stage_progress(10, 100, 55.0, 100.0) == pytest.approx(0.5)
    assert stage_progress(10, 100, 19.0, 100.0) == 0.1  # a little behind: steps alone count
    assert stage_progress(90, 100, 0.0, 100.0) == 0.9
    assert stage_progress(10, 100, 500.0, 100.0) == 1.0


def test_the_learning_rate_warms_up_and_falls_to_its_end():
    stage = TINY.stages[-1]
    rates = [learning_rate_factor(stage, s, s / stage.steps) for s in range(stage.steps + 1)]
    assert rates[0] < 0.02
    assert max(rates) > 0.98
    assert rates[-1] == pytest.approx(stage.final_lr)


def test_a_preset_gets_a_recipe_that_is_for_it_or_none():
    assert {preset: default_recipe(preset) for preset in PRESETS} == {
        preset: preset if preset in {"tiny", "smol"} else "paper" for preset in PRESETS
    }
    with pytest.raises(ConfigError, match="no recipe is for the preset 'huge'"):
        default_recipe("huge")
