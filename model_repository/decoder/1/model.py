"""Prompt and embeddings to a six-part caption, grammar-constrained."""

from any2caption.serving.steps.runtime import StepModel
from any2caption.serving.steps.steps import DecoderStep


class TritonPythonModel(StepModel):
    """Triton's entry point."""

    step_class = DecoderStep
