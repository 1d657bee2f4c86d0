"""What reaches the caption of a real request, before and after the check, by writer.

    python bench/faithful.py --prompts DATA/prompts --conditions DATA --combinations 1000
    python bench/faithful.py … --writers compose model --bundle BUNDLE --out faithful.json
    python bench/faithful.py … --writers swapped lying another

A combination is a prompt of `--prompts` (lines of the .txt files, whose folders' names begin with
"short") and up to four conditions of `--conditions` (folders `camera`, `pose`, `depth`,
`segmentation`, `first_frame`), drawn by `--seed`. Rows, each before and after the check:

- words kept: content words of the prompt that the caption has, without those of overruled wishes;
- camera: camera parts that read as the path's movements, in order, of those with a path;
- action: action parts that have every word of the pose's actions, of those with one;
- contradicted: sentences that the check's own reader finds to contradict the facts, a caption;
- no source: sentences with neither source nor mark of invention, a caption (after only).

"camera" and "action" are read straight from the facts, not through the check. Writers: `compose`,
`model` (with `--bundle`), `endpoint` (of `A2C_WRITER_…`; without one a scripted server that lies,
`lying_endpoint.py`), and hostile ones that spoil the composed caption: see `faithful_writers.py`.
"""

import argparse
import json
import random
import sys
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from faithful_writers import HABITS, Write, composer, endpoint, hostile, model

from any2caption.captions.camera_reading import read_camera
from any2caption.captions.schema import PARTS, StructuredCaption
from any2caption.conditions.inspect.report import inspect_path
from any2caption.conditions.types import Condition
from any2caption.errors import A2CError
from any2caption.grounding.answer import Grounded
from any2caption.grounding.check import check
from any2caption.grounding.facts import Facts
from any2caption.grounding.gather import gather
from any2caption.grounding.words.content import content_words, missing_words

HELP = (__doc__ or "").partition("\n")[0]
_KINDS: Mapping[str, tuple[str, float]] = {
    "camera": ("camera", 0.6),
    "pose": ("pose", 0.4),
    "depth": ("depth", 0.2),
    "segmentation": ("segmentation", 0.2),
    "first_frame": ("image", 0.2),
}
"""Folder → its kind, and the share of combinations that have one of it."""
_FRAMES = 12
"""So many files of one folder are the frames of one condition."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A request: its text, its conditions and its facts."""

    text: str
    conditions: tuple[Condition, ...]
    facts: Facts
    milliseconds: float


def prompts_in(folder: Path) -> list[str]:
    """Return the short prompts below a folder, each once."""
    files = [
        file
        for file in sorted(folder.rglob("*.txt"))
        if file.parent.name == "short" or file.name.startswith("short")
    ]
    lines = (line.strip() for file in files for line in file.read_text().splitlines())
    return list(dict.fromkeys(line for line in lines if line))


def conditions_in(folder: Path) -> dict[str, list[Condition]]:
    """Return by folder name the conditions that can be read and state something."""
    found: dict[str, list[Condition]] = {}
    for name, (kind, _) in _KINDS.items():
        some = [one for path in _items(folder / name) if (one := _read(path, kind)) is not None]
        found[name] = [one for one in some if gather("", (one,)).found]
    return found


def _items(folder: Path) -> Iterator[Path]:
    for path in sorted((folder, *(p for p in folder.rglob("*") if p.is_dir()))):
        files = sorted(file for file in path.iterdir() if file.is_file()) if path.is_dir() else []
        if len(files) > _FRAMES:
            yield path
        else:
            yield from files


def _read(path: Path, kind: str) -> Condition | None:
    try:
        return inspect_path(path, kind=kind)[0]
    except A2CError:
        return None


