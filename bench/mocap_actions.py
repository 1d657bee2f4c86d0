"""Hold the words of poses to others' labelled motion capture.

    python bench/mocap_actions.py FOLDER [--errors] [--half 0|1] [--view front|left|right|back]

FOLDER holds `<n>_<label>/*.bvh`. A file counts as right when one of the words that its label
stands for is among the movements that are told with a confidence of at least 0.3 (`WORDS`: action,
and the part or direction where the label states it). Prints accuracy by label and over all files,
how many walks are said to wave, and what the wrong ones were called. `--half` takes every other
file, so that rules tuned on one half can be held to the other.
"""

import argparse
from collections import Counter, defaultdict
from collections.abc import Iterable
from pathlib import Path

from any2caption.conditions.body.movements import PoseMovement, pose_movements
from any2caption.conditions.io.files import read_parts
from any2caption.conditions.registry import parse_condition
from any2caption.conditions.types import Pose

LEAST = 0.3
GESTURES = ("wave", "raise arms", "gesture", "point")
# Label → the actions that are right, and a part that has to be named too ("" = any). A label is
# looked up by its longest beginning. Calling out and answering are sounds: what can be seen of them
# is a gesture of the hands or a bend, which is why any of these is right.
WORDS = {
    "bow": (("bend",), ""),
    "bye": (("wave",), ""),
    "byebye": (("wave",), ""),
    "call": ((*GESTURES, "bend"), ""),
    "respond": ((*GESTURES, "bend"), ""),
    "dance": (("dance",), ""),
    "dash": (("run",), ""),
    "run": (("run",), ""),
    "walk": (("walk",), ""),
    "kick": (("kick",), ""),
    "punch": (("punch",), ""),
    "guide": (("point", "gesture"), ""),
    "slash": (("swing",), ""),
    "raise-up-both-hands": (("raise arms",), "both arms"),
    "raise-up-left-hand": (("raise arms",), "left arm"),
    "raise-up-right-hand": (("raise arms",), "right arm"),
    "wave-both-hands": (("wave",), "both arms"),
    "wave-left-hand": (("wave",), "left arm"),
    "wave-right-hand": (("wave",), "right arm"),
}
TURNS = {"walk-turn-left": "left", "walk-turn-right": "right"}


def is_right(label: str, found: Iterable[PoseMovement]) -> bool:
    """Whether the labelled action is among the movements."""
    actions, part = WORDS[max((one for one in WORDS if label.startswith(one)), key=len)]
    told = list(found)
    named = any(one.action in actions and (not part or one.part == part) for one in told)
    turned = TURNS.get(label)
    return named and (
        turned is None or any(one.action == "turn" and one.direction == turned for one in told)
    )


def _share(right: int, count: int) -> str:
    return f"{right / max(count, 1):.3f} ({right} of {count})"


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--errors", action="store_true", help="print what was told of wrong files")
    parser.add_argument("--half", type=int, choices=(0, 1), help="every other file only")
    parser.add_argument("--view", choices=("front", "left", "right", "back"))
    chosen = parser.parse_args()
    files = sorted(chosen.folder.glob("*/*.bvh"))
    if chosen.half is not None:
        files = files[chosen.half :: 2]
    right: Counter[str] = Counter()
    count: Counter[str] = Counter()
    instead: dict[str, Counter[str]] = defaultdict(Counter)
    walks = waving = 0
    for file in files:
        label = file.parent.name.partition("_")[2]
        if not file.stat().st_size:
            print(f"{file}: the file is empty and left out")
            continue
        options = {"view": chosen.view} if chosen.view else {}
        pose = parse_condition("pose", read_parts(file), options=options).payload
        if not isinstance(pose, Pose):
            raise SystemExit(f"{file}: no points")
        found = [one for one in pose_movements(pose) if one.confidence >= LEAST]
        good = is_right(label, found)
        count[label] += 1
        right[label] += good
        walks += label.startswith("walk")
        waving += label.startswith("walk") and any(one.action == "wave" for one in found)
        if not good:
            instead[label].update({one.action for one in found})
        if chosen.errors and not good:
            told = "; ".join(f"{one.words()} {one.start:.2f}-{one.end:.2f}" for one in found)
            print(f"{label} {file.name}: {told}")
    for label in sorted(count):
        others = ", ".join(f"{word} {times}" for word, times in instead[label].most_common())
        print(f"{label:22} {_share(right[label], count[label])} {others and '-> ' + others}")
    print(f"{'all':22} {_share(right.total(), count.total())}")
    print(f"walks said to wave: {waving} of {walks}")


if __name__ == "__main__":
    main()
