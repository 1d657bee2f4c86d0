"""The judge's card: how often it is right about captions labelled by hand, slot by slot.

`python bench/judge_card.py` prints sensitivity (right answers that it accepts), specificity (wrong
ones that it refuses) and Cohen's κ for each slot, half of the captions paraphrases, half hostile.
The lines of `judge_card.tsv` are by the author of the judge's word list, written after it. Those of
`judge_card_unseen.tsv` were written and labelled by somebody who had not seen the word list, before
the judge was asked; no rule was made or changed after them. Nobody else has labelled either. A slot
below 0.9 in either figure is informative only, by the lines that nobody tuned to.
"""

import csv
import sys
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

from any2caption.captions.lexicon import SLOTS
from any2caption.captions.schema import PARTS, StructuredCaption
from any2caption.captions.text import render
from any2caption.datasets.records import QA
from any2caption.evaluation.judge import Judge
from any2caption.evaluation.metrics import Prediction

SETS = ("judge_card_unseen", "judge_card")
ENOUGH = 0.9


@dataclass(frozen=True)
class Card:
    """Counts of one slot: right accepted, right refused, wrong refused, wrong accepted."""

    hit: int
    miss: int
    stopped: int
    passed: int

    @property
    def sensitivity(self) -> float:
        return self.hit / (self.hit + self.miss)

    @property
    def specificity(self) -> float:
        return self.stopped / (self.stopped + self.passed)

    @property
    def kappa(self) -> float:
        n = self.hit + self.miss + self.stopped + self.passed
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


def judged(row: dict[str, str]) -> bool:
    slot = SLOTS[row["slot"]]
    answer = row["answer"] if slot.name == "camera" else slot.term(row["answer"]).phrase
    parts = {**dict.fromkeys(PARTS, "Nothing is told here."), slot.part: row["text"]}
    qa = QA(aspect=slot.aspect, slot=slot.name, question="?", answer=answer, sources=("text",))
    return Judge().correct(qa, Prediction.read(render(StructuredCaption(**parts))))


def cards(name: str) -> dict[str, Card]:
    found: defaultdict[str, list[int]] = defaultdict(lambda: [0, 0, 0, 0])
    for row in rows(name):
        right, said = row["right"] == "1", judged(row)
        for slot in (row["slot"], "all"):
            found[slot][(0 if said else 1) if right else (3 if said else 2)] += 1
    return {slot: Card(*counts) for slot, counts in found.items()}


def main() -> None:
    for name in SETS:
        print(f"\n{name}\n")
        _print(name)


def _print(name: str) -> None:
    print("| slot | captions | sensitivity | specificity | κ | |\n|---|---|---|---|---|---|")
    for slot, card in cards(name).items():
        n = card.hit + card.miss + card.stopped + card.passed
        state = "decides" if card.decides else "informative only"
        figures = f"{card.sensitivity:.2f} | {card.specificity:.2f} | {card.kappa:.2f}"
        print(f"| {slot} | {n} | {figures} | {state} |")
    if "--wrong" in sys.argv:
        for row in rows(name):
            if judged(row) != (row["right"] == "1"):
                print(row["slot"], row["answer"], row["right"], row["text"], sep=" | ")


if __name__ == "__main__":
    main()
