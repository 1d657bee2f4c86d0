"""The one door to Triton: what clients reach, and nothing else (`python -m …serving.door`)."""
