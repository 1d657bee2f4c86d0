"""What a training run will do, before it does anything. Pure: facts in, a plan out."""

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from any2caption.errors import ConfigError
from any2caption.training.checkpoints.run_folder import Header
from any2caption.training.data.mixing import general_share
from any2caption.training.loop.profiling import Steps
from any2caption.training.planning.memory import Memory, estimate, shortage
from any2caption.training.planning.types import Facts, Machine, StageData
from any2caption.training.recipes.checks import check_pack, check_positions
from any2caption.training.recipes.schema import Recipe, Stage


@dataclass(frozen=True, kw_only=True, slots=True)
class StagePlan:
    """One stage as it will run. Rates are those at the top of the schedule."""

    name: str
    does: str
    """`runs`, `resumes`, `done` or `skipped`."""
    objective: str
    kinds: tuple[str, ...]
    samples: int
    steps: int
    first_step: int
    batch: int
    batch_per_rank: int
    epochs: float
    learning_rate: float
    encoder_learning_rate: float
    minutes: float | None
    """Guard in minutes; None: no limit."""
    trained: dict[str, int]
    frozen: dict[str, int]
    memory: Memory
    details: tuple[str, ...] = ()
    """What is mixed in, dropped and written, in words."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Resume:
    """How a start goes on from what is in the run's folder."""

    does: str
    """`starts`, `resumes`, `writes the bundle` or `reuses the bundle`."""
    sentence: str
    checkpoint: str = ""
    stage: str = ""
    step: int = 0
    total_steps: int = 0
    same_world_size: bool = True
    """Whether it will equal an uninterrupted run bit by bit."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Plan:
    """The whole plan."""

    recipe: str
    digest: str
    preset: str
    snapshot: str
    world_size: int
    zero: int
    precision: str
    offload: str
    recomputes: bool
    """Gradient checkpointing: whether activations are recomputed in backward."""
    parameters: int
    steps: int
    """Steps that are left."""
    minutes: float | None
    stages: tuple[StagePlan, ...]
    resume: Resume
    machine: Machine
    memory: int
    """The most bytes that a rank needs in any stage to come."""
    warnings: tuple[str, ...] = ()
    refusals: tuple[str, ...] = field(default=())
    """Why it would not fit into memory: `--force` starts it all the same."""

    def as_dict(self) -> dict[str, Any]:
        """For JSON; memory with its totals."""
        out = asdict(self)
        for plan, stage in zip(out["stages"], self.stages, strict=True):
            plan["memory"]["total"] = stage.memory.total
        return out


def make_plan(facts: Facts) -> Plan:
    """Plan a run.

    Raises:
        ConfigError: a record is longer than the model has positions for, no stage has data, or
            one would train no parameter.
    """
    resume = plan_resume(facts.recipe, facts.world_size, facts.checkpoint, facts.bundle)
    _check_packs(facts)
    stages = tuple(_stage(facts, number) for number in range(len(facts.recipe.stages)))
    if facts.measured:
        _check_lengths(facts)
    if not any(data.samples for data in facts.stages):
        raise ConfigError(f"snapshot {facts.snapshot} has nothing for any stage of the recipe")
    active = [stage for stage in stages if stage.does in {"runs", "resumes"}]
    warnings = [*facts.notes, *_warnings(facts)]
    refusals = []
    peak = max((stage.memory for stage in active), key=lambda memory: memory.total, default=None)
    if peak is not None:
        warning, refusal = shortage(peak, facts.machine)
        warnings += [warning] if warning else []
        refusals += [refusal] if refusal else []
    minutes = facts.recipe.max_minutes
    return Plan(
        recipe=facts.recipe.name,
        digest=facts.recipe.digest,
        preset=facts.config.preset,
        snapshot=facts.snapshot,
        world_size=facts.world_size,
        zero=facts.recipe.zero,
        precision=facts.recipe.precision,
        offload=facts.recipe.offload,
        recomputes=facts.recipe.checkpoint_activations,
        parameters=sum(facts.parameters.values()),
        steps=sum(stage.steps - stage.first_step for stage in active),
        minutes=minutes if math.isfinite(minutes) else None,
        stages=stages,
        resume=resume,
        machine=facts.machine,
        memory=peak.total if peak else 0,
        warnings=tuple(warnings),
        refusals=tuple(refusals),
    )


def refuse_past(steps: Steps | None, stages: Iterable[StagePlan]) -> None:
    """Raise ConfigError where a resumed run is past the first of the steps."""
    if steps is None:
        return
    plan = next(stage for stage in stages if stage.name == steps.stage)
    if plan.does in {"done", "skipped"}:
        raise ConfigError(f"--profile: stage {plan.name} is {plan.does}, no step of it is made")
    if steps.first < plan.first_step:
        raise ConfigError(
            f"--profile: stage {plan.name} goes on at step {plan.first_step}, behind"
            f" {steps.first}: choose later steps"
        )


def plan_resume(
    recipe: Recipe, world_size: int, checkpoint: Header | None, bundle: Mapping[str, Any] | None
) -> Resume:
    """Say how a run goes on from the last whole checkpoint of its folder."""
    if bundle is not None:
        steps = int(bundle.get("steps", 0))
        return Resume(
            does="reuses the bundle",
            sentence=f"this run is finished after {steps:,} steps; its bundle is reused",
            total_steps=steps,
        )
    if checkpoint is None:
        return Resume(does="starts", sentence="nothing is there yet; it starts at the beginning")
    position = checkpoint.position
    name = checkpoint.folder.name
    if position.stage >= len(recipe.stages):
        return Resume(
            does="writes the bundle",
            sentence=f"all stages are done in {name}; only the bundle is still to be written",
            checkpoint=name,
            total_steps=position.total_steps,
        )
    stage = recipe.stages[position.stage]
    same = checkpoint.world_size == world_size
    others = (
        ""
        if same
        else f"; {checkpoint.world_size} ranks wrote it and now there are {world_size}: the same"
        " data order and the same sums but for rounding"
    )
    return Resume(
        does="resumes",
        sentence=(
            f"resumes from {name}: stage {stage.name} at step {position.step:,} of"
            f" {stage.steps:,}, after {position.total_steps:,} steps in all{others}"
        ),
        checkpoint=name,
        stage=stage.name,
        step=position.step,
        total_steps=position.total_steps,
        same_world_size=same,
    )


def _check_packs(facts: Facts) -> None:
    for data, stage in zip(facts.stages, facts.recipe.stages, strict=True):
        least = max(0, data.longest.tokens - data.slack) if facts.measured else 0
        check_pack(stage, facts.config.text.max_positions, least, data.longest_id)


def _check_lengths(facts: Facts) -> None:
    for data, stage in zip(facts.stages, facts.recipe.stages, strict=True):
        if stage.objective != "classify":
            what = f"stage {stage.name}: record {data.longest_id}"
            check_positions(data.longest.tokens, facts.config.text.max_positions, what)


def _stage(facts: Facts, number: int) -> StagePlan:
    stage, data = facts.recipe.stages[number], facts.stages[number]
    trained = {name: count for name, count in facts.trained[number].items() if count}
    frozen = {
        name: count - trained.get(name, 0)
        for name, count in facts.parameters.items()
        if count > trained.get(name, 0)
    }
    does, first = _does(facts, number), 0
    if does == "resumes" and facts.checkpoint is not None:
        first = min(facts.checkpoint.position.step, stage.steps)
    minutes = stage.share * facts.recipe.max_minutes
    return StagePlan(
        name=stage.name,
        does=does,
        objective=stage.objective if not stage.part else f"{stage.objective} {stage.part}",
        kinds=stage.kinds,
        samples=data.samples,
        steps=stage.steps,
        first_step=first,
        batch=stage.batch,
        batch_per_rank=stage.batch // facts.world_size,
        epochs=_epochs(facts, stage, data),
        details=_details(stage),
        learning_rate=stage.lr,
        encoder_learning_rate=stage.lr * stage.encoder_lr,
        minutes=round(minutes, 2) if math.isfinite(minutes) else None,
        trained=trained,
        frozen=frozen,
        memory=estimate(facts, number),
    )


def _epochs(facts: Facts, stage: Stage, data: StageData) -> float:
    """Passes over the stage's own samples, of which general ones take places.

    Packs are taken as full, so with packing it is about.
    """
    own = 1 - general_share(stage) if facts.general else 1.0
    if stage.pack_tokens and data.tokens:
        return round(own * stage.steps * stage.batch * stage.pack_tokens / data.tokens, 2)
    return round(own * stage.steps * stage.batch / data.samples, 2) if data.samples else 0.0


def _does(facts: Facts, number: int) -> str:
    at = facts.checkpoint.position.stage if facts.checkpoint else 0
    if facts.bundle is not None or number < at:
        return "done"
    if not facts.stages[number].samples:
        return "skipped"
    resumed = facts.checkpoint is not None and number == at and facts.checkpoint.position.step > 0
    return "resumes" if resumed else "runs"


def _warnings(facts: Facts) -> list[str]:
    out = []
    for stage, data, trained in zip(facts.recipe.stages, facts.stages, facts.trained, strict=True):
        if not data.samples:
            out.append(f"stage {stage.name} is skipped: the data has nothing for it")
        elif not any(trained.values()) and "heads" not in stage.train:
            raise ConfigError(f"stage {stage.name} trains no parameter of this model")
        if stage.general_ratio and not facts.general:
            out.append(
                f"stage {stage.name}: general_ratio is {stage.general_ratio:g}, but there is no"
                " general instruction data (--general FILE=LICENCE): it is trained without"
            )
        if stage.warmup >= stage.steps:
            out.append(f"stage {stage.name}: {stage.warmup} warm-up steps of {stage.steps} in all")
    if facts.checkpoint is not None and not facts.checkpoint.identity:
        out.append(
            f"{facts.checkpoint.folder.name} does not say which recipe it comes from:"
            " it was not compared"
        )
    return out


def _details(stage: Stage) -> tuple[str, ...]:
    """Say what is mixed in, dropped and written; nothing for a plain stage."""
    return tuple(_in_words(stage))


def _in_words(stage: Stage) -> Iterator[str]:
    if stage.objective == "describe":
        what = "phrases mined from" if stage.describe == "phrases" else "all of"
        yield f"writes {what} the {stage.part} part"
    if stage.reinforce is not None:
        yield (
            f"writes {stage.reinforce.rollouts} captions a record and learns from their rewards"
            f" (GRPO, divergence {stage.reinforce.kl:g})"
        )
    if stage.reasoning:
        yield "writes a reasoning trace (<think>) before the six parts"
    if stage.general_ratio:
        yield (
            f"{general_share(stage):.0%} general instruction data"
            f" (ratio {stage.general_ratio:g} as {stage.general_ratio_means})"
        )
    if stage.drop_condition:
        unit = "each condition" if stage.drop_condition_means == "condition" else "encoder tokens"
        yield f"drops {unit} with {stage.drop_condition:g}"
    if stage.drop_sentence:
        yield f"drops each sentence of the prompt with {stage.drop_sentence:g}"
