"""Every pair of circumstances together: missing, noisy and contradictory conditions, distractors.

    python bench/robustness.py
    python bench/robustness.py --writer model --bundle BUNDLE --rounds 2 --out robustness.json

A covering array (allpairspy) puts every level of a factor beside every level of each other one: the
text (the scene's own, none, against the path, against the pose, with things of no account), the
path (none, as filmed, trembling, a second one that goes another way), the pose (none, as it is,
trembling with lost points), depth, pictures, a clip. The kinds are those that `tiny` is trained on;
scenes are synthetic. What the caption says is held to what the *clean* conditions state. By level:

- camera: camera parts that tell the clean path's movements, and no others;
- action: action parts that have every word of the clean pose's actions;
- words: content words of the text that the caption keeps, but for overruled ones;
- told: of captions whose inputs were made to disagree, those whose conflicts say so.

A model is asked in this process; its drafts are measured as they come, and as the check leaves them
for a user. What wins where inputs disagree is told apart: the path or pose that was there first,
what was set against it, both, or neither.
"""

import argparse
import json
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from allpairspy import AllPairs
from faithful_writers import Write, composer, model
from scipy.spatial.transform import Rotation

from any2caption.captions.camera_reading import read_camera
from any2caption.captions.schema import PARTS, StructuredCaption
from any2caption.conditions.registry import parse_condition
from any2caption.conditions.types import Camera, Condition, Part, Pose
from any2caption.datasets.records import SourceRecord
from any2caption.datasets.synthetic.corpus import make_scenes
from any2caption.grounding.check import check
from any2caption.grounding.facts import Facts
from any2caption.grounding.gather import gather
from any2caption.grounding.words.content import content_words, missing_words

FACTORS: Mapping[str, tuple[str, ...]] = {
    "text": ("own", "none", "against path", "against pose", "distracted"),
    "camera": ("none", "clean", "noisy", "two"),
    "pose": ("none", "clean", "noisy"),
    "depth": ("none", "clean"),
    "image": ("none", "first_frame", "identity", "of another scene"),
    "video": ("none", "clean"),
}
_DISTRACTION = " By the way, the invoice 4711 of the courier is still open."
_AGAINST_POSE = " Somebody lies asleep on the ground."
_SCENES = 80
_OPPOSITE = {"left": "right", "right": "left", "up": "down", "down": "up", "in": "out", "out": "in"}
_WORDS = {"pan": "pans", "tilt": "tilts", "truck": "trucks", "dolly": "dollies", "orbit": "orbits"}

Levels = Mapping[str, str]
Kinds = dict[str, Condition]


@dataclass(frozen=True, slots=True)
class Case:
    """A request under its circumstances, and the facts of its clean inputs."""

    levels: Levels
    text: str
    conditions: tuple[Condition, ...]
    facts: Facts
    clean: Facts
    rival: frozenset[str] = frozenset()
    """Movements that are stated against those of the clean path."""

    @property
    def disagrees(self) -> bool:
        """Whether inputs were made to disagree."""
        return self.levels["text"].startswith("against") or self.levels["camera"] == "two"


def covering() -> list[Levels]:
    """Return the fewest rows found in which every two levels of two factors meet."""
    rows = AllPairs(list(FACTORS.values()), filter_func=_possible)
    return [dict(zip(FACTORS, row, strict=True)) for row in rows]


def _possible(row: Sequence[str]) -> bool:
    """A text can disagree only with what is there."""
    found = dict(zip(FACTORS, row, strict=False))
    if found.get("text") == "against path" and found.get("camera", "clean") == "none":
        return False
    return not (found.get("text") == "against pose" and found.get("pose", "clean") == "none")


