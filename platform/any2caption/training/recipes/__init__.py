"""Recipes: what a run is told to do."""
