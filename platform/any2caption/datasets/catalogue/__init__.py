"""The catalogue: which snapshots, runs, verdicts, champions, releases and deployments there are."""

from any2caption.datasets.catalogue.service import Catalogue
from any2caption.datasets.catalogue.tables import (
    PREFERENCES,
    AnnotationReview,
    AnnotationRun,
    Correction,
    Delivery,
    Deployment,
    Preference,
    Promotion,
    Release,
    Snapshot,
    TrainingRun,
    Validation,
    Verdict,
)

__all__ = [
    "PREFERENCES",
    "AnnotationReview",
    "AnnotationRun",
    "Catalogue",
    "Correction",
    "Delivery",
    "Deployment",
    "Preference",
    "Promotion",
    "Release",
    "Snapshot",
    "TrainingRun",
    "Validation",
    "Verdict",
]
