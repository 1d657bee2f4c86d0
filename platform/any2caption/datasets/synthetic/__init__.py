"""A procedural world with known truth, rendered to real condition files; labelled synthetic."""
