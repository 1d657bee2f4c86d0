"""Skeleton videos to embeddings."""

from any2caption.serving.steps.runtime import StepModel
from any2caption.serving.steps.steps import MotionEncoder


class TritonPythonModel(StepModel):
    """Triton's entry point."""

    step_class = MotionEncoder
