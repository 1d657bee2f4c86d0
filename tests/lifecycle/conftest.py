"""A platform of its own for a test: `a2c` as a person types it, a state folder, free ports."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from loopback import free_ports

A2C = Path(sys.executable).parent / "a2c"
NAMES = ("AIRFLOW", "MLFLOW", "TRITON_GRPC", "TRITON_METRICS", "S3")


@dataclass
class Platform:
    """Runs commands against one state folder."""

    home: Path
    environment: dict[str, str] = field(repr=False)

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        """Start a command."""
        return subprocess.Popen(
            [str(A2C), *arguments],
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, *arguments: str, timeout: float = 1200.0, code: int = 0) -> str:
        """Run a command, expect its exit code, return its standard output."""
        process = self.start(*arguments)
        try:
            out, err = process.communicate(timeout=timeout)
        except subprocess.TimeoutExpired:
            process.kill()
            raise
        sys.stderr.write(err)
        assert process.returncode == code, f"{arguments}: {process.returncode}\n{out}\n{err}"
        return out

    def progress(self, stage: str) -> list[dict]:
        """Return the progress lines of a stage."""
        path = self.home / "progress.jsonl"
        lines = path.read_text().splitlines() if path.exists() else []
        return [line for line in map(json.loads, lines) if line["stage"] == stage]


@pytest.fixture
def platform(tmp_path) -> Iterator[Platform]:
    """A platform that is taken down at the end."""
    first = free_ports(len(NAMES) + 3)
    hidden = ("A2C_", "AWS_", "MLFLOW_", "AIRFLOW_")
    environment = {k: v for k, v in os.environ.items() if not k.startswith(hidden)}
    environment |= {f"A2C_PORT_{name}": str(first + n) for n, name in enumerate(NAMES)}
    environment |= {"A2C_HOME": str(tmp_path / "home"), "OMP_NUM_THREADS": "1"}
    # The recipe learns nothing in its minute, so its policy is for a stack that serves nobody.
    environment |= {"A2C_TRIAL_POLICIES": "smoke"}
    one = Platform(tmp_path / "home", environment)
    yield one
    one.run("down")