@lru_cache(maxsize=2)
def scenes(seed: int, count: int = _SCENES) -> tuple[tuple[str, Kinds], ...]:
    """Return the text and, by kind (pictures by role), the conditions of synthetic scenes."""
    found = []
    for number in range(count):
        lines, files = make_scenes(seed, number, number + 1)
        text, kinds = "", Kinds()
        for source in map(SourceRecord.model_validate_json, lines):
            text = max(text, source.prompt, key=len)
            for one in source.conditions:
                parts = [Part(path.rsplit("/", 1)[-1], files[path]) for path in one.paths]
                kinds[one.role or one.kind] = parse_condition(
                    one.kind, parts, role=one.role, number=1, options=one.options
                )
        found.append((text, kinds))
    return tuple(found)


def cases(rounds: int, seed: int, pooled: int = _SCENES) -> Iterator[Case]:
    """Yield every row of the covering array, `rounds` times, each on one of so many scenes.

    A row whose kinds no scene has together is left out.
    """
    pool = scenes(seed, pooled)
    for turn in range(rounds):
        for at, levels in enumerate(covering()):
            draw = np.random.default_rng([seed, turn, at])
            found = _case(levels, pool, int(draw.integers(len(pool))), draw)
            if found is not None:
                yield found


def _case(
    levels: Levels, pool: Sequence[tuple[str, Kinds]], start: int, draw: np.random.Generator
) -> Case | None:
    wanted = {kind for kind in ("camera", "pose", "depth", "video") if levels[kind] != "none"}
    picture = levels["image"]
    own = {picture} if picture in {"first_frame", "identity"} else set()
    order = [pool[(start + n) % len(pool)] for n in range(len(pool))]
    scene = next(((t, k) for t, k in order if (wanted | own) <= set(k)), None)
    if scene is None:
        return None
    text, kinds = scene
    clean = [kinds[kind] for kind in sorted(wanted | own)]
    others = (k for _, k in order if k is not kinds)
    if picture == "of another scene":
        clean.append(next(k["identity"] for k in others if "identity" in k))
    stated = gather("", clean)
    shown = [_noisy(one, draw) if levels.get(one.kind) == "noisy" else one for one in clean]
    if levels["camera"] == "two":
        shown.append(replace(_reversed(kinds["camera"]), number=2))
    said = {
        "own": text,
        "none": "",
        "against path": text + _against(_keys(stated)),
        "against pose": text + _AGAINST_POSE,
        "distracted": text + _DISTRACTION,
    }[levels["text"]]
    own = _keys(stated)
    rival = _keys(gather("", shown[-1:]), "camera 2") if levels["camera"] == "two" else ()
    if levels["text"] == "against path":
        rival = (*rival, *read_camera(_against(own)).keys)
    return Case(
        levels, said, tuple(shown), gather(said, shown), stated, frozenset(rival) - set(own)
    )


def _keys(facts: Facts, source: str = "camera 1") -> tuple[str, ...]:
    found = facts.of("camera", source=source)
    return tuple(dict.fromkeys(key for fact in found for key in fact.value.get("keys", ())))


def _against(keys: Iterable[str]) -> str:
    for key in keys:
        kind, _, way = key.partition("_")
        if kind in _WORDS and way in _OPPOSITE:
            return f" The camera {_WORDS[kind]} {_OPPOSITE[way]}."
    return " The camera pans left." if "static" in tuple(keys) else " The camera holds still."


def _noisy(condition: Condition, draw: np.random.Generator) -> Condition:
    payload = condition.payload
    if isinstance(payload, Camera):
        poses, count = payload.w2c.copy(), len(payload.w2c) - 1
        extent = max(float(np.abs(poses[:, :, 3]).max()), 0.3)
        poses[1:, :, 3] += 0.02 * extent * draw.standard_normal((count, 3))
        shake = Rotation.from_rotvec(0.3 * draw.standard_normal((count, 3)), degrees=True)
        poses[1:, :, :3] = shake.as_matrix() @ poses[1:, :, :3]
        return replace(condition, payload=replace(payload, w2c=poses))
    if isinstance(payload, Pose):
        points = payload.keypoints.copy()
        points[..., :2] += 0.004 * draw.standard_normal(points[..., :2].shape)
        points[draw.random(points.shape[:-1]) < 0.1] = 0  # not seen
        return replace(condition, payload=replace(payload, keypoints=points))
    return condition


