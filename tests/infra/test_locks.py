"""Every file that `make setup` installs is checked against a hash that is in the repository."""

import hashlib
import os
import re
import shutil
import subprocess
import sys
import zipfile
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
    assert {
        "build",
        "torch",
        "cuda",
        "pytriton",
        "smol",
        "dev",
        "control",
        "train",
        "serve",
    } <= set(locks)
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


def wheel(folder, version):
    """A wheel of a package called torch, with nothing in it."""
    folder.mkdir()
    path, info = folder / f"torch-{version}-py3-none-any.whl", f"torch-{version}.dist-info"
    with zipfile.ZipFile(path, "w") as file:
        head = f"Metadata-Version: 2.1\nName: torch\nVersion: {version}\n"
        file.writestr(f"{info}/METADATA", head)
        file.writestr(
            f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        file.writestr(f"{info}/RECORD", "")
    return path, hashlib.sha256(path.read_bytes()).hexdigest()


def test_pip_chooses_the_build_of_torch_and_the_lock_must_have_it(tmp_path):
    """A build in a folder carries no hash in its address; pip's own choice is it nevertheless."""
    for name in ("install.sh", "guard.py"):
        shutil.copy(ROOT / "requirements" / name, tmp_path)
    (tmp_path / "build.lock").write_text("")
    _, here = wheel(tmp_path / "folder", "1.0+cpu")
    path, there = wheel(tmp_path / "files", "1.0")
    page = tmp_path / "simple" / "torch" / "index.html"
    page.parent.mkdir(parents=True)
    page.write_text(f'<a href="{path.as_uri()}#sha256={there}">{path.name}</a>')
    subprocess.run([sys.executable, "-m", "venv", str(tmp_path / "env")], check=True)
    python = str(tmp_path / "env" / "bin" / "python")
    sources = {
        "PIP_INDEX_URL": (tmp_path / "simple").as_uri(),
        "PIP_FIND_LINKS": str(tmp_path / "folder"),
        "PIP_CONFIG_FILE": os.devnull,
    }

    def install(*hashes):
        lock = " ".join(["torch==1.0", *(f"--hash=sha256:{one}" for one in hashes)])
        (tmp_path / "torch.lock").write_text(lock + "\n")
        command = ["bash", str(tmp_path / "install.sh"), python, "torch"]
        return subprocess.run(
            command, env=os.environ | sources, capture_output=True, text=True, check=False
        )

    refused = install(there)
    assert refused.returncode == 2
    assert f"no hash of the build of torch==1.0 that pip finds ({here})" in refused.stderr
    done = install(there, here)
    assert done.returncode == 0, done.stderr
    show = [python, "-c", "from importlib.metadata import version as v; print(v('torch'))"]
    assert subprocess.run(show, capture_output=True, text=True, check=True).stdout == "1.0+cpu\n"


def test_the_guard_sees_what_a_lock_with_hashes_says(tmp_path):
    lock = tmp_path / "some.lock"
    lock.write_text("pytest==0.0.1 \\\n    --hash=sha256:00\nno-such==1 \\\n    --hash=sha256:00\n")
    guard = [sys.executable, str(ROOT / "requirements" / "guard.py")]
    done = subprocess.run([*guard, str(lock)], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "pytest: " in done.stderr
    assert "no-such: missing, the lock says 1" in done.stderr
