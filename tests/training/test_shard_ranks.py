"""Two ranks train from shards in an S3 bucket; each fetches what it shows, and nothing else."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from moto.server import ThreadedMotoServer

from any2caption.storage.s3 import S3Store
from any2caption.training.hardware import worker_environment
from any2caption.training.launch.supervisor import free_port
from any2caption.training.open_data import open_data, verify
from any2caption.training.shards import from_prepared, write_shards

from . import shard_ranks

pytestmark = pytest.mark.server
URI = "s3://training/shards/one"


@pytest.fixture
def index(folder, tmp_path, monkeypatch):
    """The shards' index; they lie in a bucket of a server of their own."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    for name, value in {
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_DEFAULT_REGION": "us-east-1",
        "A2C_S3_ENDPOINT_URL": f"http://{host}:{port}",
        "A2C_HOME": str(tmp_path / "home"),
    }.items():
        monkeypatch.setenv(name, value)
    store = S3Store.from_uri(URI, f"http://{host}:{port}")
    store.ensure_bucket()
    yield write_shards(from_prepared(folder), store, "", shard_bytes=300_000)
    server.stop()


def launch(folder, out):
    own = {key: value for key, value in os.environ.items() if key not in {"RANK", "WORLD_SIZE"}}
    path = os.pathsep.join([str(Path(__file__).parent), os.environ.get("PYTHONPATH", "")])
    command = [
        *(sys.executable, "-m", "deepspeed.launcher.runner", "--num_accelerators", "2"),
        *("--master_addr", "127.0.0.1", "--master_port", str(free_port()), "--no_local_rank"),
        *("--module", "shard_ranks", str(folder), URI, str(out)),
    ]
    done = subprocess.run(
        command,
        env={**own, **worker_environment(2, out / "cache"), "PYTHONPATH": path},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]


@pytest.mark.slow
def test_two_ranks_train_from_a_bucket_as_from_a_folder_and_share_what_is_fetched(
    index, folder, tmp_path, alone
):
    launch(folder, tmp_path)

    def left(name):
        return json.loads((tmp_path / name).read_text())

    case = f"{shard_ranks.CASE}.json"
    assert left(f"shards/{case}") == left(f"folder/{case}")
    weights = [(tmp_path / way / f"{shard_ranks.CASE}.safetensors").read_bytes()
               for way in ("shards", "folder")]  # fmt: skip
    assert weights[0] == weights[1]
    shard_ranks.train(URI, tmp_path / "one", 0, 1)
    fetched = [left(f"shards/fetched-{rank}.json") for rank in (0, 1)]
    assert min(fetched) > 0
    assert sum(fetched) == left("one/fetched-0.json")  # nothing is fetched by both


def test_a_bucket_is_checked_before_training_without_fetching_frames(index):
    assert verify(URI) == []
    data = open_data(URI)
    assert {split: len(data.samples(split)) for split in data.meta["splits"]} == {
        split: sum(shard.samples for shard in index.splits.get(split, ()))
        for split in data.meta["splits"]
    }
    assert data.fetched == 0
