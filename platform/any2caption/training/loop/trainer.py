"""The loop: resume → for each stage: batch → loss → check → step → report → save → … → bundle."""

import math
import signal
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

import torch
import torch.distributed as dist

from any2caption import __version__
from any2caption.errors import ConfigError, InterruptedTrainingError, NonFiniteLossError
from any2caption.model.any2caption import Any2Caption
from any2caption.model.bundle import save_bundle
from any2caption.model.config import ENCODERS
from any2caption.model.scope import Scope, sampled
from any2caption.progress import ProgressLog
from any2caption.revision import revision
from any2caption.training.checkpoints.checkpointer import Checkpointer
from any2caption.training.checkpoints.run_folder import Position
from any2caption.training.context import RunContext
from any2caption.training.data.encoder_cache import EncodedItems, encode_items
from any2caption.training.data.prefetch import Prefetcher
from any2caption.training.data.stage_batches import Source
from any2caption.training.data.types import TrainingData, item_kinds
from any2caption.training.engine import distributed
from any2caption.training.engine import engine as engines
from any2caption.training.hardware import can_compile, described
from any2caption.training.loop.metrics import Metrics
from any2caption.training.loop.profiling import Profile, Steps
from any2caption.training.loop.reporting import Reporter, peak_memory
from any2caption.training.loop.schedule import learning_rate_factor, stage_progress
from any2caption.training.loop.step import (
    AnyBatch,
    StepResult,
    Tally,
    forward_backward,
    micro_batches,
    rewards_of,
    tokens_of,
)
from any2caption.training.loop.validation import Validator
from any2caption.training.objective import lora
from any2caption.training.objective.objective import Objective
from any2caption.training.open_data import open_data
from any2caption.training.recipes.schema import Recipe, Stage
from any2caption.training.reinforce.grpo import ReinforceSource


