"""Prompt and embeddings to a six-part caption, grammar-constrained."""

from any2caption.serving.runtime import StepModel
from any2caption.serving.steps import DecoderStep


class TritonPythonModel(StepModel):
    """Triton's entry point."""

    step_class = DecoderStep
