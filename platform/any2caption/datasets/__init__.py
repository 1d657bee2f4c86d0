"""Data sets: records, ingest, the data contract, snapshots and the catalogue."""
