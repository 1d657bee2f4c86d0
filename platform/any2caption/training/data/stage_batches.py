"""Batches of one stage by step: a pure function of (data, stage, seed, step, rank, world size)."""

from any2caption.model.processing.processor import Processor
from any2caption.training.data.alignment import AlignBatch, AlignData
from any2caption.training.data.collate import Batch, Collator, share, usable
from any2caption.training.data.encoder_cache import EncodedItems
from any2caption.training.data.lines import concatenated
from any2caption.training.data.mixing import Mixture, general_share
from any2caption.training.data.packing import PackCollator, PackOrder, Size
from any2caption.training.data.types import TrainingData
from any2caption.training.recipes.schema import Stage


class Source:
    """Batches of one stage by step; `empty` where the data has nothing for the stage."""

    def __init__(
        self,
        data: TrainingData,
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
        self._packs: tuple[PackOrder, PackCollator] | None = None
        self.empty = self._align is not None and not self._align.turns
        if self._align is None:
            own = usable(data, stage)
            self.empty = not own
            general = data.samples("general") if stage.general_ratio else ()
            if stage.pack_tokens:
                self._samples = concatenated(own, general)
                self._pack(PackCollator(data, processor, stage, seed, encoded), len(own), seed)
                return
            self._mixture = Mixture(own, general, stage, seed)
            self._collate = Collator(data, processor, stage, seed, encoded)

    def __call__(self, step: int, rank: int, world_size: int) -> Batch | AlignBatch:
        """One rank's part of a step."""
        if self._align is not None:
            return self._align.batch(step, rank, world_size)
        if self._packs is not None:
            order, collate = self._packs
            packs = order(step)[rank::world_size]
            return collate.packed(
                [[(self._samples[t.number], t.epoch) for t in pack] for pack in packs]
            )
        chosen = share(self._mixture(step), rank, world_size)
        return self._collate([self._mixture.samples[i] for i in chosen], step)

    def _pack(self, collate: PackCollator, own: int, seed: int) -> None:
        """Plan packs of the stage's `own` first samples and the general ones after them.

        Raises:
            ConfigError: the longest record fits into none.
        """
        if self.empty:
            return
        stage = collate.stage
        collate.size(max(self._samples, key=lambda sample: sample.length), 0)
        order = PackOrder(
            own,
            lambda turn: collate.size(self._samples[turn.number], turn.epoch),
            Size(stage.pack_tokens, stage.pack_vision),
            packs=stage.batch,
            seed=seed,
            general=len(self._samples) - own,
            general_share=general_share(stage),
        )
        self._packs = order, collate
