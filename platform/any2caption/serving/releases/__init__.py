"""A release: built, checked, tried, rolled out, watched, rolled back."""
