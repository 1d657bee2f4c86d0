"""Files to model inputs: parse every condition, make arrays, lay out the prompt."""

from any2caption.serving.runtime import StepModel
from any2caption.serving.steps import Preprocess


class TritonPythonModel(StepModel):
    """Triton's entry point."""

    step_class = Preprocess