def _reversed(condition: Condition) -> Condition:
    """Return the path backwards: it goes where the other comes from."""
    camera = condition.payload
    assert isinstance(camera, Camera)  # noqa: S101 - it was parsed as one
    poses = np.tile(np.eye(4), (len(camera.w2c), 1, 1))
    poses[:, :3] = camera.w2c
    back = (poses[::-1] @ np.linalg.inv(poses[-1]))[:, :3]
    return replace(condition, payload=replace(camera, w2c=back, intrinsics=camera.intrinsics[::-1]))


@dataclass(slots=True)
class Tally:
    """Hits and chances by what is asked."""

    cases: int = 0
    hits: dict[str, list[bool]] = field(default_factory=dict)
    words: list[int] = field(default_factory=lambda: [0, 0])

    def add(self, found: Mapping[str, bool | None], kept: int, asked: int) -> None:
        """Count a case; None is no chance."""
        self.cases += 1
        self.words = [self.words[0] + kept, self.words[1] + asked]
        for name, hit in found.items():
            if hit is not None:
                self.hits.setdefault(name, []).append(hit)

    def as_json(self) -> dict[str, Any]:
        """Return [hits, chances] by what is asked."""
        found = {name: [sum(hits), len(hits)] for name, hits in self.hits.items()}
        return {"cases": self.cases, **found, "words": self.words}


Figures = dict[str, dict[str, Any]]
WINNERS = ("the first", "the rival", "both", "neither")


@dataclass(frozen=True, slots=True)
class Found:
    """Figures by circumstance, of what was drafted and of what the check left; who won, by rival.

    `wrong` says in words what went wrong in the answers.
    """

    drafts: Figures
    answers: Figures
    wins: dict[str, dict[str, Counter[str]]]
    wrong: list[str]

    def as_json(self) -> dict[str, Any]:
        """Return what `--out` keeps."""
        # Not `asdict`: of a Counter it makes one that counts its items.
        return {field.name: getattr(self, field.name) for field in fields(self)}


def measure(name: str, write: Write, requests: Iterable[Case]) -> Found:
    """Have every request written, and hold drafts and answers to the clean inputs."""
    drafts: dict[str, Tally] = {}
    answers: dict[str, Tally] = {}
    wins: dict[str, dict[str, Counter[str]]] = {}
    wrong = []
    for one in requests:
        draft = write(one.text, one.conditions, one.facts)
        answer = check(draft, one.facts, writer=name).caption
        _count(drafts, one, draft)
        wrong += [
            f"{' · '.join(f'{k}: {v}' for k, v in one.levels.items())} | {what} | {answer}"
            for what, hit in _count(answers, one, answer).items()
            if hit is False
        ]
        for rival in _rivals(one):
            rows = wins.setdefault(rival, {"draft": Counter(), "answer": Counter()})
            for stage, caption in (("draft", draft), ("answer", answer)):
                rows[stage][_winner(one, rival, caption)] += 1
                rows[stage]["said"] += bool(one.facts.conflicts)
    order = ["all", *(f"{f}: {level}" for f, levels in FACTORS.items() for level in levels)]
    shown = [
        {label: tallies[label].as_json() for label in order if label in tallies}
        for tallies in (drafts, answers)
    ]
    return Found(shown[0], shown[1], wins, wrong)


def _count(
    tallies: dict[str, Tally], case: Case, caption: StructuredCaption
) -> dict[str, bool | None]:
    lost = _lost(case.facts, " ".join(getattr(caption, part) for part in PARTS))
    asked = len(content_words(case.text))
    found = {
        "camera": _camera(case, caption.camera),
        "action": _action(case, caption.action),
        "told": bool(case.facts.conflicts) if case.disagrees else None,
    }
    for label in ("all", *(f"{factor}: {level}" for factor, level in case.levels.items())):
        tallies.setdefault(label, Tally()).add(found, asked - len(lost), asked)
    return found


