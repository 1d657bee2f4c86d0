"""The loop: load → for each stage: batch → loss → check → step → report → save → … → bundle."""

import math
import signal
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
import torch.distributed as dist

from any2caption.errors import ConfigError, InterruptedTrainingError, NonFiniteLossError
from any2caption.model.any2caption import Any2Caption
from any2caption.model.bundle import save_bundle
from any2caption.model.processor import Processor
from any2caption.progress import ProgressLog
from any2caption.training import checkpoint, lora
from any2caption.training import engine as engines
from any2caption.training.align import AlignBatch, AlignData
from any2caption.training.batches import Batch, Collator, Order, share, usable
from any2caption.training.dataset import Prepared, Sample
from any2caption.training.encoded import EncodedItems, encode_items
from any2caption.training.machine import can_compile, has_bf16
from any2caption.training.objective import Objective
from any2caption.training.recipes import Recipe, Stage
from any2caption.training.run_folder import Position
from any2caption.training.schedule import learning_rate_factor, stage_progress
from any2caption.training.tracking import Metrics

REPORT_SECONDS = 2.0
VALIDATION_RECORDS = 128


@dataclass(frozen=True, slots=True)
class Place:
    """Where a run reads and writes, and who it is among the ranks."""

    data: Path
    out: Path
    rank: int
    ranks: int


class Source:
    """Batches of one stage by step."""

    def __init__(
        self,
        data: Prepared,
        processor: Processor,
        stage: Stage,
        seed: int,
        encoded: EncodedItems | None = None,
    ) -> None:
        self._align = (
            AlignData(data, processor.config, stage, seed)
            if stage.objective == "classify"
            else None
        )
        self.empty = self._align is not None and not self._align.turns
        if self._align is None:
            kinds = [str(item["kind"]) for item in data.items]
            self._samples: list[Sample] = usable(data.samples("train"), stage, kinds.__getitem__)
            self.empty = not self._samples
            lengths = torch.tensor([sample.length for sample in self._samples]).numpy()
            self._order = Order(lengths, stage.batch, seed)
            self._collate = Collator(data, processor, stage, seed, encoded)

    def __call__(self, step: int, rank: int, ranks: int) -> Batch | AlignBatch:
        """One rank's part of a step."""
        if self._align is not None:
            return self._align.batch(step, rank, ranks)
        chosen = share(self._order(step), rank, ranks)
        return self._collate([self._samples[i] for i in chosen], step)


