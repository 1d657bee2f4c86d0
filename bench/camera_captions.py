"""Hold the reader of camera descriptions to others' labels.

    python bench/camera_captions.py FOLDER [--errors]

FOLDER holds `camera_captions.jsonl`: `caption`, `labels` (movement → yes or no) and `arc` (the
senses of arcs). Prints precision, recall and F1 by label and over all, and how many arcs are read
as orbits of the right sense. A label that a caption lacks is not counted.
"""

import argparse
import json
from collections import Counter
from pathlib import Path

from any2caption.captions.camera_reading import read_camera

KEYS = {
    "Static": "static",
    "Move_In": "dolly_in", "Move_Out": "dolly_out",
    "Move_Left": "truck_left", "Move_Right": "truck_right",
    "Move_Up": "pedestal_up", "Move_Down": "pedestal_down",
    "Pan_Left": "pan_left", "Pan_Right": "pan_right",
    "Tilt_Up": "tilt_up", "Tilt_Down": "tilt_down",
    "Roll_Clockwise": "roll_clockwise", "Roll_Counterclockwise": "roll_anticlockwise",
    "Zoom_In": "zoom_in", "Zoom_Out": "zoom_out",
}  # fmt: skip
ARCS = {"clockwise": "orbit_left", "counterclockwise": "orbit_right"}


def scores(right: int, said: int, true: int) -> str:
    """Precision, recall and F1 in one line."""
    precision, recall = right / max(said, 1), right / max(true, 1)
    f1 = 2 * precision * recall / max(precision + recall, 1e-9)
    return f"P {precision:.3f}  R {recall:.3f}  F1 {f1:.3f}  ({right} of {true}, {said} said)"


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--errors", action="store_true", help="print what was read differently")
    chosen = parser.parse_args()
    lines = (chosen.folder / "camera_captions.jsonl").read_text().splitlines()
    right: Counter[str] = Counter()
    said: Counter[str] = Counter()
    true: Counter[str] = Counter()
    arcs = [0, 0]
    for row in map(json.loads, lines):
        keys = set(read_camera(row["caption"]).keys)
        keys = keys - {"static"} or keys
        for label, yes in row["labels"].items():
            key = KEYS[label]
            right[label] += yes and key in keys
            said[label] += key in keys
            true[label] += yes
            if chosen.errors and yes != (key in keys):
                print(f"{label} {'missed' if yes else 'wrong'}: {row['caption']} -> {sorted(keys)}")
        for sense in row["arc"]:
            arcs[0] += ARCS[sense] in keys
            arcs[1] += 1
            if chosen.errors and ARCS[sense] not in keys:
                print(f"arc {sense} missed: {row['caption']} -> {sorted(keys)}")
    for label in KEYS:
        print(f"{label:22} {scores(right[label], said[label], true[label])}")
    print(f"{'micro':22} {scores(right.total(), said.total(), true.total())}")
    print(f"arcs read as orbits of their sense: {arcs[0]} of {arcs[1]}")


if __name__ == "__main__":
    main()
