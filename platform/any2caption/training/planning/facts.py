"""Gather what a plan is made from: the data, the run's folder, the machine. Reads, writes nothing.

With prepared data the longest record and the items are measured; from a snapshot alone they are
bounded: every condition at the preset's largest size, one and a half tokens a word.
"""

import os
import shutil
import subprocess
from collections.abc import Iterable, Iterator, Mapping, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any

from any2caption.captions.text import render
from any2caption.datasets.digest_set import DistinctRows
from any2caption.datasets.records import Record
from any2caption.datasets.snapshots import load_snapshot, resolve
from any2caption.errors import ConfigError, IntegrityError
from any2caption.model.config import ENCODERS, ModelConfig
from any2caption.model.presets import FROM_SCRATCH, weights_of
from any2caption.model.presets import preset as preset_of
from any2caption.model.processing.processor import LABELS, TOWERS
from any2caption.settings import Settings
from any2caption.storage import open_store
from any2caption.training.checkpoints.run_folder import bundle_meta, newest, refuse_another
from any2caption.training.context import Address
from any2caption.training.data.alignment import shown_alone
from any2caption.training.data.collate import usable
from any2caption.training.data.types import Sample, TrainingData
from any2caption.training.hardware import visible_gpus
from any2caption.training.open_data import check_data, open_data
from any2caption.training.planning.memory import Longest, Machine
from any2caption.training.planning.parameters import count
from any2caption.training.planning.plan import Facts, StageData
from any2caption.training.prepare.instruction_data import GeneralFile, read_general
from any2caption.training.prepare.prepared_folder import is_prepared, made_from_of
from any2caption.training.recipes.checks import check_recipe
from any2caption.training.recipes.schema import Recipe, Stage

STAMP = 10
"""The most tokens round a frame pair that stands behind its time (`VisionConfig.timestamps`)."""
FRAME = 64
"""Tokens of the prompt that are neither its text nor a condition's: roles, labels, marks."""
_DIGEST = 32  # bytes of a SHA-256
_WORD = 1.5  # tokens a word, for an estimate


def survey(  # noqa: PLR0913 - what a run is started with
    *,
    recipe: Recipe,
    preset: str,
    out: Path,
    world_size: int,
    settings: Settings | None = None,
    snapshot: str = "",
    data: Address | None = None,
    weights: str = "",
    own: int = 0,
    general: Sequence[GeneralFile] = (),
    traces: Path | None = None,
) -> Facts:
    """Return the facts of a run on prepared `data`, or on a `snapshot` (an id or `latest`).

    `own` are the ranks that run on this machine, one of several nodes; 0: all. `general` and
    `traces` are what the snapshot would be prepared with.

    Raises:
        ConfigError: whatever is found wrong beforehand; see `checks`, `open_data.verify`.
    """
    check_recipe(recipe, preset, world_size, tuple(LABELS))
    config = preset_of(preset).with_facts(recipe.facts)
    notes: list[str] = []
    identity = snapshot
    rows = 0
    if data is None:
        identity, records = _records(settings or Settings(), snapshot)
        folder = out / "data"
        _, made_from = made_from_of(identity, preset, recipe, weights, general, traces)
        if is_prepared(folder, made_from):
            data = folder
        else:
            read, refused = read_general(general)
            rows = len(read)
            notes += [f"{len(refused):,} general rows cannot be used"] if refused else []
    if data is not None:
        notes += check_data(data, recipe, preset, weights)
        prepared = open_data(data)
        config, identity = prepared.config, str(prepared.meta["snapshot"])
        classes = prepared.classes()
        rows = len(prepared.samples("general"))
        stages = tuple(_measured(prepared, stage) for stage in recipe.stages)
        encoded = _encoded_tokens(prepared)
    else:
        config = _config(config, recipe, preset, weights)
        classes = {}
        stages, encoded = _estimated(records, recipe, config)
        notes.append(
            "the snapshot is not prepared yet: records are bounded by the preset's largest sizes,"
            " phrase heads are not counted"
        )
    refuse_another(out, recipe.digest, identity)
    found = newest(out / "checkpoints", digests=True)
    notes += [f"{problem}: the one before is taken" for problem in found.damaged.values()]
    counts = count(config, classes, recipe)
    here = own or world_size
    machine = this_machine(here)
    if machine.device == "gpu" and here > machine.devices:
        raise ConfigError(f"{here} ranks, but this machine has {machine.devices} GPUs")
    if machine.device == "cpu" and here > machine.devices:
        notes.append(f"{here} ranks share {machine.devices} cores")
    return Facts(
        recipe=recipe,
        config=config,
        world_size=world_size,
        snapshot=identity,
        stages=stages,
        parameters=counts.all,
        trained=counts.trained,
        encoded_tokens=encoded,
        machine=machine,
        measured=data is not None,
        checkpoint=found.header,
        bundle=bundle_meta(out),
        general=rows,
        notes=tuple(notes),
    )


def _records(settings: Settings, snapshot: str) -> tuple[str, Iterator[Record]]:
    """The snapshot's id, and its training records one by one."""
    store = open_store(settings.object_store, settings.s3_endpoint_url)
    identity = resolve(store, snapshot)
    try:
        found = load_snapshot(store, identity)
    except IntegrityError as error:
        raise ConfigError(f"snapshot {identity[:12]} fails its digest: {error}") from error
    if not found.statistics["splits"].get("train"):
        raise ConfigError(f"snapshot {identity} has no training records")
    return identity, found.records("train")


def _config(config: ModelConfig, recipe: Recipe, preset: str, weights: str) -> ModelConfig:
    """The model's sizes: the weights' own, or the preset's with the recipe's vocabulary."""
    if weights := weights_of(preset, weights):
        from any2caption.model.weights import describe_pretrained

        return describe_pretrained(weights, config)[0]
    if preset not in FROM_SCRATCH:
        raise ConfigError(
            f"preset {preset} starts from weights: give --weights PATH or file:// URI"
        )
    return config.with_vocab(recipe.vocab)


def _measured(data: TrainingData, stage: Stage) -> StageData:
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
        most = processor.max_images if kind == "image" else processor.max_conditions
        if kind not in LABELS or counts[kind] > most:
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


def _estimated(
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
