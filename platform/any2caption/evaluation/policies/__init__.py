"""Gate policies: what a model must show, as YAML files with a schema and a digest."""

from any2caption.evaluation.policies.load import POLICIES, policy_digest, policy_of, read_policy
from any2caption.evaluation.policies.schema import Beats, Each, Policy, Threshold

__all__ = [
    "POLICIES",
    "Beats",
    "Each",
    "Policy",
    "Threshold",
    "policy_digest",
    "policy_of",
    "read_policy",
]
