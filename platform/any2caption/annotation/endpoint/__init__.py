"""Annotation by an OpenAI-compatible endpoint."""