def asked(
    prompts: Sequence[str], conditions: Mapping[str, Sequence[Condition]], count: int, seed: int
) -> Iterator[Asked]:
    """Yield so many combinations."""
    draw = random.Random(seed)  # noqa: S311 - a sample, not a secret
    for _ in range(count):
        text = draw.choice(prompts)
        chosen = tuple(
            replace(draw.choice(conditions[name]), number=1)
            for name, (_, share) in _KINDS.items()
            if draw.random() < share and conditions.get(name)
        )
        start = time.perf_counter()
        facts = gather(text, chosen)
        yield Asked(text, chosen, facts, _since(start))


def _since(start: float) -> float:
    return (time.perf_counter() - start) * 1e3


@dataclass(slots=True)
class Tally:
    """Counts of one writer before or after the check."""

    captions: int = 0
    words: Counter[str] = field(default_factory=Counter)
    camera: Counter[bool] = field(default_factory=Counter)
    action: Counter[bool] = field(default_factory=Counter)
    contradicted: int = 0
    sourceless: int = 0
    repaired: Counter[str] = field(default_factory=Counter)
    invented: Counter[str] = field(default_factory=Counter)
    sentences: Counter[str] = field(default_factory=Counter)
    length: int = 0
    examples: list[str] = field(default_factory=list)

    def add(self, one: Asked, caption: StructuredCaption) -> None:
        """Count a caption."""
        self.captions += 1
        whole = " ".join(getattr(caption, part) for part in PARTS)
        self.length += len(whole.split())
        lost = _lost(one.facts, whole)
        self.words["asked"] += len(content_words(one.text))
        self.words["lost"] += len(lost)
        camera, action = _camera_right(one.facts, caption), _action_right(one.facts, caption)
        if camera is not None:
            self.camera[camera] += 1
        if action is not None:
            self.action[action] += 1
        told = check(caption, one.facts, writer="any", policy="warn")
        wrong = [found for found in told.findings if found.fault == "contradicted"]
        self.contradicted += len(wrong)
        faults = [f"{found.part}: “{found.before}” {found.why}" for found in wrong]
        faults += [f"lost: {lost}"] if lost else []
        faults += [f"camera: {caption.camera}"] if camera is False else []
        faults += [f"action: {caption.action}"] if action is False else []
        self.examples += [f"{one.text} | {fault}" for fault in faults]

    def add_papers(self, checked: Grounded) -> None:
        """Count where sentences come from."""
        for part in PARTS:
            for sentence in checked.parts[part]:
                self.sentences[part] += 1
                self.repaired[part] += sentence.origin == "repaired"
                self.invented[part] += sentence.origin == "invented"
                self.sourceless += not sentence.sources and sentence.origin != "invented"

    def as_json(self) -> dict[str, Any]:
        """Return shares and means."""
        return {
            "captions": self.captions,
            "words_kept": _share(self.words["asked"] - self.words["lost"], self.words["asked"]),
            "camera": _share(self.camera[True], self.camera.total()),
            "action": _share(self.action[True], self.action.total()),
            "contradicted": _share(self.contradicted, self.captions),
            "without_source": self.sourceless,
            "words": _share(self.length, self.captions),
            "repaired": {p: _share(self.repaired[p], self.sentences[p]) for p in PARTS},
            "invented": {p: _share(self.invented[p], self.sentences[p]) for p in PARTS},
        }


def _share(part: int, whole: int) -> float | None:
    return round(part / whole, 4) if whole else None


def _lost(facts: Facts, caption: str) -> list[str]:
    """Content words of the text that a caption lacks, but for those of overruled facts."""
    overruled = " ".join(one.overruled.text for one in facts.conflicts)
    spared = set(content_words(overruled))
    return [word for word in missing_words(facts.text, caption) if word not in spared]


def _camera_right(facts: Facts, caption: StructuredCaption) -> bool | None:
    paths = [fact for fact in facts.of("camera", source="camera 1") if fact.value.get("keys")]
    if not paths:
        return None
    said = read_camera(caption.camera).keys
    wanted = tuple(key for fact in paths for key in fact.value["keys"])
    return tuple(dict.fromkeys(said)) == tuple(dict.fromkeys(wanted))


