"""`a2c train`: the plan first, one line for what cannot work, nothing written by a dry run."""

import json
import subprocess
import sys
from dataclasses import asdict, replace

import pytest
from typer.testing import CliRunner

from any2caption.cli.main import app
from any2caption.datasets.ingest.engine import ingest
from any2caption.datasets.snapshots import publish
from any2caption.datasets.synthetic.corpus import make_corpus
from any2caption.errors import ConfigError
from any2caption.settings import Settings
from any2caption.storage import open_store
from any2caption.training.recipes.builtin import RECIPES, default_recipe
from any2caption.training.recipes.schema import Recipe, Stage

from .test_commands import a2c


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    settings = Settings(home=tmp_path_factory.mktemp("home"), object_store="")
    store = open_store(settings.object_store)
    make_corpus(store, "corpus", scenes=12, seed=3, workers=1)
    publish(store, ingest(store, "corpus", store, workers=1).records)
    return settings.home


def test_a_dry_run_prints_the_plan_and_writes_nothing(home, tmp_path):
    out = tmp_path / "run"
    arguments = (
        "--snapshot",
        "latest",
        "--recipe",
        "smoke",
        "--out",
        str(out),
        "--world-size",
        "1",
    )
    done = a2c(home, "train", *arguments, "--dry-run", seconds=300)
    assert done.returncode == 0, done.stderr
    assert not out.exists()
    for said in ("align-camera", "interpret", "frozen", "moments", "starts at the beginning"):
        assert said in done.stdout
    machines = a2c(home, "train", *arguments, "--dry-run", "--json", seconds=300)
    plan = json.loads(machines.stdout)
    assert [stage["name"] for stage in plan["stages"]][-1] == "interpret"
    assert plan["stages"][-1]["memory"]["total"] == plan["memory"]
    assert plan["resume"]["does"] == "starts"


WALK = Recipe(
    name="walk",
    presets=("tiny", "pocket"),
    stages=(
        Stage(
            name="steps",
            objective="interpret",
            train=("language", "motion"),
            kinds=("pose",),
            steps=6,
            batch=4,
            lr=1e-3,
            share=1.0,
        ),
    ),
    max_minutes=1.0,
    world_size=1,
)


def planned(home, recipe, out):
    command = ["train", "--snapshot", "latest", "--recipe", recipe, "--out", str(out)]
    done = CliRunner().invoke(app, [*command, "--dry-run", "--json", "--home", str(home)])
    return done if done.exception else json.loads(done.stdout)


@pytest.mark.parametrize("way", ["an entry", "a file"])
def test_a_recipe_of_one_entry_or_file_is_resolved_checked_and_planned(
    home, tmp_path, monkeypatch, way
):
    def given(recipe):
        if way == "a file":
            (tmp_path / "walk.json").write_text(json.dumps(asdict(recipe)))
            return str(tmp_path / "walk.json")
        monkeypatch.setitem(RECIPES, recipe.name, recipe)
        return recipe.name

    plan = planned(home, given(WALK), tmp_path / "out")
    assert (plan["recipe"], plan["digest"]) == ("walk", WALK.digest)
    (stage,) = plan["stages"]
    assert (stage["name"], stage["steps"], stage["kinds"]) == ("steps", 6, ["pose"])
    assert stage["samples"] > 0
    wrong = replace(WALK, stages=(replace(WALK.stages[0], kinds=("smell",)),))
    refused = planned(home, given(wrong), tmp_path / "out")
    assert isinstance(refused.exception, ConfigError)
    assert str(refused.exception).startswith("recipe walk: stage steps: ")
    assert "smell" in str(refused.exception)


def test_a_recipe_of_one_entry_is_the_default_of_a_preset_that_no_other_is_for(monkeypatch):
    with pytest.raises(ConfigError, match="no recipe is for the preset 'pocket'"):
        default_recipe("pocket")
    monkeypatch.setitem(RECIPES, WALK.name, WALK)
    assert (default_recipe("pocket"), default_recipe("tiny")) == ("walk", "tiny")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--snapshot", "latest", "--recipe", "huge"), "unknown recipe 'huge'"),
        (("--snapshot", "latest", "--recipe", "smoke", "--set", "sed=1"), "unknown key sed"),
        (("--recipe", "smoke"), "either --snapshot or --data"),
        (("--data", "/nowhere", "--recipe", "smoke"), "no prepared data"),
        (
            ("--snapshot", "latest", "--recipe", "smoke", "--set", "stages.interpret.batch=33"),
            "batch 33 is not divisible by 2 ranks",
        ),
        (
            (*("--snapshot", "latest", "--recipe", "smoke", "--dry-run"),
             *("--set", "stages.interpret.batch=400000")),
            "too little memory",
        ),
        (("--snapshot", "latest", "--recipe", "paper", "--preset", "qwen2-vl-7b"), "--weights"),
    ],
)  # fmt: skip
def test_what_cannot_work_is_one_line_and_exit_code_2(home, tmp_path, arguments, said):
    out = tmp_path / "run"
    done = a2c(home, "train", *arguments, "--world-size", "2", "--out", str(out), seconds=300)
    assert done.returncode == 2
    assert said in done.stderr
    assert done.stderr.count("\n") == 1
    assert not out.exists()


def test_a_wrong_word_is_told_before_torch_is_imported(home):
    code = (
        "import sys\n"
        "from any2caption.cli.main import main\n"
        "try:\n"
        "    sys.exit(main())\n"
        "finally:\n"
        "    print('torch' in sys.modules)\n"
    )
    arguments = ("train", "--snapshot", "latest", "--recipe", "huge", "--out", "x")
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments, "--home", str(home)],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert (done.returncode, done.stdout) == (2, "False\n")


def test_force_overrules_the_memory_estimate(home, tmp_path):
    done = a2c(
        *(
            home,
            "train",
            "--snapshot",
            "latest",
            "--recipe",
            "smoke",
            "--world-size",
            "2",
            "--force",
        ),
        *("--set", "stages.interpret.batch=400000", "--dry-run", "--out", str(tmp_path / "run")),
        seconds=300,
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.server
@pytest.mark.slow
def test_a_recipe_file_trains_and_resumes_as_its_plan_says(home, tmp_path):
    recipe = tmp_path / "short.yaml"
    recipe.write_text(
        "base: smoke\nname: short\nmax_minutes: .inf\nstages:\n"
        + "".join(
            f"  {name}: {{steps: 2, batch: 4}}\n"
            for name in ("align-camera", "align-motion", "align-vision", "interpret")
        )
    )
    out = tmp_path / "run"
    common = ("--recipe", str(recipe), "--out", str(out), "--world-size", "1", "--json")
    done = a2c(home, "train", "--snapshot", "latest", *common, seconds=400)
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    assert result["meta"]["recipe"] == "short"
    assert result["meta"]["recipe_digest"] == result["plan"]["digest"]
    assert result["meta"]["steps"] == result["plan"]["steps"] == 8
    again = a2c(home, "train", "--snapshot", "latest", *common, "--dry-run", seconds=300)
    assert json.loads(again.stdout)["resume"]["does"] == "reuses the bundle"
    other = a2c(home, "train", "--data", str(out / "data"), *common, "--set", "seed=8", seconds=300)
    assert other.returncode == 2
    assert result["plan"]["digest"] in other.stderr
