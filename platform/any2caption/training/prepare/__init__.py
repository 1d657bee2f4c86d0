"""From a snapshot to a folder of training data."""
