"""What bodies do, read off their points, in words."""
