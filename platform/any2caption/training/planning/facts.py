"""Gather what a plan is made from: the data, the run's folder, the machine. Reads, writes nothing.

With prepared data the longest record and the items are measured; from a snapshot alone they are
bounded: every condition at the preset's largest size, one and a half tokens a word.
"""

import os
import shutil
import subprocess
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

from any2caption.captions.text import render
from any2caption.datasets.digest_set import DistinctRows
from any2caption.datasets.records import Record
from any2caption.datasets.snapshots import load_snapshot
from any2caption.errors import ConfigError, IntegrityError
from any2caption.model.config import ENCODERS, ModelConfig
from any2caption.model.presets import FROM_SCRATCH, weights_of
from any2caption.model.presets import preset as preset_of
from any2caption.model.processing.processor import LABELS, TOWERS, most_of
from any2caption.settings import Settings
from any2caption.storage import open_store
from any2caption.training.checkpoints.run_folder import bundle_meta, newest, refuse_another
from any2caption.training.data.alignment import shown_alone
from any2caption.training.data.collate import usable
from any2caption.training.data.types import Sample, TrainingData
from any2caption.training.hardware import visible_gpus
from any2caption.training.open_data import check_data, open_data
from any2caption.training.planning.parameters import count
from any2caption.training.planning.types import Facts, Longest, Machine, StageData
from any2caption.training.prepare.instruction_data import read_general
from any2caption.training.prepare.preparation import Preparation
from any2caption.training.prepare.prepared_folder import is_prepared
from any2caption.training.recipes.checks import check_recipe
from any2caption.training.recipes.schema import Recipe, Stage
from any2caption.training.run_spec import RunSpec

STAMP = 10
"""The most tokens round a frame pair that stands behind its time (`VisionConfig.timestamps`)."""
FRAME = 64
"""Tokens of the prompt that are neither its text nor a condition's: roles, labels, marks."""
_DIGEST = 32  # bytes of a SHA-256
_WORD = 1.5  # tokens a word, for an estimate


@dataclass(frozen=True, slots=True, kw_only=True)
class _Data:
    """What is known of the data, read where they are prepared, else bounded by the records."""

    snapshot: str
    config: ModelConfig
    classes: Mapping[str, Mapping[str, Sequence[str]]]
    """As `TrainingData.classes`."""
    stages: tuple[StageData, ...]
    encoded_tokens: int
    general: int
    notes: tuple[str, ...]


def survey(
    run: RunSpec, preparation: Preparation | None = None, settings: Settings | None = None
) -> Facts:
    """Return the facts of a run.

    `preparation`: what its data will be prepared from, where that is still to be done.

    Raises:
        ConfigError: whatever is found wrong beforehand; see `checks`, `open_data.verify`.
    """
    check_recipe(run.recipe, run.preset, run.world_size, tuple(LABELS))
    data, measured = None, True
    if preparation is not None:
        records = _records(settings or Settings(), preparation.snapshot)
        measured = is_prepared(Path(run.data), preparation.made_from())
        data = None if measured else _estimated(preparation, records)
    data = data or _measured(run)
    refuse_another(run.out, run.recipe.digest, data.snapshot)
    found = newest(run.out / "checkpoints", digests=True)
    notes = [*data.notes]
    notes += [f"{problem}: the one before is taken" for problem in found.damaged.values()]
    counts = count(data.config, data.classes, run.recipe)
    machine = this_machine(run.here)
    if machine.device == "gpu" and run.here > machine.devices:
        raise ConfigError(f"{run.here} ranks, but this machine has {machine.devices} GPUs")
    if machine.device == "cpu" and run.here > machine.devices:
        notes.append(f"{run.here} ranks share {machine.devices} cores")
    return Facts(
        recipe=run.recipe,
        config=data.config,
        world_size=run.world_size,
        snapshot=data.snapshot,
        stages=data.stages,
        parameters=counts.all,
        trained=counts.trained,
        encoded_tokens=data.encoded_tokens,
        machine=machine,
        measured=measured,
        checkpoint=found.header,
        bundle=bundle_meta(run.out),
        general=data.general,
        notes=tuple(notes),
    )


def _measured(run: RunSpec) -> _Data:
    """What prepared data hold."""
    notes = check_data(run.data, run.recipe, run.preset, run.weights)
    prepared = open_data(run.data)
    return _Data(
        snapshot=str(prepared.meta["snapshot"]),
        config=prepared.config,
        classes=prepared.classes(),
        stages=tuple(_stage_data(prepared, stage) for stage in run.recipe.stages),
        encoded_tokens=_encoded_tokens(prepared),
        general=len(prepared.samples("general")),
        notes=tuple(notes),
    )