class Trainer:
    """One rank of one run."""

    def __init__(
        self,
        place: Place,
        recipe: Recipe,
        model: Any2Caption,
        progress: ProgressLog,
        metrics: Metrics,
    ) -> None:
        self.place, self.recipe, self.progress, self.metrics = place, recipe, progress, metrics
        self.data = Prepared(place.data)
        self.processor = self.data.processor()
        self.objective = Objective(
            model, self.data.classes(), bf16=has_bf16() or torch.cuda.is_available()
        )
        if recipe.language_tuning == "lora":
            lora.attach(model.language)
        self.checkpoints = place.out / "checkpoints"
        self.position = Position()
        self.stopping = False
        self._moments: dict[str, torch.Tensor] = {}
        self._saved_at = self._reported_at = time.monotonic()
        self._clock = 0.0
        self._tokens = 0

    # --- the run ---

    def run(self) -> None:
        """Train all stages and leave the bundle.

        Raises InterruptedTrainingError after a request to stop.
        """
        signal.signal(signal.SIGTERM, self._stop)
        began = time.monotonic()
        self._resume()
        self.position.starts += 1
        self._clock = began - self.position.elapsed
        for number in range(self.position.stage, len(self.recipe.stages)):
            self._stage(number)
        if self.place.rank == 0:
            self._finish()
        if dist.is_initialized():
            dist.barrier()

    def _stage(self, number: int) -> None:
        stage, position = self.recipe.stages[number], self.position
        stage_clock = time.monotonic() - position.stage_elapsed
        if position.total_steps == 0 and len(self.data.poses()):
            poses = torch.from_numpy(self.data.poses().copy())
            self.objective.model.camera_encoder.fit_normalisation(poses)
        encoded = self._encoded(stage)
        source = Source(self.data, self.processor, stage, self.recipe.seed + number, encoded)
        if source.empty:
            self._say(stage, "skipped: the data has nothing for it")
            self._next_stage(number)
            return
        if stage.general_ratio:
            self._say(stage, "no general instruction data is read yet; trained without it")
        engine = engines.start(self.objective, self.recipe, stage, self.place.ranks)
        checkpoint.restore_moments(engine.optimizer, self._moments)
        self._moments = {}
        compiled = self._compile(stage)
        budget = stage.share * self.recipe.max_minutes * 60
        while True:
            batch = source(position.step, self.place.rank, self.place.ranks)
            elapsed = time.monotonic() - stage_clock if self.place.rank == 0 else 0.0
            loss, weight = engine(batch, stage.heads_loss)
            sums = engines.summed([loss, weight, elapsed, float(self.stopping)])
            loss_sum, weight_sum, elapsed, stop = sums
            self._check(loss_sum, batch, stage)
            progress = stage_progress(position.step, stage.steps, elapsed, budget)
            engines.set_rate(engine, stage, learning_rate_factor(stage, position.step, progress))
            engine.backward(loss * (self.place.ranks / max(weight_sum, 1e-9)))
            engine.step()
            self._advance(stage, batch, loss_sum / max(weight_sum, 1e-9), elapsed)
            done = position.step >= stage.steps or elapsed >= budget
            if stop and not done:
                self._save(engine)
                if dist.is_initialized():
                    dist.barrier()  # the launcher stops everybody as soon as one rank has left
                raise InterruptedTrainingError(f"stopped in {stage.name} at step {position.step}")
            if done:
                break
            # Rank 0 decides for all: saving needs every rank with ZeRO 1 and 2.
            if self._due():
                self._save(engine)
        if compiled:
            self.objective.model.language._compiled_call_impl = None  # noqa: SLF001
        self._report(stage, force=True)
        engine.destroy()
        self._next_stage(number)

    def _encoded(self, stage: Stage) -> EncodedItems | None:
        """All items' tokens, where the stage wants them once."""
        if not stage.encode_once:
            return None
        if thawed := set(stage.train) & set(engines.ENCODERS):
            raise ConfigError(f"stage {stage.name}: encode_once, but it trains {sorted(thawed)}")
        began = time.monotonic()
        found = encode_items(self.objective.model, self.data, self.place.rank, self.place.ranks)
        seconds = time.monotonic() - began
        self._say(stage, f"{len(self.data.items)} items encoded in {seconds:.1f} s")
        return found

    def _check(self, loss: float, batch: Batch | AlignBatch, stage: Stage) -> None:
        """A loss that is NaN or infinite on any rank stops every rank before the step."""
        if not math.isfinite(loss):
            ids = ", ".join(batch.ids)
            raise NonFiniteLossError(
                f"loss is not finite in {stage.name} at step {self.position.step};"
                f" this rank's records: {ids}"
            )

    def _compile(self, stage: Stage) -> bool:
        wanted = self.recipe.compile and stage.objective != "classify"
        if wanted and not can_compile():
            self._say(stage, "no C++ compiler found: not compiled, slower")
            return False
        if wanted:
            self.objective.model.language.compile(dynamic=True)
        return wanted

    def _next_stage(self, number: int) -> None:
        self.position.stage, self.position.step, self.position.stage_elapsed = number + 1, 0, 0.0
        self._save(None)

    # --- position, reports, checkpoints ---

    def _advance(
        self, stage: Stage, batch: Batch | AlignBatch, loss: float, elapsed: float
    ) -> None:
        position = self.position
        position.step += 1
        position.total_steps += 1
        position.stage_elapsed, position.loss = elapsed, loss
        position.elapsed = time.monotonic() - self._clock
        if isinstance(batch, Batch):
            self._tokens += batch.input_ids.numel() * self.place.ranks
        if position.step % 10 == 0 and self.place.rank == 0:
            self.metrics.log(position.total_steps, **{f"{stage.name}/loss": loss})
        self._report(stage)

    def _report(self, stage: Stage, *, force: bool = False) -> None:
        now, position = time.monotonic(), self.position
        seconds = now - self._reported_at
        if self.place.rank or (seconds < REPORT_SECONDS and not force):
            return
        speed = round(self._tokens / max(seconds, 1e-6))
        self._reported_at, self._tokens = now, 0
        position.history.append((position.stage, position.step, round(position.loss or 0.0, 4)))
        done = stage_progress(
            position.step,
            stage.steps,
            position.stage_elapsed,
            stage.share * self.recipe.max_minutes * 60,
        )
        rest = position.stage_elapsed / done * (1 - done) if done else 0.0
        self.progress.emit(
            "finetune",
            stage.name,
            step=position.step,
            total=stage.steps,
            loss=round(position.loss or 0.0, 4),
            tokens_per_second=speed,
            elapsed=round(position.elapsed, 1),
            eta=round(rest, 1),
        )
        if speed:
            self.metrics.log(position.total_steps, **{f"{stage.name}/tokens_per_second": speed})

    def _say(self, stage: Stage, message: str) -> None:
        if self.place.rank == 0:
            self.progress.emit("finetune", f"{stage.name}: {message}")

    def _due(self) -> bool:
        """Whether rank 0 finds it is time to save; the same answer on all ranks."""
        late = time.monotonic() - self._saved_at > self.recipe.checkpoint_seconds
        if self.recipe.zero == 0:
            return late and self.place.rank == 0
        return engines.summed([float(late and self.place.rank == 0)])[0] > 0

    def _save(self, engine: Any) -> None:
        """Write a checkpoint; without an engine there are no moments (a stage's beginning)."""
        folder = self.checkpoints / f"step-{self.position.total_steps:08d}-{self.position.stage}"
        if engine is not None and (self.place.rank == 0 or self.recipe.zero):
            checkpoint.write_shard(folder, self.place.rank, engine.optimizer)
        if self.recipe.zero and self.place.ranks > 1:
            dist.barrier()
        if self.place.rank == 0:
            checkpoint.commit(
                folder,
                self._state(),
                self.position,
                ranks=self.place.ranks,
                zero=self.recipe.zero,
                keep=self.recipe.keep_checkpoints,
                identity={
                    "recipe": self.recipe.digest,
                    "snapshot": str(self.data.meta["snapshot"]),
                },
            )
        self._saved_at = time.monotonic()

    def _state(self) -> dict[str, torch.Tensor]:
        tied = self.objective.model.config.text.tie_embeddings
        return {
            name: tensor
            for name, tensor in self.objective.state_dict().items()
            if not (tied and name == "model.mllm.lm_head.weight")
        }

    def _resume(self) -> None:
        found = checkpoint.newest(self.checkpoints)
        if dist.is_initialized():
            dist.barrier()
        if self.place.rank == 0:
            checkpoint.discard_partial(self.checkpoints)
        if found is None:
            return
        self.objective.load_state_dict(found.model(), strict=False)
        self.position = found.position
        if found.zero == 0 or found.ranks == self.place.ranks:
            self._moments = found.optimizer(self.place.rank)
        if self.place.rank == 0:
            same = found.zero == 0 or found.ranks == self.place.ranks
            note = "" if same else f"; optimizer moments start anew ({found.ranks} ranks before)"
            self.progress.emit("finetune", f"resumed at step {self.position.total_steps}{note}")

    def _stop(self, *_: object) -> None:
        self.stopping = True

    # --- the end ---

    def _finish(self) -> None:
        loss = self._validation_loss()
        if loss is not None:
            self.metrics.log(self.position.total_steps, validation_loss=loss)
        meta = {
            "preset": self.processor.config.preset,
            "recipe": self.recipe.name,
            "recipe_digest": self.recipe.digest,
            "snapshot": self.data.meta["snapshot"],
            "kinds": self.data.kinds(),
            "steps": self.position.total_steps,
            "seconds": round(self.position.elapsed, 1),
            "starts": self.position.starts,
            "ranks": self.place.ranks,
            "loss": self.position.loss,
            "validation_loss": loss,
            "history": self.position.history,
        }
        lora.merge(self.objective.model.language)
        save_bundle(self.place.out / "bundle", self.objective.model, self.processor, meta)
        self.progress.emit(
            "finetune",
            "bundle written",
            validation_loss=loss,
            elapsed=round(self.position.elapsed, 1),
        )

    @torch.no_grad()
    def _validation_loss(self) -> float | None:
        samples = self.data.samples("validation")[:VALIDATION_RECORDS]
        if not samples:
            return None
        stage = self.recipe.stages[-1]
        collate = Collator(self.data, self.processor, stage, 0)
        self.objective.eval()
        total = weights = 0.0
        for start in range(0, len(samples), 16):
            loss, weight = self.objective(collate(samples[start : start + 16], 0), 0.0)
            total, weights = total + float(loss), weights + float(weight)
        self.objective.train()
        return round(total / max(weights, 1e-9), 5)
