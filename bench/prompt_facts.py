"""How well prompts are read as facts: words kept, and what VBench's tables say about each prompt.

    python bench/prompt_facts.py FOLDER     # the folder `prompts` of the real data

The lists of the parser were written with these prompts in sight: the figures are no forecast for
others, but for the words kept, which hold by construction.
"""

import argparse
import json
import re
import time
from collections.abc import Iterator
from pathlib import Path

from any2caption.conditions.fact import Fact
from any2caption.grounding.words import content_words, read_text, same_word, spoken


def short_prompts(folder: Path) -> Iterator[str]:
    files = [*folder.glob("vbench/short/*.txt"), *folder.glob("vbench2/short/*.txt")]
    for path in sorted([*files, *folder.glob("vbench_competition/*.txt")]):
        yield from lines(path)
    for one in json.loads((folder / "vbench_i2v_camera_motion_excerpt.json").read_text()):
        yield one["prompt_en"]
    for path in sorted((folder / "videox_fun_rewrite").glob("*.jsonl")):
        yield from (json.loads(line)["prompt"] for line in path.read_text().splitlines())


def lines(path: Path) -> list[str]:
    return [line.strip() for line in path.read_text().splitlines() if line.strip()]


def kept(prompts: list[str]) -> tuple[int, int]:
    """Content words in the text of some fact, and all."""
    found = total = 0
    for prompt in prompts:
        held = {word for fact in facts_of(prompt) for word in content_words(spoken(fact))}
        wanted = content_words(prompt)
        total += len(wanted)
        found += sum(word in held for word in wanted)
    return found, total


def facts_of(prompt: str) -> tuple[Fact, ...]:
    return read_text(prompt)[0]


def said(facts: tuple[Fact, ...], aspect: str) -> list[Fact]:
    return [fact for fact in facts if fact.aspect == aspect and not fact.negated]


def has_subject(facts: tuple[Fact, ...], noun: str) -> bool:
    return any(
        fact.value["noun"] and same_phrase(fact.value["noun"], noun)
        for fact in said(facts, "subject")
    )


def same_phrase(one: str, other: str) -> bool:
    left, right = one.split(), other.split()
    return len(left) == len(right) and all(map(same_word, left, right))


def colours(folder: Path) -> Iterator[bool]:
    for one in json.loads((folder / "vbench/metadata/color.json").read_text()):
        subjects = said(facts_of(one["prompt_en"]), "subject")
        yield len(subjects) == 1 and one["color_en"] in subjects[0].value["attributes"]


def objects(folder: Path) -> Iterator[bool]:
    for one in json.loads((folder / "vbench/metadata/multiple_objects.json").read_text()):
        facts = facts_of(one["prompt_en"])
        yield all(has_subject(facts, noun) for noun in one["object_en"].split(" and "))


def relations(folder: Path) -> Iterator[bool]:
    for one in json.loads((folder / "vbench/metadata/spatial_relationship.json").read_text()):
        found = said(facts_of(one["prompt_en"]), "relation")
        yield len(found) == 1 and (
            found[0].value["left"] == one["object_a_en"]
            and found[0].value["right"] == one["object_b_en"]
            and found[0].value["relation"] == one["relationship_en"]
        )


def scenes(folder: Path) -> Iterator[bool]:
    for prompt in lines(folder / "vbench/short/scene.txt"):
        yield [fact.aspect for fact in facts_of(prompt)] == ["background"]


def actions(folder: Path) -> Iterator[bool]:
    for prompt in lines(folder / "vbench/short/human_action.txt"):
        facts = facts_of(prompt)
        wanted = content_words(prompt.partition(" is ")[2].partition("(")[0])
        held = {word for fact in said(facts, "action") for word in content_words(fact.text)}
        yield has_subject(facts, "person") and set(wanted) <= held


def counts(folder: Path) -> Iterator[bool]:
    table = json.loads((folder / "vbench2/meta_info/Instance_Preservation.json").read_text())
    for one in table:
        wanted = re.findall(r"(\d+)\.([a-z ]+?)(?= and \d|,|$)", one["auxiliary_info"])
        subjects = said(facts_of(one["prompt_en"]), "subject")
        yield all(
            any(
                (fact.value["number"] or 1) == int(number)
                and same_word(fact.value["noun"].split()[-1], head(noun))
                for fact in subjects
            )
            for number, noun in wanted
        )


def head(noun: str) -> str:
    return noun.partition(" of ")[0].split()[-1]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    folder = parser.parse_args().folder
    prompts = list(dict.fromkeys(short_prompts(folder)))
    long = [line for path in sorted(folder.glob("*/long*/*.txt")) for line in lines(path)]
    for name, texts in (("short", prompts), ("long", long)):
        started = time.perf_counter()
        found, total = kept(texts)
        each = (time.perf_counter() - started) / len(texts) * 1000
        print(f"{name} prompts {len(texts):5}  words kept {found / total:.4f} of {total:,}  "
              f"{each:.1f} ms each")  # fmt: skip
    for measure in (colours, objects, relations, scenes, actions, counts):
        right = list(measure(folder))
        print(f"{measure.__name__:9} {sum(right) / len(right):.3f} of {len(right)}")


if __name__ == "__main__":
    main()
