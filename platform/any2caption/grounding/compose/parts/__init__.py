"""The parts of a caption, one module each."""
