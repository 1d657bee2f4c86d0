"""Untrusted files: read within limits, in order, before anything knows a kind."""
