"""How far a stage is, and the learning rate that follows from it. Pure."""

import math

from any2caption.training.recipes import Stage


def stage_progress(step: int, steps: int, elapsed: float, budget: float) -> float:
    """0…1: the larger of the share of steps and the share of time (seconds)."""
    return min(1.0, max(step / steps, elapsed / budget))


def learning_rate_factor(stage: Stage, step: int, progress: float) -> float:
    """Linear warm-up in steps, then a cosine in progress down to `final_lr`."""
    warm = min(1.0, (step + 1) / max(1, stage.warmup))
    cosine = 0.5 * (1 + math.cos(math.pi * min(1.0, progress)))
    return warm * (stage.final_lr + (1 - stage.final_lr) * cosine)
