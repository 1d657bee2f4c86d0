"""Phrases: nouns with what belongs to them, and what belongs to a verb."""
