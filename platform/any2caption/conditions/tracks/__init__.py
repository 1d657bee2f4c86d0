"""Two-dimensional tracks of points and objects."""
