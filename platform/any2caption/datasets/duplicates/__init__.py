"""Pictures, clips and texts that are nearly the same."""
