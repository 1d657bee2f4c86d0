"""The catalogue: which snapshots, runs, verdicts, champions, releases and deployments there are."""

from any2caption.datasets.catalogue.service import Catalogue
from any2caption.datasets.catalogue.tables import (
    AnnotationReview,
    AnnotationRun,
    Correction,
    Delivery,
    Deployment,
    Promotion,
    Release,
    Snapshot,
    TrainingRun,
    Validation,
    Verdict,
)

__all__ = [
    "AnnotationReview",
    "AnnotationRun",
    "Catalogue",
    "Correction",
    "Delivery",
    "Deployment",
    "Promotion",
    "Release",
    "Snapshot",
    "TrainingRun",
    "Validation",
    "Verdict",
]
