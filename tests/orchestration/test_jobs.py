"""Jobs: no double launch, re-attach, whole groups killed."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from any2caption import processes
from any2caption.errors import ConflictError
from any2caption.orchestration.jobs import local_jobs
from any2caption.orchestration.jobs.local_jobs import Job
from any2caption.orchestration.jobs.runner import ALREADY_RUNNING, MARK


def job(folder: Path, code: str, key: str = "k1") -> Job:
    return Job(key, (sys.executable, "-u", "-c", code), folder / "job")


@pytest.fixture
def place(tmp_path):
    yield tmp_path
    processes.stop_marked(MARK, str((tmp_path / "job").absolute()))


def wait_until(condition, seconds: float = 20.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "did not happen in time"
        time.sleep(0.05)


def test_a_job_runs_to_its_end_and_its_lines_and_exit_code_come_back(place):
    one = job(place, "import sys; print('first'); print('second', file=sys.stderr); sys.exit(75)")
    local_jobs.start(one)
    lines: list[str] = []
    assert local_jobs.follow(one, lines.append) == 75
    assert sorted(lines) == ["first", "second"]
    assert local_jobs.tail(one, 1) in {"first", "second"}


def test_a_second_start_attaches_to_the_live_process_and_launches_nothing(place):
    one = job(place, "import os, time; print(os.getpid()); time.sleep(60)")
    pid = local_jobs.start(one)
    wait_until(lambda: local_jobs.output_size(one) > 0)
    assert local_jobs.start(one) == pid
    assert local_jobs.start(one) == pid
    assert len((one.folder / "output.log").read_text().split()) == 1


def test_another_process_attaches_after_the_one_that_started_it_is_gone(place):
    one = job(place, "import time; time.sleep(3); print('done')")
    code = (
        "from pathlib import Path; from any2caption.orchestration.jobs import local_jobs as jobs;"
        f"print(jobs.start(jobs.Job('k1', {one.command!r}, Path({str(one.folder)!r}))))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    pid = int(done.stdout)
    assert local_jobs.running_pid(one) == pid == local_jobs.start(one)
    lines: list[str] = []
    assert local_jobs.follow(one, lines.append) == 0
    assert lines == ["done"]


def test_a_second_runner_of_the_same_folder_steps_back(place):
    one = job(place, "import time; time.sleep(60)")
    local_jobs.start(one)
    second = subprocess.run(
        [sys.executable, "-m", "any2caption.orchestration.jobs.runner", str(one.folder)],
        check=False,
    )
    assert second.returncode == ALREADY_RUNNING
    assert json.loads((one.folder / "running.json").read_text())["key"] == "k1"


def test_other_work_in_the_same_folder_is_a_conflict(place):
    local_jobs.start(job(place, "import time; time.sleep(60)"))
    with pytest.raises(ConflictError, match="still running"):
        local_jobs.start(job(place, "pass", key="k2"))


def test_cancel_kills_the_whole_tree_also_what_left_the_process_group(place):
    code = (
        "import subprocess, sys, time;"
        "subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)'],"
        " start_new_session=True); print('up'); time.sleep(60)"
    )
    one = job(place, code)
    local_jobs.start(one)
    wait_until(lambda: local_jobs.output_size(one) > 0)
    assert len(processes.marked(MARK, one.mark)) == 3
    assert local_jobs.cancel(one) == 3
    assert processes.marked(MARK, one.mark) == []
    assert local_jobs.running_pid(one) is None


def test_a_killed_runner_reads_as_killed_and_its_orphans_are_cleared_before_the_next_launch(place):
    one = job(place, "import os, time; print(os.getpid()); time.sleep(60)")
    pid = local_jobs.start(one)
    wait_until(lambda: local_jobs.output_size(one) > 0)
    orphan = int((one.folder / "output.log").read_text())
    os.kill(pid, signal.SIGKILL)
    assert local_jobs.follow(one, lambda _: None) is None
    again = local_jobs.start(one)
    assert again != pid
    assert orphan not in {process.pid for process in processes.marked(MARK, one.mark)}
    assert len(processes.marked(MARK, one.mark)) >= 1


def test_a_pid_that_was_given_to_another_process_is_not_taken_for_the_job(place):
    one = job(place, "pass")
    one.folder.mkdir(parents=True)
    stale = {"pid": os.getpid(), "started": 1.0, "key": "k1"}
    (one.folder / "running.json").write_text(json.dumps(stale))
    assert local_jobs.running_pid(one) is None


def test_a_job_gets_the_stores_keys_and_none_of_airflows(place, monkeypatch):
    monkeypatch.setenv("AIRFLOW__API_AUTH__JWT_SECRET", "airflow's own")
    monkeypatch.setenv("_AIRFLOW__AS_LIBRARY", "1")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "the store's")
    one = job(place, "import os; print(open('/proc/self/environ').read().replace(chr(0), chr(10)))")
    local_jobs.start(one)
    lines: list[str] = []
    assert local_jobs.follow(one, lines.append) == 0
    assert "AWS_SECRET_ACCESS_KEY=the store's" in lines
    assert not [line for line in lines if "AIRFLOW_" in line]
