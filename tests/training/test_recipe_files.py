"""Recipes from files: what is said is what runs, and whatever is not understood is refused."""

import json
from dataclasses import asdict, replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from any2caption.errors import ConfigError
from any2caption.training.recipes.builtin import RECIPES, TINY
from any2caption.training.recipes.files import build, load_recipe, read_resolved, write_resolved


def refused(tmp_path, text, name="r.yaml", changes=()):
    file = tmp_path / name
    file.write_text(text)
    with pytest.raises(ConfigError) as caught:
        load_recipe(str(file), changes)
    message = str(caught.value)
    assert "\n" not in message
    return message


@pytest.mark.parametrize("name", RECIPES)
def test_every_recipe_survives_json_and_yaml(tmp_path, name):
    import yaml

    content = json.loads(json.dumps(asdict(RECIPES[name])))
    (tmp_path / "r.json").write_text(json.dumps(content))
    (tmp_path / "r.yaml").write_text(yaml.safe_dump(content))
    for file in ("r.json", "r.yaml"):
        found = load_recipe(str(tmp_path / file))
        assert found == RECIPES[name]
        assert found.digest == RECIPES[name].digest


def test_a_file_changes_its_base_by_the_stages_name(tmp_path):
    file = tmp_path / "mine.yaml"
    file.write_text("base: tiny\nseed: 7\nstages:\n  interpret: {steps: 900, lr: 1e-3}\n")
    found = load_recipe(str(file))
    last = replace(TINY.stages[-1], steps=900, lr=1e-3)
    changed = replace(TINY, seed=7, stages=(*TINY.stages[:-1], last))
    assert found.name == f"tiny+{changed.digest[:6]}"
    assert replace(found, name="tiny") == changed


def test_windows_lines_and_a_byte_order_mark_do_not_matter(tmp_path):
    file = tmp_path / "r.yaml"
    file.write_bytes(b"\xef\xbb\xbfbase: tiny\r\nname: other\r\nseed: 3")
    assert load_recipe(str(file)) == replace(TINY, name="other", seed=3)


def test_set_reaches_every_field_and_renames():
    found = load_recipe("tiny", ["stages.interpret.lr=1e-4", "stages.0.steps=5", "world_size=1"])
    assert (found.stages[-1].lr, found.stages[0].steps, found.world_size) == (1e-4, 5, 1)
    assert found.name.startswith("tiny+")
    assert load_recipe("tiny", ["stages.interpret.kinds=[camera]"]).stages[-1].kinds == ("camera",)
    assert load_recipe("tiny", ["name=mine", "seed=2"]).name == "mine"
    assert load_recipe("tiny", [f"seed={TINY.seed}"]) is not None
    assert load_recipe("tiny", [f"seed={TINY.seed}"]).name == "tiny"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ("sed=3", "unknown key sed; there are name, presets, stages"),
        ("ranks=3", "unknown key ranks (now world_size); there are name, presets, stages"),
        ("stages.interpret.stepps=3", "unknown key stepps; there are name, objective"),
        ("stages.describe.steps=3", "no stage 'describe'; there are align-camera, "),
        ("stages.interpret=3", "stages.NAME.KEY"),
        ("seed", "must be KEY=VALUE"),
        ("seed=three", 'seed: Input should be a valid integer, not "three"'),
        ("seed=1.5", "seed: Input should be a valid integer"),
        ("compile=1", "compile: Input should be a valid boolean"),
        ("zero=4", "zero: Input should be 0, 1, 2 or 3, not 4"),
        ("stages.interpret.train=[hands]", "stages.3.train.0: Input should be 'vision'"),
        ("stages.interpret.betas=[0.9]", "stages.3.betas"),
        ("seed=[", "no YAML"),
    ],
)
def test_a_wrong_change_is_refused_by_its_field(change, said):
    with pytest.raises(ConfigError) as caught:
        load_recipe("tiny", [change])
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


def test_wrong_files_are_refused_in_one_line(tmp_path):
    assert "unknown keys sed, stepps; there are name" in refused(
        tmp_path, "base: tiny\nsed: 1\nstepps: 2\n"
    )
    stage = "base: tiny\nstages: {interpret: {stepps: 2}}"
    assert "stages.interpret: unknown key stepps" in refused(tmp_path, stage)
    assert "tiny has no such stage" in refused(tmp_path, "base: tiny\nstages: {read: {steps: 2}}")
    assert "unknown recipe 'huge'" in refused(tmp_path, "base: huge")
    assert "is missing" in refused(tmp_path, "name: mine\n")
    assert "a mapping of fields, not list" in refused(tmp_path, "- a\n- b\n")
    assert "not NoneType" in refused(tmp_path, "")
    assert "seed is there twice" in refused(tmp_path, "base: tiny\nseed: 1\nseed: 2\n")
    assert "seed is there twice" in refused(tmp_path, '{"seed": 1, "seed": 2}', "r.json")
    assert "anchors" in refused(tmp_path, "base: &a tiny\nname: *a\n")
    assert "no YAML" in refused(tmp_path, "base: !!python/name:os.system x\n")
    assert "r.json: Expecting" in refused(tmp_path, '{"seed": 1', "r.json")
    assert "longer than" in refused(tmp_path, "#" * (2 << 20))
    whole = json.loads(json.dumps(asdict(replace(TINY, seed=9))))
    assert "is a recipe of the platform" in refused(tmp_path, json.dumps(whole), "r.json")
    with pytest.raises(ConfigError, match="No such file"):
        load_recipe(str(tmp_path / "nothing.yaml"))
    (tmp_path / "latin.yaml").write_bytes(b"name: \xe9")
    with pytest.raises(ConfigError, match="not UTF-8"):
        load_recipe(str(tmp_path / "latin.yaml"))


@settings(max_examples=40, deadline=None)
@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
        max_leaves=8,
    ),
    st.sampled_from(["seed", "stages", "name", "presets", "max_minutes", "zero", "else"]),
)
def test_whatever_a_field_holds_it_is_a_recipe_or_one_line(value, key):
    content = {**json.loads(json.dumps(asdict(TINY))), key: value}
    try:
        found = build(content)
    except ConfigError as error:
        assert "\n" not in str(error)  # noqa: PT017 - both ends are fine
    else:
        assert build(json.loads(json.dumps(asdict(found)))).digest == found.digest


def test_workers_read_the_resolved_recipe_and_its_digest_is_checked(tmp_path):
    recipe = load_recipe("tiny", ["seed=5"])
    file = write_resolved(tmp_path, recipe)
    assert read_resolved(file, recipe.digest) == recipe
    with pytest.raises(ConfigError, match=rf"digest {recipe.digest}, not {TINY.digest}"):
        read_resolved(file, TINY.digest)
    file.write_text(file.read_text().replace('"seed": 5', '"seed": 6'))
    with pytest.raises(ConfigError, match=f"not {recipe.digest}"):
        read_resolved(file)
    file.write_text("{")
    with pytest.raises(ConfigError, match="no resolved recipe"):
        read_resolved(file)