class Trainer:
    """One rank of one run."""

    def __init__(  # noqa: PLR0913, PLR0917 - what a run is made of
        self,
        context: RunContext,
        recipe: Recipe,
        model: Any2Caption,
        progress: ProgressLog,
        metrics: Metrics,
        profile: Steps | None = None,
        data: TrainingData | None = None,
    ) -> None:
        """`data` is that of the place, where it was opened already."""
        self.context, self.recipe, self.progress, self.metrics = context, recipe, progress, metrics
        self.data = data or open_data(context.data)
        self.processor = self.data.processor()
        self.objective = Objective(
            model,
            self.data.classes(),
            bf16=engines.multiplies_in_bf16(recipe),
            new_tokens=self.processor.new_token_ids,
        )
        model.use_kernels(recipe.kernels)
        if recipe.language_tuning == "lora":
            lora.attach(model.language, recipe.lora_rank, recipe.lora_alpha)
        snapshot = str(self.data.meta["snapshot"])
        self.checkpointer = Checkpointer(context, recipe, self.objective, snapshot)
        self.reporter = Reporter(progress, metrics, recipe, context.rank)
        self.validator = Validator(self.data, self.processor, self.objective, recipe)
        self.profile = Profile(profile, context.out, context.rank)
        self.position = Position()
        self.stopping = False
        self._clock = 0.0

    # --- the run ---

    def run(self) -> None:
        """Train all stages and leave the bundle.

        Raises InterruptedTrainingError after a request to stop.
        """
        signal.signal(signal.SIGTERM, self._stop)
        began = time.monotonic()
        self._resume()
        self._clock = began - self.position.elapsed
        for number in range(self.position.stage, len(self.recipe.stages)):
            self.train_stage(number)
        if self.context.rank == 0:
            self._finish()
        if dist.is_initialized():
            dist.barrier()

    def train_stage(self, number: int) -> None:
        """Train one stage from where the run is in it, and go on to the next."""
        stage, position = self.recipe.stages[number], self.position
        began = time.monotonic() - position.stage_elapsed
        self._fit_normalisation()
        source = self._source(number, stage)
        if source.empty:
            self.reporter.say(stage, "skipped: the data has nothing for it")
            self._next_stage(number)
            return
        if stage.general_ratio and not self.data.samples("general"):
            self.reporter.say(stage, "no general instruction data was prepared: trained without it")
        engine = engines.start(self.objective, self.recipe, stage, self.context.world_size)
        self.checkpointer.restore_optimizer(engine)
        with self._compiled(stage), _prefetched(source, stage.steps) as batches:
            done = False
            while not done:
                self.profile.before(stage.name, position.step)
                result = self.train_step(engine, stage, batches, began)
                self.reporter.step(stage, position, result)
                done = position.step >= stage.steps or result.tally.seconds >= self._budget(stage)
                if trace := self.profile.after(position.step - 1, ends=done):
                    self.reporter.say(stage, f"trace in {trace}")
                if not done:
                    self._save(engine, stage, leaving=result.tally.stopping > 0)
        self.reporter.line(stage, position)
        engines.finish(engine, self.objective)
        self.objective.tokens.merge(self.objective.model.mllm.get_input_embeddings())
        self._examine(stage)
        self._next_stage(number)

    def train_step(
        self,
        engine: Any,
        stage: Stage,
        source: Callable[[int, int, int], AnyBatch],
        began: float,
    ) -> StepResult:
        """Batches → loss → check → rate → step → check; `began` is when the stage did.

        Raises NonFiniteLossError on every rank, before anything is saved.
        """
        step, context = self.position.step, self.context
        wanted = time.monotonic()
        batches = micro_batches(source, step, context.rank, context.world_size, stage.accumulate)
        waited = time.monotonic() - wanted
        tokens, places = tokens_of(batches)
        seconds = time.monotonic() - began if context.rank == 0 else 0.0
        loss, tally = forward_backward(
            engine,
            batches,
            stage.heads_loss,
            lambda loss: self._refuse_infinite("loss", loss, batches, stage),
            Tally(tokens=tokens, places=places, seconds=seconds, stopping=self.stopping),
        )
        progress = stage_progress(step, stage.steps, tally.seconds, self._budget(stage))
        engines.set_rate(engine, stage, learning_rate_factor(stage, step, progress))
        norm = engines.step(engine)
        self._refuse_infinite("gradient norm", norm, batches, stage)
        self._advance(loss, tally.seconds)
        return StepResult(loss, norm, tally, waited, rewards_of(batches))

    # --- around the loop ---

    def _fit_normalisation(self) -> None:
        """Fit the camera encoder's input normalisation before the first step of a run."""
        if self.position.total_steps == 0 and len(self.data.poses()):
            poses = torch.from_numpy(self.data.poses().copy())
            self.objective.model.camera_encoder.fit_normalisation(poses)

    def _source(self, number: int, stage: Stage) -> Source | ReinforceSource:
        """Where a stage's batches come from: the data, or the model's own writing."""
        seed, encoded = self.recipe.seed + number, self._encoded(stage)
        if stage.objective == "reinforce":
            return ReinforceSource(
                self.data, self.processor, stage, seed, self.objective, self.context.out
            )
        return Source(self.data, self.processor, stage, seed, encoded)

    def _encoded(self, stage: Stage) -> EncodedItems | None:
        """All items' tokens, where the stage wants them once."""
        if not stage.encode_once:
            return None
        if thawed := set(stage.train) & set(ENCODERS):
            raise ConfigError(f"stage {stage.name}: encode_once, but it trains {sorted(thawed)}")
        began = time.monotonic()
        found = encode_items(
            self.objective.model, self.data, self.context.rank, self.context.world_size
        )
        seconds = time.monotonic() - began
        self.reporter.say(stage, f"{len(self.data.items)} items encoded in {seconds:.1f} s")
        return found

    def _refuse_infinite(
        self, what: str, value: float, batches: Sequence[AnyBatch], stage: Stage
    ) -> None:
        """Stop every rank before anything is saved; the loss before the optimizer's step too."""
        if not math.isfinite(value):
            own = [name for batch in batches for name in batch.ids]
            ids = ", ".join(distributed.gathered(own))
            raise NonFiniteLossError(
                f"{what} is not finite in {stage.name} at step {self.position.step};"
                f" records of the step: {ids}"
            )

    @contextmanager
    def _compiled(self, stage: Stage) -> Iterator[None]:
        """Compile the language model's layers meanwhile: equal ones share their compiled code."""
        layers: Any = self.objective.model.language.layers
        wanted = self.recipe.compile and stage.objective != "classify"
        if wanted and not can_compile():
            self.reporter.say(stage, "no C++ compiler found: not compiled, slower")
            wanted = False
        for layer in layers if wanted else ():
            layer.compile(dynamic=True)
        yield
        for layer in layers if wanted else ():
            layer._compiled_call_impl = None  # noqa: SLF001

    def _budget(self, stage: Stage) -> float:
        """Seconds that a stage may take."""
        return stage.share * self.recipe.max_minutes * 60

    def _advance(self, loss: float, elapsed: float) -> None:
        position = self.position
        position.step += 1
        position.total_steps += 1
        position.stage_elapsed, position.loss = elapsed, loss
        position.elapsed = time.monotonic() - self._clock

    def _save(self, engine: Any, stage: Stage, *, leaving: bool) -> None:
        """Save where it is time; `leaving`, as asked by a signal, save and stop."""
        if not leaving:
            if self.checkpointer.due():
                self.checkpointer.save(self.position, engine)
            return
        self.checkpointer.save(self.position, engine)
        if dist.is_initialized():
            dist.barrier()  # the launcher stops everybody as soon as one rank has left
        raise InterruptedTrainingError(f"stopped in {stage.name} at step {self.position.step}")

    def _next_stage(self, number: int) -> None:
        self.position.stage, self.position.step, self.position.stage_elapsed = number + 1, 0, 0.0
        self.checkpointer.save(self.position)

    def _resume(self) -> None:
        self.position, said = self.checkpointer.resume()
        self.position.starts += 1
        if said and self.context.rank == 0:
            self.progress.emit("finetune", said)

    def _stop(self, *_: object) -> None:
        self.stopping = True

    # --- the end ---

    def _examine(self, stage: Stage) -> None:
        """Write sample captions after a stage that taught the language model."""
        if self.context.rank == 0 and stage.objective in {"interpret", "reinforce"}:
            samples = self.validator.samples()
            self.metrics.table(self.position.total_steps, f"samples/{stage.name}", samples)

    def _finish(self) -> None:
        losses = self.validator.losses()
        self.metrics.log(self.position.total_steps, **losses)
        meta = {
            "preset": self.processor.config.preset,
            "recipe": self.recipe.name,
            "recipe_digest": self.recipe.digest,
            "snapshot": self.data.meta["snapshot"],
            "kinds": self.data.kinds(),
            "steps": self.position.total_steps,
            "seconds": round(self.position.elapsed, 1),
            "starts": self.position.starts,
            "world_size": self.context.world_size,
            "peak_memory_mb": round(peak_memory() / 2**20),
            "loss": self.position.loss,
            "validation_loss": losses.get("validation_loss"),
            "history": self.position.history,
            "hardware": described(),
            "code": {"version": __version__, "revision": revision()},
        }
        lora.merge(self.objective.model.language)
        samples, kinds = self.data.samples("train"), item_kinds(self.data)
        shown = sampled((n for one in samples for n in one.item_numbers), kinds)
        pictures = map(self.data.feature, shown)
        scope = Scope.of((one.prompt for one in samples), meta["kinds"], pictures)
        out = self.context.out / "bundle"
        save_bundle(out, self.objective.model, self.processor, meta, scope=scope)
        self.progress.emit(
            "finetune",
            "bundle written",
            validation_loss=losses.get("validation_loss"),
            elapsed=round(self.position.elapsed, 1),
        )


def _prefetched(
    source: Source | ReinforceSource, steps: int
) -> AbstractContextManager[Callable[[int, int, int], AnyBatch]]:
    """Make batches a step ahead, but not captions: their own step's weights write those."""
    return nullcontext(source) if isinstance(source, ReinforceSource) else Prefetcher(source, steps)
