"""The training loop: steps, rates, validation, what is said of them."""
