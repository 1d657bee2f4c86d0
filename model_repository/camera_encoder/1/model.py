"""Camera paths to embeddings."""

from any2caption.serving.steps import CameraEncoder

from any2caption.serving.runtime import StepModel


class TritonPythonModel(StepModel):
    """Triton's entry point."""

    step_class = CameraEncoder
