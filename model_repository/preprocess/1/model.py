"""Files to model inputs: parse every condition, make arrays, lay out the prompt."""

from any2caption.serving.steps.preprocess import Preprocess
from any2caption.serving.steps.runtime import StepModel


class TritonPythonModel(StepModel):
    """Triton's entry point."""

    step_class = Preprocess
