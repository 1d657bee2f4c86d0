"""Processes of a run: the supervisor, its ranks, many nodes."""