def _estimated(preparation: Preparation, records: Iterable[Record]) -> _Data:
    """What records may hold that are not prepared: bounds."""
    rows, refused = read_general(preparation.general)
    config = _config(preparation)
    stages, encoded = _bounds(records, preparation.recipe, config)
    note = (
        "the snapshot is not prepared yet: records are bounded by the preset's largest sizes,"
        " phrase heads are not counted"
    )
    unusable = [f"{len(refused):,} general rows cannot be used"] if refused else []
    return _Data(
        snapshot=preparation.snapshot,
        config=config,
        classes={},
        stages=stages,
        encoded_tokens=encoded,
        general=len(rows),
        notes=(*unusable, note),
    )


def _records(settings: Settings, snapshot: str) -> Iterator[Record]:
    """The snapshot's training records, one by one."""
    store = open_store(settings.object_store, settings.s3_endpoint_url)
    try:
        found = load_snapshot(store, snapshot)
    except IntegrityError as error:
        raise ConfigError(f"snapshot {snapshot[:12]} fails its digest: {error}") from error
    if not found.statistics["splits"].get("train"):
        raise ConfigError(f"snapshot {snapshot} has no training records")
    return found.records("train")


def _config(preparation: Preparation) -> ModelConfig:
    """The model's sizes: the weights' own, or the preset's with the recipe's vocabulary."""
    preset, recipe = preparation.preset, preparation.recipe
    config = preset_of(preset).with_facts(recipe.facts)
    if weights := weights_of(preset, preparation.weights):
        from any2caption.model.weights import describe_pretrained

        return describe_pretrained(weights, config)[0]
    if preset not in FROM_SCRATCH:
        raise ConfigError(
            f"preset {preset} starts from weights: give --weights PATH or file:// URI"
        )
    return config.with_vocab(recipe.vocab)


def _stage_data(data: TrainingData, stage: Stage) -> StageData:
    """What prepared data hold for a stage."""
    config = data.config
    if stage.objective == "classify":
        used = bytearray(len(data.items))
        for _, item, _ in shown_alone(data, stage.kinds):
            used[item] = 1
        return StageData(
            samples=sum(used),
            longest=_most(_brings(config, data.items, [n]) for n, one in enumerate(used) if one),
        )
    samples = usable(data, stage)
    if not samples:
        return StageData(samples=0, longest=Longest())
    last = max(samples, key=lambda sample: sample.length)
    most = _most(_brings(config, data.items, sample.item_numbers) for sample in samples)
    targets = max(sample.span[1] - sample.span[0] for sample in samples)
    return StageData(
        samples=len(samples),
        longest=_with_tokens(
            most,
            last.length
            + _prompt_tokens(data, last)
            + _stamps(config, [data.items[number] for number in last.item_numbers]),
            targets,
        ),
        longest_id=last.id,
        slack=FRAME + _prompt_tokens(data, last),
        tokens=sum(sample.length + FRAME for sample in samples),
    )


def _prompt_tokens(data: TrainingData, sample: Sample) -> int:
    encoded = data.processor().tokenizer.encode(sample.prompt, add_special_tokens=False)
    return FRAME + min(len(encoded.ids), data.config.processor.max_text_tokens)


