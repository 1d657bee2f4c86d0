"""Heavy work: what runs, where, and the operator that waits for it."""