def _rivals(case: Case) -> Iterator[str]:
    """What was set against something: each is a kind of its own."""
    if case.levels["text"] == "against path" and case.rival:
        yield "text against path"
    if case.levels["camera"] == "two" and case.rival:
        yield "second path against the first"
    if case.levels["text"] == "against pose" and case.clean.of("action", source="pose 1"):
        yield "text against pose"


def _winner(case: Case, rival: str, caption: StructuredCaption) -> str:
    """Who is told: the first input, its rival, both or neither."""
    if rival == "text against pose":
        first = bool(_action(case, caption.action))
        other = not missing_words(_AGAINST_POSE, caption.action)
    else:
        told = set(read_camera(caption.camera).keys)
        first, other = set(_keys(case.clean)) <= told, bool(case.rival & told)
    return WINNERS[(0 if first else 1) if first != other else 2 if first else 3]


def _lost(facts: Facts, caption: str) -> list[str]:
    spared = {word for one in facts.conflicts for word in content_words(one.overruled.text)}
    return [word for word in missing_words(facts.text, caption) if word not in spared]


def _camera(case: Case, part: str) -> bool | None:
    keys = _keys(case.clean)
    return set(read_camera(part).keys) == set(keys) if keys else None


def _action(case: Case, part: str) -> bool | None:
    shown = case.clean.of("action", source="pose 1")
    return not any(missing_words(fact.text, part) for fact in shown) if shown else None


def table(found: Mapping[str, Mapping[str, Any]]) -> str:
    """Return the figures as Markdown."""
    names = ("camera", "action", "told", "words")
    lines = ["| circumstance | cases | camera | action | told | words kept |", "|---" * 6 + "|"]
    for label, row in found.items():
        cells = [
            f"{row[one][0]} of {row[one][1]}" if row.get(one, (0, 0))[1] else "-" for one in names
        ]
        lines.append(f"| {label} | {row['cases']} | {' | '.join(cells)} |")
    return "\n".join(lines)


def won(wins: Mapping[str, Mapping[str, Counter[str]]]) -> str:
    """Return who won where inputs disagree, as Markdown."""
    lines = [f"| what disagrees | | cases | {' | '.join(WINNERS)} | said |", "|---" * 8 + "|"]
    for rival, stages in wins.items():
        for stage, counts in stages.items():
            cells = [str(counts[one]) for one in WINNERS]
            cases = sum(counts[one] for one in WINNERS)
            lines.append(
                f"| {rival} | {stage} | {cases} | {' | '.join(cells)} | {counts['said']} |"
            )
    return "\n".join(lines)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--writer", choices=("compose", "model"), default="compose")
    parser.add_argument("--bundle", type=Path)
    parser.add_argument("--rounds", type=int, default=4)
    parser.add_argument("--seed", type=int, default=3)
    parser.add_argument("--out", type=Path)
    chosen = parser.parse_args()
    if chosen.writer == "model" and chosen.bundle is None:
        sys.exit("writer model needs --bundle")
    write = composer() if chosen.writer == "compose" else model(chosen.bundle)
    found = measure(chosen.writer, write, cases(chosen.rounds, chosen.seed))
    print(f"{len(covering())} rows cover every pair")
    if chosen.writer != "compose":  # whose drafts are its answers
        print(f"\nas drafted\n\n{table(found.drafts)}\n\nas the check leaves it")
    print(f"\n{table(found.answers)}\n\n{won(found.wins)}")
    if chosen.out:
        content = {"rows": len(covering()), **found.as_json()}
        chosen.out.write_text(json.dumps(content, indent=1, ensure_ascii=False))


if __name__ == "__main__":
    main()
