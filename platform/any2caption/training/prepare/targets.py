"""What a record teaches: its caption's tokens, its trace, answers, phrases and facts."""

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from any2caption.captions.schema import PARTS
from any2caption.captions.trace import render_trace
from any2caption.datasets.records import Record
from any2caption.datasets.supervision.phrases import PoseOf, mine
from any2caption.datasets.supervision.reasoning import rule_trace
from any2caption.model.presets import FROM_SCRATCH
from any2caption.model.processing.processor import Processor
from any2caption.training.data.slot_labels import determined, slot_tokens
from any2caption.training.prepare.traces import Traces
from any2caption.training.reinforce.rewards import wanted as wanted_facts


@dataclass(frozen=True, slots=True)
class Teaching:
    """What a recipe wants of each record beside its caption.

    `traces`: reasoning traces, None where no stage reasons; `rewards`: the facts that rewards look
    for; `pose_of` parses a pose, for phrases about it.
    """

    traces: Traces | None = None
    pose_of: PoseOf | None = None
    rewards: bool = False


def told_of(record: Record, processor: Processor, teaching: Teaching) -> dict[str, Any]:
    """What the targets and rewards of a record are made of, by the names of `data.types.Sample`.

    `trace` are its tokens, int32 L, none where no stage reasons.
    """
    # Only stages that describe one part read parts and phrases; the tiny recipes have none.
    by_part = processor.config.preset not in FROM_SCRATCH
    mined = mine(record, teaching.pose_of) if by_part else {}
    trace: list[int] = []
    if teaching.traces is not None:
        text = render_trace(teaching.traces.text(record.id) or rule_trace(record))
        trace = processor.tokenizer.encode(text, add_special_tokens=False).ids
    return {
        "answers": determined(record),
        "parts": {part: getattr(record.caption, part) for part in PARTS} if by_part else {},
        "phrases": {part: one.phrases for part, one in mined.items()},
        "wanted": asdict(wanted_facts(record)) if teaching.rewards else {},
        "trace": np.asarray(trace, np.int32),
    }


class Classes:
    """Kind → slot → class names that training records show."""

    def __init__(self) -> None:
        self._found: dict[str, dict[str, set[str]]] = {}

    def add(self, record: Record, told: dict[str, Any]) -> None:
        """Take what `told_of` tells of a record; only training counts."""
        if record.split != "train":
            return
        for kind, slots in told["answers"].items():
            for slot, names in slots.items():
                self._found.setdefault(kind, {}).setdefault(slot, set()).update(names)

    def as_dict(self) -> dict[str, dict[str, list[str]]]:
        """Return the names in order."""
        return {
            kind: {slot: sorted(names) for slot, names in slots.items()}
            for kind, slots in self._found.items()
        }


def encode_caption(
    text: str, processor: Processor
) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """Return a caption's tokens with the end token, int32, and which name a slot, float32."""
    encoded = processor.tokenizer.encode(text, add_special_tokens=False)
    ids = np.asarray([*encoded.ids, processor.end_id], np.int32)
    return ids, np.append(slot_tokens(text, encoded.offsets), np.float32(0))


def item_tokens(item: dict[str, Any], camera_frames: int, cell: int) -> int:
    """Prompt tokens of one item: only for putting samples of like length together."""
    if item["kind"] == "camera":
        return camera_frames
    boxes = 16 * len(item.get("regions", ()))
    if "shape" not in item:
        return boxes
    shape = item["shape"]
    return boxes + int((shape[0] + 1) // 2 * (shape[1] // cell) * (shape[2] // cell))
