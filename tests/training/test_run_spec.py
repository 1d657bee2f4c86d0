from dataclasses import replace
from pathlib import Path

import pytest

from any2caption.errors import ConfigError
from any2caption.training.recipes.builtin import SMOKE
from any2caption.training.recipes.files import write_resolved
from any2caption.training.run_spec import read_run

from .conftest import run_of


def test_ranks_read_what_the_supervisor_was_started_with(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    out = Path("run with a space")
    run = run_of(SMOKE, Path("data"), out, world_size=2, weights="", profile="interpret:1")
    file = run.write(out / "node-1")
    assert file.is_absolute()
    monkeypatch.chdir("/")
    found = read_run(file)
    assert (found.recipe, found.world_size, found.profile) == (SMOKE, 2, "interpret:1")
    assert (found.data, found.out) == (tmp_path / "data", tmp_path / out)
    assert found.log.path == tmp_path / out / "progress.jsonl"


def test_a_rank_refuses_a_recipe_that_was_changed_meanwhile(tmp_path):
    file = run_of(SMOKE, tmp_path / "data", tmp_path).write(tmp_path)
    write_resolved(tmp_path, replace(SMOKE, seed=2))
    with pytest.raises(ConfigError, match=f"not {SMOKE.digest}"):
        read_run(file)