def _stamps(config: ModelConfig, items: Iterable[Mapping[str, Any]]) -> int:
    """Prompt tokens of frame pairs' times, at most."""
    if not config.vision.timestamps:
        return 0
    shapes = [item["shape"] for item in items if "shape" in item]
    return STAMP * sum(-(-int(shape[0]) // config.vision.temporal) for shape in shapes)


def _brings(
    config: ModelConfig, items: Sequence[Mapping[str, Any]], numbers: Iterable[int]
) -> Longest:
    """Patches and camera paths of some items."""
    vision = config.vision
    sums = dict.fromkeys(ENCODERS, 0)
    attended = {"vision": 0, "motion": 0}
    for number in numbers:
        item = items[number]
        tower = TOWERS[str(item["kind"])]
        if tower == "camera":
            sums[tower] += 1
        elif "shape" in item:
            frames, height, width = (int(side) for side in item["shape"][:3])
            a_frame = (height // vision.patch) * (width // vision.patch)
            sums[tower] += -(-frames // vision.temporal) * a_frame
            attended[tower] = max(attended[tower], a_frame)
    return Longest(
        vision_patches=sums["vision"],
        vision_attended=attended["vision"],
        motion_patches=sums["motion"],
        motion_attended=attended["motion"],
        cameras=sums["camera"],
    )


def _most(found: Iterable[Longest]) -> Longest:
    """The largest of every number; zeros for none."""
    names = Longest.__dataclass_fields__
    most = dict.fromkeys(names, 0)
    for one in found:
        for name in names:
            most[name] = max(most[name], getattr(one, name))
    return Longest(**most)


def _with_tokens(longest: Longest, tokens: int, targets: int) -> Longest:
    values = {name: getattr(longest, name) for name in Longest.__dataclass_fields__}
    return Longest(**{**values, "tokens": tokens, "targets": targets})


def _bounded(record: Record, config: ModelConfig) -> Longest:
    """A record's sizes before it is prepared: the most that its conditions can bring."""
    processor, vision = config.processor, config.vision
    items: list[dict[str, Any]] = []
    counts: dict[str, int] = {}
    for condition in record.conditions:
        kind = condition.kind
        counts[kind] = counts.get(kind, 0) + 1
        if kind not in LABELS or counts[kind] > most_of(kind, processor):
            continue
        frames = min(condition.frames, processor.video_frames)
        if TOWERS[kind] == "motion":
            frames, side = processor.motion_frames, processor.motion_size
        elif processor.resize == "smart":
            pixels = processor.max_pixels if frames == 1 else processor.max_video_pixels
            side = int(pixels**0.5)
        else:
            side = processor.image_size if frames == 1 else processor.video_size
        items.append({"kind": kind, "shape": (frames, side, side)})
    found = _brings(config, items, range(len(items)))
    targets = round(_WORD * len(render(record.caption).split()))
    prompt = min(round(_WORD * len(record.prompt.split())), processor.max_text_tokens)
    prompt += processor.max_fact_tokens if processor.facts != "none" else 0
    media = (found.vision_patches + found.motion_patches) // vision.merge**2
    media += found.cameras * config.camera.frames + _stamps(config, items)
    return _with_tokens(found, targets + prompt + media + FRAME, targets)


def _bounds(
    records: Iterable[Record], recipe: Recipe, config: ModelConfig
) -> tuple[tuple[StageData, ...], int]:
    """What the stages may find in records that are not prepared, and all encoder tokens."""
    found = [_Estimate(stage) for stage in recipe.stages]
    patches = cameras = 0
    for record in records:
        size = _bounded(record, config)
        patches += size.vision_patches + size.motion_patches
        cameras += size.cameras
        for estimate in found:
            estimate.add(record, size)
    encoded = patches // config.vision.merge**2 + config.camera.frames * cameras
    return tuple(estimate.data() for estimate in found), encoded


class _Estimate:
    """What one stage may find, record by record."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self._samples = 0
        self._longest, self._longest_id = Longest(), ""
        self._items = DistinctRows(_DIGEST)

    def add(self, record: Record, size: Longest) -> None:
        """Take a record and its bound."""
        stage = self._stage
        shown = [c for c in record.conditions if c.kind in stage.kinds]
        if stage.kinds and not shown:
            return
        self._samples += 1
        if size.tokens > self._longest.tokens or not self._longest_id:
            self._longest_id = record.id
        self._longest = _most((self._longest, size))
        if stage.objective == "classify":
            for condition in shown:
                parts = "".join(part.sha256 for part in condition.parts)
                self._items.add(sha256(parts.encode()).digest())

    def data(self) -> StageData:
        """Return what was found; alignment learns from distinct conditions."""
        if self._stage.objective == "classify":
            return StageData(samples=len(self._items), longest=self._longest)
        return StageData(samples=self._samples, longest=self._longest, longest_id=self._longest_id)


def _encoded_tokens(data: TrainingData) -> int:
    """Encoder tokens of all items."""
    total = 0
    for number in range(len(data.items)):
        found = _brings(data.config, data.items, [number])
        total += (found.vision_patches + found.motion_patches) // data.config.vision.merge**2
        total += found.cameras * data.config.camera.frames
    return total


def this_machine(local_world_size: int) -> Machine:
    """The GPUs that are there, or else the processor and the memory that is free."""
    gpus = _gpus()
    if gpus:
        name, memory = gpus[0]
        return Machine(device="gpu", name=name, devices=len(gpus), available=memory)
    import psutil

    cores = len(os.sched_getaffinity(0))
    free = int(psutil.virtual_memory().available)
    free = min([free, *_group_limit()])
    name = f"this machine ({cores} cores)"
    return Machine(
        device="cpu", name=name, devices=cores, available=free // max(1, local_world_size)
    )


def _group_limit() -> list[int]:
    """What the control group of a container leaves; nothing where there is no limit."""
    folder = Path("/sys/fs/cgroup")
    try:
        most = (folder / "memory.max").read_text().strip()
        used = int((folder / "memory.current").read_text())
    except (OSError, ValueError):
        return []
    return [max(0, int(most) - used)] if most.isdecimal() else []


def _gpus() -> list[tuple[str, int]]:
    """Name and bytes of every NVIDIA GPU to be used, asked of the driver without a context."""
    if not shutil.which("nvidia-smi"):
        return []
    command = ["nvidia-smi", "--query-gpu=name,memory.total", "--format=csv,noheader,nounits"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=30)
        rows = [line.rsplit(",", 1) for line in done.stdout.splitlines() if "," in line]
        found = [(name.strip(), int(memory) << 20) for name, memory in rows]
        return [found[number] for number in visible_gpus(len(found))]
    except (OSError, subprocess.SubprocessError, ValueError):
        return []
