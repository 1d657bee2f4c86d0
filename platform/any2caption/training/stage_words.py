"""What a stage does beside its numbers, in words, for the plan. Pure."""

from collections.abc import Iterator

from any2caption.training.mixing import general_share
from any2caption.training.recipes import Stage


def stage_words(stage: Stage) -> tuple[str, ...]:
    """Say what is mixed in, dropped and written; nothing for a plain stage."""
    return tuple(_words(stage))


def _words(stage: Stage) -> Iterator[str]:
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
