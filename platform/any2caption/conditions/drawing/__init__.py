"""The one place that draws conditions, for people and for models."""
