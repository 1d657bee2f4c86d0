"""Masks and regions: what is where."""
