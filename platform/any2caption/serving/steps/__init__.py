"""What runs inside Triton: the steps of a request."""
