"""DAG files: thin, light, correct, and shaped as documented."""

import ast
import json
import os
import re
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import pytest

DAGS = Path(__file__).parents[2] / "dags"
FILES = sorted(DAGS.glob("*.py"))
HEAVY = {"torch", "mlflow", "pandas", "great_expectations", "transformers", "deepspeed", "pyarrow"}
HEAVY |= {"boto3", "tritonclient", "av", "scipy", "kubernetes", "sqlalchemy"}

PROBE = """
import json, sys, time
from pathlib import Path
import airflow.sdk
heavy = set(json.loads(sys.argv[2]))
before = heavy & set(sys.modules)
import importlib.util
seconds, dags = {}, {}
for path in sorted(Path(sys.argv[1]).glob("*.py")):
    spec = importlib.util.spec_from_file_location(f"dag_{path.stem}", path)
    module = importlib.util.module_from_spec(spec)
    began = time.perf_counter()
    spec.loader.exec_module(module)
    seconds[path.stem] = time.perf_counter() - began
loaded = sorted((heavy & set(sys.modules)) - before)
print("RESULT " + json.dumps({"loaded": loaded, "seconds": seconds}))
"""

STRUCTURE = """
import json, sys
from airflow.dag_processing.dagbag import DagBag
from airflow.serialization.serialized_objects import DagSerialization
def cron(timetable):
    # Of a schedule by asset or time, the time.
    return timetable.get("timetable", {"__var": timetable})["__var"].get("expression")
bag = DagBag(sys.argv[1], load_op_links=False)
found = {}
for dag in bag.dags.values():
    data = DagSerialization.to_dict(dag)["dag"]
    found[dag.dag_id] = {
        "edges": {t.task_id: sorted(t.downstream_task_ids) for t in dag.tasks},
        "pools": {t.task_id: t.pool for t in dag.tasks if t.pool != "default_pool"},
        "retries": min(t.retries for t in dag.tasks),
        "params": sorted(dag.params),
        "schedule": cron(data["timetable"]["__var"]),
        "assets": [
            asset["name"]
            for asset in data["timetable"]["__var"].get("asset_condition", {}).get("objects", [])
        ],
        "outlets": sorted(o.name for t in dag.tasks for o in t.outlets),
        "links": {
            t.task_id: sorted(link.name for link in t.operator_extra_links)
            for t in dag.tasks
            if t.operator_extra_links
        },
        "kept": {
            task["__var"]["task_id"]: sorted(task["__var"]["_operator_extra_links"])
            for task in data["tasks"]
            if task["__var"].get("_operator_extra_links")
        },
        "doc": bool(dag.doc_md), "name": dag.dag_display_name, "catchup": dag.catchup,
        "serialised": bool(data["tasks"]),
    }
print("RESULT " + json.dumps({"errors": bag.import_errors, "dags": found}))
"""


def run(code: str, home: Path, *arguments: str, **extra: str) -> dict:
    environment = {
        **os.environ,
        "AIRFLOW_HOME": str(home),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{home}/airflow.db",
        "A2C_HOME": str(home / "a2c"),
        **extra,
    }
    done = subprocess.run(
        [sys.executable, "-c", code, str(DAGS), *arguments],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    lines = [line for line in done.stdout.splitlines() if line.startswith("RESULT ")]
    assert lines, done.stderr[-3000:]
    return json.loads(lines[0].removeprefix("RESULT "))


@pytest.fixture(scope="module")
def structure(tmp_path_factory):
    return run(STRUCTURE, tmp_path_factory.mktemp("airflow"))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_dag_file_is_short_and_imports_the_sdk_and_orchestration_only(path):
    text = path.read_text()
    assert len(text.splitlines()) <= 80
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import):
            assert not node.names
        if isinstance(node, ast.ImportFrom):
            module = node.module or ""
            assert module == "airflow.sdk" or module.startswith("any2caption.orchestration")


def test_parsing_is_fast_and_loads_nothing_heavy(tmp_path):
    result = run(PROBE, tmp_path, json.dumps(sorted(HEAVY)))
    assert result["loaded"] == []
    # The first file pays for the shared modules. The bar is 0.25 s on a quiet machine.
    assert all(seconds < 1.0 for seconds in result["seconds"].values()), result["seconds"]


