"""The data contract, written against flat tables."""
