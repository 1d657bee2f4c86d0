"""How far a stage is, and the learning rate that follows from it. Pure."""

import math

from any2caption.training.recipes.schema import Stage

SLACK = 0.1
"""Share of the time budget that a stage may be behind before time counts."""


def stage_progress(step: int, steps: int, elapsed: float, budget: float) -> float:
    """0…1: the share of steps, or of time (seconds) for a stage that is well behind.

    A stage in time follows its steps alone, so the learning rate is the same in every run of it.
    """
    behind = (elapsed / budget - SLACK) / (1 - SLACK)
    return min(1.0, max(step / steps, behind))


def learning_rate_factor(stage: Stage, step: int, progress: float) -> float:
    """Linear warm-up in steps, then a cosine in progress down to `final_lr`."""
    warm = min(1.0, (step + 1) / max(1, stage.warmup))
    cosine = 0.5 * (1 + math.cos(math.pi * min(1.0, progress)))
    return warm * (stage.final_lr + (1 - stage.final_lr) * cosine)
