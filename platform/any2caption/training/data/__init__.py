"""From prepared records to the tensors of a step."""
