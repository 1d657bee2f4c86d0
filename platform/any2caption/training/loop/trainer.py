"""The loop: load → for each stage: batch → loss → check → step → report → save → … → bundle."""

import math
import signal
import time
from collections.abc import Sequence
from typing import Any

import torch
import torch.distributed as dist

from any2caption.errors import ConfigError, InterruptedTrainingError, NonFiniteLossError
from any2caption.model.any2caption import Any2Caption
from any2caption.model.bundle import save_bundle
from any2caption.model.config import ENCODERS
from any2caption.model.scope import Scope
from any2caption.progress import ProgressLog
from any2caption.training.checkpoints.checkpointer import Checkpointer
from any2caption.training.checkpoints.run_folder import Position
from any2caption.training.context import RunContext
from any2caption.training.data.collate import Batch
from any2caption.training.data.encoder_cache import EncodedItems, encode_items
from any2caption.training.data.prefetch import Ahead
from any2caption.training.data.stage_batches import Source
from any2caption.training.data.types import TrainingData
from any2caption.training.engine import distributed
from any2caption.training.engine import engine as engines
from any2caption.training.hardware import can_compile
from any2caption.training.loop.metrics import Metrics
from any2caption.training.loop.profiling import Profile, Steps
from any2caption.training.loop.reporting import Reporter, peak_memory
from any2caption.training.loop.schedule import learning_rate_factor, stage_progress
from any2caption.training.loop.step import AnyBatch, forward_backward, micro_batches
from any2caption.training.loop.validation import Validator
from any2caption.training.objective import lora
from any2caption.training.objective.objective import Objective
from any2caption.training.open_data import open_data
from any2caption.training.recipes.schema import Recipe, Stage
from any2caption.training.reinforce.grpo import ReinforceSource, RolloutBatch


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
            self._stage(number)
        if self.context.rank == 0:
            self._finish()
        if dist.is_initialized():
            dist.barrier()

    def _stage(self, number: int) -> None:
        stage, position = self.recipe.stages[number], self.position
        clock = time.monotonic() - position.stage_elapsed
        budget = stage.share * self.recipe.max_minutes * 60
        self._fit_normalisation()
        encoded = self._encoded(stage)
        found = self._source(number, stage, encoded)
        if found.empty:
            self.reporter.say(stage, "skipped: the data has nothing for it")
            self._next_stage(number)
            return
        if stage.general_ratio and not self.data.samples("general"):
            self.reporter.say(stage, "no general instruction data was prepared: trained without it")
        engine = engines.start(self.objective, self.recipe, stage, self.context.ranks)
        self.checkpointer.restore_optimizer(engine)
        compiled = self._compile(stage)
        # Captions to learn from are written by the weights of their own step, not ahead of it.
        source = found if isinstance(found, ReinforceSource) else Ahead(found, stage.steps)
        done = False
        while not done:
            self.profile.before(stage.name, position.step)
            wanted = time.monotonic()
            batches = micro_batches(
                source, position.step, self.context.rank, self.context.ranks, stage.accumulate
            )
            waited = time.monotonic() - wanted
            clocked = self._first(time.monotonic() - clock)
            loss, (useful, slots, elapsed, stop) = forward_backward(
                engine,
                batches,
                stage.heads_loss,
                self.context.ranks,
                lambda loss: self._refuse_infinite("loss", loss, batches, stage),  # noqa: B023 - called at once
                more=[*_tokens(batches), clocked, self.stopping],
            )
            progress = stage_progress(position.step, stage.steps, elapsed, budget)
            engines.set_rate(engine, stage, learning_rate_factor(stage, position.step, progress))
            norm = engines.step(engine)
            self._refuse_infinite("gradient norm", norm, batches, stage)
            self._advance(loss, elapsed)
            self.reporter.step(stage, position, useful, slots, waited, norm)
            self.reporter.rewards(stage, position, _rewards(batches))
            done = position.step >= stage.steps or elapsed >= budget
            if trace := self.profile.after(position.step - 1, ends=done):
                self.reporter.say(stage, f"trace in {trace}")
            if stop and not done:
                self._leave(engine, stage)
            if not done and self.checkpointer.due():
                self.checkpointer.save(position, engine)
        if isinstance(source, Ahead):
            source.close()
        if compiled:
            self._uncompile()
        self.reporter.line(stage, position)
        engines.finish(engine, self.objective)
        self.objective.tokens.merge(self.objective.model.mllm.get_input_embeddings())
        self._examine(stage)
        self._next_stage(number)

    # --- around the loop ---

    def _fit_normalisation(self) -> None:
        """Fit the camera encoder's input normalisation before the first step of a run."""
        if self.position.total_steps == 0 and len(self.data.poses()):
            poses = torch.from_numpy(self.data.poses().copy())
            self.objective.model.camera_encoder.fit_normalisation(poses)

    def _source(
        self, number: int, stage: Stage, encoded: EncodedItems | None
    ) -> Source | ReinforceSource:
        """Where a stage's batches come from: the data, or the model's own writing."""
        seed = self.recipe.seed + number
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
        found = encode_items(self.objective.model, self.data, self.context.rank, self.context.ranks)
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

    def _compile(self, stage: Stage) -> bool:
        """Compile the language model's layers: equal ones share their compiled code."""
        wanted = self.recipe.compile and stage.objective != "classify"
        if wanted and not can_compile():
            self.reporter.say(stage, "no C++ compiler found: not compiled, slower")
            return False
        if wanted:
            for layer in self._layers():
                layer.compile(dynamic=True)
        return wanted

    def _uncompile(self) -> None:
        for layer in self._layers():
            layer._compiled_call_impl = None  # noqa: SLF001

    def _layers(self) -> Any:
        return self.objective.model.language.layers

    def _advance(self, loss: float, elapsed: float) -> None:
        position = self.position
        position.step += 1
        position.total_steps += 1
        position.stage_elapsed, position.loss = elapsed, loss
        position.elapsed = time.monotonic() - self._clock

    def _first(self, seconds: float) -> float:
        """Rank 0's clock is everybody's."""
        return seconds if self.context.rank == 0 else 0.0

    def _leave(self, engine: Any, stage: Stage) -> None:
        """Save and stop, as asked by a signal."""
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
            "ranks": self.context.ranks,
            "peak_memory_mb": round(peak_memory() / 2**20),
            "loss": self.position.loss,
            "validation_loss": losses.get("validation_loss"),
            "history": self.position.history,
        }
        lora.merge(self.objective.model.language)
        scope = Scope.of((one.prompt for one in self.data.samples("train")), meta["kinds"])
        out = self.context.out / "bundle"
        save_bundle(out, self.objective.model, self.processor, meta, scope=scope)
        self.progress.emit(
            "finetune",
            "bundle written",
            validation_loss=losses.get("validation_loss"),
            elapsed=round(self.position.elapsed, 1),
        )


def _tokens(batches: Sequence[AnyBatch]) -> tuple[float, float]:
    """Tokens that are no padding, and places for tokens; none in alignment."""
    texts = [batch for batch in batches if isinstance(batch, Batch)]
    useful = sum(batch.tokens for batch in texts)
    return float(useful), float(sum(batch.input_ids.numel() for batch in texts))


def _rewards(batches: Sequence[AnyBatch]) -> list[float]:
    """Rewards of the captions that a reinforce stage's batches hold."""
    return [r for batch in batches if isinstance(batch, RolloutBatch) for r in batch.rewards]
