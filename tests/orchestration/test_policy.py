"""Retries follow the errors; requests, keys and commands follow their inputs."""

from dataclasses import replace

import pytest
from airflow.sdk.exceptions import AirflowException, AirflowFailException

from any2caption import errors
from any2caption.errors import ConfigError
from any2caption.evaluation import gates
from any2caption.evaluation.gates import policy_of
from any2caption.orchestration.assets import carried
from any2caption.orchestration.jobs import job_spec
from any2caption.orchestration.retries import by_policy, exit_is_retryable, for_airflow
from any2caption.orchestration.run_request import lifecycle_of, needs_no_person, require, resolve
from any2caption.settings import Settings
from any2caption.training.recipes.builtin import RECIPES

KINDS = [
    kind
    for kind in vars(errors).values()
    if isinstance(kind, type) and issubclass(kind, errors.A2CError)
]


@pytest.fixture
def settings(tmp_path):
    return Settings(home=tmp_path, auto_approve=False)


@pytest.mark.parametrize("kind", KINDS)
def test_every_error_is_retried_exactly_when_it_says_so(kind):
    translated = for_airflow(kind("why"))
    assert isinstance(translated, AirflowFailException) != kind.retryable
    assert isinstance(translated, AirflowException)
    assert "why" in str(translated)


def test_a_tasks_other_exceptions_pass_through_untouched():
    @by_policy
    def task():
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        task()


@pytest.mark.parametrize("code", [75, None, -9, -15, 137, 143])
def test_interrupted_jobs_are_tried_again(code):
    assert exit_is_retryable(code)


@pytest.mark.parametrize("code", [1, 2, 127])
def test_a_jobs_own_failure_is_final(code):
    assert not exit_is_retryable(code)


def test_an_asset_event_counts_more_than_params(settings):
    extra = {"lifecycle": "lc", "snapshot": "ab", "recipe": "smoke", "auto_approve": True}
    params = {"recipe": "tiny", "policy": "tiny", "auto_approve": None, "snapshot": ""}
    request = resolve(params, extra, "asset_triggered__x", settings)
    assert request == {**extra, "policy": "tiny"}


def test_a_run_by_hand_takes_its_params_and_gets_a_lifecycle(settings):
    request = resolve({"version": 3, "auto_approve": True}, None, "manual__1", settings)
    assert request["version"] == 3
    assert request["auto_approve"] is True
    assert request["lifecycle"] == lifecycle_of("manual__1")
    assert lifecycle_of("manual__1") != lifecycle_of("manual__2")


def test_every_shipped_recipe_has_a_gate_policy_and_only_smoke_is_not_for_release():
    assert {name: policy_of(name).for_release for name in RECIPES} == {
        name: name != "smoke" for name in RECIPES
    }


def test_who_started_a_run_is_what_airflow_says_and_travels_with_its_events(settings):
    claimed = {"version": 3, "requester": "somebody else"}
    assert resolve(claimed, None, "manual__1", settings, user="ann")["requester"] == "ann"
    assert "requester" not in resolve(claimed, None, "scheduled__1", settings)
    followed = resolve(claimed, {"requester": "ann"}, "asset_triggered__1", settings)
    assert followed["requester"] == "ann"
    assert carried(followed)["requester"] == "ann"


def test_without_a_word_on_approval_the_setting_decides(settings):
    assert resolve({"auto_approve": None}, None, "r", settings)["auto_approve"] is False


def test_a_missing_id_says_how_to_give_it():
    with pytest.raises(errors.ConfigError, match="no version; give the param"):
        require({}, "version", "give the param `version`")


def test_events_carry_ids_only():
    request = {
        "lifecycle": "a",
        "snapshot": "b",
        "prepare": {"big": 1},
        "policy": "",
        "champion": 0,
    }
    assert carried(request) == {"lifecycle": "a", "snapshot": "b", "champion": 0}


def test_the_run_key_changes_with_snapshot_preset_and_recipe_content_only():
    key = job_spec.run_key("s", "tiny", {"lr": 1, "steps": 2})
    assert key == job_spec.run_key("s", "tiny", {"steps": 2, "lr": 1})
    assert (
        len({key, job_spec.run_key("t", "tiny", {}), job_spec.run_key("s", "tiny", {"lr": 2})}) == 3
    )
    assert len(key) == 16


def test_commands_name_the_runs_own_folders(settings):
    request = {
        "run": "0123456789abcdef",
        "snapshot": "ab" * 32,
        "preset": "tiny",
        "recipe": "smoke",
        "policy": "smoke",
        "evaluation": "smoke-vs-1",
        "champion": 1,
        "lifecycle": "lc",
    }
    trained = job_spec.train(settings, request)
    assert trained.arguments[:2] == ("-m", "any2caption.training.launch.supervisor")
    assert job_spec.from_dict(trained.as_dict()) == trained
    scored = job_spec.evaluate(settings, request, settings.home / "champion")
    champion = ("--champion", str(settings.home / "champion"), "--champion-version", "1")
    assert scored.arguments[-4:] == champion
    assert scored.done.endswith("evaluation/smoke-vs-1/report.json")
    assert len({trained.folder, scored.folder, job_spec.prepare(settings, request).folder}) == 3


def test_an_evaluation_is_found_again_for_the_same_question_only(monkeypatch):
    asked = {"policy": "tiny", "snapshot": "ab" * 32}
    name = job_spec.evaluation_name(asked)
    assert name == job_spec.evaluation_name(dict(asked))
    assert name.startswith("tiny-")
    assert name != job_spec.evaluation_name({**asked, "snapshot": "cd" * 32})
    assert name != job_spec.evaluation_name({**asked, "digest": "another bundle"})
    monkeypatch.setitem(gates.POLICIES, "tiny", replace(gates.TINY, significance=0.1))
    assert name != job_spec.evaluation_name(asked)
    with pytest.raises(ConfigError, match="unknown gate policy"):
        job_spec.evaluation_name({**asked, "policy": "../../tiny"})


@pytest.mark.parametrize("asked", [True, False])
@pytest.mark.parametrize("server", [True, False])
@pytest.mark.parametrize("by_run", [True, False])
def test_a_run_approves_itself_only_where_the_server_allows_it(tmp_path, asked, server, by_run):
    settings = Settings(home=tmp_path, auto_approve=server, auto_approve_by_run=by_run)
    assert needs_no_person({"auto_approve": asked}, settings) == (asked and (server or by_run))
    settings.two_people = True
    assert not needs_no_person({"auto_approve": asked}, settings)


@pytest.mark.parametrize(
    "name", ["..", "../x", "a/b", "", "/etc", ".hidden", "a\0b", "a\n", None, 7]
)
@pytest.mark.parametrize("field", ["run", "evaluation"])
def test_a_name_from_outside_is_never_a_way_out_of_the_runs_folder(settings, name, field):
    request = {
        "run": "0123456789abcdef", "evaluation": "tiny", "snapshot": "s", "policy": "tiny",
        "preset": "tiny", "recipe": "smoke", "lifecycle": "lc", field: name,
    }  # fmt: skip
    with pytest.raises(ConfigError, match="is not a name of a"):
        job_spec.evaluate(settings, request, None)
