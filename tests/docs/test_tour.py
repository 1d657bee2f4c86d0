"""The tour prints what it is written down to print."""

import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2] / "docs"))
from notebook import TOUR, run


def test_the_tour_prints_what_it_says(monkeypatch):
    monkeypatch.setenv("NO_COLOR", "1")
    written = json.loads(TOUR.read_text())
    again = run(written, TOUR.parent)
    for number, (old, new) in enumerate(zip(written["cells"], again["cells"], strict=True), 1):
        same = old.get("outputs") == new.get("outputs")
        assert same, f"cell {number} prints something else now: run python docs/notebook.py"
    printed = [cell for cell in written["cells"] if cell.get("outputs")]
    assert len(printed) >= 6
