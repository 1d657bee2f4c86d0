"""How long the command line takes to start, beside what Python, NumPy and Typer need themselves.

    python bench/startup.py [--pairs 15]

Each pair runs both commands one after the other, in turn first and second, and takes processor
time of the child (user and system), which other work on the machine changes less than wall time.
What counts is the median of the ratios of pairs.
"""

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
LEAST = [sys.executable, "-c", "import numpy, typer"]
A2C = [sys.executable, "-c", "from any2caption.cli.main import main; main()"]
CAMERA = ROOT / "examples" / "camera"
COMMANDS = {
    "--help": ["--help"],
    "condition inspect": ["condition", "inspect", str(next(CAMERA.glob("*.txt")))],
}


def seconds(command: list[str]) -> float:
    """Processor time of one run and of the processes that it waits for; modules are compiled."""
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    subprocess.run(command, check=True, env=environment, **quiet)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main() -> None:
    """Print one JSON object."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pairs", type=int, default=15)
    options = parser.parse_args()
    found = {}
    for name, arguments in COMMANDS.items():
        command, pairs = [*A2C, *arguments], []
        seconds(command), seconds(LEAST)  # files into the page cache
        for number in range(options.pairs):
            if number % 2:
                least, own = seconds(LEAST), seconds(command)
            else:
                own, least = seconds(command), seconds(LEAST)
            pairs.append((own, least))
        found[name] = {
            "seconds": round(statistics.median(own for own, _ in pairs), 3),
            "least": round(statistics.median(least for _, least in pairs), 3),
            "ratio": round(statistics.median(own / least for own, least in pairs), 2),
        }
    print(json.dumps(found, indent=2))


if __name__ == "__main__":
    main()
