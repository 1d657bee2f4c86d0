"""Clauses and sentences: who does what, where, and what the camera does."""
