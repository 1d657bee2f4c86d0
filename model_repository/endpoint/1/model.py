"""Pictures and facts to the draft of an OpenAI-compatible server, where one is configured."""

from any2caption.serving.steps.endpoint import EndpointStep
from any2caption.serving.steps.runtime import StepModel


class TritonPythonModel(StepModel):
    """Triton's entry point."""

    step_class = EndpointStep
