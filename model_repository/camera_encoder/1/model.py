"""Camera paths to embeddings."""

from any2caption.serving.steps.runtime import StepModel
from any2caption.serving.steps.steps import CameraEncoder


class TritonPythonModel(StepModel):
    """Triton's entry point."""

    step_class = CameraEncoder