def _action_right(facts: Facts, caption: StructuredCaption) -> bool | None:
    shown = facts.of("action", source="pose 1")
    lost = (missing_words(fact.text, caption.action) for fact in shown)
    return not any(lost) if shown else None


def measure(name: str, write: Write, requests: Sequence[Asked]) -> dict[str, Any]:
    """Return the figures of one writer."""
    before, after, spent = Tally(), Tally(), Counter[str]()
    for one in requests:
        start = time.perf_counter()
        caption = write(one.text, one.conditions, one.facts)
        spent["write"] += _since(start)
        start = time.perf_counter()
        checked = check(caption, one.facts, writer=name)
        spent["check"] += _since(start)
        before.add(one, caption)
        after.add(one, checked.caption)
        after.add_papers(checked)
    steps = {step: round(total / len(requests), 2) for step, total in spent.items()}
    return {
        "before": before.as_json(),
        "after": after.as_json(),
        "milliseconds": steps,
        "examples": after.examples[:40],
    }


def table(results: Mapping[str, Mapping[str, Any]]) -> str:
    """Return the figures as Markdown."""
    head = ("writer", "", "words kept", "camera", "action", "contradicted", "no source", "words")
    lines = [" | ".join(head), " | ".join("---" for _ in head)]
    for name, result in results.items():
        for when in ("before", "after"):
            found = result[when]
            cells = [found[key] for key in ("words_kept", "camera", "action", "contradicted")]
            source = found["without_source"] if when == "after" else "-"
            lines.append(" | ".join(map(str, (name, when, *cells, source, found["words"]))))
    lines += ["", " | ".join(("writer", *(f"{part}: repaired, invented" for part in PARTS)))]
    lines.append(" | ".join("---" for _ in range(len(PARTS) + 1)))
    for name, result in results.items():
        found = result["after"]
        cells = (f"{found['repaired'][part]}, {found['invented'][part]}" for part in PARTS)
        lines.append(" | ".join((name, *cells)))
    return "\n".join(f"| {line} |" if line else "" for line in lines)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=HELP)
    parser.add_argument("--prompts", type=Path, required=True)
    parser.add_argument("--conditions", type=Path, required=True)
    parser.add_argument("--writers", nargs="+", default=["compose"])
    parser.add_argument("--bundle", type=Path)
    parser.add_argument("--combinations", type=int, default=1_000)
    parser.add_argument("--seed", type=int, default=11)
    parser.add_argument("--out", type=Path)
    chosen = parser.parse_args()
    writers = {name: _writer(name, chosen.bundle, chosen.seed) for name in chosen.writers}
    found = conditions_in(chosen.conditions)
    counts = ", ".join(f"{len(some)} {name}" for name, some in found.items())
    prompts = prompts_in(chosen.prompts)
    print(f"{len(prompts):,} prompts; {counts}", file=sys.stderr)
    requests = list(asked(prompts, found, chosen.combinations, chosen.seed))
    results = {name: measure(name, write, requests) for name, write in writers.items()}
    facts = round(sum(one.milliseconds for one in requests) / len(requests), 2)
    print(table(results))
    steps = {name: result["milliseconds"] for name, result in results.items()}
    print(f"\nmilliseconds a request: facts {facts}; {json.dumps(steps)}")
    if chosen.out:
        content = {"combinations": len(requests), "facts_ms": facts, "writers": results}
        chosen.out.write_text(json.dumps(content, indent=1, ensure_ascii=False))


def _writer(name: str, bundle: Path | None, seed: int) -> Write:
    if name == "compose":
        return composer()
    if name == "endpoint":
        return endpoint(seed)
    if name == "model":
        if bundle is None:
            sys.exit("writer model needs --bundle")
        return model(bundle)
    if name not in HABITS:
        sys.exit(f"{name!r} is no writer; there are: compose, model, endpoint, {', '.join(HABITS)}")
    return hostile(name, seed)


if __name__ == "__main__":
    main()
