"""Run the tour, `examples/tour.ipynb`, cell by cell, and write down what it printed.

    python docs/notebook.py

A cell's output in the file is what it prints (no pictures, no counters), so that the file changes
only where the answer does; `tests/docs` holds it to a run.
"""

import contextlib
import io
import json
import os
from pathlib import Path
from typing import Any

TOUR = Path(__file__).parents[1] / "examples" / "tour.ipynb"


def run(notebook: dict[str, Any], folder: Path) -> dict[str, Any]:
    """Return the notebook with the outputs of its code cells, run in `folder` in one namespace."""
    namespace: dict[str, Any] = {"__name__": "__main__"}
    cells = []
    with contextlib.chdir(folder):
        for number, cell in enumerate(notebook["cells"], 1):
            new = {**cell}
            if cell["cell_type"] == "code":
                said = io.StringIO()
                with contextlib.redirect_stdout(said):
                    exec(compile("".join(cell["source"]), f"<cell {number}>", "exec"), namespace)  # noqa: S102 - its own notebook
                text = said.getvalue().splitlines(keepends=True)
                stream = {"name": "stdout", "output_type": "stream", "text": text}
                new |= {"outputs": [stream] if text else [], "execution_count": None}
            cells.append(new)
    return {**notebook, "cells": cells}


def main() -> None:
    """Write the tour's outputs anew."""
    os.environ["NO_COLOR"] = "1"
    notebook = run(json.loads(TOUR.read_text()), TOUR.parent)
    TOUR.write_text(json.dumps(notebook, indent=1, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main()
