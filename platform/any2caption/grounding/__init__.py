"""Captions that keep what was asked: facts of a request, a writer without weights, the check."""
