"""Facts and the model's draft to the caption that leaves: composed, or checked and repaired."""

from any2caption.serving.steps.check import CheckStep
from any2caption.serving.steps.runtime import StepModel


class TritonPythonModel(StepModel):
    """Triton's entry point."""

    step_class = CheckStep
