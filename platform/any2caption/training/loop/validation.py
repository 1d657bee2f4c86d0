"""Validation while training: the loss by kind of condition, and sample captions of each kind.

Captions are decoded as in serving, a few records a kind, so that a person sees what the model makes
of each kind long before the gate measures it.
"""

from collections.abc import Sequence

import torch

from any2caption.model.decoder import Decoder
from any2caption.model.inference import decoder_inputs
from any2caption.model.processing.processor import Processor
from any2caption.training.data.collate import Collator
from any2caption.training.data.types import Sample, TrainingData
from any2caption.training.loop.step import moved
from any2caption.training.objective.objective import Objective
from any2caption.training.recipes.schema import Recipe
from any2caption.training.reinforce.rollouts import encode

LOSS_RECORDS = 128
SAMPLES_PER_KIND = 2
_BATCH = 16


class Validator:
    """Looks at validation records with the model as it is now."""

    def __init__(
        self, data: TrainingData, processor: Processor, objective: Objective, recipe: Recipe
    ) -> None:
        self.data, self.processor, self.objective = data, processor, objective
        self._collate = Collator(data, processor, recipe.stages[-1], 0)

    def losses(self) -> dict[str, float]:
        """`validation_loss` and `validation_loss/<kind>`, per caption token; {} without records."""
        samples = self.data.samples("validation")[:LOSS_RECORDS]
        if not samples:
            return {}
        found = {"validation_loss": self._loss(samples)}
        for kind, group in self._by_kind(samples).items():
            found[f"validation_loss/{kind}"] = self._loss(group)
        return found

    def samples(self) -> list[dict[str, str]]:
        """Return rows of kind, record, prompt, truth and prediction."""
        groups = self._by_kind(self.data.samples("validation"))
        chosen = [
            (kind, sample) for kind, group in groups.items() for sample in group[:SAMPLES_PER_KIND]
        ]
        texts = self._captions([sample for _, sample in chosen])
        return [
            {
                "kind": kind,
                "record": sample.id,
                "prompt": sample.prompt,
                "truth": self._truth(sample),
                "prediction": text,
            }
            for (kind, sample), text in zip(chosen, texts, strict=True)
        ]

    def _by_kind(self, samples: Sequence[Sample]) -> dict[str, list[Sample]]:
        """Records whose conditions are all of one kind, by that kind; `text` has none."""
        found: dict[str, list[Sample]] = {}
        for sample in samples:
            kinds = {str(self.data.items[number]["kind"]) for number in sample.item_numbers}
            if len(kinds) <= 1:
                found.setdefault(next(iter(kinds), "text"), []).append(sample)
        return dict(sorted(found.items()))

    @torch.no_grad()
    def _loss(self, samples: Sequence[Sample]) -> float:
        self.objective.eval()
        total = weights = 0.0
        for start in range(0, len(samples), _BATCH):
            batch = self._collate(samples[start : start + _BATCH], 0)
            loss, weight = self.objective(moved(batch, self._device()), 0.0)
            total, weights = total + float(loss), weights + float(weight)
        self.objective.train()
        return round(total / max(weights, 1e-9), 5)

    @torch.no_grad()
    def _captions(self, samples: Sequence[Sample]) -> list[str]:
        if not samples:
            return []
        model = self.objective.model
        self.objective.eval()
        requests = []
        for sample in samples:
            features = [self.data.feature(number) for number in sample.item_numbers]
            inputs = self.processor.assemble(sample.prompt, features, facts=sample.facts)
            rows = (part.float().cpu().numpy() for part in encode(model, inputs, self._device()))
            requests.append(decoder_inputs(inputs, *rows))
        decoder = Decoder.from_model(model, self.processor)
        texts = [
            text
            for start in range(0, len(requests), _BATCH)
            for text in decoder.generate(requests[start : start + _BATCH])
        ]
        self.objective.train()
        return texts

    def _truth(self, sample: Sample) -> str:
        return self.processor.decode(self.data.caption_tokens[slice(*sample.span)].tolist())

    def _device(self) -> torch.device:
        """Where the last stage's engine left the weights."""
        return next(self.objective.model.parameters()).device
