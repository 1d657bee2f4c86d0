"""The repository's layout keeps its promises to Python and to Airflow."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent


def test_the_folder_named_platform_does_not_shadow_pythons_module():
    code = "import platform, uuid; print(platform.system(), uuid.uuid4().version)"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == ["Linux", "4"]
    assert not (ROOT / "platform" / "__init__.py").exists()


def test_no_module_is_longer_than_the_house_allows():
    sizes = {
        path: len(path.read_text().splitlines())
        for folder in ("platform", "dags", "model_repository", "tests")
        for path in (ROOT / folder).rglob("*.py")
    }
    assert len(sizes) > 200
    assert [path for path, lines in sizes.items() if lines > 600] == []
    assert [
        path for path, lines in sizes.items() if path.parent.name == "dags" and lines > 80
    ] == []
