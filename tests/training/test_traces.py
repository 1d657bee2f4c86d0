"""Reasoning traces of a user's own: learned where there is one, refused early where bad."""

import json
from dataclasses import replace

import pytest

from any2caption.errors import ConfigError
from any2caption.progress import ProgressLog
from any2caption.training.data.collate import Collator
from any2caption.training.data.prepared import Prepared
from any2caption.training.planning.facts import survey
from any2caption.training.prepare.prepared_folder import prepare
from any2caption.training.recipes.builtin import SMOKE

from .conftest import run_of, tiny_of

REASONING = replace(
    SMOKE, name="think", stages=(replace(SMOKE.stages[-1], encode_once=False, reasoning=True),)
)


def learned(data, sample):
    batch = Collator(data, data.processor(), REASONING.stages[0], 0)([sample], 0)
    return data.processor().decode(batch.labels[batch.labels >= 0].tolist())


def test_own_traces_stand_before_the_parts_and_rules_make_the_others(
    settings, snapshot, data, tmp_path
):
    own, other = (sample.id for sample in data.samples("train")[:2])
    file = tmp_path / "traces.jsonl"
    rows = [{"id": own, "reasoning": "1. The text asks for a red ball."}]
    rows.append({"id": "stranger", "reasoning": "1. Nobody asks."})
    file.write_text("\n".join(map(json.dumps, rows)))
    log = ProgressLog(tmp_path / "progress.jsonl")
    prepared = Prepared(
        prepare(
            settings,
            tiny_of(snapshot.id, REASONING, traces=file),
            tmp_path / "data",
            workers=1,
            progress=log,
        )
    )
    said = "1 of 2 traces belong to no training or validation record, as that of 'stranger'"
    assert f"{file}: {said}" in {line["message"] for line in map(json.loads, log.path.open())}
    texts = {sample.id: learned(prepared, sample) for sample in prepared.samples("train")}
    assert texts[own].startswith("<think>1. The text asks for a red ball.</think>")
    assert "1. Dense caption:" in texts[own]
    assert texts[other].startswith("<think>")
    assert "The text asks for a red ball." not in texts[other]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, "traces.jsonl: cannot be read"),
        ('{"id": "a"}\n', "traces.jsonl: line 1: no object with id and reasoning"),
        (2 * '{"id": "a", "reasoning": "1."}\n', "traces.jsonl: line 2: 'a' has a trace already"),
    ],
)
def test_a_bad_file_is_refused_by_the_plan(settings, snapshot, tmp_path, content, said):
    file = tmp_path / "traces.jsonl"
    if content is not None:
        file.write_text(content)
    with pytest.raises(ConfigError, match=said):
        plan_with(settings, snapshot, tmp_path, REASONING, file)


def test_traces_for_a_recipe_that_does_not_reason_are_refused(settings, snapshot, tmp_path):
    file = tmp_path / "traces.jsonl"
    file.write_text("")
    with pytest.raises(ConfigError, match="no stage of recipe smoke has reasoning"):
        plan_with(settings, snapshot, tmp_path, SMOKE, file)


def plan_with(settings, snapshot, tmp_path, recipe, traces):
    run = run_of(recipe, tmp_path / "run/data", tmp_path / "run")
    return survey(run, tiny_of(snapshot.id, recipe, traces=traces), settings)
