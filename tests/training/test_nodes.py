"""Many nodes: who is who, from a hostfile or Kubernetes, and a run of two of them on loopback."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from deepspeed.launcher import runner

from any2caption.errors import ConfigError
from any2caption.model.bundle import load_bundle
from any2caption.training.launch.nodes import Nodes, from_hostfile, from_kubernetes, nodes_of
from any2caption.training.launch.supervisor import STOP_SECONDS, free_port

MANIFEST = Path(__file__).parents[2] / "infra" / "kubernetes" / "train.yaml"


def test_a_hostfile_says_who_meets_where(tmp_path):
    file = tmp_path / "hosts"
    file.write_text("# two nodes\nworker-1 slots=8\n\nworker-2 slots=8  # the second\n")
    found = from_hostfile(file, 1)
    assert (found.world_size, found.own, found.master, found.port) == (16, 8, "worker-1", 29500)
    written = tmp_path / "written"
    written.write_text(found.hostfile())
    assert dict(runner.fetch_hostfile(str(written))) == {"worker-1": 8, "worker-2": 8}
    options = found.options(written)
    parsed = runner.parse_args([*options, "worker.py"])
    assert parsed.no_ssh
    assert (parsed.node_rank, parsed.master_addr, parsed.master_port) == (1, "worker-1", 29500)


@pytest.mark.parametrize(
    ("text", "rank", "message"),
    [
        ("a slots=2\nb\n", 0, "line 2: must be NAME slots=N, not 'b'"),
        ("a slots=0\n", 0, "line 1: must be"),
        ("a slots=2\na slots=2\n", 0, "line 2: a is there twice"),
        ("a slots=2\nb slots=4\n", 0, "needs equal slots"),
        ("a slots=2\n", 1, "--node-rank must be one of 0 to 0, not 1"),
    ],
)
def test_a_wrong_hostfile_is_refused_by_its_line(tmp_path, text, rank, message):
    file = tmp_path / "hosts"
    file.write_text(text)
    with pytest.raises(ConfigError, match=message):
        from_hostfile(file, rank)


def job():
    """The manifest's service, job and its one container."""
    service, found = yaml.safe_load_all(MANIFEST.read_text())
    (container,) = found["spec"]["template"]["spec"]["containers"]
    return service, found, container


@pytest.mark.parametrize("index", [0, 1])
def test_the_jobs_pods_derive_their_rank_and_the_master(index):
    service, found, container = job()
    environment = {item["name"]: item["value"] for item in container["env"]}
    nodes = from_kubernetes({**environment, "JOB_COMPLETION_INDEX": str(index)})
    pod = found["spec"]["template"]["spec"]
    assert found["spec"]["completionMode"] == "Indexed"
    assert len(nodes.slots) == found["spec"]["completions"] == found["spec"]["parallelism"]
    assert nodes.rank == index
    assert str(nodes.own) == container["resources"]["limits"]["nvidia.com/gpu"]
    assert nodes.master == f"{found['metadata']['name']}-0.{service['metadata']['name']}"
    assert pod["subdomain"] == service["metadata"]["name"]
    assert service["spec"]["clusterIP"] == "None"
    assert service["spec"]["selector"] == {"job-name": found["metadata"]["name"]}
    assert service["spec"]["ports"][0]["port"] == nodes.port
    grace = float(environment["A2C_GRACE_SECONDS"])
    assert STOP_SECONDS < grace < pod["terminationGracePeriodSeconds"]


def test_a_pod_that_is_told_too_little_is_refused():
    base = {"A2C_NODES": "2", "A2C_SLOTS": "8", "A2C_MASTER": "t-0.t"}
    with pytest.raises(ConfigError, match="JOB_COMPLETION_INDEX must be a number, not ''"):
        nodes_of(None, 0, base)
    with pytest.raises(ConfigError, match="must be one of 0 to 1, not 2"):
        nodes_of(None, 0, {**base, "JOB_COMPLETION_INDEX": "2"})
    assert nodes_of(None, 0, {}) is None
    found = nodes_of(None, 0, {**base, "JOB_COMPLETION_INDEX": "1"})
    assert found == Nodes({"node-0": 8, "node-1": 8}, 1, "t-0.t")


@pytest.mark.server
@pytest.mark.slow
def test_two_nodes_train_together_and_leave_one_bundle(folder, tmp_path, settings):
    """Two supervisors with a launcher each, as two pods have them; the nodes are both loopback."""
    out, port = tmp_path / "train", str(free_port())
    arguments = ["--preset", "tiny", "--recipe", "smoke", "--data", str(folder), "--out", str(out)]
    arguments += ["--progress", str(tmp_path / "progress.jsonl"), "--lifecycle", "test"]
    shared = {"A2C_NODES": "2", "A2C_SLOTS": "1", "A2C_MASTER": "127.0.0.1"}
    shared |= {"A2C_MASTER_PORT": port, "A2C_HOME": str(settings.home)}
    nodes = [
        subprocess.Popen(
            [sys.executable, "-m", "any2caption.training.launch.supervisor", *arguments],
            env={**os.environ, **shared, "JOB_COMPLETION_INDEX": str(index)},
            stderr=subprocess.PIPE,
            text=True,
        )
        for index in range(2)
    ]
    for node in nodes:
        assert node.wait(600) == 0, node.stderr.read()
    meta = load_bundle(out / "bundle").meta
    assert (meta["world_size"], meta["starts"]) == (2, 1)
    assert (out / "node-1" / "train.log").exists()
    assert not list(out.glob("node-*/worker-*.pid"))
