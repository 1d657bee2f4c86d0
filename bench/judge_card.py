"""The judge's card: how often it is right about captions labelled by hand, slot by slot.

`python bench/judge_card.py` prints sensitivity (right answers that it accepts), specificity (wrong
ones that it refuses) and Cohen's κ for each slot, half of the captions right, half hostile. Those
of `judge_card_data.tsv` are in no words but the synthetic data's and the judge's lexicon,
`judge_card_unseen.tsv` and `judge_card_free.tsv` in any: written and labelled by somebody who had
not seen the judge, before it was asked; no rule was made or changed after them. Nobody else has
labelled them. They make the card that the gate reads (`--write` puts it into the package): a slot
below 0.9 in either figure is informative only. The lines of `judge_card.tsv` are by the author of
the judge's word list, written after it, and count for nothing. `--wrong` lists what it got wrong.
"""

import csv
import json
import sys
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

from any2caption.captions.lexicon import SLOTS
from any2caption.captions.schema import PARTS, StructuredCaption
from any2caption.captions.text import render
from any2caption.datasets.records import QA
from any2caption.evaluation import judge
from any2caption.evaluation.judge.answers import Judge, part_of
from any2caption.evaluation.metrics import Prediction

SETS = {
    "data": ("judge_card_data",),
    "others": ("judge_card_unseen", "judge_card_free"),
    "its author's": ("judge_card", "judge_card_words"),
}
"""Wording → files."""
ENOUGH = 0.9
CARD = Path(judge.__file__).with_name("card.json")
ASPECTS = {
    "stated_subject": "subject",
    "shown_subject": "subject",
    "stated_place": "background",
    "stated_style": "style",
    "stated_action": "movement",
    "deed": "movement",
    "path": "camera",
}
"""Slots of questions that rules ask, in no lexicon."""


@dataclass(frozen=True)
class Card:
    """Counts of one slot: right accepted, right refused, wrong refused, wrong accepted."""

    hit: int
    miss: int
    stopped: int
    passed: int

    @property
    def captions(self) -> int:
        return self.hit + self.miss + self.stopped + self.passed

    @property
    def sensitivity(self) -> float:
        return self.hit / (self.hit + self.miss)

    @property
    def specificity(self) -> float:
        return self.stopped / (self.stopped + self.passed)

    @property
    def kappa(self) -> float:
        n = self.captions
        agree = (self.hit + self.stopped) / n
        right, said = (self.hit + self.miss) / n, (self.hit + self.passed) / n
        chance = right * said + (1 - right) * (1 - said)
        return (agree - chance) / (1 - chance)

    @property
    def decides(self) -> bool:
        return min(self.sensitivity, self.specificity) >= ENOUGH


def rows(name: str) -> list[dict[str, str]]:
    with Path(__file__).with_name(f"{name}.tsv").open(encoding="utf-8") as file:
        return list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))


def question(row: dict[str, str]) -> QA:
    slot = SLOTS.get(row["slot"])
    answer = (
        row["answer"] if slot is None or slot.name == "camera" else slot.term(row["answer"]).phrase
    )
    return QA(
        aspect=slot.aspect if slot else ASPECTS[row["slot"]],
        slot=row["slot"],
        question="?",
        answer=answer,
        sources=("text",),
    )


def judged(row: dict[str, str]) -> bool:
    qa = question(row)
    parts = {**dict.fromkeys(PARTS, "Nothing is told here."), part_of(qa): row["text"]}
    return Judge().correct(qa, Prediction.read(render(StructuredCaption(**parts))))


def cards(name: str) -> dict[str, Card]:
    found: defaultdict[str, list[int]] = defaultdict(lambda: [0, 0, 0, 0])
    for row in rows(name):
        right, said = row["right"] == "1", judged(row)
        for slot in (row["slot"], "all"):
            found[slot][(0 if said else 1) if right else (3 if said else 2)] += 1
    return {slot: Card(*counts) for slot, counts in found.items()}


def card() -> dict[str, dict[str, dict[str, float]]]:
    """What `judge/card.json` holds."""
    return {
        wording: {
            slot: {
                "captions": one.captions,
                "sensitivity": round(one.sensitivity, 4),
                "specificity": round(one.specificity, 4),
                "kappa": round(one.kappa, 4),
            }
            for name in SETS[wording]
            for slot, one in cards(name).items()
            if slot != "all"
        }
        for wording in ("data", "others")
    }


def main() -> None:
    if "--write" in sys.argv:
        CARD.write_text(json.dumps(card(), indent=1) + "\n", encoding="utf-8")
    for wording, names in SETS.items():
        for name in names:
            print(f"\n{name} (words: {wording})\n")
            _print(name)


def _print(name: str) -> None:
    print("| slot | captions | sensitivity | specificity | κ | |\n|---|---|---|---|---|---|")
    for slot, one in cards(name).items():
        state = "decides" if one.decides else "informative only"
        figures = f"{one.sensitivity:.2f} | {one.specificity:.2f} | {one.kappa:.2f}"
        print(f"| {slot} | {one.captions} | {figures} | {state} |")
    if "--wrong" in sys.argv:
        for row in rows(name):
            if judged(row) != (row["right"] == "1"):
                print(row["slot"], row["answer"], row["right"], row["text"], sep=" | ")


if __name__ == "__main__":
    main()
