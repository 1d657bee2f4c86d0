"""What recognisers name on real pictures and clips, how often right, and how long it takes.

    python bench/recognisers.py ROOT

ROOT is a folder of sample data with `first_frame`, `multi_identity`, … in it. What each picture
shows was written by hand, from looking at it (`recognisers_labels.json`). A picture counts as
`right` (what is named is shown), `wrong`, or `silent`. Milliseconds are this process' own
computing time for one look with the networks loaded, reading the file not included.
"""

import argparse
import json
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from any2caption.conditions.fact import Fact
from any2caption.conditions.pictures.small import small
from any2caption.conditions.registry import parse_condition
from any2caption.conditions.types import Part
from any2caption.perception import look_server
from any2caption.perception.eyes import view_of
from any2caption.perception.view import View

HERE = Path(__file__).parent


def view(path: Path, kind: str) -> View:
    condition = parse_condition(kind, [Part(path.name, path.read_bytes())])
    return view_of(small(condition))


def told(facts: Sequence[Fact]) -> str:
    """What is named: nouns with their kinds, people, and what they do."""
    words = []
    for fact in facts:
        if fact.aspect == "subject":
            kind = fact.value.get("kind")
            words.append(f"{fact.value['noun']}{f' ({kind})' if kind else ''}")
        elif fact.aspect == "written_text":
            words.append(f"“{fact.text}”")
        elif fact.aspect in {"background", "count", "action"}:
            words.append(fact.text)
    return ", ".join(words) or "-"


def verdict(facts: Sequence[Fact], shown: Sequence[str]) -> str:
    nouns = [
        {str(fact.value.get("noun") or fact.value.get("place")), *fact.value.get("names", ())}
        for fact in facts
        if fact.aspect in {"subject", "background", "count"}
    ]
    if not nouns:
        return "silent"
    return "right" if all(names & set(shown) for names in nouns) else "wrong"


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("root", type=Path)
    root = arguments.parse_args().root
    labels = json.loads((HERE / "recognisers_labels.json").read_text())
    look_server.preload()
    looks = look_server.LOOKS
    for kind, name in (("image", "pictures"), ("video", "clips")):
        verdicts, people, spent = Counter(), Counter(), dict.fromkeys(looks, 0.0)
        print(f"{name}:")
        for path, label in labels[name].items():
            file = root / path.removeprefix("real/") if path.startswith("real/") else path
            seen = view(HERE.parent / file, kind)
            for one, look in looks.items():
                began = time.process_time()
                look(seen)
                spent[one] += 1000 * (time.process_time() - began)
            facts, failed = look_server.look_at(seen, looks)
            verdicts[verdict(facts, label["shows"])] += 1
            persons = {
                fact.value.get("number") for fact in facts if fact.value.get("noun") == "person"
            }
            found = max((number for number in persons if number), default=0)
            if label["people"] is not None:
                people["right" if found == label["people"] else "wrong"] += 1
            print(f"  {verdict(facts, label['shows']):6}  {path}: {told(facts)} {failed or ''}")
        count = len(labels[name])
        print(f"  {count} {name}: {dict(verdicts)}; number of people: {dict(people)}")
        each = ", ".join(f"{one} {total / count:.0f} ms" for one, total in spent.items())
        print(f"  a look: {each}")


if __name__ == "__main__":
    main()
