"""Whether a caption answers a question rightly, and how far to believe who says so."""