def test_all_stages_are_there_without_import_errors(structure):
    assert structure["errors"] == {}
    assert sorted(structure["dags"]) == [
        "annotate_conditions",
        "evaluate",
        "finetune",
        "housekeeping",
        "ingest_conditions",
        "promote",
        "release",
    ]


def test_every_dag_is_documented_retries_and_never_catches_up(structure):
    for name, dag in structure["dags"].items():
        assert dag["doc"], name
        assert re.fullmatch(r"[A-Z][a-z-]+( [a-z]+)*", dag["name"]), "a name that people read"
        assert dag["serialised"], name
        assert dag["retries"] >= 1, name
        assert dag["catchup"] is False, name
        assert dag["params"], name


def test_tasks_link_to_what_they_made_and_airflow_keeps_the_links(structure):
    dags = structure["dags"]
    expected = {
        "ingest_conditions": {"published": ["Data card", "Data report"]},
        "finetune": {
            "prepare": ["MLflow run"],
            "train": ["MLflow run"],
            "register": ["MLflow version"],
        },
        "evaluate": {"score": ["MLflow run"], "judge": ["Gate report", "MLflow version"]},
        "promote": {"promote": ["Gate report", "Model card"]},
        "release": {"release": ["MLflow version", "Model card"]},
    }
    for name, links in expected.items():
        found = dags[name]["links"]
        assert {task: found[task] for task in links} == links
        assert dags[name]["kept"] == found


def test_assets_chain_the_stages(structure):
    dags = structure["dags"]
    chain = [
        "annotate_conditions",
        "ingest_conditions",
        "finetune",
        "evaluate",
        "promote",
        "release",
    ]
    for former, later in pairwise(chain):
        assert dags[former]["outlets"] == dags[later]["assets"]
    assert dags["release"]["outlets"] == ["release"]


def test_training_and_scoring_take_the_only_slot_of_the_gpu_pool(structure):
    assert structure["dags"]["finetune"]["pools"] == {"train": "gpu"}
    assert structure["dags"]["evaluate"]["pools"] == {"score": "gpu"}


def test_nothing_follows_a_refused_gate_and_a_person_stands_before_promotion(structure):
    evaluate = structure["dags"]["evaluate"]["edges"]
    assert evaluate["judge"] == ["announce_challenger"]
    promote = structure["dags"]["promote"]["edges"]
    assert promote["choose_approval"] == ["approval", "promote"]
    assert promote["describe"] == ["approval"]
    assert promote["approval"] == ["promote"]


def test_the_chain_of_each_stage(structure):
    edges = {name: dag["edges"] for name, dag in structure["dags"].items()}
    assert edges["ingest_conditions"] == {
        "request": ["plan_ingest"],
        "plan_ingest": ["ingest", "published"],
        "ingest": ["published"],
        "published": ["announce_snapshot"],
        "announce_snapshot": [],
    }
    assert edges["finetune"]["train"] == ["register"]
    assert edges["finetune"]["prepare"] == ["train"]


def test_people_read_annotations_before_they_are_announced(structure):
    edges = structure["dags"]["annotate_conditions"]["edges"]
    assert edges["annotate"] == ["annotated"]
    assert edges["forms"] == ["review"]
    assert edges["review"] == ["record_reviews"]
    assert edges["record_reviews"] == ["announce_annotated"]


def test_retraining_is_weekly_by_default(structure):
    assert structure["dags"]["ingest_conditions"]["schedule"] == "0 0 * * 0"


def test_housekeeping_looks_by_the_clock_and_when_an_alias_changes(structure):
    dag = structure["dags"]["housekeeping"]
    assert (dag["schedule"], dag["assets"]) == ("*/15 * * * *", ["alias"])


def test_the_kubernetes_back_end_builds_the_same_chain(tmp_path, structure):
    other = run(STRUCTURE, tmp_path, A2C_WORK_BACKEND="kubernetes")
    assert other["errors"] == {}
    for name, dag in structure["dags"].items():
        assert other["dags"][name]["edges"] == dag["edges"]
