"""Batches of one stage by step: a pure function of (data, stage, seed, step, rank, ranks)."""

from any2caption.model.processor import Processor
from any2caption.training.align import AlignBatch, AlignData
from any2caption.training.batches import Batch, Collator, share, usable
from any2caption.training.dataset import Prepared
from any2caption.training.encoded import EncodedItems
from any2caption.training.mixing import Mixture
from any2caption.training.recipes import Stage


class Source:
    """Batches of one stage by step; `empty` where the data has nothing for the stage."""

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
            own = usable(data.samples("train"), stage, kinds.__getitem__)
            self.empty = not own
            self._mixture = Mixture(own, data.samples("general"), stage, seed)
            self._collate = Collator(data, processor, stage, seed, encoded)

    def __call__(self, step: int, rank: int, ranks: int) -> Batch | AlignBatch:
        """One rank's part of a step."""
        if self._align is not None:
            return self._align.batch(step, rank, ranks)
        chosen = share(self._mixture(step), rank, ranks)
        return self._collate([self._mixture.samples[i] for i in chosen], step)
