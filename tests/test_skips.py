"""A test that is not run is a failure, unless it needs a GPU."""

import shutil
import subprocess
import sys
from pathlib import Path

TESTS = """
import pytest

def test_runs():
    assert True

@pytest.mark.gpu
@pytest.mark.skipif(True, reason="no GPU")
def test_needs_a_gpu():
    assert False

@pytest.mark.parametrize("nothing", [])
def test_has_no_cases(nothing):
    assert False

def test_wants_a_server():
    pytest.skip("no server")
"""


def test_only_gpu_tests_may_skip(tmp_path):
    shutil.copy(Path(__file__).with_name("conftest.py"), tmp_path)
    (tmp_path / "pytest.ini").write_text("[pytest]\nmarkers = gpu\n")
    (tmp_path / "test_some.py").write_text(TESTS)
    (tmp_path / "test_module.py").write_text("import pytest\npytest.importorskip('no_such')\n")
    run = [sys.executable, "-m", "pytest", "-q", "--continue-on-collection-errors"]
    done = subprocess.run(run, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    # What skips before it is called is an error, as is a module: either fails the run.
    assert "1 failed, 1 passed, 1 skipped, 2 errors" in done.stdout
    assert "install what is missing (Skipped: no server)" in done.stdout
