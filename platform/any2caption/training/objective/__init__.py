"""What is optimised: the loss of a step, and what it trains."""
