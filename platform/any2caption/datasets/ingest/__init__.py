"""From a customer's manifest and media files to checked, probed, content-addressed records."""

from any2caption.datasets.ingest.engine import IngestResult, ingest
from any2caption.datasets.ingest.pipeline import run_ingest

__all__ = ["IngestResult", "ingest", "run_ingest"]
