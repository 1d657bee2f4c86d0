"""Serving: the contract with Triton, releases, rollout, the server and its client."""
