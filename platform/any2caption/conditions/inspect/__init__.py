"""What files are, and what was read of them."""
