"""From a prepared sample to one training example: what is shown, and what is to be written.

All randomness is a function of (seed, step, sample), so a resumed run and any number of ranks see
the same examples.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from any2caption.captions.sentences import split_sentences
from any2caption.model.inputs import TEXT
from any2caption.model.processing.processor import Processor
from any2caption.training.data.types import Items, Sample
from any2caption.training.recipes.schema import Stage

_TOKENS = 104_729  # keeps the draw of tokens apart from that of sentences and conditions


@dataclass(frozen=True, slots=True)
class Example:
    """`numbers` are the items shown, in prompt order.

    `target` are the tokens to write, int64; `weights` float32 say how much each counts: 1 names a
    slot, 0 is template, below 0 is not learned (what a human says in a conversation).
    """

    sample: Sample
    prompt: str
    numbers: tuple[int, ...]
    target: NDArray[np.int64]
    weights: NDArray[np.float32]
    facts: str = ""


def example(  # noqa: PLR0913, PLR0917 - everything that decides it
    sample: Sample,
    stage: Stage,
    data: Items,
    processor: Processor,
    seed: int,
    step: int,
) -> Example:
    """Make the example that a stage learns from a sample at a step."""
    if sample.general:
        return Example(sample, sample.prompt, sample.item_numbers, *_tokens(data, sample.span))
    if stage.objective == "describe":
        return _described(sample, stage, data, processor)
    prompt, numbers = sample.prompt, sample.item_numbers
    if stage.drop_sentence or (stage.drop_condition and stage.drop_condition_means == "condition"):
        prompt, numbers = dropped(sample, stage, seed, step)
    target, weights = _tokens(data, sample.span)
    if stage.reasoning and sample.trace[1] > sample.trace[0]:
        trace, _ = _tokens(data, sample.trace)
        target = np.concatenate([trace, target])
        weights = np.concatenate([np.ones(len(trace), np.float32), weights])
    if processor.config.processor.facts == "text":
        numbers = ()
    return Example(sample, prompt, numbers, target, weights, sample.facts)


def dropped(sample: Sample, stage: Stage, seed: int, step: int) -> tuple[str, tuple[int, ...]]:
    """Leave out whole conditions and sentences of the prompt at random; something always stays."""
    rng = _random(seed, step, sample)
    chance = stage.drop_condition if stage.drop_condition_means == "condition" else 0.0
    kept = tuple(number for number in sample.item_numbers if rng.random() >= chance)
    sentences = split_sentences(sample.prompt)
    said = "".join(one for one in sentences if rng.random() >= stage.drop_sentence).strip()
    if not kept and not said:
        return sample.prompt, sample.item_numbers
    return said, kept


def blanked(
    types: NDArray[np.int64], sample: Sample, stage: Stage, seed: int, step: int
) -> NDArray[np.bool_]:
    """Which encoder tokens of a prompt are blanked, where dropout is by token."""
    if stage.drop_condition_means != "tokens" or not stage.drop_condition or sample.general:
        return np.zeros(len(types), np.bool_)
    rng = _random(seed, step, sample, _TOKENS)
    return np.asarray((rng.random(len(types)) < stage.drop_condition) & (types != TEXT))


def phrase_target(phrases: Sequence[str]) -> str:
    """Phrases as one line: `trucks left, pans right`."""
    return ", ".join(phrases)


def _described(sample: Sample, stage: Stage, data: Items, processor: Processor) -> Example:
    """One condition of the stage's kinds, no prompt, its phrases or the caption's part."""
    kinds = [str(data.items[number]["kind"]) for number in sample.item_numbers]
    shown = [n for n, kind in zip(sample.item_numbers, kinds, strict=True) if kind in stage.kinds]
    by_phrase = stage.describe == "phrases"
    text = phrase_target(sample.phrases[stage.part]) if by_phrase else sample.parts[stage.part]
    target = np.asarray(processor.caption_ids(text), np.int64)
    return Example(sample, "", tuple(shown[:1]), target, np.ones(len(target), np.float32))


def _tokens(data: Items, span: tuple[int, int]) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    return (
        np.asarray(data.caption_tokens[slice(*span)], np.int64),
        np.asarray(data.slot_tokens[slice(*span)], np.float32),
    )


def _random(seed: int, step: int, sample: Sample, *salt: int) -> np.random.Generator:
    return np.random.default_rng([seed, step, *salt, *sample.id.encode()])
