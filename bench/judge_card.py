"""The judge's card: how often it is right about captions labelled by hand, slot by slot.

`python bench/judge_card.py` prints sensitivity (right answers that it accepts), specificity (wrong
ones that it refuses) and Cohen's κ for each slot, half of the captions right, half hostile. Those
of `judge_card_data.tsv` are in no words but the synthetic data's and the judge's lexicon,
`judge_card_unseen.tsv` and `judge_card_free.tsv` in any: written and labelled by somebody who had
not seen the judge, before it was asked; no rule was made or changed after them. Nobody else has
labelled them. They make the card that the gate reads (`--write` puts it into the package): a slot
below 0.9 in either figure is informative only. The lines of `judge_card.tsv` are by the author of
the judge's word list, written after it, and count for nothing. `--wrong` lists what it got wrong.

    python bench/judge_card.py --endpoint     # of the language model that A2C_JUDGE_… names

What an endpoint does not answer is neither right nor wrong, and is counted; its answers are kept in
the store of the settings, so that a second run asks only for what is missing.
"""

import argparse
import csv
import json
import sys
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from math import isnan, nan
from pathlib import Path

from any2caption.captions.lexicon import SLOTS
from any2caption.captions.schema import PARTS, StructuredCaption
from any2caption.captions.text import render
from any2caption.datasets.records import QA
from any2caption.evaluation import judge
from any2caption.evaluation.figures.irscore import VERSION, IntentJudge, prompts_digest
from any2caption.evaluation.judge.answers import Judge, part_of
from any2caption.evaluation.metrics import Prediction
from any2caption.settings import Settings
from any2caption.storage import open_store

SETS = {
    "data": ("judge_card_data",),
    "others": ("judge_card_unseen", "judge_card_free"),
    "its author's": ("judge_card", "judge_card_words"),
}
"""Wording → files."""
ENOUGH = 0.9
CARD = Path(judge.__file__).with_name("card.json")
ASKED = {
    "stated_subject": ("subject", "Who or what is it about?"),
    "shown_subject": ("subject", "Who or what is shown?"),
    "stated_place": ("background", "Where is it?"),
    "stated_style": ("style", "What does it look like?"),
    "stated_action": ("movement", "What is done?"),
    "deed": ("movement", "What does the subject do?"),
    "path": ("camera", "How does the camera move?"),
}
"""Aspect and words of questions that rules ask (`datasets.supervision.questions`)."""
Row = dict[str, str]


@dataclass(frozen=True)
class Card:
    """Counts of one slot: right accepted, right refused, wrong refused, wrong accepted, silence."""

    hit: int
    miss: int
    stopped: int
    passed: int
    unanswered: int = 0

    @property
    def captions(self) -> int:
        return self.hit + self.miss + self.stopped + self.passed

    @property
    def sensitivity(self) -> float:
        return _share(self.hit, self.hit + self.miss)

    @property
    def specificity(self) -> float:
        return _share(self.stopped, self.stopped + self.passed)

    @property
    def kappa(self) -> float:
        n = self.captions
        agree = _share(self.hit + self.stopped, n)
        right, said = _share(self.hit + self.miss, n), _share(self.hit + self.passed, n)
        chance = right * said + (1 - right) * (1 - said)
        return _share(agree - chance, 1 - chance)

    @property
    def decides(self) -> bool:
        return min(self.sensitivity, self.specificity) >= ENOUGH


def _share(part: float, whole: float) -> float:
    return part / whole if whole else nan


def rows(name: str) -> list[Row]:
    with Path(__file__).with_name(f"{name}.tsv").open(encoding="utf-8") as file:
        return list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))


def question(row: Row) -> QA:
    slot = SLOTS.get(row["slot"])
    answer = (
        row["answer"] if slot is None or slot.name == "camera" else slot.term(row["answer"]).phrase
    )
    aspect, words = (slot.aspect, slot.question) if slot else ASKED[row["slot"]]
    return QA(aspect=aspect, slot=row["slot"], question=words, answer=answer, sources=("text",))


def asked(row: Row) -> tuple[QA, str]:
    """Return the question of a line, and its text as the part of a caption that answers it."""
    qa = question(row)
    parts = {**dict.fromkeys(PARTS, "Nothing is told here."), part_of(qa): row["text"]}
    return qa, render(StructuredCaption(**parts))


def judged(row: Row) -> bool:
    qa, text = asked(row)
    return Judge().correct(qa, Prediction.read(text))


def cards(name: str, said: Sequence[bool | None] | None = None) -> dict[str, Card]:
    """Return the card of each slot: of what was said of each line (None: nothing), or by rules."""
    lines = rows(name)
    found: defaultdict[str, list[int]] = defaultdict(lambda: [0, 0, 0, 0, 0])
    for row, one in zip(lines, map(judged, lines) if said is None else said, strict=True):
        right = row["right"] == "1"
        place = 4 if one is None else (0 if one else 1) if right else (3 if one else 2)
        for slot in (row["slot"], "all"):
            found[slot][place] += 1
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
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--endpoint", action="store_true", help="ask the model of A2C_JUDGE_…")
    parser.add_argument("--wrong", action="store_true", help="print the lines judged wrongly")
    parser.add_argument("--write", action="store_true", help="write the card of the gate's judge")
    chosen = parser.parse_args()
    if chosen.endpoint:
        _of_endpoint(Settings(), wrong=chosen.wrong)
        return
    if chosen.write:
        CARD.write_text(json.dumps(card(), indent=1) + "\n", encoding="utf-8")
    for wording, names in SETS.items():
        for name in names:
            _print(name, wording, list(map(judged, rows(name))), wrong=chosen.wrong)


def _of_endpoint(settings: Settings, *, wrong: bool) -> None:
    if not settings.judge.base_url:
        sys.exit("no endpoint is configured: set A2C_JUDGE_BASE_URL and A2C_JUDGE_MODEL")
    store = open_store(settings.object_store, settings.s3_endpoint_url)
    with IntentJudge(settings.judge, store) as other:
        print(f"{settings.judge.model}, prompts {VERSION} ({prompts_digest()[:12]})")
        for wording, names in SETS.items():
            for name in names:
                grades = other.grades(map(asked, rows(name)))
                _print(name, wording, [one.correct for one in grades], wrong=wrong)
                if faults := Counter(one.fault for one in grades if one.fault):
                    told = ", ".join(f"{count} ({word})" for word, count in faults.items())
                    print(f"\nnot answered, and neither right nor wrong: {told}")
        print(f"\n{other.spent['requests']} requests, {other.spent['cached']} answers known")


def _print(name: str, wording: str, said: Sequence[bool | None], *, wrong: bool) -> None:
    print(f"\n{name} (words: {wording})\n")
    print("| slot | captions | sensitivity | specificity | κ | |\n|---|---|---|---|---|---|")
    for slot, one in cards(name, said).items():
        state = "decides" if one.decides else "informative only"
        figures = (one.sensitivity, one.specificity, one.kappa)
        shown = " | ".join("-" if isnan(figure) else f"{figure:.2f}" for figure in figures)
        silent = f", {one.unanswered} not answered" if one.unanswered else ""
        print(f"| {slot} | {one.captions} | {shown} | {state}{silent} |")
    for row, one in zip(rows(name), said, strict=True) if wrong else ():
        if one is not None and one != (row["right"] == "1"):
            print(row["slot"], row["answer"], row["right"], row["text"], sep=" | ")


if __name__ == "__main__":
    main()
