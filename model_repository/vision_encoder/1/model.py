"""Pictures, videos and depth to embeddings."""

from any2caption.serving.steps import VisionEncoder

from any2caption.serving.runtime import StepModel


class TritonPythonModel(StepModel):
    """Triton's entry point."""

    step_class = VisionEncoder
