"""Annotation: make conditions, six-part captions and short prompts for records that lack them."""
