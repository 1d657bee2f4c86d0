"""Metrics, the judge, slices of the held-out set, gates and their report."""
