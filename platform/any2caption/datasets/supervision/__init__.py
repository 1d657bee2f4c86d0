"""What is mined from records to learn from, and what is checked of their words."""
