"""A storyboard animatic from a caption's text alone, on a CPU."""
