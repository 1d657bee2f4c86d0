"""A caption to a storyboard animatic."""

from any2caption.serving.steps.runtime import StepModel
from any2caption.serving.steps.steps import PrevisStep


class TritonPythonModel(StepModel):
    """Triton's entry point."""

    step_class = PrevisStep
