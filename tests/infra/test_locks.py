"""Every file that `make setup` installs is checked against a hash that is in the repository."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LOCKS = sorted((ROOT / "requirements").glob("*.lock"))
PIN = re.compile(r"^([\w.-]+)(?:\[[\w,-]+\])?==([\w.+!]+)")


def entries(lock):
    """{name: (version, hashes)} of a lock."""
    found = {}
    for block in re.split(r"\n(?=[\w])", "\n" + lock.read_text()):
        if match := PIN.match(block.strip()):
            found[match[1]] = (match[2], re.findall(r"--hash=sha256:([0-9a-f]{64})", block))
    return found


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: lock.stem)
def test_every_pin_has_a_hash_and_no_address(lock):
    text = lock.read_text()
    assert entries(lock)
    assert len(entries(lock)) == len(
        re.findall(r"^[\w.-]+(?:\[[\w,-]+\])?[=@<>~ ]", text, re.MULTILINE)
    )
    assert [name for name, (_, hashes) in entries(lock).items() if not hashes] == []
    assert not re.search(r"://|--index|--find-links|--trusted", text)


def test_locks_agree_where_they_meet():
    locks = {lock.stem: entries(lock) for lock in LOCKS}
    assert {"build", "torch", "cuda", "pytriton", "dev", "control", "train", "serve"} <= set(locks)
    for name, (version, hashes) in locks["build"].items():
        assert locks["dev"][name] == (version, hashes)
    assert locks["cuda"]["triton"] == locks["dev"]["triton"]
    assert len(locks["torch"]["torch"][1]) > 1  # CUDA builds and the CPU build


def test_setup_and_images_install_only_through_the_script_that_checks():
    script = (ROOT / "requirements" / "install.sh").read_text()
    assert "--require-hashes --no-deps --no-build-isolation" in script
    for file in (ROOT / "Makefile", *(ROOT / "docker").glob("*.Dockerfile")):
        text = file.read_text().replace("\\\n", " ")
        for line in re.findall(r"pip.* install (.*)", text):
            assert "--no-deps --no-build-isolation --editable ." in line, file


def test_a_file_with_another_hash_is_refused(tmp_path):
    (tmp_path / "other.lock").write_text(f"setuptools==84.2.1 --hash=sha256:{'0' * 64}\n")
    wheel = tmp_path / "setuptools-84.2.1-py3-none-any.whl"
    wheel.write_bytes(b"not what the lock means")
    run = [sys.executable, "-m", "pip", "install", "--dry-run", "--ignore-installed"]
    options = ["--require-hashes", "--no-deps", "--no-index", "--find-links", str(tmp_path)]
    requirement = ["--requirement", str(tmp_path / "other.lock")]
    done = subprocess.run(
        [*run, *options, *requirement], capture_output=True, text=True, check=False
    )
    assert done.returncode != 0
    assert "DO NOT MATCH THE HASHES" in done.stderr


def test_the_guard_sees_what_a_lock_with_hashes_says(tmp_path):
    lock = tmp_path / "some.lock"
    lock.write_text("pytest==0.0.1 \\\n    --hash=sha256:00\nno-such==1 \\\n    --hash=sha256:00\n")
    guard = [sys.executable, str(ROOT / "requirements" / "guard.py")]
    done = subprocess.run([*guard, str(lock)], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "pytest: " in done.stderr
    assert "no-such: missing, the lock says 1" in done.stderr
