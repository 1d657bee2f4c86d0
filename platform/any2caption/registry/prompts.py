"""The prompts of IRScore in MLflow's prompt registry: a projection for people, like the tags.

The text that is sent is the code's; a version in MLflow is found by the digest of it, its alias.
"""

from any2caption.evaluation.figures.irscore import PROMPTS, VERSION, alias, registered_as
from any2caption.registry.client import mlflow_client
from any2caption.settings import Settings


def publish(settings: Settings) -> dict[str, int]:
    """Register the present prompts, each text once; return their versions in MLflow by name.

    Raises:
        UnavailableError: the MLflow server does not answer.
    """
    found = {}
    with mlflow_client(settings) as client:
        for prompt in PROMPTS:
            known = client.load_prompt(
                registered_as(prompt), allow_missing=True, cache_ttl_seconds=0
            )
            if known is None:
                known = client.register_prompt(
                    prompt.name,
                    prompt.messages(),
                    commit_message=f"Version {VERSION} in the code",
                    tags={"a2c.prompt_version": str(VERSION)},
                )
                client.set_prompt_alias(prompt.name, alias(), known.version)
            found[prompt.name] = int(known.version)
    return found
